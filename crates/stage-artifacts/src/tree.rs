// SPDX-License-Identifier: Apache-2.0
//! The install tree: what the build installed, walked once and checked before anything is made
//! of it.
//!
//! Everything that would be wrong on another machine is found here, so the formats need not check
//! again. This module reads the tree and never changes it.

pub mod elf;
pub mod loader;
mod problem;
mod symlink;

pub use elf::{Elf, Machine};
pub use problem::{Located, Problem, TreeError};

use artifact::Arch;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Set-user-id and set-group-id.
const PRIVILEGE_BITS: u32 = 0o6000;

/// A checked install tree.
#[derive(Debug)]
pub struct InstallTree {
    root: PathBuf,
    entries: Vec<Entry>,
}

/// One entry of the tree.
#[derive(Debug)]
pub struct Entry {
    /// Path below the root, without a leading `/`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A symbolic link that stays inside the tree.
    Symlink {
        /// Its target, as it is written in the link.
        target: String,
    },
    /// A regular file.
    File {
        /// Its size in bytes.
        size: u64,
        /// Whether its owner may execute it.
        executable: bool,
        /// What it is if it is an ELF file.
        elf: Option<Elf>,
    },
}

impl Entry {
    /// The mode it gets in a package, whatever the umask of the build was.
    pub fn mode(&self) -> u32 {
        match &self.kind {
            Kind::Symlink { .. } => 0o777,
            // Linkers make libraries executable; nobody executes them, and Debian's policy forbids it.
            Kind::File { elf: Some(elf), .. } if elf.is_shared_library => 0o644,
            Kind::Folder | Kind::File { executable: true, .. } => 0o755,
            Kind::File { executable: false, .. } => 0o644,
        }
    }

    /// Its last part.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder that holds it, relative to the root; empty for the root itself.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// A shared library of the tree.
#[derive(Clone, Copy, Debug)]
pub struct SharedLibrary<'a> {
    /// Where it is.
    pub entry: &'a Entry,
    /// What it says about itself.
    pub elf: &'a Elf,
}

impl InstallTree {
    /// Walks and checks the tree below `root`, which was built for `arch`.
    pub fn read(root: &Path, arch: Arch) -> Result<Self, TreeError> {
        match fs::metadata(root) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(TreeError::NotAFolder(root.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(TreeError::Missing(root.to_owned())),
            Err(source) => return Err(TreeError::Read { path: root.to_owned(), source }),
        }
        let mut walk = Walk { root, arch, entries: Vec::new(), problems: Vec::new() };
        walk.folder("")?;
        walk.entries.sort_by(|a, b| a.path.cmp(&b.path));
        walk.check_symlinks();
        let Walk { entries, mut problems, .. } = walk;
        if !problems.is_empty() {
            problems.sort_by(|a, b| a.path.cmp(&b.path));
            return Err(TreeError::Unfit { root: root.to_owned(), problems });
        }
        Ok(Self { root: root.to_owned(), entries })
    }

    /// Refuses a tree without files.
    pub fn check_not_empty(&self) -> Result<(), TreeError> {
        if self.entries.iter().all(|entry| matches!(entry.kind, Kind::Folder)) {
            return Err(TreeError::Empty(self.root.clone()));
        }
        Ok(())
    }

    /// The part of the tree whose files match a pattern, with the folders that hold them. A pattern that matches
    /// nothing is an error: the package would lack what somebody counts on.
    pub fn part(mut self, patterns: &[glob::Pattern]) -> Result<Self, TreeError> {
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        let matches = |pattern: &glob::Pattern, entry: &Entry| {
            !matches!(entry.kind, Kind::Folder) && pattern.matches_with(&entry.path, options)
        };
        if let Some(pattern) = patterns.iter().find(|pattern| !self.entries.iter().any(|entry| matches(pattern, entry)))
        {
            return Err(TreeError::NoMatch { root: self.root, pattern: pattern.to_string() });
        }
        let kept: Vec<String> = self
            .entries
            .iter()
            .filter(|entry| patterns.iter().any(|pattern| matches(pattern, entry)))
            .map(|entry| entry.path.clone())
            .collect();
        self.entries.retain(|entry| match entry.kind {
            Kind::Folder => {
                kept.iter().any(|path| path.strip_prefix(&entry.path).is_some_and(|rest| rest.starts_with('/')))
            }
            _ => kept.contains(&entry.path),
        });
        Ok(self)
    }

    /// The folder that holds the tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every entry but the root, sorted by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many regular files there are, and their size in bytes.
    pub fn extent(&self) -> (usize, u64) {
        self.entries.iter().fold((0, 0), |(count, total), entry| match entry.kind {
            Kind::File { size, .. } => (count + 1, total + size),
            _ => (count, total),
        })
    }

    /// Whether something lies at or below a path.
    pub fn holds(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        path.is_empty() || self.entries.iter().any(|entry| entry.path == path)
    }

    /// Every ELF file.
    pub fn elf_files(&self) -> impl Iterator<Item = (&Entry, &Elf)> {
        self.entries.iter().filter_map(|entry| match &entry.kind {
            Kind::File { elf: Some(elf), .. } => Some((entry, elf)),
            _ => None,
        })
    }

    /// The real shared libraries, without the links that lead to them.
    pub fn shared_libraries(&self) -> impl Iterator<Item = SharedLibrary<'_>> {
        self.elf_files().filter(|(_, elf)| elf.is_shared_library).map(|(entry, elf)| SharedLibrary { entry, elf })
    }
}

