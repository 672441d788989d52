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
        let manifest = Manifest::parse(&text).map_err(|source| BundleError::Manifest { path, source })?;
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

    /// Writes `SHA256SUMS` and then `manifest.json` beside the files, each whole or not at all.
    pub fn write(folder: impl Into<PathBuf>, manifest: &Manifest) -> Result<Self, BundleError> {
        let folder = folder.into();
        write_whole(&folder.join(SHA256SUMS), sha256sums::render(&manifest.files).as_bytes())?;
        write_whole(&folder.join(MANIFEST), &manifest.to_canonical_json())?;
        Self::open(folder)
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

fn write_whole(path: &Path, content: &[u8]) -> Result<(), BundleError> {
    let temporary = path.with_extension("part");
    std::fs::write(&temporary, content)
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|source| BundleError::Io { path: path.to_owned(), source })
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
    fn a_folder_without_manifest_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Bundle::open(folder.path()), Err(BundleError::NoManifest(_))));
    }
}
