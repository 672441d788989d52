// SPDX-License-Identifier: Apache-2.0
//! Whether the dynamic loader of the machine that gets the package finds the libraries that the tree
//! brings: a simulation of what glibc's `ld.so` does, without the environment of a test run.
//!
//! Source: ld.so(8), and `elf/dl-load.c` where it is silent. Libraries from elsewhere are not looked at.

use super::symlink;
use super::{Elf, Entry, InstallTree, Kind, Located, Problem};
use artifact::Arch;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use toolkit::SearchPaths;

/// Folders of the root that are links into `usr` on every system of today.
const MERGED: [&str; 5] = ["bin", "lib", "lib32", "lib64", "sbin"];
/// Where packages name further folders.
const CONFIGURATION: &str = "etc/ld.so.conf.d";

/// Where the loader looks by itself: the system's folders, and those of Debian's `/etc/ld.so.conf.d`.
pub fn default_folders(arch: Arch) -> Vec<String> {
    let multiarch = arch.multiarch();
    let below = ["lib", "usr/lib", "usr/local/lib"];
    below.iter().flat_map(|folder| [(*folder).to_owned(), format!("{folder}/{multiarch}")]).collect()
}

/// The folders that the tree's own files in `etc/ld.so.conf.d` add.
pub fn configured_folders(tree: &InstallTree) -> io::Result<Vec<String>> {
    let is_configuration = |entry: &&Entry| {
        entry.folder() == CONFIGURATION && entry.name().rsplit_once('.').is_some_and(|(_, ending)| ending == "conf")
    };
    let mut folders = Vec::new();
    for entry in tree.entries().iter().filter(is_configuration) {
        let path = tree.root().join(&entry.path);
        if path.is_file() {
            folders.extend(SearchPaths::loader_folders(&fs::read_to_string(path)?));
        }
    }
    Ok(folders)
}

/// The libraries of the tree that a file of it needs, and that the loader would not find. `searched` are
/// the folders that it searches whoever asks, without leading slashes.
pub fn out_of_reach(tree: &InstallTree, arch: Arch, searched: &[String]) -> Vec<Located> {
    let machine = Loader::new(tree, arch, searched);
    let mut problems: BTreeMap<(&str, &str), Problem> = BTreeMap::new();
    let mut process = Process::default();
    let (libraries, programs): (Vec<_>, Vec<_>) = tree.elf_files().partition(|(_, elf)| elf.is_shared_library);
    for (entry, elf) in programs {
        let loaded = machine.load(entry, elf, &Process::default(), &mut problems);
        process.names.extend(loaded.names);
        process.paths.extend(loaded.paths);
        process.inherited.extend(loaded.inherited);
    }
    // What other packages link with has to load by itself. What no program of this package has loaded is a plugin of one
    // of them: it finds there what they have loaded.
    let empty = Process::default();
    let is_public = |entry: &Entry| machine.is_searched(entry.folder());
    let (public, private): (Vec<_>, Vec<_>) = libraries.into_iter().partition(|(entry, _)| is_public(entry));
    for (entry, elf) in public {
        let loaded = machine.load(entry, elf, &empty, &mut problems);
        process.paths.extend(loaded.paths);
    }
    // Those that nothing needs come first; they load the others, with their run paths.
    let is_needed =
        |elf: &Elf| tree.elf_files().any(|(_, user)| elf.soname.iter().any(|name| user.needed.contains(name)));
    let (needed, plugins): (Vec<_>, Vec<_>) = private.into_iter().partition(|(_, elf)| is_needed(elf));
    for (entry, elf) in plugins.into_iter().chain(needed) {
        if !process.paths.contains(entry.path.as_str()) {
            let loaded = machine.load(entry, elf, &process, &mut problems);
            process.paths.extend(loaded.paths);
        }
    }
    problems.into_iter().map(|((path, _), problem)| Located { path: path.to_owned(), problem }).collect()
}

/// What the loader knows of the machine.
struct Loader<'a> {
    arch: Arch,
    /// Every ELF file by its place.
    files: BTreeMap<String, (&'a Entry, &'a Elf)>,
    links: BTreeMap<String, String>,
    searched: Vec<String>,
    /// The names by which libraries of the tree are asked for, and one place of each.
    own: BTreeMap<&'a str, &'a Entry>,
}

/// What is loaded into a process.
#[derive(Default)]
struct Process<'a> {
    names: BTreeSet<&'a str>,
    paths: BTreeSet<&'a str>,
    /// Folders that its programs look into for whatever they load.
    inherited: Vec<String>,
}

/// A file that was loaded.
struct Object<'a> {
    entry: &'a Entry,
    elf: &'a Elf,
    /// The folder that it was found in, which is not that of its file where a link led there.
    origin: String,
    /// Who asked for it.
    loader: Option<usize>,
}

