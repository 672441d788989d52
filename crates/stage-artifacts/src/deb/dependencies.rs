// SPDX-License-Identifier: Apache-2.0
//! On which packages a Debian package depends: those whose libraries its files need, and those
//! that the caller names.

use super::ldconfig::split_soname;
use super::shlibdeps;
use crate::format::Job;
use crate::tree::{Elf, Entry, InstallTree, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toolkit::{Result, ResultExt, SearchPaths};

/// Where Debian's Python looks for modules of packages.
const PYTHON_MODULES: &str = "usr/lib/python3/dist-packages/";

/// The packages that the tree's files need: found once, whoever asks first.
#[derive(Debug)]
pub struct Dependencies {
    found: OnceLock<Result<Vec<String>>>,
    are_required: bool,
}

impl Dependencies {
    /// Nothing is looked for yet.
    pub fn new(are_required: bool) -> Self {
        Self { found: OnceLock::new(), are_required }
    }

    /// The field `Depends`, item by item.
    pub fn get(&self, job: &Job<'_>) -> Result<Vec<String>> {
        self.found.get_or_init(|| find(job)).clone()
    }

    /// Whether nothing can be made without them.
    pub fn are_required(&self) -> bool {
        self.are_required
    }
}

fn find(job: &Job<'_>) -> Result<Vec<String>> {
    let needs = Needs::of(job.tree);
    let roots = libraries_in(job.dependency_roots, job.subject.arch.multiarch())?;
    if let Some(message) = unnamed_package(&needs, &roots, &job.metadata.depends) {
        job.runner.warning(&message);
    }
    refuse_missing_plugins(&needs, &roots, job)?;
    let mut computed = shlibdeps::run(job, &needs, &roots)?;
    if job.tree.entries().iter().any(|entry| entry.path.starts_with(PYTHON_MODULES)) {
        computed.push("python3:any".to_owned());
    }
    Ok(merge(computed, &job.metadata.depends))
}

/// The libraries that the tree's files need from elsewhere.
pub struct Needs<'a> {
    /// Each such library, and the first file that needs it.
    pub users: BTreeMap<&'a str, &'a str>,
    /// Every file that needs any library, from elsewhere or not.
    pub files: Vec<&'a str>,
    /// The folders with libraries of the tree's own.
    pub own_folders: BTreeSet<&'a str>,
}

impl<'a> Needs<'a> {
    /// Looks through the tree.
    pub fn of(tree: &'a InstallTree) -> Self {
        let own_folders = tree.shared_libraries().map(|library| library.entry.folder()).collect();
        let sonames = tree.shared_libraries().filter_map(|library| library.elf.soname.as_deref());
        let names = tree.entries().iter().filter(|entry| !matches!(entry.kind, Kind::Folder)).map(Entry::name);
        let own: BTreeSet<&str> = sonames.chain(names).collect();
        let mut users = BTreeMap::new();
        let mut files = Vec::new();
        for (entry, elf) in tree.elf_files().filter(|(_, elf)| !elf.needed.is_empty()) {
            files.push(entry.path.as_str());
            for name in elf.needed.iter().map(String::as_str).filter(|name| !own.contains(name)) {
                users.entry(name).or_insert(entry.path.as_str());
            }
        }
        Self { users, files, own_folders }
    }
}

/// The shared libraries below the roots of other packages, by soname.
fn libraries_in(roots: &[PathBuf], multiarch: &str) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for root in roots {
        // The folder of libraries itself can be named as well.
        for folder in [root.clone()].into_iter().chain(SearchPaths::below(root, multiarch).libraries) {
            let files = files_of(&folder).with_context(|| format!("could not read {}", folder.display()))?;
            for file in files.into_iter().filter(|file| file.to_string_lossy().contains(".so")) {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                // What cannot be read as a library is none that anybody needs.
                let Some(elf) = File::open(&file).and_then(Elf::read).ok().flatten() else { continue };
                found.entry(elf.soname.unwrap_or(name)).or_insert(file);
            }
        }
    }
    Ok(found)
}

fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(items) => items.map(|item| Ok(item?.path())).collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What to say of a library below a fetched root: only the caller can know its package.
fn unnamed_package(needs: &Needs<'_>, roots: &BTreeMap<String, PathBuf>, depends: &[String]) -> Option<String> {
    if !depends.is_empty() {
        return None;
    }
    let (name, user, place) = needs.users.iter().find_map(|(name, user)| Some((name, user, roots.get(*name)?)))?;
    let place = place.display();
    Some(format!(
        "{user} needs {name} from {place}, and `depends` names no package that brings it: \
         who installs the Debian package has to know"
    ))
}

/// dpkg-shlibdeps passes over libraries without a version in their name; the loader does not.
fn refuse_missing_plugins(needs: &Needs<'_>, roots: &BTreeMap<String, PathBuf>, job: &Job<'_>) -> Result<()> {
    let multiarch = job.subject.arch.multiarch();
    let folders = ["/lib", "/usr/lib", "/usr/local/lib"].map(Path::new);
    let cross = shlibdeps::cross_folder(job.subject.arch);
    let is_installed = |name: &str| {
        folders.iter().any(|f| f.join(name).exists() || f.join(multiarch).join(name).exists())
            || cross.as_ref().is_some_and(|folder| folder.join(name).exists())
    };
    let is_on_run_path = |name: &str| {
        let elfs = job.tree.elf_files().filter(|(_, elf)| elf.needed.iter().any(|needed| needed == name));
        elfs.flat_map(|(_, elf)| &elf.run_paths)
            .any(|folder| folder.starts_with('/') && Path::new(folder).join(name).exists())
    };
    let is_missing = |name: &str| !roots.contains_key(name) && !is_installed(name) && !is_on_run_path(name);
    let plugins = needs.users.iter().filter(|(name, _)| split_soname(name).is_none() && is_missing(name));
    let missing: Vec<_> = plugins.map(|(name, user)| ((*name).to_owned(), (*user).to_owned())).collect();
    if missing.is_empty() { Ok(()) } else { Err(shlibdeps::missing(&missing, job.subject.arch)) }
}

/// What was computed, then what the caller adds; nothing twice.
fn merge(computed: Vec<String>, named: &[String]) -> Vec<String> {
    let mut all = computed;
    for item in named {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_dependencies_follow_the_computed_ones() {
        let computed = vec!["libc6 (>= 2.34)".to_owned(), "libx1".to_owned()];
        let named = ["libx1".to_owned(), "vaccel".to_owned()];
        assert_eq!(merge(computed, &named), ["libc6 (>= 2.34)", "libx1", "vaccel"]);
    }

    #[test]
    fn a_library_of_a_fetched_root_needs_a_named_package() {
        let needs = Needs {
            users: [("libh.so.0", "usr/bin/h")].into(),
            files: vec!["usr/bin/h"],
            own_folders: BTreeSet::new(),
        };
        let roots = BTreeMap::from([("libh.so.0".to_owned(), PathBuf::from("deps/usr/lib/libh.so.0"))]);
        assert_eq!(unnamed_package(&needs, &roots, &["h".to_owned()]), None);
        assert_eq!(unnamed_package(&needs, &BTreeMap::new(), &[]), None);
        insta::assert_snapshot!(unnamed_package(&needs, &roots, &[]).unwrap(), @"usr/bin/h needs libh.so.0 from deps/usr/lib/libh.so.0, and `depends` names no package that brings it: who installs the Debian package has to know");
    }
}
