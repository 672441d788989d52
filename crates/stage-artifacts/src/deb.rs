// SPDX-License-Identifier: Apache-2.0
//! `deb`: Debian packages, put together with dpkg's own tools.
//!
//! What the loader reads of the files goes in byte for byte as it was tested: nothing is compiled
//! or linked again. Symbols that running does not need move to a package of their own; what Debian
//! wants beside the files (documentation, control files) is added.

mod changelog;
mod contents;
mod control;
mod copyright;
mod dependencies;
mod layout;
mod ldconfig;
mod package;
mod repack;
mod segments;
mod shlibdeps;
mod strip;

pub use dependencies::{Dependencies, Needs};

use crate::compress::XzLevel;
use crate::file;
use crate::format::{Format, Job, Product};
use artifact::FileKind;
use control::Fields;
use layout::Layout;
use package::Package;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use toolkit::{Failure, Result, ResultExt, Tool};

const DPKG_DEB: Tool = Tool { program: "dpkg-deb", provided_by: "the Debian package dpkg" };

/// The format `deb`.
pub struct Deb;

impl Format for Deb {
    fn name(&self) -> &'static str {
        "deb"
    }

    fn make(&self, job: &Job<'_>) -> Result<Vec<Product>> {
        let dpkg_deb = DPKG_DEB.find()?;
        refuse_control_folder(job)?;
        let layout = Layout::make(job, job.scratch)?;
        let debug_root = job.scratch.join("debug");
        let build_ids = thread::scope(|scope| {
            let strip = scope.spawn(|| strip::strip(job, |entry| layout.place(entry), &debug_root));
            let depends = job.dependencies.get(job)?;
            let build_ids = strip.join().unwrap_or_else(|_| Err(Failure::work("the stripping thread panicked")))?;
            Ok::<_, Failure>((depends, build_ids))
        });
        let (depends, build_ids) = build_ids?;
        let mut packages = vec![runtime(job, &layout, depends)?];
        if let Some(root) = &layout.development {
            packages.push(development(job, root)?);
        }
        if !build_ids.is_empty() {
            packages.push(debug(job, &debug_root, &build_ids)?);
        }
        thread::scope(|scope| {
            let threads: Vec<_> =
                packages.iter().map(|package| scope.spawn(|| package.build(job, &dpkg_deb))).collect();
            let panicked = |_| Err(Failure::work("a packaging thread panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        })
    }
}

/// dpkg would take the folder's content as instructions.
fn refuse_control_folder(job: &Job<'_>) -> Result<()> {
    if job.tree.holds("DEBIAN") {
        return Err(Failure::work("the install tree has a folder DEBIAN, which dpkg would take as control files"));
    }
    Ok(())
}

fn runtime(job: &Job<'_>, layout: &Layout, depends: Vec<String>) -> Result<Package> {
    document(job, &layout.runtime)?;
    let libraries = ldconfig::public_libraries(job.tree, job.subject.arch);
    let triggers = ldconfig::triggers(job.tree, job.subject.arch).context("could not read etc/ld.so.conf.d")?;
    Ok(Package {
        root: layout.runtime.clone(),
        control: Fields {
            package: job.subject.package.to_string(),
            depends,
            section: job.metadata.section.clone(),
            description: job.metadata.description.clone(),
            more: Vec::new(),
        },
        control_files: vec![("triggers", triggers.to_owned()), ("shlibs", ldconfig::shlibs(&libraries, job.subject))],
        level: XzLevel::Default,
        kind: FileKind::Deb,
        purpose: "Debian package, to install with apt or dpkg",
    })
}

fn development(job: &Job<'_>, root: &Path) -> Result<Package> {
    let package = format!("{}-dev", job.subject.package);
    refer_to_documents(job, root, &package)?;
    let earlier = format!("{} (<< {})", job.subject.package, job.subject.version.debian());
    Ok(Package {
        root: root.to_owned(),
        control: Fields {
            package,
            depends: vec![same_version(job)],
            section: "libdevel".to_owned(),
            description: control::titled(&job.metadata.description, "development files"),
            // Earlier versions may have been one package, whose files these were. `Breaks` would say
            // no more than `Depends`, and keep dpkg from installing both at once.
            more: vec![("Replaces", earlier)],
        },
        control_files: Vec::new(),
        level: XzLevel::Default,
        kind: FileKind::Deb,
        purpose: "Debian package, to build against it",
    })
}

fn debug(job: &Job<'_>, root: &Path, build_ids: &[String]) -> Result<Package> {
    let package = format!("{}-dbgsym", job.subject.package);
    refer_to_documents(job, root, &package)?;
    Ok(Package {
        root: root.to_owned(),
        control: Fields {
            package,
            depends: vec![same_version(job)],
            section: "debug".to_owned(),
            description: format!("debug symbols for {}", job.subject.package),
            more: vec![("Auto-Built-Package", "debug-symbols".to_owned()), ("Build-Ids", build_ids.join(" "))],
        },
        control_files: Vec::new(),
        level: XzLevel::Fast,
        kind: FileKind::DebugDeb,
        purpose: "debug symbols, for debuggers and profilers",
    })
}

fn same_version(job: &Job<'_>) -> String {
    format!("{} (= {})", job.subject.package, job.subject.version.debian())
}

/// Adds licence and changelog, where the tree does not bring its own.
fn document(job: &Job<'_>, root: &Path) -> Result<()> {
    let folder = format!("usr/share/doc/{}", job.subject.package);
    let documents = [
        (format!("{folder}/copyright"), copyright::for_subject(job)?.into_bytes()),
        (format!("{folder}/changelog.Debian.gz"), changelog::compressed(job.subject, job.metadata)?),
    ];
    for (path, content) in documents.iter().filter(|(path, _)| !job.tree.holds(path)) {
        file::folder(&root.join(&folder))?;
        file::write(&root.join(path), content)?;
    }
    Ok(())
}

/// The documents of a package that never comes without the run-time one are those of that.
fn refer_to_documents(job: &Job<'_>, root: &Path, package: &str) -> Result<()> {
    let folder = root.join("usr/share/doc");
    file::folder(&folder)?;
    let link = folder.join(package);
    if link.symlink_metadata().is_ok() {
        return Ok(());
    }
    symlink(job.subject.package.as_str(), &link).with_context(|| format!("could not make {}", link.display()))
}
