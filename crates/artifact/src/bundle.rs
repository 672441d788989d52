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
        Self::check(folder, &text)
    }

    /// The bundle that this text makes of a folder.
    fn check(folder: PathBuf, manifest: &[u8]) -> Result<Self, BundleError> {
        let refused = |source| BundleError::Manifest { path: folder.join(MANIFEST), source };
        let manifest = Manifest::parse(manifest).map_err(refused)?;
        let bundle = Self { folder, manifest };
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
