// SPDX-License-Identifier: Apache-2.0
//! The files of a repository that linters look at: tracked, or new and not ignored; neither
//! generated nor vendored, no links and nothing of submodules.

use crate::git::{Git, names};
use crate::globs::Globs;
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toolkit::{Result, ResultExt};

/// A file that linters look at.
#[derive(Debug)]
pub struct File {
    /// Its path, relative to the root.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    interpreter: OnceLock<Option<String>>,
}

impl File {
    /// A file of this size.
    pub fn new(path: impl Into<PathBuf>, size: u64) -> Self {
        Self { path: path.into(), size, interpreter: OnceLock::new() }
    }

    /// The interpreter on its first line, without path and version: `bash`, `python`.
    pub fn interpreter(&self, root: &Path) -> Option<&str> {
        self.interpreter.get_or_init(|| interpreter(&root.join(&self.path))).as_deref()
    }
}

/// The files of a repository.
#[derive(Debug, Default)]
pub struct Tree {
    /// Every file, relative to the root, whether it is linted or not; links too.
    pub all: BTreeSet<PathBuf>,
    /// Those that linters look at, sorted.
    pub files: Vec<File>,
}

impl Tree {
    /// Finds the files below a root; those that `exclude` matches are none that linters look at.
    pub fn find(root: &Path, git: Option<&Git>, exclude: &Globs) -> Result<Self> {
        let all = match git {
            Some(git) => listed(git)?,
            None => walked(root)?,
        };
        let entries: Vec<(PathBuf, Metadata)> = all
            .into_iter()
            // What was removed from the work tree is still listed; a submodule is listed as a folder.
            .filter_map(|path| Some((root.join(&path).symlink_metadata().ok()?, path)))
            .filter(|(metadata, _)| !metadata.is_dir())
            .map(|(metadata, path)| (path, metadata))
            .collect();
        let left_out = match git {
            Some(git) => attributed(git, entries.iter().map(|(path, _)| path.as_path()))?,
            None => HashSet::new(),
        };
        // What a link points to is linted under its own name, or lies outside.
        let is_linted =
            |path: &Path, metadata: &Metadata| metadata.is_file() && !left_out.contains(path) && !exclude.matches(path);
        let files = entries
            .iter()
            .filter(|(path, metadata)| is_linted(path, metadata))
            .map(|(path, metadata)| File::new(path, metadata.len()))
            .collect();
        Ok(Self { all: entries.into_iter().map(|(path, _)| path).collect(), files })
    }
}

fn listed(git: &Git) -> Result<BTreeSet<PathBuf>> {
    let list = git
        .output(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .context("could not list the files of the repository")?;
    Ok(names(&list).map(Path::to_path_buf).collect())
}

/// Files that `.gitattributes` calls generated or vendored.
pub fn attributed<'a>(git: &Git, paths: impl Iterator<Item = &'a Path>) -> Result<HashSet<PathBuf>> {
    let mut list = tempfile::NamedTempFile::new().context("could not make a temporary file")?;
    let bytes: Vec<u8> = paths.flat_map(|path| path.as_os_str().as_bytes().iter().copied().chain([0])).collect();
    list.write_all(&bytes).context("could not write a temporary file")?;
    let source: &[&str] = if git.has_own_index() { &["--cached"] } else { &[] };
    let arguments = [&["check-attr", "-z", "--stdin"], source, &["linguist-generated", "linguist-vendored"]].concat();
    let told = git.output_with(&arguments, Some(list.path())).context("failed to read .gitattributes")?;
    // Path, attribute, value, path, …; an empty value is none that git prints.
    let fields: Vec<&[u8]> = told.split(|byte| *byte == 0).collect();
    let triples = fields.chunks_exact(3).filter_map(|triple| <[&[u8]; 3]>::try_from(triple).ok());
    let set = triples.filter(|[_, _, value]| [&b"set"[..], b"true"].contains(value));
    Ok(set.map(|[path, _, _]| PathBuf::from(OsStr::from_bytes(path))).collect())
}

/// Every file below a folder that is no git repository; links are not followed.
fn walked(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        let entries = fs::read_dir(&full).with_context(|| format!("could not list the folder {}", full.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("could not list the folder {}", full.display()))?;
            let path = folder.join(entry.file_name());
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                found.insert(path);
            } else if entry.file_name() != ".git" {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

/// `#!/usr/bin/env -S python3.12 -u` is `python`.
fn interpreter(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    fs::File::open(path).ok()?.take(256).read_to_end(&mut start).ok()?;
    of_shebang(&start)
}

fn of_shebang(start: &[u8]) -> Option<String> {
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let mut program = words.next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    }
    let name = program.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_have_neither_path_nor_version() {
        let cases: [(&[u8], Option<&str>); 9] = [
            (b"#!/bin/bash\n", Some("bash")),
            (b"#! /bin/sh -e\necho", Some("sh")),
            (b"#!/usr/bin/env python3.12\n", Some("python")),
            (b"#!/usr/bin/env -S FOO=1 python3 -u", Some("python")),
            (b"#!/usr/bin/env", None),
            (b"#!\n", None),
            (b"#!/9", None),
            (b"echo\n#!/bin/sh", None),
            (b"\x7fELF\xff", None),
        ];
        for (start, expected) in cases {
            assert_eq!(of_shebang(start).as_deref(), expected, "{}", String::from_utf8_lossy(start));
        }
    }
}
