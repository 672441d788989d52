// SPDX-License-Identifier: Apache-2.0
//! The install tree appears whole or not at all: it is filled under another name and renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// Refuses a folder that holds something and was not made by an earlier build of ours.
pub fn check(destdir: &Path, ours: &[PathBuf]) -> Result<()> {
    let shown = destdir.display();
    let meta = match destdir.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("could not look at {shown}")),
    };
    if !meta.is_dir() {
        return Err(Failure::input(format!("the install tree {shown} is not a folder")));
    }
    if ours.iter().any(|known| known == destdir) || is_empty(destdir)? {
        return Ok(());
    }
    Err(Failure::input(format!("the install tree {shown} exists already and this build did not make it"))
        .help("remove it, or choose another destdir"))
}

fn is_empty(folder: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    Ok(entries.next().is_none())
}

/// Lets `fill` write the tree, then puts it in place of the old one.
pub fn whole(destdir: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Tree> {
    let new = Scratch::beside(destdir, "new")?;
    fs::create_dir(&new.0).with_context(|| format!("could not make {}", new.0.display()))?;
    fill(&new.0)?;
    let tree = Tree::of(&new.0).with_context(|| format!("could not read {}", new.0.display()))?;
    let old = Scratch::beside(destdir, "old")?;
    if destdir.exists() {
        fs::rename(destdir, &old.0).with_context(|| format!("could not replace {}", destdir.display()))?;
    }
    if let Err(error) = fs::rename(&new.0, destdir) {
        // Without the new tree the old one stays; there may have been none.
        let _ = fs::rename(&old.0, destdir);
        return Err(error).with_context(|| format!("could not make {}", destdir.display()));
    }
    Ok(tree)
}

/// A folder beside the tree, so that a rename suffices; it goes away with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(destdir: &Path, purpose: &str) -> Result<Self> {
        let parent = destdir.parent().ok_or_else(|| Failure::input("the install tree has no parent folder"))?;
        fs::create_dir_all(parent).with_context(|| format!("could not make {}", parent.display()))?;
        let name = destdir.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self(parent.join(format!(".{name}.{purpose}-{}", std::process::id()))))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is gone already when it was renamed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What an install tree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Files and links.
    pub files: usize,
    /// Bytes in files.
    pub bytes: u64,
}

impl Tree {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                let below = Self::of(&entry.path())?;
                tree.files += below.files;
                tree.bytes += below.bytes;
            } else {
                tree.files += 1;
                tree.bytes += if meta.is_file() { meta.len() } else { 0 };
            }
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_replaces_the_old_one_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let destdir = folder.path().join("install");
        for content in ["first", "second!"] {
            let tree = whole(&destdir, |new| Ok(fs::write(new.join(content), content)?)).unwrap();
            assert_eq!(tree, Tree { files: 1, bytes: content.len() as u64 });
        }
        assert!(destdir.join("second!").is_file() && !destdir.join("first").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_failed_installation_leaves_the_old_tree() {
        let folder = tempfile::tempdir().unwrap();
        let destdir = folder.path().join("install");
        whole(&destdir, |new| Ok(fs::write(new.join("a"), "")?)).unwrap();
        whole(&destdir, |_| Err(Failure::work("no"))).unwrap_err();
        assert!(destdir.join("a").is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_stranger_s_folder_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let destdir = folder.path().join("home");
        check(&destdir, &[]).unwrap();
        fs::create_dir(&destdir).unwrap();
        check(&destdir, &[]).unwrap();
        fs::write(destdir.join("thesis"), "").unwrap();
        check(&destdir, std::slice::from_ref(&destdir)).unwrap();
        assert_eq!(check(&destdir, &[]).unwrap_err().status().code(), 2);
        assert_eq!(check(&destdir.join("thesis"), &[]).unwrap_err().status().code(), 2);
    }
}
