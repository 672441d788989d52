// SPDX-License-Identifier: Apache-2.0
//! A bundle: a folder with files, `SHA256SUMS` and `manifest.json`.

use crate::{DocumentError, FileEntry, MANIFEST, Manifest, SHA256SUMS, Sha256, sha256sums};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A folder whose manifest has been read, and whose files are there in their sizes.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    manifest: Manifest,
    manifest_sha256: Sha256,
}

/// Why a folder is not a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// There is no manifest in it.
    #[error("{} is not a bundle: it has no {MANIFEST}", .0.display())]
    NoManifest(PathBuf),
    /// Its manifest says something that we do not accept.
    #[error("{} was refused: {source}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: DocumentError,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file differs from what the manifest says.
    #[error("{} is not the file of the manifest: {found} instead of {expected}", path.display())]
    Different {
        /// The file.
        path: PathBuf,
        /// Its size or digest.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// The digest list for `sha256sum` is not that of the manifest.
    #[error("{} is not the digest list of the manifest: {problem}", path.display())]
    Sums {
        /// The list.
        path: PathBuf,
        /// The first difference.
        problem: String,
    },
}

impl Bundle {
    /// Reads the manifest and checks that its files are there, in their sizes.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BundleError> {
        let folder = folder.into();
        let path = folder.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BundleError::NoManifest(folder)),
            Err(source) => return Err(BundleError::Io { path, source }),
        };
        let bundle = Self::check(folder, &text)?;
        bundle.check_sums()?;
        Ok(bundle)
    }

    /// Readers without manifest trust the list, so it must name the same files with the same digests.
    fn check_sums(&self) -> Result<(), BundleError> {
        let path = self.folder.join(SHA256SUMS);
        let text = std::fs::read(&path).map_err(|source| BundleError::Io { path: path.clone(), source })?;
        let problem = match sha256sums::parse(&String::from_utf8_lossy(&text)) {
            Ok(listed) => match sha256sums::difference(&listed, &self.manifest.files) {
                None => return Ok(()),
                Some(difference) => difference,
            },
            Err(error) => error.to_string(),
        };
        Err(BundleError::Sums { path, problem })
    }

    /// The bundle that this text makes of a folder.
    fn check(folder: PathBuf, text: &[u8]) -> Result<Self, BundleError> {
        let refused = |source| BundleError::Manifest { path: folder.join(MANIFEST), source };
        let manifest = Manifest::parse(text).map_err(refused)?;
        let bundle = Self { folder, manifest, manifest_sha256: Sha256::of(text) };
        for file in &bundle.manifest.files {
            let path = bundle.path(file);
            // A link could lead anywhere; a bundle holds its bytes itself.
            let meta = path.symlink_metadata().map_err(|source| BundleError::Io { path: path.clone(), source })?;
            if !meta.is_file() || meta.len() != file.size {
                let found =
                    if meta.is_file() { format!("{} bytes", meta.len()) } else { "not a regular file".to_owned() };
                return Err(BundleError::Different { path, found, expected: format!("{} bytes", file.size) });
            }
        }
        Ok(bundle)
    }

    /// Writes `SHA256SUMS` and then `manifest.json` beside the files, each whole or not at all. Writes
    /// nothing where [`Bundle::open`] would refuse the result.
    pub fn write(folder: impl Into<PathBuf>, manifest: &Manifest) -> Result<Self, BundleError> {
        let text = manifest.to_canonical_json();
        let bundle = Self::check(folder.into(), &text)?;
        write_whole(&bundle.folder, SHA256SUMS, sha256sums::render(&bundle.manifest.files).as_bytes())?;
        write_whole(&bundle.folder, MANIFEST, &text)?;
        Ok(bundle)
    }

    /// Reads every file and compares its digest.
    pub fn verify(&self) -> Result<(), BundleError> {
        self.manifest.files.iter().try_for_each(|file| {
            let path = self.path(file);
            let digest = File::open(&path).and_then(Sha256::of_reader);
            let (digest, _) = digest.map_err(|source| BundleError::Io { path: path.clone(), source })?;
            if digest == file.sha256 {
                return Ok(());
            }
            Err(BundleError::Different { path, found: digest.to_string(), expected: file.sha256.to_string() })
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The digest of `manifest.json`, which names everything else.
    pub fn manifest_sha256(&self) -> Sha256 {
        self.manifest_sha256
    }

    /// What it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where a file is.
    pub fn path(&self, file: &FileEntry) -> PathBuf {
        self.folder.join(file.name.as_str())
    }
}

fn write_whole(folder: &Path, name: &str, content: &[u8]) -> Result<(), BundleError> {
    let path = folder.join(name);
    // No file of a bundle begins with a dot, so this is nobody else's.
    let temporary = folder.join(format!(".{name}.part"));
    let written = std::fs::write(&temporary, content).and_then(|()| std::fs::rename(&temporary, &path));
    written.map_err(|source| {
        // What went wrong first is what counts.
        let _ = std::fs::remove_file(&temporary);
        BundleError::Io { path, source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::example;

    fn bundle() -> (tempfile::TempDir, Bundle) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vaccel_0.7.1_x86_64.tar.gz"), "tar").unwrap();
        std::fs::write(folder.path().join("vaccel_0.7.1-1_amd64.deb"), "deb").unwrap();
        let bundle = Bundle::write(folder.path(), &example()).unwrap();
        (folder, bundle)
    }

    #[test]
    fn what_is_written_opens_and_verifies() {
        let (folder, bundle) = bundle();
        bundle.verify().unwrap();
        assert_eq!(Bundle::open(folder.path()).unwrap().manifest().files.len(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "no temporary file stays");
    }

    #[test]
    fn changed_files_are_noticed() {
        let (folder, bundle) = bundle();
        let deb = folder.path().join("vaccel_0.7.1-1_amd64.deb");
        std::fs::write(&deb, "xxx").unwrap();
        assert!(Bundle::open(folder.path()).is_ok(), "the size is the same");
        assert!(matches!(bundle.verify(), Err(BundleError::Different { .. })));
        std::fs::write(&deb, "longer").unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::Different { .. })));
        std::fs::remove_file(&deb).unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::Io { .. })));
        std::os::unix::fs::symlink("vaccel_0.7.1_x86_64.tar.gz", &deb).unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::Different { .. })));
    }

    #[test]
    fn a_digest_list_that_disagrees_is_refused() {
        let (folder, bundle) = bundle();
        let list = folder.path().join(SHA256SUMS);
        let text = std::fs::read_to_string(&list).unwrap();
        let (deb, tar) = text.split_once('\n').unwrap();
        let other = Sha256::of(b"other");
        let cases = [
            ("other digest", format!("{other}  vaccel_0.7.1-1_amd64.deb\n{tar}")),
            ("missing file", tar.to_owned()),
            ("further file", format!("{text}{other}  more\n")),
            ("twice", format!("{text}{deb}\n")),
            ("a second digest", format!("{text}{other}  vaccel_0.7.1-1_amd64.deb\n")),
            ("no list", "hello\n".to_owned()),
            ("empty", String::new()),
        ];
        let refused = cases.map(|(name, text)| {
            std::fs::write(&list, text).unwrap();
            let error = Bundle::open(folder.path()).unwrap_err().to_string();
            format!("{name}: {}", error.replace(&folder.path().display().to_string(), "<folder>"))
        });
        insta::assert_snapshot!(refused.join("\n"), @r#"
        other digest: <folder>/SHA256SUMS is not the digest list of the manifest: vaccel_0.7.1-1_amd64.deb has d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa there, not 9cfa1468c93fc18652e34a000f0c6614b0fa18f6f4887477ad9b0d36ca6a7eaa
        missing file: <folder>/SHA256SUMS is not the digest list of the manifest: vaccel_0.7.1-1_amd64.deb is missing
        further file: <folder>/SHA256SUMS is not the digest list of the manifest: the manifest does not name more
        twice: <folder>/SHA256SUMS is not the digest list of the manifest: it names vaccel_0.7.1-1_amd64.deb twice
        a second digest: <folder>/SHA256SUMS is not the digest list of the manifest: it names vaccel_0.7.1-1_amd64.deb twice
        no list: <folder>/SHA256SUMS is not the digest list of the manifest: line 1 of the digest list is not `<sha256>  <name>`: "hello"
        empty: <folder>/SHA256SUMS is not the digest list of the manifest: vaccel_0.7.1-1_amd64.deb is missing
        "#);
        std::fs::write(&list, tar.to_owned() + deb + "\n").unwrap();
        assert!(Bundle::open(folder.path()).is_ok(), "the order does not matter");
        std::fs::remove_file(&list).unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::Io { .. })));
        assert_eq!(bundle.manifest_sha256(), Sha256::of(&example().to_canonical_json()));
    }

    #[test]
    fn a_manifest_that_would_not_open_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        assert!(matches!(Bundle::write(folder.path(), &example()), Err(BundleError::Io { .. })), "files are missing");
        let mut manifest = example();
        manifest.files = vec![manifest.files[0].clone(), manifest.files[0].clone()];
        assert!(matches!(Bundle::write(folder.path(), &manifest), Err(BundleError::Manifest { .. })), "a name twice");
        manifest.schema = 2;
        assert!(matches!(Bundle::write(folder.path(), &manifest), Err(BundleError::Manifest { .. })), "a newer schema");
        assert_eq!(names(), 0);
    }

    #[test]
    fn writing_touches_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = example();
        manifest.files.truncate(1);
        for name in ["manifest.part", "SHA256SUMS.part"] {
            std::fs::write(folder.path().join(name), "tar").unwrap();
            manifest.files[0].name = name.parse().unwrap();
            Bundle::write(folder.path(), &manifest).unwrap().verify().unwrap();
        }
        // A document that cannot be replaced leaves no temporary file.
        std::fs::remove_file(folder.path().join(MANIFEST)).unwrap();
        std::fs::create_dir_all(folder.path().join(MANIFEST).join("x")).unwrap();
        assert!(matches!(Bundle::write(folder.path(), &manifest), Err(BundleError::Io { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_folder_without_manifest_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::NoManifest(_))));
    }

    #[test]
    fn messages_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let shown = |error: BundleError| error.to_string().replace(&folder.path().display().to_string(), "<folder>");
        let mut messages = vec![shown(Bundle::open(folder.path()).unwrap_err())];
        let mut manifest = example();
        manifest.files.truncate(1);
        let file = folder.path().join(manifest.files[0].name.as_str());
        messages.push(shown(Bundle::write(folder.path(), &manifest).unwrap_err()));
        std::fs::write(&file, "longer").unwrap();
        messages.push(shown(Bundle::write(folder.path(), &manifest).unwrap_err()));
        std::fs::write(&file, "tar").unwrap();
        let bundle = Bundle::write(folder.path(), &manifest).unwrap();
        std::fs::write(&file, "rat").unwrap();
        messages.push(shown(bundle.verify().unwrap_err()));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        messages.push(shown(Bundle::open(folder.path()).unwrap_err()));
        std::fs::write(folder.path().join(MANIFEST), r#"{"schema": 2}"#).unwrap();
        messages.push(shown(Bundle::open(folder.path()).unwrap_err()));
        insta::assert_snapshot!(messages.join("\n"), @r"
        <folder> is not a bundle: it has no manifest.json
        <folder>/vaccel_0.7.1_x86_64.tar.gz: No such file or directory (os error 2)
        <folder>/vaccel_0.7.1_x86_64.tar.gz is not the file of the manifest: 6 bytes instead of 3 bytes
        <folder>/vaccel_0.7.1_x86_64.tar.gz is not the file of the manifest: 9950cec246ece55e46c9929ef30136e25c01b015637715c0d4aaf007208ae836 instead of 90aebae315675cbf04612de4f7d5874850f48e0b8dd82becbeaa47ca93f5ebfb
        <folder>/vaccel_0.7.1_x86_64.tar.gz is not the file of the manifest: not a regular file instead of 3 bytes
        <folder>/manifest.json was refused: its schema is 2, and this version of vaccel-ci understands 1; use a newer one
        ");
    }
}
