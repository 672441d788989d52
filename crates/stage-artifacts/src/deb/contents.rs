// SPDX-License-Identifier: Apache-2.0
//! What lies in a Debian package: digests, sizes, configuration files.

use crate::file::hex;
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The content of a package's root, without its control files.
#[derive(Debug, Default)]
pub struct Contents {
    /// MD5 digest of each regular file by path, as Debian's tools compare them.
    digests: BTreeMap<String, String>,
    /// Disk space in KiB as Debian counts it.
    pub installed_size: u64,
}

impl Contents {
    /// Reads what is below a root.
    pub fn of(root: &Path) -> io::Result<Self> {
        let mut contents = Self::default();
        contents.add_folder(root, "")?;
        Ok(contents)
    }

    fn add_folder(&mut self, root: &Path, below: &str) -> io::Result<()> {
        for item in fs::read_dir(root.join(below))? {
            let item = item?;
            let name = item.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            let kind = item.file_type()?;
            if kind.is_file() {
                let (digest, size) = digest(&item.path())?;
                self.digests.insert(path, digest);
                self.installed_size += size.div_ceil(1024);
                continue;
            }
            // Folders and links count as one block.
            self.installed_size += 1;
            if kind.is_dir() {
                self.add_folder(root, &path)?;
            }
        }
        Ok(())
    }

    /// The file `md5sums`.
    pub fn md5sums(&self) -> String {
        self.digests.iter().fold(String::new(), |mut text, (path, digest)| {
            let _ = writeln!(text, "{digest}  {path}");
            text
        })
    }

    /// Files below `etc` are the administrator's to change.
    pub fn conffiles(&self) -> String {
        self.digests.keys().filter(|path| path.starts_with("etc/")).fold(String::new(), |mut text, path| {
            let _ = writeln!(text, "/{path}");
            text
        })
    }
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut digest = Md5::new();
    let mut buffer = vec![0u8; 128 * 1024];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        digest.update(bytes);
        size += count as u64;
    }
    Ok((hex(&digest.finalize()), size))
}
