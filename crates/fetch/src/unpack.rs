// SPDX-License-Identifier: Apache-2.0
//! Unpacking an archive of ours: one top folder, nothing that leaves the target, and no more than is
//! allowed.
//!
//! Headers are read one by one, those for long names included, so that none of them decides how much
//! memory or which rights it gets.

use crate::compression::Compression;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};
use tar::{Archive, Entry, EntryType, PaxExtensions};

/// How long an extension header may be: paths have 4096 bytes at most.
const EXTENSION: u64 = 64 * 1024;

/// What may come after the last entry: tar fills its last block up.
const TRAILER: u64 = 1024 * 1024;

/// How much may be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files, folders, links and headers.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
}

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
    /// There is nothing to unpack.
    #[error("it has no files")]
    Empty,
    /// More than is allowed.
    #[error("it has more than {limit} {what}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
        /// The input that allows more.
        input: &'static str,
    },
}

/// Unpacks beside the target first and then moves entry by entry, so that a refused archive leaves
/// nothing. Returns the number of files, folders and links.
pub fn unpack(archive: &Path, compression: Compression, target: &Path, limits: Limits) -> Result<usize, UnpackError> {
    fs::create_dir_all(target).map_err(failed(target))?;
    let staging = tempfile::Builder::new().prefix(".unpack-").tempdir_in(target).map_err(failed(target))?;
    let content = File::open(archive).and_then(|file| compression.open(file)).map_err(failed(archive))?;
    let mut reader = Archive::new(content);
    let mut unpacking = Unpacking { root: staging.path(), limits, headers: 0, bytes: 0, count: 0 };
    let mut extension = Extension::default();
    for entry in reader.entries().map_err(failed(archive))?.raw(true) {
        let mut entry = entry.map_err(failed(archive))?;
        unpacking.count_header()?;
        match entry.header().entry_type() {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => extension.read(&mut entry)?,
            // Of the archive as a whole, such as the commit that git made it of.
            EntryType::XGlobalHeader => drop(extension_text(&mut entry)?),
            _ => unpacking.entry(&mut entry, std::mem::take(&mut extension))?,
        }
    }
    let count = unpacking.count;
    if count == 0 {
        return Err(UnpackError::Empty);
    }
    // What ends the compressed stream, its checksum, is read as well.
    io::copy(&mut reader.into_inner().take(TRAILER), &mut io::sink()).map_err(failed(archive))?;
    merge(staging.path(), target).map_err(failed(target))?;
    Ok(count)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> UnpackError {
    let path = path.display().to_string();
    move |source| UnpackError::Io { path: path.clone(), source }
}

/// What extension headers say of the entry after them.
#[derive(Default)]
struct Extension {
    path: Option<PathBuf>,
    link: Option<PathBuf>,
}

impl Extension {
    fn read(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), UnpackError> {
        let kind = entry.header().entry_type();
        let text = extension_text(entry)?;
        let name = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let without_zeros = || text.split(|byte| *byte == 0).next().unwrap_or_default();
        match kind {
            EntryType::GNULongName => self.path = Some(name(without_zeros())),
            EntryType::GNULongLink => self.link = Some(name(without_zeros())),
            _ => {
                for record in PaxExtensions::new(&text) {
                    let record = record.map_err(failed(Path::new("an extension header")))?;
                    match record.key_bytes() {
                        b"path" => self.path = Some(name(record.value_bytes())),
                        b"linkpath" => self.link = Some(name(record.value_bytes())),
                        // They would make the entry another one than its header says.
                        key if key == b"size" || key.starts_with(b"GNU.sparse") => {
                            return Err(refused(entry, "an extension header changes its size"));
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

fn extension_text(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, UnpackError> {
    if entry.size() > EXTENSION {
        return Err(refused(entry, "its extension header is longer than any name"));
    }
    let mut text = Vec::new();
    entry.read_to_end(&mut text).map_err(failed(Path::new("an extension header")))?;
    Ok(text)
}

fn refused(entry: &Entry<'_, impl Read>, reason: &'static str) -> UnpackError {
    UnpackError::Refused { path: String::from_utf8_lossy(&entry.path_bytes()).into_owned(), reason }
}

struct Unpacking<'a> {
    root: &'a Path,
    limits: Limits,
    headers: u64,
    bytes: u64,
    count: usize,
}

impl Unpacking<'_> {
    fn count_header(&mut self) -> Result<(), UnpackError> {
        self.headers += 1;
        let limit = self.limits.entries;
        if self.headers <= limit {
            return Ok(());
        }
        Err(UnpackError::Limit { what: "entries", limit, input: "max-entries" })
    }

    fn count_bytes(&mut self, size: u64) -> Result<(), UnpackError> {
        self.bytes = self.bytes.saturating_add(size);
        let limit = self.limits.bytes;
        if self.bytes <= limit {
            return Ok(());
        }
        Err(UnpackError::Limit { what: "bytes", limit, input: "max-unpacked-size" })
    }

    fn entry(&mut self, entry: &mut Entry<'_, impl Read>, extension: Extension) -> Result<(), UnpackError> {
        let name = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let path = extension.path.unwrap_or_else(|| name(&entry.header().path_bytes()));
        let link = extension.link.or_else(|| entry.header().link_name_bytes().map(|bytes| name(&bytes)));
        let kind = entry.header().entry_type();
        let refused = |reason| UnpackError::Refused { path: path.display().to_string(), reason };
        let Some(inside) = inside(&path, kind, link.as_deref())? else { return Ok(()) };
        let place = self.root.join(&inside);
        if place.ancestors().skip(1).take_while(|path| *path != self.root).any(Path::is_symlink) {
            return Err(refused("it lies below a link"));
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        let there = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => refused("it is in the archive twice"),
            _ => failed(&place)(error),
        };
        match kind {
            EntryType::Directory => fs::create_dir_all(&place).map_err(there)?,
            EntryType::Symlink => symlink(link.unwrap_or_default(), &place).map_err(there)?,
            _ => {
                let size = entry.size();
                self.count_bytes(size)?;
                let mut file = OpenOptions::new().write(true).create_new(true).open(&place).map_err(there)?;
                if io::copy(entry, &mut file).map_err(failed(&place))? != size {
                    return Err(refused("the archive ends in it"));
                }
                settle(&file, entry).map_err(failed(&place))?;
            }
        }
        self.count += 1;
        Ok(())
    }
}

/// Gives a file the mode and the time of its entry. Nobody gets more rights by a mode: it says only whether the file can
/// be executed.
fn settle(file: &File, entry: &Entry<'_, impl Read>) -> io::Result<()> {
    let executable = entry.header().mode()? & 0o100 != 0;
    file.set_permissions(Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(entry.header().mtime()?));
    time.map_or(Ok(()), |time| file.set_modified(time))
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
    use std::fmt::Write as _;
    use std::io::Write as _;

    const LIMITS: Limits = Limits { entries: 100, bytes: 1_000_000 };

    /// An entry by name, kind, content or target.
    type Item<'a> = (&'a str, EntryType, &'a str);

    /// A tar file with these entries as they are: the builder itself refuses hostile ones.
    fn tar(entries: &[Item]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o7777);
            header.set_mtime(1_767_323_045);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if is_link {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            let content = if is_link { "" } else { content };
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn compressed(compression: Compression, content: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(content).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstandard => zstd::encode_all(content, 1).unwrap(),
        }
    }

    struct Scene(tempfile::TempDir);

    impl Scene {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn target(&self) -> PathBuf {
            self.0.path().join("prefix")
        }

        fn unpack_with(&self, compression: Compression, bytes: &[u8], limits: Limits) -> Result<usize, UnpackError> {
            let path = self.0.path().join("archive");
            fs::write(&path, bytes).unwrap();
            unpack(&path, compression, &self.target(), limits)
        }

        fn unpack(&self, tar: &[u8]) -> Result<usize, UnpackError> {
            self.unpack_with(Compression::Gzip, &compressed(Compression::Gzip, tar), LIMITS)
        }

        /// Nothing is left where nothing was unpacked.
        fn refuse(&self, name: &str, tar: &[u8]) -> String {
            let error = self.unpack(tar).map(|_| ()).unwrap_err();
            assert_eq!(fs::read_dir(self.target()).unwrap().count(), 0, "{name}");
            error.to_string()
        }
    }

    #[test]
    fn the_tree_comes_without_its_top_folder_however_it_is_compressed() {
        let entries = [
            ("p_1_x/", EntryType::Directory, ""),
            ("p_1_x/usr/lib/liba.so.1.0", EntryType::Regular, "elf"),
            ("p_1_x/usr/lib/liba.so.1", EntryType::Symlink, "liba.so.1.0"),
            ("p_1_x/usr/bin/up", EntryType::Symlink, "../lib/liba.so.1"),
        ];
        for (ending, compression) in Compression::ENDINGS {
            let scene = Scene::new();
            assert_eq!(Compression::of(&format!("p_1_x{ending}")), Some(compression));
            let bytes = compressed(compression, &tar(&entries));
            // Parallel compressors make several streams, one after the other.
            let content = tar(&entries);
            let (first, second) = content.split_at(700);
            let parts = [compressed(compression, first), compressed(compression, second)].concat();
            for bytes in [bytes, parts] {
                assert_eq!(scene.unpack_with(compression, &bytes, LIMITS).unwrap(), 3, "{ending}");
                assert_eq!(fs::read_to_string(scene.target().join("usr/bin/up")).unwrap(), "elf");
            }
            assert_eq!(fs::read_dir(scene.target()).unwrap().count(), 1, "nothing but usr/");
        }
        for name in ["a.zip", "a.tar.bz2", "a.gz", "a.deb"] {
            assert_eq!(Compression::of(name), None, "{name}");
        }
    }

    #[test]
    fn rights_are_not_unpacked() {
        let scene = Scene::new();
        let entries = [("p/usr/bin/x", EntryType::Regular, "x"), ("p/usr/share/", EntryType::Directory, "")];
        scene.unpack(&tar(&entries)).unwrap();
        let meta = fs::metadata(scene.target().join("usr/bin/x")).unwrap();
        assert_eq!(meta.permissions().mode() & 0o7777, 0o755);
        assert_eq!(meta.modified().unwrap(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045));
        let mode = fs::metadata(scene.target().join("usr/share")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7022, 0, "{mode:o}");
    }

    #[test]
    fn long_names_are_those_of_the_extension_headers() {
        let long = format!("p/usr/share/{}/{}", "d".repeat(150), "f".repeat(150));
        let target = format!("{}/x", "t".repeat(150));
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(1);
        builder.append_data(&mut header, &long, &b"x"[..]).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "p/usr/link", &target).unwrap();
        // The same as other programs write it, beside a header that is about the whole archive.
        let record = |key: &str, value: &str| {
            let rest = key.len() + value.len() + 3;
            let length = (1..9).find(|digits| (rest + digits).to_string().len() == *digits).unwrap() + rest;
            format!("{length} {key}={value}\n")
        };
        let pax = [
            ("pax_global_header", EntryType::XGlobalHeader, record("comment", "0123")),
            ("h", EntryType::XHeader, record("path", &long.replace("share", "pax"))),
        ];
        let pax: Vec<_> = pax.iter().map(|(name, kind, text)| (*name, *kind, text.as_str())).collect();
        let more = tar(&[&pax[..], &[("short", EntryType::Regular, "y")]].concat());
        let gnu = builder.into_inner().unwrap();
        // Without the zeros that end the first.
        let both = [&gnu[..gnu.len() - 1024], &more].concat();
        let scene = Scene::new();
        assert_eq!(scene.unpack(&both).unwrap(), 3);
        let inside = long.strip_prefix("p/").unwrap();
        assert_eq!(fs::read_to_string(scene.target().join(inside)).unwrap(), "x");
        assert_eq!(fs::read_to_string(scene.target().join(inside.replace("share", "pax"))).unwrap(), "y");
        assert_eq!(fs::read_link(scene.target().join("usr/link")).unwrap(), Path::new(&target));
    }

    #[test]
    fn entries_that_leave_or_deceive_are_refused_and_leave_nothing() {
        let size = "10 size=9\n";
        let sparse = "22 GNU.sparse.major=1\n";
        let huge = "x".repeat(70_000);
        let cases: [(&str, &[Item]); 14] = [
            ("a parent", &[("p/../../evil", EntryType::Regular, "x")]),
            ("an absolute path", &[("/evil", EntryType::Regular, "x")]),
            ("an absolute link", &[("p/usr/l", EntryType::Symlink, "/etc/passwd")]),
            ("a link upwards", &[("p/usr/l", EntryType::Symlink, "../../x")]),
            ("a link through a link", &[("p/usr/l", EntryType::Symlink, "a/../../x")]),
            ("a file through a link", &[("p/l", EntryType::Symlink, "usr"), ("p/l/x", EntryType::Regular, "x")]),
            ("a hard link", &[("p/usr/l", EntryType::Link, "/etc/passwd")]),
            ("a device", &[("p/usr/d", EntryType::Char, "")]),
            ("a sparse file", &[("p/usr/s", EntryType::GNUSparse, "")]),
            ("twice", &[("p/usr/good", EntryType::Regular, "y")]),
            ("a long name upwards", &[("n", EntryType::GNULongName, "p/../x"), ("p/x", EntryType::Regular, "x")]),
            ("another size", &[("n", EntryType::XHeader, size), ("p/x", EntryType::Regular, "x")]),
            ("another shape", &[("n", EntryType::XHeader, sparse), ("p/x", EntryType::Regular, "x")]),
            ("a name of many bytes", &[("n", EntryType::GNULongName, &huge), ("p/x", EntryType::Regular, "x")]),
        ];
        let mut story = String::new();
        for (name, entries) in cases {
            let good = ("p/usr/good", EntryType::Regular, "x");
            let said = Scene::new().refuse(name, &tar(&[&[good], entries].concat()));
            writeln!(story, "{name}: {said}").unwrap();
        }
        insta::assert_snapshot!(story);
    }

    #[test]
    fn more_than_is_allowed_is_refused() {
        let file = ("p/usr/a", EntryType::Regular, "12345");
        let cases = [
            (Limits { entries: 2, bytes: 10 }, Ok(2)),
            (Limits { entries: 2, bytes: 9 }, Err("it has more than 9 bytes")),
            (Limits { entries: 1, bytes: 10 }, Err("it has more than 1 entries")),
        ];
        for (limits, expected) in cases {
            let bytes = tar(&[file, ("p/usr/b", EntryType::Regular, "67890")]);
            let result = Scene::new().unpack_with(Compression::Gzip, &compressed(Compression::Gzip, &bytes), limits);
            let result = result.map_err(|error| error.to_string());
            assert_eq!(result, expected.map_err(str::to_owned), "{limits:?}");
        }
        // Headers that bring no entry count as well.
        let names = [("n", EntryType::GNULongName, "p/usr/a"); 3];
        let limits = Limits { entries: 3, bytes: 10 };
        let bytes = compressed(Compression::Gzip, &tar(&[&names[..], &[file]].concat()));
        assert!(matches!(
            Scene::new().unpack_with(Compression::Gzip, &bytes, limits),
            Err(UnpackError::Limit { what: "entries", .. })
        ));
    }

    #[test]
    fn archives_that_are_cut_off_are_refused() {
        let whole = compressed(Compression::Gzip, &tar(&[("p/usr/a", EntryType::Regular, &"12345".repeat(1000))]));
        for length in [0, 5, whole.len() / 2, whole.len() - 9] {
            let scene = Scene::new();
            let result = scene.unpack_with(Compression::Gzip, &whole[..length], LIMITS);
            assert!(result.is_err(), "{length}: {result:?}");
            assert_eq!(fs::read_dir(scene.target()).unwrap().count(), 0, "{length}");
        }
    }
}