impl<'a> Loader<'a> {
    fn new(tree: &'a InstallTree, arch: Arch, searched: &[String]) -> Self {
        let links = tree.entries().iter().filter_map(|entry| match &entry.kind {
            Kind::Symlink { target } => Some((merged(&entry.path), target.clone())),
            _ => None,
        });
        let mut own = BTreeMap::new();
        for library in tree.shared_libraries() {
            own.entry(library.entry.name()).or_insert(library.entry);
            if let Some(soname) = &library.elf.soname {
                own.entry(soname.as_str()).or_insert(library.entry);
            }
        }
        let mut loader = Self {
            arch,
            files: tree.elf_files().map(|(entry, elf)| (merged(&entry.path), (entry, elf))).collect(),
            links: links.collect(),
            searched: Vec::new(),
            own,
        };
        loader.searched = searched.iter().filter_map(|folder| loader.place(folder)).collect();
        loader
    }

    /// Loads a file with all that it needs.
    fn load(
        &self,
        entry: &'a Entry,
        elf: &'a Elf,
        around: &Process<'a>,
        problems: &mut BTreeMap<(&'a str, &'a str), Problem>,
    ) -> Process<'a> {
        let mut loaded = Process { names: around.names.clone(), ..Process::default() };
        let origin = merged(entry.folder());
        let mut objects = vec![Object { entry, elf, origin, loader: None }];
        let mut ahead = VecDeque::from([0]);
        while let Some(index) = ahead.pop_front() {
            let Some(Object { entry, elf, .. }) = objects.get(index) else { break };
            let (entry, elf) = (*entry, *elf);
            loaded.paths.insert(&entry.path);
            loaded.names.extend(elf.soname.as_deref());
            for name in &elf.needed {
                if loaded.names.contains(name.as_str()) {
                    continue;
                }
                let Some(home) = self.own.get(name.rsplit('/').next().unwrap_or(name)) else { continue };
                if let Some((origin, (entry, elf))) = self.find(name, &objects, index, &around.inherited) {
                    loaded.names.insert(name);
                    ahead.push_back(objects.len());
                    objects.push(Object { entry, elf, origin, loader: Some(index) });
                } else {
                    let problem = Problem::OutOfReach { library: name.clone(), folder: home.folder().to_owned() };
                    problems.insert((&entry.path, name), problem);
                }
            }
        }
        let Some(first) = objects.first() else { return loaded };
        if first.elf.run_paths_are_inherited {
            loaded.inherited =
                first.elf.run_paths.iter().filter_map(|path| self.expanded(path, &first.origin)).collect();
        }
        loaded
    }

    /// Finds what an object asks for; with the folder that it is found in.
    fn find(
        &self,
        name: &str,
        objects: &[Object<'a>],
        user: usize,
        inherited: &[String],
    ) -> Option<(String, (&'a Entry, &'a Elf))> {
        let at = |folder: &String| Some((folder.clone(), *self.files.get(&self.place(&format!("{folder}/{name}"))?)?));
        let object = objects.get(user)?;
        if name.contains('/') {
            let path = self.expanded(name, &object.origin)?;
            let (folder, _) = path.rsplit_once('/').unwrap_or(("", &path));
            return Some((folder.to_owned(), *self.files.get(&path)?));
        }
        let paths_of = |object: &Object<'a>| -> Vec<String> {
            object.elf.run_paths.iter().filter_map(|path| self.expanded(path, &object.origin)).collect()
        };
        let mut folders = Vec::new();
        // A run path of the newer kind is for the object's own needs alone, and keeps the older ones of others out.
        if object.elf.run_paths.is_empty() || object.elf.run_paths_are_inherited {
            let mut next = Some(user);
            while let Some(object) = next.and_then(|index| objects.get(index)) {
                if object.elf.run_paths_are_inherited {
                    folders.extend(paths_of(object));
                }
                next = object.loader;
            }
            folders.extend_from_slice(inherited);
        } else {
            folders = paths_of(object);
        }
        // The loader's cache knows libraries under the names that they give themselves.
        let in_cache = |folder: &String| {
            let is_it = |(entry, elf): &(&Entry, &Elf)| {
                elf.soname.as_deref() == Some(name) && merged(entry.folder()) == *folder
            };
            Some((folder.clone(), *self.files.values().find(|file| is_it(file))?))
        };
        folders
            .iter()
            .find_map(at)
            .or_else(|| self.searched.iter().find_map(|folder| at(folder).or_else(|| in_cache(folder))))
    }

    /// Whether the loader looks into a folder whoever asks.
    fn is_searched(&self, folder: &str) -> bool {
        self.place(folder).is_some_and(|folder| self.searched.contains(&folder))
    }

    /// A run path as a place in the tree; `None` if it is relative to wherever a program is started.
    fn expanded(&self, path: &str, origin: &str) -> Option<String> {
        let variables = [
            ("ORIGIN", format!("/{origin}")),
            ("LIB", format!("lib/{}", self.arch.multiarch())),
            ("PLATFORM", self.arch.as_str().to_owned()),
        ];
        let path = variables.iter().fold(path.to_owned(), |path, (name, value)| {
            path.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
        });
        self.place(path.strip_prefix('/')?)
    }

    /// Where a path leads through links, as far as the tree knows.
    fn place(&self, path: &str) -> Option<String> {
        symlink::resolve(&merged(path), &self.links).ok()
    }
}

/// A path without the links from the root into `usr`.
fn merged(path: &str) -> String {
    let path = path.trim_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if MERGED.contains(&first) { format!("usr/{path}") } else { path.to_owned() }
}
