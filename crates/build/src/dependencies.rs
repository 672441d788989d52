// SPDX-License-Identifier: Apache-2.0
//! Dependencies that were fetched into folders: where their libraries and pkg-config files are.

use std::ffi::OsString;
use std::path::PathBuf;
use toolkit::{Failure, Result, SearchPaths};

/// Search paths into the roots of fetched dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// The roots, absolute.
    pub roots: Vec<PathBuf>,
    /// Folders with `.pc` files.
    pub pkgconfig: Vec<PathBuf>,
    /// Folders with shared libraries.
    pub libraries: Vec<PathBuf>,
}

impl Dependencies {
    /// Looks below each root, which is a prefix (`lib/…`) or holds one (`usr/lib/…`, `opt/x/lib/…`).
    pub fn find(roots: &[String], multiarch: &str) -> Result<Self> {
        let mut found = Self::default();
        for root in roots {
            let root = std::path::absolute(root)?;
            if !root.is_dir() {
                return Err(Failure::input(format!("the dependency folder {} does not exist", root.display()))
                    .help("fetch the dependency first, or take the folder out of pkgconfig-prefix"));
            }
            let SearchPaths { libraries, pkgconfig, .. } = SearchPaths::below(&root, multiarch);
            if pkgconfig.is_empty() {
                let looked = format!("lib/{multiarch}/pkgconfig, lib/pkgconfig, lib64/pkgconfig and share/pkgconfig");
                return Err(Failure::input(format!("there are no pkg-config files below {}", root.display()))
                    .help(format!("looked for {looked}, there and below every prefix in it")));
            }
            found.roots.push(root);
            found.libraries.extend(libraries);
            found.pkgconfig.extend(pkgconfig);
        }
        Ok(found)
    }
}

/// Folders joined for a search path, in front of what the variable holds already.
pub fn search_path(folders: &[PathBuf], existing: Option<String>) -> Result<OsString> {
    let existing = existing.unwrap_or_default();
    let all = folders.iter().cloned().chain(std::env::split_paths(&existing).filter(|p| !p.as_os_str().is_empty()));
    std::env::join_paths(all).map_err(|_| {
        Failure::input("the path of a dependency folder has a colon in it, which search paths cannot hold")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_root_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        let present = ["a/lib/x86_64-linux-gnu/pkgconfig", "a/share/pkgconfig", "b/usr/lib/pkgconfig", "c/lib"];
        let other_prefixes = ["d/usr/local/lib/pkgconfig", "e/opt/dep/lib/x86_64-linux-gnu/pkgconfig"];
        for path in present.iter().chain(&other_prefixes) {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        let root = |name: &str| folder.path().join(name).display().to_string();
        let found = Dependencies::find(&["a", "b", "d", "e"].map(root), "x86_64-linux-gnu").unwrap();
        let relative = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(relative(&found.pkgconfig), [&present[..3], &other_prefixes].concat());
        let libraries = [
            "a/lib/x86_64-linux-gnu",
            "a/lib",
            "b/usr/lib",
            "d/usr/local/lib",
            "e/opt/dep/lib/x86_64-linux-gnu",
            "e/opt/dep/lib",
        ];
        assert_eq!(relative(&found.libraries), libraries);

        for missing in ["c", "nowhere"] {
            let failure = Dependencies::find(&[root(missing)], "x86_64-linux-gnu").unwrap_err();
            assert_eq!(failure.status().code(), 2, "{missing}");
        }
    }

    #[test]
    fn ours_come_first_in_a_search_path() {
        let path = |existing: Option<&str>| search_path(&["/a".into()], existing.map(str::to_owned)).unwrap();
        assert_eq!(path(None), "/a");
        assert_eq!(path(Some("/b::/c")), "/a:/b:/c");
        assert!(search_path(&["/a:b".into()], None).is_err());
    }
}
