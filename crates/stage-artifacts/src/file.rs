// SPDX-License-Identifier: Apache-2.0
//! Writing files whose mode does not depend on the umask.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use toolkit::{Result, ResultExt};

/// Creates a file that is not there yet.
pub fn create(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Creates a file with this content.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    let written = create(path, 0o644).and_then(|mut file| file.write_all(content));
    written.with_context(|| format!("could not write {}", path.display()))
}

/// Creates a folder, and those above it.
pub fn folder(path: &Path) -> Result<()> {
    let mut missing = Vec::new();
    let mut here = Some(path);
    while let Some(folder) = here.filter(|folder| !folder.exists()) {
        missing.push(folder);
        here = folder.parent();
    }
    for folder in missing.into_iter().rev() {
        make_folder(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    }
    Ok(())
}

/// Creates one folder.
pub fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Copies a file to a new place.
pub fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let copied = fs::copy(from, to).and_then(|_| fs::set_permissions(to, Permissions::from_mode(mode)));
    copied.with_context(|| format!("could not copy {} to {}", from.display(), to.display()))
}

/// Sets the mode of what a program has made.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .with_context(|| format!("could not set the mode of {}", path.display()))
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
