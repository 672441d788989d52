// SPDX-License-Identifier: Apache-2.0
//! What a script finds around it: the install tree on every search path, and folders of its own.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// Folders that live as long as the run.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

/// Search paths, ours in front of the caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPaths {
    programs: Vec<PathBuf>,
    libraries: Vec<PathBuf>,
    pkgconfig: Vec<PathBuf>,
}

impl Scratch {
    /// Makes them.
    pub fn new() -> Result<Self> {
        // The name is short, because sockets below it must fit into 108 bytes.
        let folder = tempfile::Builder::new().prefix("vaccel-").tempdir().context("could not make a scratch folder")?;
        let scratch = Self(folder);
        for (name, mode) in [("home", 0o755), ("run", 0o700), ("tmp", 0o755)] {
            let made = std::fs::DirBuilder::new().mode(mode).create(scratch.path(name));
            made.with_context(|| format!("could not make {}", scratch.path(name).display()))?;
        }
        Ok(scratch)
    }

    /// The folder that holds them.
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// One of them: `home`, `run` or `tmp`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The variables that lead into them.
    pub fn variables(&self) -> [(&'static str, PathBuf); 3] {
        [("HOME", "home"), ("XDG_RUNTIME_DIR", "run"), ("TMPDIR", "tmp")]
            .map(|(name, folder)| (name, self.path(folder)))
    }
}

/// The folder of the prefix in an install tree, which must hold something.
pub fn installed(destdir: &Path, prefix: &Path) -> Result<PathBuf> {
    let below_root = prefix
        .strip_prefix("/")
        .map_err(|_| Failure::input(format!("the prefix {} is not an absolute path", prefix.display())))?;
    let shown = destdir.display();
    let missing = |what: &str| Failure::input(what.to_owned()).help("build first, or correct destdir and prefix");
    let is_empty = |folder: &Path| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if !destdir.is_dir() {
        return Err(missing(&format!("the install tree {shown} does not exist")));
    }
    if is_empty(destdir) {
        return Err(missing(&format!("the install tree {shown} is empty")));
    }
    let folder = destdir.join(below_root);
    if !folder.is_dir() || is_empty(&folder) {
        return Err(missing(&format!("the install tree {shown} holds nothing below {}", prefix.display())));
    }
    Ok(folder)
}

impl SearchPaths {
    /// Adds what there is below a prefix.
    pub fn add(&mut self, prefix: &Path, multiarch: &str) {
        let mut found = toolkit::SearchPaths::default();
        found.add(prefix, multiarch);
        self.extend(found);
    }

    fn extend(&mut self, found: toolkit::SearchPaths) {
        self.programs.extend(found.programs);
        self.libraries.extend(found.libraries);
        self.pkgconfig.extend(found.pkgconfig);
    }

    /// Adds the root of a dependency, which is a prefix or holds one, such as `usr` or `opt/x`.
    pub fn add_dependency(&mut self, root: &str, multiarch: &str) -> Result<()> {
        let root = std::path::absolute(root)?;
        if !root.is_dir() {
            return Err(Failure::input(format!("the dependency folder {} does not exist", root.display()))
                .help("fetch the dependency first, or take the folder out of pkgconfig-prefix"));
        }
        self.extend(toolkit::SearchPaths::below(&root, multiarch));
        Ok(())
    }

    /// The folders with programs.
    pub fn programs(&self) -> &[PathBuf] {
        &self.programs
    }

    /// The libraries whose file names begin so, the first of each name first.
    pub fn libraries(&self, prefix: &str) -> Vec<PathBuf> {
        let files = self.libraries.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flat_map(|entries| {
            let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            paths.sort();
            paths
        });
        files
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
            .filter(|path| path.is_file())
            .collect()
    }

    /// The variables, given those of the caller.
    pub fn variables(&self, outer: impl Fn(&str) -> Option<OsString>) -> Result<Vec<(&'static str, OsString)>> {
        [("PATH", &self.programs), ("LD_LIBRARY_PATH", &self.libraries), ("PKG_CONFIG_PATH", &self.pkgconfig)]
            .into_iter()
            .map(|(name, folders)| Ok((name, joined(folders, outer(name).as_deref())?)))
            .collect()
    }
}

fn joined(folders: &[PathBuf], outer: Option<&OsStr>) -> Result<OsString> {
    // An empty element would mean the working directory.
    let outer = std::env::split_paths(outer.unwrap_or_default()).filter(|path| !path.as_os_str().is_empty());
    std::env::join_paths(folders.iter().cloned().chain(outer))
        .map_err(|_| Failure::input("the path of an install tree has a colon in it, which search paths cannot hold"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_install_tree_comes_first_on_every_path() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["tree/usr/bin", "tree/usr/lib/x/pkgconfig", "dep/usr/lib/pkgconfig", "dep/share/pkgconfig"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        let mut paths = SearchPaths::default();
        paths.add(&installed(&folder.path().join("tree"), Path::new("/usr")).unwrap(), "x");
        paths.add_dependency(folder.path().join("dep").to_str().unwrap(), "x").unwrap();
        let outer = |name: &str| (name == "PATH").then(|| "/bin::/sbin".into());
        let variables = paths.variables(outer).unwrap();
        let told: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={}", value.display())).collect();
        let told = told.join("\n").replace(&folder.path().display().to_string(), "<folder>");
        insta::assert_snapshot!(told, @r"
        PATH=<folder>/tree/usr/bin:/bin:/sbin
        LD_LIBRARY_PATH=<folder>/tree/usr/lib/x:<folder>/tree/usr/lib:<folder>/dep/usr/lib
        PKG_CONFIG_PATH=<folder>/tree/usr/lib/x/pkgconfig:<folder>/dep/share/pkgconfig:<folder>/dep/usr/lib/pkgconfig
        ");
    }

    #[test]
    fn an_install_tree_must_hold_something() {
        let folder = tempfile::tempdir().unwrap();
        let told = |prefix: &str| {
            let failure = installed(&folder.path().join("tree"), Path::new(prefix)).unwrap_err();
            assert_eq!(failure.status().code(), 2);
            failure.to_string().replace(&folder.path().display().to_string(), "<folder>")
        };
        let missing = told("/usr");
        std::fs::create_dir(folder.path().join("tree")).unwrap();
        let empty = told("/usr");
        std::fs::create_dir(folder.path().join("tree/opt")).unwrap();
        insta::assert_snapshot!([missing, empty, told("/usr"), told("usr")].join("\n\n"), @r"
        the install tree <folder>/tree does not exist
        help: build first, or correct destdir and prefix

        the install tree <folder>/tree is empty
        help: build first, or correct destdir and prefix

        the install tree <folder>/tree holds nothing below /usr
        help: build first, or correct destdir and prefix

        the prefix usr is not an absolute path
        ");
    }

    #[test]
    fn the_run_directory_is_private() {
        let scratch = Scratch::new().unwrap();
        let [_, (_, run), _] = scratch.variables();
        assert_eq!(run.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(scratch);
        assert!(!run.exists());
    }
}
