// SPDX-License-Identifier: Apache-2.0
//! Which file of the install tree goes into which package, and the copies that dpkg-deb works on.

use crate::file;
use crate::format::Job;
use crate::tree::{Entry, InstallTree, Kind, loader::default_folders};
use artifact::Arch;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use toolkit::{Result, ResultExt};

/// Folders whose files only developers need.
const DEVELOPMENT_FOLDERS: [&str; 5] = ["include", "share/aclocal", "share/cmake", "share/man/man3", "share/pkgconfig"];

/// The roots of the packages.
pub struct Layout {
    prefix: String,
    arch: Arch,
    /// What everybody needs.
    pub runtime: PathBuf,
    /// What developers need beside it, if that is a package of its own and there is any.
    pub development: Option<PathBuf>,
}

impl Layout {
    /// Copies the tree, each file into the root of its package.
    pub fn make(job: &Job<'_>, below: &Path) -> Result<Self> {
        let mut layout = Self {
            prefix: job.prefix.trim_matches('/').to_owned(),
            arch: job.subject.arch,
            runtime: below.join("tree"),
            development: None,
        };
        if job.split.has_development() {
            let any = job.tree.entries().iter().any(|entry| layout.is_development(entry));
            layout.development = any.then(|| below.join("development"));
        }
        let is_split = layout.development.is_some();
        for root in [Some(&layout.runtime), layout.development.as_ref()].into_iter().flatten() {
            file::folder(root)?;
        }
        for entry in job.tree.entries() {
            let (from, to) = (job.tree.root().join(&entry.path), layout.place(entry));
            if let Some(folder) = to.parent() {
                file::folder(folder)?;
            }
            match &entry.kind {
                // In two packages, a folder goes where its files go; an empty one is for run time.
                Kind::Folder if is_split && !is_empty(job.tree, entry) => {}
                Kind::Folder => file::folder(&to)?,
                Kind::Symlink { target } => symlink(target, &to)
                    .with_context(|| format!("could not copy {} for the Debian package", from.display()))?,
                Kind::File { .. } => file::place(&from, &to, entry.mode())?,
            }
        }
        Ok(layout)
    }

    /// Where the copy of an entry is.
    pub fn place(&self, entry: &Entry) -> PathBuf {
        let development = self.development.as_ref().filter(|_| self.is_development(entry));
        development.unwrap_or(&self.runtime).join(&entry.path)
    }

    fn is_development(&self, entry: &Entry) -> bool {
        is_development(entry, &self.prefix, self.arch)
    }
}

fn is_empty(tree: &InstallTree, folder: &Entry) -> bool {
    !tree.entries().iter().any(|entry| entry.folder() == folder.path)
}

/// Headers, pkg-config and `CMake` files, static libraries, and the links by which linkers find
/// shared ones. Plugins without a version are loaded by their names, and so are no such links.
fn is_development(entry: &Entry, prefix: &str, arch: Arch) -> bool {
    let below_prefix = entry.path.strip_prefix(prefix).map_or(entry.path.as_str(), |path| path.trim_start_matches('/'));
    let in_folder = DEVELOPMENT_FOLDERS
        .iter()
        .any(|folder| below_prefix.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
    let parent = entry.folder().rsplit('/').next().unwrap_or_default();
    let ending = entry.name().rsplit_once('.').map(|(_, ending)| ending);
    let in_lib = ["lib/", "lib64/"].iter().any(|lib| below_prefix.starts_with(lib));
    // Where linkers look: the system's folders, and the prefix's.
    let is_linked_from = || {
        let of_prefix = ["lib".to_owned(), "lib64".to_owned(), format!("lib/{}", arch.multiarch())];
        default_folders(arch).iter().any(|folder| folder == entry.folder())
            || of_prefix.iter().any(|folder| below_prefix.rsplit_once('/').is_some_and(|(at, _)| at == folder))
    };
    match &entry.kind {
        Kind::Folder => false,
        _ if in_folder => true,
        _ if !in_lib => false,
        _ if parent == "pkgconfig" || below_prefix.split('/').any(|part| part == "cmake") => true,
        Kind::Symlink { target } if ending == Some("so") => target.contains(".so.") && is_linked_from(),
        _ => matches!(ending, Some("a" | "la")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn developers_get_what_only_they_need() {
        let file = || Kind::File { size: 1, executable: false, elf: None };
        let link = |target: &str| Kind::Symlink { target: target.to_owned() };
        let cases = [
            ("usr/include/vaccel.h", file(), true),
            ("usr/include/vaccel/ops/image.h", file(), true),
            ("usr/lib/x86_64-linux-gnu/pkgconfig/vaccel.pc", file(), true),
            ("usr/share/pkgconfig/vaccel.pc", file(), true),
            ("usr/lib/x86_64-linux-gnu/cmake/vaccel/vaccel-config.cmake", file(), true),
            ("usr/lib/x86_64-linux-gnu/libvaccel.a", file(), true),
            ("usr/lib/x86_64-linux-gnu/libvaccel.so", link("libvaccel.so.0"), true),
            ("usr/lib/x86_64-linux-gnu/libvaccel.so.0", link("libvaccel.so.0.7.1"), false),
            ("usr/lib/x86_64-linux-gnu/libvaccel.so.0.7.1", file(), false),
            ("usr/lib/x86_64-linux-gnu/libvaccel-noop.so", file(), false),
            ("usr/lib/x86_64-linux-gnu/libvaccel-noop.so", link("libvaccel-all.so"), false),
            ("usr/lib/vaccel/plugins/libp.so", link("libp.so.1"), false),
            ("usr/share/vaccel/model.a", file(), false),
            ("usr/share/vaccel/include/x.h", file(), false),
            ("usr/bin/vaccel", file(), false),
            ("usr/include", Kind::Folder, false),
        ];
        for (path, kind, expected) in cases {
            let entry = Entry { path: path.to_owned(), kind };
            assert_eq!(is_development(&entry, "usr", Arch::X86_64), expected, "{path}");
        }
        let elsewhere = [
            ("opt/x/include/x.h", file(), true),
            ("opt/x/lib/libx.so", link("libx.so.1"), true),
            ("opt/x/lib64/libx.so", link("libx.so.1"), true),
            ("opt/x/lib64/pkgconfig/x.pc", file(), true),
            ("opt/x/lib/libx.so.1", link("libx.so.1.2"), false),
            ("opt/x/lib/plugins/libp.so", link("libp.so.1"), false),
        ];
        for (path, kind, expected) in elsewhere {
            let entry = Entry { path: path.to_owned(), kind };
            assert_eq!(is_development(&entry, "opt/x", Arch::X86_64), expected, "{path}");
        }
    }
}
