// SPDX-License-Identifier: Apache-2.0
//! What the change under review touched.

use crate::git::{Git, names};
use crate::patch;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toolkit::event::Event;
use toolkit::{Failure, Result, ResultExt};

/// The options that make git's diffs the same whatever is configured.
const DIFF: [&str; 7] = [
    "diff",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules",
    "--relative",
    // Relative to what is linted, and as we read it.
    "--src-prefix=a/",
];

/// The commit that a change is compared with: where its branch began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The full hash.
    pub commit: String,
}

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

/// The commit that an event says its change is compared with.
pub fn base_of(event: &Event) -> Option<String> {
    let pointer = match event.name.as_str() {
        name if is_pull_request(name) => "/pull_request/base/sha",
        "merge_group" => "/merge_group/base_sha",
        "push" => "/before",
        _ => return None,
    };
    let sha = event.payload.pointer(pointer)?.as_str()?;
    // A push that makes a branch has no commit before it.
    sha.bytes().any(|byte| byte != b'0').then(|| sha.to_owned())
}

/// Whether an event of this name is about a pull request.
pub fn is_pull_request(event: &str) -> bool {
    ["pull_request", "pull_request_target"].contains(&event)
}

/// Finds where the change began: the nearest common ancestor of `HEAD` and a commit.
pub fn base(git: &Git, name: &str) -> Result<Base> {
    let missing = |what: &str| {
        Failure::work(what.to_owned())
            .title("the base commit is missing")
            .help("check out with `fetch-depth: 0`, which fetches the whole history")
    };
    if name.starts_with('-') {
        return Err(Failure::input(format!("the base {name:?} is no commit")));
    }
    let Some(commit) =
        git.answer(&["rev-parse", "--quiet", "--verify", "--end-of-options", &format!("{name}^{{commit}}")])?
    else {
        return Err(missing(&format!("the base commit {name} is not in the repository")));
    };
    let commit = String::from_utf8_lossy(commit.trim_ascii()).into_owned();
    match git.answer(&["merge-base", "HEAD", &commit])? {
        Some(ancestor) => Ok(Base { commit: String::from_utf8_lossy(ancestor.trim_ascii()).into_owned() }),
        None => Err(missing(&format!("the base commit {name} has no ancestor in common with HEAD in the repository"))),
    }
}

/// What was touched since a commit, in commits and in the work tree; new files are touched as a whole.
pub fn since(git: &Git, base: &Base) -> Result<Changed> {
    let mut changed = BTreeMap::new();
    let ask = |more: &[&str]| git.output(&[&DIFF, more, &[base.commit.as_str()]].concat());
    let touched = ask(&["--name-only", "-z", "--diff-filter=d"]).context("could not list the changed files")?;
    for path in names(&touched) {
        changed.insert(path.to_path_buf(), Lines::Ranges(Vec::new()));
    }
    let diff = ask(&["--unified=0", "--dst-prefix=b/"]).context("could not read the changed lines")?;
    let files = patch::parse(&diff).map_err(|error| {
        Failure::work(format!("{}: {}", error.message, String::from_utf8_lossy(&error.line)))
            .context("could not read what git diff printed")
    })?;
    for file in files {
        let Some(path) = file.new else { continue };
        let ranges = file.hunks.iter().map(|hunk| {
            let (_, _, first, end) = hunk.changed();
            (first, end)
        });
        changed.insert(path, Lines::Ranges(ranges.collect()));
    }
    let untracked =
        git.output(&["ls-files", "-z", "--others", "--exclude-standard"]).context("could not list new files")?;
    for path in names(&untracked) {
        changed.insert(path.to_path_buf(), Lines::All);
    }
    Ok(Changed(changed))
}

/// The commits since a commit, the oldest first: hash, parents, message.
pub fn commits(git: &Git, base: &Base) -> Result<Vec<crate::check::Commit>> {
    let range = format!("{}..HEAD", base.commit);
    let arguments = ["log", "-z", "--reverse", "--no-show-signature", "--no-color", "--format=%H%n%P%n%B", &range];
    let log = git.output(&arguments).context("could not read the commits under review")?;
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
