// SPDX-License-Identifier: Apache-2.0
//! Dependencies that were fetched into folders: where their libraries and pkg-config files are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result};

/// Search paths into the roots of fetched dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Folders with `.pc` files.
    pub pkgconfig: Vec<PathBuf>,
    /// Folders with shared libraries.
    pub libraries: Vec<PathBuf>,
}

impl Dependencies {
    /// Looks below each root, which is a prefix (`lib/…`) or holds one (`usr/lib/…`).
    pub fn find(roots: &[String], multiarch: &str) -> Result<Self> {
        let mut found = Self::default();
        for root in roots {
            let root = std::path::absolute(root)?;
            if !root.is_dir() {
                return Err(Failure::input(format!("the dependency folder {} does not exist", root.display()))
                    .help("fetch the dependency first, or take the folder out of pkgconfig-prefix"));
            }
            found.add(&root, multiarch)?;
        }
        Ok(found)
    }

    fn add(&mut self, root: &Path, multiarch: &str) -> Result<()> {
        let lib = [format!("lib/{multiarch}"), "lib".to_owned()];
        let prefixes = [root.to_owned(), root.join("usr")];
        let exists = |folder: &PathBuf| folder.is_dir();
        let libraries = prefixes.iter().flat_map(|prefix| lib.iter().map(move |lib| prefix.join(lib)));
        let libraries: Vec<_> = libraries.filter(exists).collect();
        let shared = prefixes.iter().map(|prefix| prefix.join("share/pkgconfig"));
        let pkgconfig = libraries.iter().map(|folder| folder.join("pkgconfig")).chain(shared);
        let pkgconfig: Vec<_> = pkgconfig.filter(exists).collect();
        if pkgconfig.is_empty() {
            let looked = format!("lib/{multiarch}/pkgconfig, lib/pkgconfig and share/pkgconfig");
            return Err(Failure::input(format!("there are no pkg-config files below {}", root.display()))
                .help(format!("looked for {looked}, there and in its usr/")));
        }
        self.libraries.extend(libraries);
        self.pkgconfig.extend(pkgconfig);
        Ok(())
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
        for path in ["a/lib/x86_64-linux-gnu/pkgconfig", "a/share/pkgconfig", "b/usr/lib/pkgconfig", "c/lib"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        let root = |name: &str| folder.path().join(name).display().to_string();
        let found = Dependencies::find(&[root("a"), root("b")], "x86_64-linux-gnu").unwrap();
        let relative = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(
            relative(&found.pkgconfig),
            ["a/lib/x86_64-linux-gnu/pkgconfig", "a/share/pkgconfig", "b/usr/lib/pkgconfig"]
        );
        assert_eq!(relative(&found.libraries), ["a/lib/x86_64-linux-gnu", "a/lib", "b/usr/lib"]);

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
