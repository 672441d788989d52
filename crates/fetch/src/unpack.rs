// SPDX-License-Identifier: Apache-2.0
//! Unpacking an archive of ours: one top folder, and nothing that leaves the target.

use flate2::read::GzDecoder;
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use tar::{Archive, EntryType};

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It could not be read, or a file not written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// An entry that would leave the target, or is no file, folder or link.
    #[error("the entry {path:?} was refused: {reason}")]
    Refused {
        /// The entry.
        path: String,
        /// Why.
        reason: &'static str,
    },
}

/// Unpacks beside the target first and then moves entry by entry, so that a refused archive leaves
/// nothing. Gives the number of entries.
pub fn unpack(archive: &Path, target: &Path) -> Result<usize, UnpackError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| UnpackError::Io { path, source }
    };
    std::fs::create_dir_all(target).map_err(failed(target))?;
    let staging = tempfile::Builder::new().prefix(".unpack-").tempdir_in(target).map_err(failed(target))?;
    let mut reader = Archive::new(GzDecoder::new(File::open(archive).map_err(failed(archive))?));
    reader.set_preserve_mtime(true);
    reader.set_preserve_permissions(true);
    let mut count = 0;
    for entry in reader.entries().map_err(failed(archive))? {
        let mut entry = entry.map_err(failed(archive))?;
        let path = entry.path().map_err(failed(archive))?.into_owned();
        let link = entry.link_name().map_err(failed(archive))?.map(std::borrow::Cow::into_owned);
        let Some(inside) = inside(&path, entry.header().entry_type(), link.as_deref())? else { continue };
        let place = staging.path().join(&inside);
        let below_link = place.ancestors().skip(1).take_while(|path| *path != staging.path()).any(Path::is_symlink);
        if below_link {
            return Err(UnpackError::Refused { path: path.display().to_string(), reason: "it lies below a link" });
        }
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        entry.unpack(&place).map_err(failed(&place))?;
        count += 1;
    }
    merge(staging.path(), target).map_err(failed(target))?;
    Ok(count)
}

/// The path without the top folder; `None` for the top folder itself.
fn inside(path: &Path, kind: EntryType, link: Option<&Path>) -> Result<Option<PathBuf>, UnpackError> {
    let refused = |reason| UnpackError::Refused { path: path.display().to_string(), reason };
    if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(refused("it leaves the archive"));
    }
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    let _top = parts.next();
    let inside: PathBuf = parts.collect();
    match kind {
        EntryType::Regular | EntryType::Directory => {}
        EntryType::Symlink => {
            let parent = inside.parent().unwrap_or(Path::new(""));
            if !stays(parent, link.unwrap_or(Path::new(""))) {
                return Err(refused("its link leads outside"));
            }
        }
        _ => return Err(refused("it is no file, folder or symbolic link")),
    }
    Ok((!inside.as_os_str().is_empty()).then_some(inside))
}

/// Whether a link in a folder leads to a place below the top. It may go up at its beginning only:
/// `a/..` is not the folder that it seems to be where `a` is a link.
fn stays(folder: &Path, link: &Path) -> bool {
    let up = link.components().take_while(|part| *part == Component::ParentDir).count();
    let rest = || link.components().skip(up);
    up <= folder.components().count() && rest().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn merge(from: &Path, to: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        let both_folders = entry.file_type()?.is_dir() && place.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        if both_folders {
            merge(&entry.path(), &place)?;
        } else {
            std::fs::rename(entry.path(), &place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn archive(folder: &Path, entries: &[(&str, EntryType, &str)]) -> PathBuf {
        let path = folder.join("a.tar.gz");
        let mut builder = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            // Straight into the header: the builder itself refuses hostile names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            if *kind == EntryType::Regular {
                header.set_size(content.len() as u64);
                header.set_cksum();
                builder.append(&header, content.as_bytes()).unwrap();
            } else {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, io::empty()).unwrap();
            }
        }
        builder.into_inner().unwrap().finish().unwrap();
        path
    }

    #[test]
    fn the_tree_comes_without_its_top_folder_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(
            folder.path(),
            &[
                ("p_1_x/", EntryType::Directory, ""),
                ("p_1_x/usr/lib/liba.so.1.0", EntryType::Regular, "elf"),
                ("p_1_x/usr/lib/liba.so.1", EntryType::Symlink, "liba.so.1.0"),
                ("p_1_x/usr/bin/up", EntryType::Symlink, "../lib/liba.so.1"),
            ],
        );
        let target = folder.path().join("prefix");
        for _ in 0..2 {
            assert_eq!(unpack(&path, &target).unwrap(), 3);
            assert_eq!(std::fs::read_to_string(target.join("usr/bin/up")).unwrap(), "elf");
        }
        assert_eq!(std::fs::read_dir(&target).unwrap().count(), 1, "nothing but usr/");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let entries = [("p/usr/l", EntryType::Symlink, "lib"), ("p/usr/l/x", EntryType::Regular, "x")];
        let path = archive(folder.path(), &entries);
        assert!(matches!(unpack(&path, &folder.path().join("prefix")), Err(UnpackError::Refused { .. })));
    }

    #[test]
    fn entries_that_leave_are_refused_and_leave_nothing() {
        let cases = [
            ("a parent", ("p/../../evil", EntryType::Regular, "x")),
            ("an absolute path", ("/evil", EntryType::Regular, "x")),
            ("an absolute link", ("p/usr/l", EntryType::Symlink, "/etc/passwd")),
            ("a link upwards", ("p/usr/l", EntryType::Symlink, "../../x")),
            ("a link through a link", ("p/usr/l", EntryType::Symlink, "a/../../x")),
            ("a hard link", ("p/usr/l", EntryType::Link, "/etc/passwd")),
            ("a device", ("p/usr/d", EntryType::Char, "")),
        ];
        for (name, entry) in cases {
            let folder = tempfile::tempdir().unwrap();
            let path = archive(folder.path(), &[("p/usr/good", EntryType::Regular, "x"), entry]);
            let target = folder.path().join("prefix");
            assert!(matches!(unpack(&path, &target), Err(UnpackError::Refused { .. })), "{name}");
            assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0, "{name}");
        }
    }
}
