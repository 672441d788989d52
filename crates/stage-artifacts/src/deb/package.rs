// SPDX-License-Identifier: Apache-2.0
//! One Debian package: its control files, and dpkg-deb's work on it.

use super::contents::Contents;
use super::{control, repack};
use crate::compress::XzLevel;
use crate::file;
use crate::format::{Job, Product};
use artifact::FileKind;
use std::fs;
use std::path::{Path, PathBuf};
use toolkit::{Program, Result, ResultExt};

/// A package to build.
pub struct Package {
    /// The folder with its files.
    pub root: PathBuf,
    /// What it says about itself.
    pub control: control::Fields,
    /// More control files: name and content. Empty ones are left out.
    pub control_files: Vec<(&'static str, String)>,
    /// How hard to compress it.
    pub level: XzLevel,
    /// What it is to the registry.
    pub kind: FileKind,
    /// What it is for, for people.
    pub purpose: &'static str,
}

impl Package {
    /// Builds it into the bundle.
    pub fn build(&self, job: &Job<'_>, dpkg_deb: &Path) -> Result<Product> {
        let name = &self.control.package;
        let contents = Contents::of(&self.root).with_context(|| format!("could not read the files of {name}"))?;
        let folder = self.root.join("DEBIAN");
        file::folder(&folder)?;
        let usual = [
            ("control", control::render(&self.control, job.subject, job.metadata, contents.installed_size)),
            ("md5sums", contents.md5sums()),
            ("conffiles", contents.conffiles()),
        ];
        for (name, content) in usual.iter().chain(&self.control_files).filter(|(_, content)| !content.is_empty()) {
            file::write(&folder.join(name), content.as_bytes())?;
        }
        let file_name = format!("{name}_{}_{}.deb", job.subject.version.debian(), job.subject.arch.debian());
        let plain = job.scratch.join(&file_name);
        Program::new(dpkg_deb)
            .args(["--root-owner-group", "-Znone", "--build"])
            .arg(&self.root)
            .arg(&plain)
            .env("SOURCE_DATE_EPOCH", job.subject.time.to_string())
            .env("LC_ALL", "C")
            .capture()
            .with_context(|| format!("dpkg-deb could not build {name}"))?;
        let path = job.bundle.join(&file_name);
        let doing = || format!("could not write {}", path.display());
        repack::compress(&plain, file::create(&path, 0o644).with_context(doing)?, self.level).with_context(doing)?;
        fs::remove_file(&plain).with_context(|| format!("could not remove {}", plain.display()))?;
        Ok(Product { name: file_name.parse()?, kind: self.kind, purpose: self.purpose, soname: None })
    }
}
