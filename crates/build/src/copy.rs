// SPDX-License-Identifier: Apache-2.0
//! Copies of source trees, for build systems that would write into the original.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use toolkit::{Result, ResultExt};

/// How to copy.
pub struct Copy<'a> {
    /// What stays behind: files and folders by their full path.
    pub without: &'a [&'a Path],
    /// When the copies were changed last, in seconds since the epoch; now if there is no time.
    pub time: Option<u64>,
}

impl Copy<'_> {
    /// Copies a folder to where nothing is yet. Links stay links; sockets and the like stay behind.
    pub fn folder(&self, from: &Path, to: &Path) -> Result<()> {
        let doing = || format!("could not copy {}", from.display());
        fs::create_dir_all(to).with_context(|| format!("could not make {}", to.display()))?;
        for entry in fs::read_dir(from).with_context(doing)? {
            let entry = entry.with_context(doing)?;
            let (path, copy) = (entry.path(), to.join(entry.file_name()));
            if self.without.contains(&path.as_path()) {
                continue;
            }
            let kind = entry.file_type().with_context(doing)?;
            if kind.is_dir() {
                self.folder(&path, &copy)?;
            } else if kind.is_symlink() {
                fs::read_link(&path).and_then(|target| symlink(target, &copy)).with_context(doing)?;
            } else if kind.is_file() {
                self.file(&path, &copy).with_context(|| format!("could not copy {}", path.display()))?;
            }
        }
        Ok(())
    }

    fn file(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::copy(from, to)?;
        match self.time.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))) {
            // Reading suffices for the owner; the file may be read-only.
            Some(time) => File::open(to)?.set_modified(time),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_what_is_wanted_at_one_time() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for file in ["a", "sub/b", "sub/build/c", "install/d"] {
            fs::create_dir_all(from.join(file).parent().unwrap()).unwrap();
            fs::write(from.join(file), file).unwrap();
        }
        symlink("../nowhere", from.join("sub/link")).unwrap();
        let mut read_only = fs::metadata(from.join("a")).unwrap().permissions();
        read_only.set_readonly(true);
        fs::set_permissions(from.join("a"), read_only).unwrap();

        let copy = Copy { without: &[&from.join("sub/build"), &from.join("install")], time: Some(86400) };
        copy.folder(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("sub/b")).unwrap(), b"sub/b");
        assert_eq!(fs::read_link(to.join("sub/link")).unwrap(), Path::new("../nowhere"));
        assert!(!to.join("sub/build").exists() && !to.join("install").exists());
        let changed = fs::metadata(to.join("a")).unwrap().modified().unwrap();
        assert_eq!(changed.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 86400);
        assert!(copy.folder(&from.join("nowhere"), &to).is_err());
    }
}
