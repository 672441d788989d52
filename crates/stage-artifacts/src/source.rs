// SPDX-License-Identifier: Apache-2.0
//! `source`: the source tree at its commit, with its submodules and its version, to build without
//! git.
//!
//! What is not committed is not in it; what `export-ignore` excludes is not either.

use crate::archive::Archive;
use crate::compress::Gzip;
use crate::format::{Format, Job, Product};
use artifact::FileKind;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tar::EntryType;
use toolkit::git::Repository;
use toolkit::{Failure, Result, ResultExt};

/// The file that holds the version where git does not tell it.
const VERSION: &str = ".version";

/// The format `source`.
pub struct Source;

impl Format for Source {
    fn name(&self) -> &'static str {
        "source"
    }

    fn needs_tree(&self) -> bool {
        false
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        let subject = job.subject;
        let name = format!("{}_{}_source.tar.gz", subject.package, subject.version);
        let path = job.bundle.join(&name);
        let doing = || format!("could not write {}", path.display());
        let top = format!("{}-{}", subject.package, subject.version);
        let mut archive = Archive::<Gzip>::begin(&path, top, subject.time).with_context(doing)?;
        let version = format!("{}\n", subject.version);
        let size = version.len() as u64;
        archive.file(Path::new(VERSION), 0o644, size, version.as_bytes()).with_context(doing)?;
        add_tree(job, &mut archive, subject.commit.as_str(), Path::new(""))?;
        archive.finish().with_context(doing)?;
        let purpose = "the source tree with its submodules, to build it again";
        Ok(vec![Product { name: name.parse()?, kind: FileKind::Source, purpose, soname: None }])
    }
}

/// Adds the tree of a commit; `below` is the submodule's folder in the source tree.
fn add_tree(job: &Job<'_>, archive: &mut Archive<Gzip>, commit: &str, below: &Path) -> Result<()> {
    let folder = job.subject.source.join(below);
    let repository = Repository::require(&folder)?;
    let tar = job.scratch.join("tree.tar");
    let doing = || format!("could not archive {} at commit {commit}", folder.display());
    repository.archive(commit, &tar).with_context(doing)?;
    copy(&tar, archive, below).with_context(doing)?;
    fs::remove_file(&tar).with_context(|| format!("could not remove {}", tar.display()))?;
    for (path, commit) in repository.submodules(commit)? {
        let below = below.join(path);
        if !job.subject.source.join(&below).join(".git").exists() {
            let message =
                format!("the submodule {} is not checked out, so the source is not complete", below.display());
            return Err(Failure::work(message).help("check out with `submodules: recursive`"));
        }
        add_tree(job, archive, &commit, &below)?;
    }
    Ok(())
}

/// Copies git's archive entry by entry, with the modes and times of ours.
fn copy(from: &Path, archive: &mut Archive<Gzip>, below: &Path) -> io::Result<()> {
    let mut tar = tar::Archive::new(File::open(from)?);
    for entry in tar.entries()? {
        let mut entry = entry?;
        let inside: PathBuf = entry.path()?.components().collect();
        let path = below.join(&inside);
        match entry.header().entry_type() {
            EntryType::Directory => archive.folder(&path)?,
            EntryType::Symlink => {
                let target = entry.link_name()?.unwrap_or_default().into_owned();
                archive.link(&path, &target)?;
            }
            EntryType::Regular if path != Path::new(VERSION) => {
                let mode = if entry.header().mode()? & 0o100 == 0 { 0o644 } else { 0o755 };
                let size = entry.size();
                archive.file(&path, mode, size, &mut entry)?;
            }
            // The commit, in a header of its own; and a version that is committed.
            _ => {}
        }
    }
    Ok(())
}
