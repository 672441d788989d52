// SPDX-License-Identifier: Apache-2.0
//! What the package formats have in common: one trait, one list, one file per format.
//!
//! To add a format, add its file and one line to [`FORMATS`].

use crate::args::Split;
use crate::deb::{Deb, Dependencies};
use crate::metadata::Metadata;
use crate::shared_library::SharedLibraries;
use crate::source::Source;
use crate::subject::Subject;
use crate::tar_gz::TarGz;
use crate::tar_xz::TarXz;
use crate::tar_zst::TarZst;
use crate::tree::InstallTree;
use crate::wheel::Wheel;
use artifact::{FileKind, FileName};
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, Runner};

/// Every format, in the order of the documentation.
pub const FORMATS: [&dyn Format; 7] = [&Deb, &TarGz, &TarXz, &TarZst, &SharedLibraries, &Source, &Wheel];

/// A way to package an install tree.
pub trait Format: Sync {
    /// The name in the input `formats`.
    fn name(&self) -> &'static str;

    /// Whether it is about the install tree, which must not be empty then. A library for other projects installs
    /// nothing, and has sources or a wheel.
    fn needs_tree(&self) -> bool {
        true
    }

    /// Makes its files in the job's folder. Equal jobs give equal bytes.
    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>>;
}

/// What a format works on.
pub struct Job<'a> {
    /// What the files are about.
    pub subject: &'a Subject,
    /// What a package says about itself.
    pub metadata: &'a Metadata,
    /// What is packaged.
    pub tree: &'a InstallTree,
    /// The prefix that the tree was built for.
    pub prefix: &'a str,
    /// The folder that the build used, if it is known.
    pub build_path: Option<&'a Path>,
    /// Into how many packages it is divided.
    pub split: Split,
    /// The packages that the tree's files need, found when they are first asked for.
    pub dependencies: &'a Dependencies,
    /// Folders with libraries of other packages that the tree was built against.
    pub dependency_roots: &'a [PathBuf],
    /// Where the files go.
    pub bundle: &'a Path,
    /// An empty folder for this format alone.
    pub scratch: &'a Path,
    /// Whom to tell.
    pub runner: &'a Runner,
}

/// One file of a bundle.
#[derive(Debug)]
pub struct Product {
    /// Its name in the bundle.
    pub name: FileName,
    /// What it is to the registry.
    pub kind: FileKind,
    /// What it is for, for people.
    pub purpose: &'static str,
    /// The soname of a shared library.
    pub soname: Option<String>,
}

/// The formats of these names, each once, in the order of [`FORMATS`].
pub fn choose(names: &[String]) -> Result<Vec<&'static dyn Format>> {
    let known = FORMATS.map(Format::name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::input(format!("unknown format `{unknown}` (there are {})", known.join(", "))));
    }
    if names.is_empty() {
        return Err(Failure::input(format!("no format is given (there are {})", known.join(", "))));
    }
    Ok(FORMATS.into_iter().filter(|format| names.iter().any(|name| name == format.name())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Result<Vec<&'static str>> {
        let list: toolkit::List = list.parse().unwrap();
        Ok(choose(&list)?.into_iter().map(Format::name).collect())
    }

    #[test]
    fn each_format_is_made_once() {
        assert_eq!(names("so,deb,tar.gz,so").unwrap(), ["deb", "tar.gz", "so"]);
        assert_eq!(names("tar.gz").unwrap(), ["tar.gz"]);
    }

    #[test]
    fn unknown_formats_are_named() {
        insta::assert_snapshot!(names("deb,rpm").unwrap_err(), @"unknown format `rpm` (there are deb, tar.gz, tar.xz, tar.zst, so, source, wheel)");
        insta::assert_snapshot!(names(" , ").unwrap_err(), @"no format is given (there are deb, tar.gz, tar.xz, tar.zst, so, source, wheel)");
    }
}
