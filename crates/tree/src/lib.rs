// SPDX-License-Identifier: Apache-2.0
//! Reads an install tree for its digest. It follows no link, waits for no pipe, and changes nothing.

use artifact::{Sha256, TreeEntry, TreeListing, TreeNode};
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {}", .path.display())]
pub struct ReadError {
    /// The entry.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Lists everything below a folder.
pub fn read(root: &Path) -> Result<TreeListing, ReadError> {
    let mut entries = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let folder = root.join(&below);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ReadError { path, source }
        };
        for item in fs::read_dir(&folder).map_err(failed(&folder))? {
            let item = item.map_err(failed(&folder))?;
            let path = below.join(item.file_name());
            let (mode, node) = node(&item.path()).map_err(failed(&item.path()))?;
            entries.push(TreeEntry { path: path.as_os_str().as_bytes().to_vec(), mode, node: node.clone() });
            if node == TreeNode::Folder {
                folders.push(path);
            }
        }
    }
    Ok(TreeListing::new(entries))
}

/// The digest of the tree below a folder.
pub fn digest(root: &Path) -> Result<Sha256, ReadError> {
    Ok(read(root)?.digest())
}

fn node(path: &Path) -> io::Result<(u32, TreeNode)> {
    let meta = path.symlink_metadata()?;
    let kind = meta.file_type();
    let mode = meta.permissions().mode() & 0o7777;
    if kind.is_dir() {
        return Ok((mode, TreeNode::Folder));
    }
    if kind.is_symlink() {
        let target = fs::read_link(path)?;
        return Ok((0o777, TreeNode::Link { target: target.as_os_str().as_bytes().to_vec() }));
    }
    if kind.is_file() {
        let file = open(path)?;
        // Of what was opened: the entry may have been replaced since.
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("it was replaced while it was read"));
        }
        let (sha256, size) = Sha256::of_reader(file)?;
        return Ok((meta.permissions().mode() & 0o7777, TreeNode::File { size, sha256 }));
    }
    let letters = [(kind.is_fifo(), 'p'), (kind.is_socket(), 's'), (kind.is_block_device(), 'b')];
    let letter = letters.iter().find(|(is_it, _)| *is_it).map_or('c', |(_, letter)| *letter);
    Ok((mode, TreeNode::Special(letter)))
}

fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    /// The listing as anybody can make it.
    const BY_HAND: &str = r#"
        cd "$1" && printf 'vaccel-ci tree 1\n'
        find . -mindepth 1 -printf '%P\0' | LC_ALL=C sort -z | while IFS= read -r -d '' path; do
            type=$(find "./$path" -maxdepth 0 -printf %y) mode=755
            size=0 content=
            case $type in
            f)
                case $(stat -c %A "./$path") in -??[xs]*) ;; *) mode=644 ;; esac
                case $(stat -c %A "./$path") in -??[sS]*) mode=4$mode ;; esac
                size=$(stat -c %s "./$path") content=$(sha256sum <"./$path" | cut -c -64) ;;
            l) mode=777 content=$(readlink "./$path") size=${#content} ;;
            p) mode=644 ;;
            esac
            printf '%s %s %s %s\0%s\0\n' "$type" "$mode" "$size" "$path" "$content"
        done"#;

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("usr/lib/empty")).unwrap();
        for (name, content, mode) in
            [("usr/lib/libx.so.1", "library", 0o644), ("usr-local", "", 0o4755), ("usr/two words\n", "x", 0o600)]
        {
            fs::write(path(name), content).unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
        }
        symlink("libx.so.1", path("usr/lib/libx.so")).unwrap();
        symlink("/nowhere", path("usr/lib/dangling")).unwrap();
        assert!(Command::new("mkfifo").arg(path("usr/pipe")).status().unwrap().success());
        folder
    }

    #[test]
    fn anybody_can_compute_the_digest() {
        let folder = tree();
        let by_hand = Command::new("bash").args(["-c", BY_HAND, "bash"]).arg(folder.path()).output().unwrap();
        assert!(by_hand.status.success(), "{by_hand:?}");
        assert_eq!(digest(folder.path()).unwrap(), Sha256::of(&by_hand.stdout));
    }

    #[test]
    fn a_swap_that_restores_size_and_time_is_a_change() {
        let folder = tree();
        let library = folder.path().join("usr/lib/libx.so.1");
        let before = read(folder.path()).unwrap();
        let time = library.metadata().unwrap().modified().unwrap();
        fs::write(&library, "malware").unwrap();
        File::options().write(true).open(&library).unwrap().set_modified(time).unwrap();
        let changes: Vec<_> = before.changes(&read(folder.path()).unwrap()).iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["usr/lib/libx.so.1 (changed)"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tree();
        let missing = folder.path().join("missing");
        let error = read(&missing).unwrap_err();
        assert_eq!(error.path, missing);
        assert!(error.to_string().starts_with("failed to read /"), "{error}");
        // A link in place of the root is not the tree.
        symlink(folder.path(), &missing).unwrap();
        assert!(read(&missing).is_ok(), "the root may be a link: it is the caller's");
    }
}
