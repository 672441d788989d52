// SPDX-License-Identifier: Apache-2.0
//! The output folder appears whole: everything is made in a hidden folder beside it, which is
//! renamed in the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Why the output folder cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// What is there was not made by us.
    #[error("the output path {} exists and is not a bundle, so it is not replaced", .0.display())]
    NotOurs(PathBuf),
    /// One of the two would become part of the other.
    #[error("the output path {} and the install tree {} lie within each other", .output.display(), .tree.display())]
    Overlap {
        /// The output path.
        output: PathBuf,
        /// The install tree.
        tree: PathBuf,
    },
    /// The file system refused.
    #[error("could not write the output path {}", .path.display())]
    Write {
        /// The output path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The folder that is going to be the output.
#[derive(Debug)]
pub struct OutputFolder {
    /// The path as it was given.
    target: PathBuf,
    /// The same without links.
    place: PathBuf,
    scratch: TempDir,
}

impl OutputFolder {
    /// Makes sure that the target may be written; nothing appears there yet.
    pub fn prepare(target: &Path, tree: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Write { path: target.to_owned(), source };
        // A link stays; what it points to is replaced.
        let place = real(target).map_err(failed)?;
        let root = real(tree).map_err(failed)?;
        if place.starts_with(&root) || root.starts_with(&place) {
            return Err(OutputError::Overlap { output: target.to_owned(), tree: tree.to_owned() });
        }
        if !may_be_replaced(&place).map_err(failed)? {
            return Err(OutputError::NotOurs(target.to_owned()));
        }
        let parent = place.parent().ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
        fs::create_dir_all(parent).map_err(failed)?;
        let scratch = tempfile::Builder::new().prefix(".staging-").tempdir_in(parent).map_err(failed)?;
        let folder = Self { target: target.to_owned(), place, scratch };
        crate::file::make_folder(&folder.bundle()).map_err(failed)?;
        Ok(folder)
    }

    /// Where the files of the bundle are made.
    pub fn bundle(&self) -> PathBuf {
        self.scratch.path().join("bundle")
    }

    /// An empty folder for intermediate files, which never appear.
    pub fn scratch(&self, name: &str) -> Result<PathBuf, OutputError> {
        let folder = self.scratch.path().join(format!("for-{name}"));
        fs::create_dir(&folder).map_err(|source| OutputError::Write { path: self.target.clone(), source })?;
        Ok(folder)
    }

    /// Puts the bundle in its place.
    pub fn appear(self) -> Result<PathBuf, OutputError> {
        let old = self.scratch.path().join("old");
        let has_predecessor = fs::read_dir(&self.place).is_ok_and(|mut items| items.next().is_some());
        let replace = || {
            if has_predecessor {
                fs::rename(&self.place, &old)?;
            }
            fs::rename(self.bundle(), &self.place).inspect_err(|_| {
                if has_predecessor {
                    let _ = fs::rename(&old, &self.place);
                }
            })
        };
        replace().map_err(|source| OutputError::Write { path: self.target.clone(), source })?;
        Ok(self.target.clone())
    }
}

/// Nothing, an empty folder, or a bundle of ours.
fn may_be_replaced(target: &Path) -> io::Result<bool> {
    match fs::read_dir(target) {
        Ok(mut items) => {
            let is_bundle = [artifact::MANIFEST, artifact::SHA256SUMS].iter().all(|name| target.join(name).is_file());
            Ok(is_bundle || items.next().is_none())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(target.symlink_metadata().is_err()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

/// The absolute path without links, as far as it exists.
fn real(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(path), _, _) => Ok(path),
        (Err(error), Some(parent), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(real(parent)?.join(name))
        }
        (Err(error), _, _) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with an install tree, and a place for the output.
    fn place() -> (TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (tree, output) = (folder.path().join("install"), folder.path().join("dist"));
        fs::create_dir(&tree).unwrap();
        (folder, tree, output)
    }

    fn stage(output: &Path, tree: &Path, file: &str) -> Result<PathBuf, OutputError> {
        let staging = OutputFolder::prepare(output, tree)?;
        for name in [file, artifact::MANIFEST, artifact::SHA256SUMS] {
            fs::write(staging.bundle().join(name), name).unwrap();
        }
        staging.appear()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_bundle_replaces_nothing_an_empty_folder_and_its_predecessor() {
        let (folder, tree, output) = place();
        stage(&output, &tree, "one").unwrap();
        stage(&output, &tree, "two").unwrap();
        assert_eq!(names(&output), ["SHA256SUMS", "manifest.json", "two"]);
        fs::remove_dir_all(&output).unwrap();
        fs::create_dir(&output).unwrap();
        stage(&output, &tree, "three").unwrap();
        assert_eq!(names(&output), ["SHA256SUMS", "manifest.json", "three"]);
        assert_eq!(names(folder.path()), ["dist", "install"], "nothing is left beside it");
    }

    #[test]
    fn nothing_appears_if_the_work_is_given_up() {
        let (folder, tree, output) = place();
        drop(OutputFolder::prepare(&output, &tree).unwrap());
        assert_eq!(names(folder.path()), ["install"]);
    }

    #[test]
    fn what_others_made_is_kept() {
        let (_folder, tree, output) = place();
        fs::create_dir(&output).unwrap();
        fs::write(output.join("thesis.txt"), "…").unwrap();
        assert!(matches!(stage(&output, &tree, "one"), Err(OutputError::NotOurs(_))));
        assert!(matches!(stage(&output.join("thesis.txt"), &tree, "one"), Err(OutputError::NotOurs(_))));
        assert_eq!(names(&output), ["thesis.txt"]);
    }

    #[test]
    fn output_and_tree_do_not_contain_each_other() {
        let (folder, tree, _) = place();
        for output in [tree.as_path(), &tree.join("dist"), &tree.join("../install/dist"), folder.path()] {
            assert!(matches!(stage(output, &tree, "one"), Err(OutputError::Overlap { .. })), "{output:?}");
        }
    }

    #[test]
    fn a_link_to_a_folder_stays_a_link() {
        let (folder, tree, output) = place();
        fs::create_dir(folder.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", &output).unwrap();
        stage(&output, &tree, "one").unwrap();
        assert!(output.symlink_metadata().unwrap().file_type().is_symlink());
        assert_eq!(names(&folder.path().join("real")), ["SHA256SUMS", "manifest.json", "one"]);
    }
}
