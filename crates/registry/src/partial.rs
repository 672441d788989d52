// SPDX-License-Identifier: Apache-2.0
//! A file on its way into a folder: written under a hidden name, hashed as it grows, renamed when
//! it is right.

use artifact::{FileEntry, Hasher, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Fewer bytes are hashed and written sooner than another thread gets to it.
pub(crate) const LITTLE: usize = 512 * 1024;

/// A partial file that is locked against other fetches into the same folder.
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    length: u64,
}

impl Partial {
    /// Opens what an earlier fetch has left, or an empty file; one that has grown beyond `size` is
    /// begun again. Waits for another fetch of the same file.
    pub fn open(path: PathBuf, size: u64) -> Result<Self> {
        let file = loop {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            // The one that we waited for may have given it its final name, or removed it.
            let (ours, there) = (file.metadata()?, path.symlink_metadata());
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                break file;
            }
        };
        let mut partial = Self { path, file, hasher: Hasher::default(), length: 0 };
        match partial.file.metadata()?.len() {
            0 => return Ok(partial),
            length if length > size => {
                partial.file.set_len(0)?;
                return Ok(partial);
            }
            _ => {}
        }
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = partial.file.read(&mut buffer)?;
            match buffer.get(..count) {
                Some(bytes) if count > 0 => partial.hasher.update(bytes),
                _ => return Ok(partial),
            }
            partial.length += count as u64;
        }
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digest of them.
    pub fn digest(&self) -> Sha256 {
        self.hasher.clone().finish()
    }

    /// Appends.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        /// Written at once. With more, Linux looks for larger free areas of memory to cache the
        /// file in, which takes longer than what it saves.
        const PIECE: usize = 128 * 1024;
        let Self { file, hasher, length, .. } = self;
        let mut hash = || hasher.update(bytes);
        let mut write = || bytes.chunks(PIECE).try_for_each(|piece| file.write_all(piece));
        if bytes.len() < LITTLE {
            hash();
            write()?;
        } else {
            // Writing and hashing both take their time, and neither needs the other.
            std::thread::scope(|scope| {
                let hashing = scope.spawn(hash);
                let written = write();
                hashing.join().map_err(|_| std::io::Error::other("hashing panicked"))?;
                written
            })?;
        }
        *length += bytes.len() as u64;
        Ok(())
    }

    /// Gives it its final name.
    pub fn keep(self, path: &Path) -> Result<()> {
        std::fs::rename(&self.path, path)
    }

    /// Removes it.
    pub fn discard(self) -> Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Whether a path is the file of the manifest.
pub(crate) fn holds(path: &Path, entry: &FileEntry) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() && meta.len() == entry.size => {
            Ok(File::open(path).and_then(Sha256::of_reader)?.0 == entry.sha256)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_fetch_waits_and_gets_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (path, end) = (folder.path().join(".a.part"), folder.path().join("a"));
        let mut first = Partial::open(path.clone(), 4).unwrap();
        first.append(b"abcd").unwrap();
        let second = std::thread::spawn(move || Partial::open(path, 4).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!second.is_finished());
        first.keep(&end).unwrap();
        let mut second = second.join().unwrap();
        assert_eq!(second.length(), 0);
        second.append(b"x").unwrap();
        assert_eq!(std::fs::read(&end).unwrap(), b"abcd", "what is finished stays as it is");
        second.discard().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
