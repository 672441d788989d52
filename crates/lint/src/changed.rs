// SPDX-License-Identifier: Apache-2.0
//! What the change under review touched.

use crate::base::Base;
use crate::git::{Git, names};
use crate::patch;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// The options that make git's diffs the same whatever is configured, for the machine or in the repository.
const DIFF: [&str; 17] = [
    "diff",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules",
    "--submodule=short",
    // Relative to what is linted, and as we read it.
    "--relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    // What was moved is no change.
    "--find-renames=50%",
    "-l1000",
    "-O/dev/null",
    "--diff-algorithm=myers",
    "--indent-heuristic",
    "--inter-hunk-context=0",
    "--unified=0",
    // A removed file has no line that could be at fault.
    "--diff-filter=d",
];

/// Lines that a change touched, by file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed(BTreeMap<PathBuf, Lines>);

/// The touched lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lines {
    /// All of them.
    All,
    /// These, first and last.
    Ranges(Vec<(u32, u32)>),
}

impl Changed {
    /// Whether a file was touched.
    pub fn has_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Whether any of these lines was touched; without lines, whether the file was.
    pub fn touches(&self, path: &Path, lines: Option<(u32, u32)>) -> bool {
        match (self.0.get(path), lines) {
            (None, _) => false,
            (Some(Lines::All), _) | (Some(Lines::Ranges(_)), None) => true,
            (Some(Lines::Ranges(ranges)), Some((first, last))) => {
                ranges.iter().any(|(start, end)| *start <= last && first <= *end)
            }
        }
    }

    /// The touched files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }
}

/// What was touched since a commit, in commits and in the work tree. New files are touched as a whole, and so are those
/// that git takes for binary, since it shows no lines of them.
pub fn since(git: &Git, base: &Base) -> Result<Changed> {
    let drivers = drivers(git)?;
    let ask = |more: &[&str]| {
        let options: Vec<&str> = drivers.iter().flat_map(|option| ["-c", option]).collect();
        git.output(&[&options, &DIFF[..], more, &[base.commit.as_str(), "--"]].concat())
    };
    let listed = ask(&["--raw", "--numstat", "-z"]).context("failed to list the changed files")?;
    let mut changed = list(&listed)?;
    let diff = ask(&["--patch"]).context("failed to read the changed lines")?;
    let files = patch::parse(&diff).map_err(|error| {
        Failure::work(format!("{}: {}", error.message, String::from_utf8_lossy(&error.line)))
            .context("failed to read what git diff printed")
    })?;
    for file in files {
        let Some(path) = file.new else { continue };
        let ranges = file.hunks.iter().map(|hunk| {
            let (_, _, first, end) = hunk.changed();
            (first, end)
        });
        changed.entry(path).or_insert_with(|| Lines::Ranges(ranges.collect()));
    }
    let untracked =
        git.output(&["ls-files", "-z", "--others", "--exclude-standard"]).context("failed to list new files")?;
    for path in names(&untracked) {
        changed.insert(path.to_path_buf(), Lines::All);
    }
    Ok(Changed(changed))
}

/// What takes the drivers of this machine back to what git decides by itself: which files are binary.
fn drivers(git: &Git) -> Result<Vec<String>> {
    let names = git.answer(&["config", "-z", "--name-only", "--get-regexp", r"^diff\..*\.binary$"])?;
    let names = names.unwrap_or_default();
    let names = names.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    Ok(names.filter(|name| !name.is_empty() && !name.contains('=')).map(|name| format!("{name}=auto")).collect())
}

/// The files of `--raw --numstat -z`: those without lines count whole, unless all that changed is their name or mode;
/// those whose lines are still to be read are left out, unless they have none.
fn list(listed: &[u8]) -> Result<BTreeMap<PathBuf, Lines>> {
    let odd = |field: &[u8]| {
        Failure::work(format!("failed to read what git diff printed: {}", String::from_utf8_lossy(field)))
    };
    let mut changed = BTreeMap::new();
    let mut fields = listed.split(|byte| *byte == 0);
    let mut same = BTreeSet::new();
    while let Some(field) = fields.next().filter(|field| !field.is_empty()) {
        if let Some(facts) = field.strip_prefix(b":") {
            let words: Vec<&[u8]> = facts.split(|byte| *byte == b' ').collect();
            let [_, _, old, new, status] = words[..] else { return Err(odd(field)) };
            let mut path = fields.next().ok_or_else(|| odd(field))?;
            if matches!(status.first(), Some(b'R' | b'C')) {
                path = fields.next().ok_or_else(|| odd(field))?;
            }
            let is_same = status == b"R100" || status == b"C100" || (old == new && status == b"M");
            if is_same {
                same.insert(path);
            }
            continue;
        }
        let mut parts = field.splitn(3, |byte| *byte == b'\t');
        let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(odd(field));
        };
        let path = if path.is_empty() {
            // The name before, then the one now.
            fields.next();
            fields.next().ok_or_else(|| odd(field))?
        } else {
            path
        };
        let lines = match (added, removed) {
            (b"-", _) if !same.contains(path) => Lines::All,
            (b"-", _) | (b"0", b"0") => Lines::Ranges(Vec::new()),
            _ => continue,
        };
        changed.insert(PathBuf::from(OsStr::from_bytes(path)), lines);
    }
    Ok(changed)
}

/// The commits since a commit, the oldest first: hash, parents, message.
pub fn commits(git: &Git, base: &Base) -> Result<Vec<crate::check::Commit>> {
    let range = format!("{}..HEAD", base.commit);
    let log = ["log", "-z", "--reverse", "--no-show-signature", "--no-color", "--encoding=UTF-8"];
    let log = git.output(&[&log[..], &["--format=%H%n%P%n%B", &range, "--"]].concat());
    let log = log.context("failed to read the commits under review")?;
    let entries = log.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    Ok(entries
        .filter(|entry| !entry.trim().is_empty())
        .map(|entry| {
            let mut parts = entry.splitn(3, '\n');
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let (hash, parents, message) = (next(), next(), next());
            crate::check::Commit { hash, message, parents: parents.split_whitespace().count() }
        })
        .collect())
}

/// A file as it was in a commit; `None` if it was not there.
pub fn file_at(git: &Git, base: &Base, path: &str) -> Result<Option<Vec<u8>>> {
    // `./`: relative to what is linted, which need not be the top of the repository.
    let object = format!("{}:./{path}", base.commit);
    git.answer(&["cat-file", "blob", &object])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_without_lines_count_whole_unless_only_their_name_changed() {
        let listed = b":100644 100644 1 2 M\0text\0:100644 100644 1 0 M\0binary\0:100644 100644 1 1 R100\0old\0moved\0\
            :100644 100644 1 2 R080\0old2\0moved2\0:100644 100755 1 1 M\0mode\0:000000 100644 0 3 A\0empty\0\
            0\t2\ttext\0-\t-\tbinary\0-\t-\t\0old\0moved\0-\t-\t\0old2\0moved2\0-\t-\tmode\0\x30\t0\tempty\0";
        let none = || Lines::Ranges(Vec::new());
        let expected =
            [("binary", Lines::All), ("moved", none()), ("moved2", Lines::All), ("mode", none()), ("empty", none())];
        let expected = expected.map(|(path, lines)| (PathBuf::from(path), lines)).into_iter().collect();
        assert_eq!(list(listed).unwrap(), expected);
        assert!(list(b"what\0").is_err());
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(listed in r"(:| |\t|-|[0-9MRC]{1,3}|[a-z]|\x00){0,40}") {
            let _ = list(listed.as_bytes());
        }
    }
}
