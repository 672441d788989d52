// SPDX-License-Identifier: Apache-2.0
//! Where a tree of installed files has its programs, libraries and pkg-config files, whatever prefix
//! it was built for: `/usr`, `/usr/local`, `/opt/x`, or the tree itself.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// How deep below the root a prefix is looked for: `/home/runner/work/x/x/opt` is six.
const DEPTH: usize = 7;
/// How many folders are looked at. An install tree has few that are not below a prefix's own.
const FOLDERS: usize = 2000;
/// Folders of a prefix, below which no other prefix is.
const LEAVES: [&str; 13] =
    ["bin", "boot", "dev", "etc", "include", "lib", "lib32", "lib64", "libexec", "proc", "sbin", "share", "sys"];

/// Search paths into a tree of installed files: absolute if the root is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPaths {
    /// Folders with programs.
    pub programs: Vec<PathBuf>,
    /// Folders with libraries.
    pub libraries: Vec<PathBuf>,
    /// Folders with pkg-config files.
    pub pkgconfig: Vec<PathBuf>,
}

impl SearchPaths {
    /// The folders that a file of `/etc/ld.so.conf.d` names, without their leading slashes.
    pub fn loader_folders(configuration: &str) -> Vec<String> {
        let lines = configuration.lines().map(|line| line.split('#').next().unwrap_or_default());
        // Other words than absolute folders are directives, such as `include`.
        let folders = lines.filter_map(|line| line.trim().strip_prefix('/'));
        // Below a root, the way up would lead out of it.
        let folders = folders.filter(|folder| !folder.split('/').any(|part| part == ".."));
        folders.map(|folder| folder.split('=').next().unwrap_or_default().trim_end_matches('/').to_owned()).collect()
    }

    /// The folders that exist below every prefix of a root; of the machine's own root only the usual
    /// ones, for it holds everybody's files. `multiarch` is Debian's name of the architecture.
    pub fn below(root: &Path, multiarch: &str) -> Self {
        let mut found = Self::default();
        for prefix in prefixes(root) {
            found.add(&prefix, multiarch);
        }
        if root != Path::new("/") {
            extend(&mut found.libraries, root, configured(root));
        }
        found
    }

    /// Adds the folders that exist below one prefix.
    pub fn add(&mut self, prefix: &Path, multiarch: &str) {
        let lib = [format!("lib/{multiarch}"), "lib".to_owned(), "lib64".to_owned()];
        let pkgconfig = lib.iter().map(|lib| format!("{lib}/pkgconfig")).chain(["share/pkgconfig".to_owned()]);
        extend(&mut self.programs, prefix, ["bin".to_owned()]);
        extend(&mut self.libraries, prefix, lib.iter().cloned());
        extend(&mut self.pkgconfig, prefix, pkgconfig);
    }
}

/// The folders that a tree asks the loader of its machine to search as well.
fn configured(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("etc/ld.so.conf.d")).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let files = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "conf"));
    files.filter_map(|file| fs::read_to_string(file).ok()).flat_map(|text| SearchPaths::loader_folders(&text)).collect()
}

/// Appends the folders that exist and are not in the list yet, also not under another name: `lib64`
/// is often a link to `lib`.
fn extend(folders: &mut Vec<PathBuf>, prefix: &Path, names: impl IntoIterator<Item = String>) {
    for folder in names.into_iter().map(|name| prefix.join(name)).filter(|folder| folder.is_dir()) {
        let is_same =
            |other: &PathBuf| matches!((other.canonicalize(), folder.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if !folders.iter().any(is_same) {
            folders.push(folder);
        }
    }
}

/// The folders that may be prefixes, the shallow ones first: the root, and what is below it outside of
/// a prefix's own folders.
fn prefixes(root: &Path) -> Vec<PathBuf> {
    if root == Path::new("/") {
        let optional = children(&root.join("opt")).into_iter();
        return [root.to_owned(), root.join("usr"), root.join("usr/local")].into_iter().chain(optional).collect();
    }
    let (mut found, mut ahead) = (Vec::new(), VecDeque::from([(root.to_owned(), 0)]));
    while let Some((folder, depth)) = ahead.pop_front() {
        if found.len() == FOLDERS {
            break;
        }
        if depth < DEPTH {
            ahead.extend(children(&folder).into_iter().map(|child| (child, depth + 1)));
        }
        found.push(folder);
    }
    found
}

/// The folders in a folder, sorted, without links, hidden ones and a prefix's own.
fn children(folder: &Path) -> Vec<PathBuf> {
    let is_leaf = |name: &str| name.starts_with('.') || LEAVES.contains(&name);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<_> =
        folders.filter(|entry| !entry.file_name().to_str().is_none_or(is_leaf)).map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTIARCH: &str = "x86_64-linux-gnu";

    #[test]
    fn every_prefix_is_searched_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let present = [
            "bin",
            "lib/pkgconfig",
            "usr/lib/x86_64-linux-gnu/pkgconfig",
            "usr/lib/aarch64-linux-gnu/pkgconfig",
            "usr/local/lib64/pkgconfig",
            "opt/vendor/package/share/pkgconfig",
            "srv/x/bin",
            // A library's own folder is no prefix, and neither is one that is too deep.
            "usr/lib/app/lib/pkgconfig",
            "usr/share/doc/lib/pkgconfig",
            "a/b/c/d/e/f/g/h/lib/pkgconfig",
        ];
        for path in present {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        std::fs::create_dir_all(folder.path().join("usr/lib/app/private")).unwrap();
        std::fs::create_dir_all(folder.path().join("etc/ld.so.conf.d")).unwrap();
        let configuration = "# ours\ninclude /x\n/usr/lib/app/private # and\n/nowhere\n/usr/../../..\n";
        std::fs::write(folder.path().join("etc/ld.so.conf.d/app.conf"), configuration).unwrap();
        std::os::unix::fs::symlink("lib64", folder.path().join("usr/local/lib")).unwrap();
        std::os::unix::fs::symlink("usr", folder.path().join("again")).unwrap();
        let found = SearchPaths::below(folder.path(), MULTIARCH);
        let relative = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(relative(&found.programs), ["bin", "srv/x/bin"]);
        let libraries = ["lib", "usr/lib/x86_64-linux-gnu", "usr/lib", "usr/local/lib", "usr/lib/app/private"];
        assert_eq!(relative(&found.libraries), libraries);
        assert_eq!(
            relative(&found.pkgconfig),
            [
                "lib/pkgconfig",
                "usr/lib/x86_64-linux-gnu/pkgconfig",
                "usr/local/lib/pkgconfig",
                "opt/vendor/package/share/pkgconfig"
            ]
        );
    }

    #[test]
    fn of_the_machine_only_the_usual_folders_are_searched() {
        let found = SearchPaths::below(Path::new("/"), MULTIARCH);
        let usual = |path: &&PathBuf| {
            ["/lib", "/lib64", "/usr/lib", "/usr/local/lib", "/opt"].iter().any(|usual| path.starts_with(usual))
        };
        assert!(!found.libraries.is_empty() && found.libraries.iter().all(|path| usual(&path)), "{found:?}");
        assert_eq!(SearchPaths::below(Path::new("/nowhere/at/all"), MULTIARCH), SearchPaths::default());
    }
}
