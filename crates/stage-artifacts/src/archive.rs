//! Archives of the install tree below one top folder, `<package>_<version>_<arch>/`.
//!
//! Entries are sorted, belong to 0:0 without names, and carry the time of the source, so equal
//! trees give equal bytes. Files are streamed.

use crate::compress::Compressor;
use crate::format::{Job, Product};
use crate::tree::{Entry, Kind};
use artifact::FileKind;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};
use toolkit::{Result, ResultExt};

/// Makes the archive with this ending.
pub fn make<C: Compressor>(job: &Job<'_>, ending: &str) -> Result<Vec<Product>> {
    let top = job.subject.stem();
    let name = format!("{top}.{ending}");
    let path = job.bundle.join(&name);
    write::<C>(job, &top, &path).with_context(|| format!("could not write {}", path.display()))?;
    let purpose = "the install tree, to unpack anywhere";
    Ok(vec![Product { name: name.parse()?, kind: FileKind::Archive, purpose, soname: None }])
}

fn write<C: Compressor>(job: &Job<'_>, top: &str, path: &Path) -> io::Result<()> {
    let compressor = C::begin(crate::file::create(path, 0o644)?)?;
    let mut tar = Archive { tar: Builder::new(compressor), time: job.subject.time.into() };
    tar.folder(top)?;
    for entry in job.tree.entries() {
        tar.entry(top, entry, &job.tree.root().join(&entry.path))?;
    }
    tar.tar.into_inner()?.finish()?.sync_all()
}

struct Archive<W: Write> {
    tar: Builder<W>,
    time: u64,
}

impl<W: Write> Archive<W> {
    fn folder(&mut self, path: &str) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, 0o755, 0);
        self.tar.append_data(&mut header, format!("{path}/"), io::empty())
    }

    fn entry(&mut self, top: &str, entry: &Entry, source: &Path) -> io::Result<()> {
        let path = format!("{top}/{}", entry.path);
        match &entry.kind {
            Kind::Folder => self.folder(&path),
            Kind::Symlink { target } => {
                let mut header = self.header(EntryType::Symlink, entry.mode(), 0);
                self.tar.append_link(&mut header, path, target)
            }
            Kind::File { size, .. } => {
                let mut header = self.header(EntryType::Regular, entry.mode(), *size);
                let mut content = Exactly { file: File::open(source)?, left: *size };
                self.tar.append_data(&mut header, path, &mut content)?;
                content.is_over(source)
            }
        }
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