struct Walk<'a> {
    root: &'a Path,
    arch: Arch,
    entries: Vec<Entry>,
    problems: Vec<Located>,
}

impl Walk<'_> {
    fn folder(&mut self, below: &str) -> Result<(), TreeError> {
        let folder = self.root.join(below);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TreeError::Read { path, source }
        };
        for item in fs::read_dir(&folder).map_err(failed(&folder))? {
            let item = item.map_err(failed(&folder))?;
            let name = item.file_name();
            let Some(name) = name.to_str().filter(|name| !name.contains(char::is_control)) else {
                let shown = format!("{}{}", prefixed(below), name.to_string_lossy().escape_debug());
                let problem = if name.to_str().is_some() { Problem::ControlCharacter } else { Problem::NotUtf8 };
                self.problem(shown, problem);
                continue;
            };
            let path = format!("{}{name}", prefixed(below));
            let meta = item.metadata().map_err(failed(&item.path()))?;
            let Some(kind) = self.kind(&path, &meta).map_err(failed(&item.path()))? else { continue };
            let is_folder = matches!(kind, Kind::Folder);
            self.entries.push(Entry { path: path.clone(), kind });
            if is_folder {
                self.folder(&path)?;
            }
        }
        Ok(())
    }

    /// What the entry is; `None` if it must not be there.
    fn kind(&mut self, path: &str, meta: &Metadata) -> io::Result<Option<Kind>> {
        let kind = meta.file_type();
        if kind.is_dir() {
            return Ok(Some(Kind::Folder));
        }
        let problem = if kind.is_symlink() {
            match fs::read_link(self.root.join(path))?.into_os_string().into_string() {
                Ok(target) => return Ok(Some(Kind::Symlink { target })),
                Err(_) => Problem::NotUtf8Target,
            }
        } else if kind.is_file() {
            return self.file(path, meta);
        } else if kind.is_fifo() {
            Problem::Special("a named pipe")
        } else if kind.is_socket() {
            Problem::Special("a socket")
        } else {
            Problem::Special("a device")
        };
        self.problem(path, problem);
        Ok(None)
    }

    fn file(&mut self, path: &str, meta: &Metadata) -> io::Result<Option<Kind>> {
        let mode = meta.permissions().mode();
        if mode & PRIVILEGE_BITS != 0 {
            self.problem(path, Problem::Privileged);
        }
        let elf = match Elf::read(File::open(self.root.join(path))?) {
            Ok(elf) => elf,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.problem(path, Problem::BrokenElf(error.to_string()));
                None
            }
            Err(error) => return Err(error),
        };
        match elf.as_ref().map(|elf| &elf.machine) {
            Some(Machine::Ours(arch)) if *arch != self.arch => {
                self.problem(path, Problem::Foreign { found: arch.to_string(), wanted: self.arch });
            }
            Some(Machine::Foreign(name)) => {
                self.problem(path, Problem::Foreign { found: name.clone(), wanted: self.arch });
            }
            _ => {}
        }
        Ok(Some(Kind::File { size: meta.len(), executable: mode & 0o100 != 0, elf }))
    }

    fn check_symlinks(&mut self) {
        let links: BTreeMap<String, String> = self
            .entries
            .iter()
            .filter_map(|entry| match &entry.kind {
                Kind::Symlink { target } => Some((entry.path.clone(), target.clone())),
                _ => None,
            })
            .collect();
        for (path, target) in &links {
            let target = target.clone();
            match symlink::follow(path, &links) {
                symlink::Destination::Inside => {}
                symlink::Destination::Absolute => self.problem(path, Problem::AbsoluteLink { target }),
                symlink::Destination::Outside => self.problem(path, Problem::EscapingLink { target }),
                symlink::Destination::Loop => self.problem(path, Problem::LinkLoop { target }),
            }
        }
    }

    fn problem(&mut self, path: impl Into<String>, problem: Problem) {
        self.problems.push(Located { path: path.into(), problem });
    }
}

fn prefixed(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("{folder}/") }
}

#[cfg(test)]
mod tests;
