// SPDX-License-Identifier: Apache-2.0
//! Archives of the install tree below one top folder, `<package>_<version>_<arch>/`.
//!
//! Entries are sorted, belong to 0:0 without names, and carry the time of the source, so equal
//! trees give equal bytes. Files are streamed.

use crate::compress::Compressor;
use crate::format::{Job, Product};
use crate::tree::Kind;
use artifact::FileKind;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};
use toolkit::{Result, ResultExt};

/// Makes the archive with this ending.
pub fn make<C: Compressor>(job: &Job<'_>, ending: &str) -> Result<Vec<Product>> {
    let top = job.subject.stem();
    let name = format!("{top}.{ending}");
    let path = job.bundle.join(&name);
    write::<C>(job, top, &path).with_context(|| format!("could not write {}", path.display()))?;
    let purpose = "the install tree, to unpack anywhere";
    Ok(vec![Product { name: name.parse()?, kind: FileKind::Archive, purpose, soname: None }])
}

fn write<C: Compressor>(job: &Job<'_>, top: String, path: &Path) -> io::Result<()> {
    let mut archive = Archive::<C>::begin(path, top, job.subject.time)?;
    for entry in job.tree.entries() {
        let name = Path::new(&entry.path);
        match &entry.kind {
            Kind::Folder => archive.folder(name)?,
            Kind::Symlink { target } => archive.link(name, Path::new(target))?,
            Kind::File { size, .. } => {
                let source = job.tree.root().join(name);
                let mut content = Exactly { file: File::open(&source)?, left: *size };
                archive.file(name, entry.mode(), *size, &mut content)?;
                content.is_over(&source)?;
            }
        }
    }
    archive.finish()
}

/// An archive with one top folder.
pub struct Archive<C: Compressor> {
    tar: Builder<C>,
    top: PathBuf,
    time: u64,
}

impl<C: Compressor> Archive<C> {
    /// Begins a new file whose entries carry this time, in seconds since the epoch.
    pub fn begin(path: &Path, top: String, time: u32) -> io::Result<Self> {
        let compressor = C::begin(crate::file::create(path, 0o644)?)?;
        let mut archive = Self { tar: Builder::new(compressor), top: top.into(), time: time.into() };
        archive.folder(Path::new(""))?;
        Ok(archive)
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: &Path) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, 0o755, 0);
        // With the slash at its end that tar gives it.
        let path = self.top.join(path).join("");
        self.tar.append_data(&mut header, path, io::empty())
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let mut header = self.header(EntryType::Symlink, 0o777, 0);
        self.tar.append_link(&mut header, self.top.join(path), target)
    }

    /// Adds a file, whose content must have the size.
    pub fn file(&mut self, path: &Path, mode: u32, size: u64, content: impl Read) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, mode, size);
        self.tar.append_data(&mut header, self.top.join(path), content)
    }

    /// Writes what is left.
    pub fn finish(self) -> io::Result<()> {
        self.tar.into_inner()?.finish()?.sync_all()
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_size(size);
        header
    }
}

/// A file of a known size: if it changes meanwhile, the archive would be broken.
struct Exactly {
    file: File,
    left: u64,
}

impl Exactly {
    fn is_over(&mut self, source: &Path) -> io::Result<()> {
        let more = self.file.read(&mut [0u8; 1])?;
        if self.left == 0 && more == 0 {
            return Ok(());
        }
        Err(io::Error::other(format!("{} changed while it was being packaged", source.display())))
    }
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..wanted) else { return Ok(0) };
        let count = self.file.read(buffer)?;
        self.left -= count as u64;
        Ok(count)
    }
}
