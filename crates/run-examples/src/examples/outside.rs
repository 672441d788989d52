// SPDX-License-Identifier: Apache-2.0
//! Files that appear or change outside of the scratch folders while examples run.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More files than this are not watched.
const MOST: usize = 50_000;
/// More changes than this are not told one by one.
const TOLD: usize = 20;

/// The files of some folders as they were.
#[derive(Debug, Default)]
pub struct Outside {
    roots: Vec<PathBuf>,
    ignored: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Facts>,
}

type Facts = (u64, u64, i64, i64);

impl Outside {
    /// Remembers the files of these folders, except for some.
    pub fn remember(roots: &[&Path], ignored: &[&Path]) -> Self {
        let mut outside = Self {
            roots: roots.iter().map(|root| root.to_path_buf()).collect(),
            ignored: ignored.iter().map(|path| path.to_path_buf()).collect(),
            files: BTreeMap::new(),
        };
        outside.files = outside.look();
        outside
    }

    /// What is different now, a path each.
    pub fn changes(&self, also_ignored: &[PathBuf]) -> Vec<String> {
        if self.files.len() >= MOST {
            return Vec::new();
        }
        let now = self.look();
        let told = |path: &Path, what: &str| format!("{} ({what})", self.shown(path));
        let new = now.iter().filter_map(|(path, facts)| match self.files.get(path) {
            None => Some((path, "new")),
            Some(before) if before != facts => Some((path, "changed")),
            Some(_) => None,
        });
        let gone = self.files.keys().filter(|path| !now.contains_key(*path)).map(|path| (path, "gone"));
        let changes = new.chain(gone).filter(|(path, _)| !also_ignored.contains(path));
        let mut changes: Vec<_> = changes.map(|(path, what)| told(path, what)).collect();
        if changes.len() > TOLD {
            let more = changes.split_off(TOLD).len();
            changes.push(format!("and {more} more"));
        }
        changes
    }

    fn shown(&self, path: &Path) -> String {
        let below = self.roots.iter().find_map(|root| path.strip_prefix(root).ok());
        below.unwrap_or(path).display().to_string()
    }

    fn look(&self) -> BTreeMap<PathBuf, Facts> {
        let mut files = BTreeMap::new();
        let mut folders = self.roots.clone();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(meta) = entry.metadata() else { continue };
                if self.ignored.contains(&path) || entry.file_name() == ".git" || files.len() >= MOST {
                    continue;
                }
                if meta.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path, (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()));
                }
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_change_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["gone", "changed", "same", "report"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir_all(path("deep/.git")).unwrap();
        let outside = Outside::remember(&[folder.path()], &[&path("report")]);
        assert!(outside.changes(&[]).is_empty());
        fs::remove_file(path("gone")).unwrap();
        for name in ["changed", "deep/new", "deep/.git/x", "report", "blessed"] {
            fs::write(path(name), "x").unwrap();
        }
        assert_eq!(outside.changes(&[path("blessed")]), ["changed (changed)", "deep/new (new)", "gone (gone)"]);
    }
}
