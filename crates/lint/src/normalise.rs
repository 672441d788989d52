// SPDX-License-Identifier: Apache-2.0
//! From a linter's words to findings of this repository: its paths, our severities, once each.

use crate::changed::Changed;
use crate::definition::Read;
use crate::files::Tree;
use crate::finding::Finding;
use crate::patch;
use crate::read::{self, Raw};
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

/// What paths of findings are compared with.
#[derive(Debug)]
pub struct Known<'a> {
    root: &'a Path,
    all: &'a BTreeSet<PathBuf>,
    linted: BTreeSet<&'a Path>,
    /// Names that are not UTF-8, by how a linter may write them.
    lossy: HashMap<String, &'a Path>,
}

/// What a path of a finding is.
enum Place {
    /// A file that is linted.
    File(PathBuf),
    /// A file that is left out: generated, ignored, of a submodule.
    LeftOut,
    /// None of the repository's.
    Elsewhere(PathBuf),
}

impl<'a> Known<'a> {
    /// The files of a repository.
    pub fn new(root: &'a Path, tree: &'a Tree) -> Self {
        let linted: BTreeSet<&Path> = tree.files.iter().map(|file| file.path.as_path()).collect();
        let unusual = linted.iter().filter(|path| path.to_str().is_none());
        let lossy = unusual.map(|path| (lossy(path), *path)).collect();
        Self { root, all: &tree.all, linted, lossy }
    }

    fn place(&self, path: &Path) -> Place {
        let Some(relative) = relative(self.root, path) else { return Place::Elsewhere(path.to_owned()) };
        if self.linted.contains(relative.as_path()) {
            return Place::File(relative);
        }
        if let Some(file) = self.lossy.get(&lossy(&relative)) {
            return Place::File((*file).to_owned());
        }
        if self.all.contains(&relative) || self.root.join(&relative).is_file() {
            return Place::LeftOut;
        }
        Place::Elsewhere(path.to_owned())
    }

    /// The finding that a linter's words mean; `None` if it is about a file that is left out.
    pub fn finding(&self, linter: &str, reading: &Read, raw: Raw) -> Option<Finding> {
        let severity = read::severity(reading, raw.severity.as_deref());
        let rule_url = raw.rule_url.or_else(|| {
            let (url, rule) = (reading.rule_url.as_ref()?, raw.rule.as_ref()?);
            Some(url.replace("{rule}", rule))
        });
        let (path, span, message) = match raw.path.as_deref().map(|path| self.place(path)) {
            None => (None, None, raw.message),
            Some(Place::LeftOut) => return None,
            Some(Place::File(path)) => (Some(path), raw.span, raw.message),
            // A header of the system, say: the place is a part of the message.
            Some(Place::Elsewhere(path)) => {
                let line = raw.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
                (None, None, format!("{}{line}: {}", path.display(), raw.message))
            }
        };
        let fix = path.as_ref().zip(raw.fix).map(|(path, hunks)| patch::of_file(path, &hunks));
        let (linter, rule) = (linter.to_owned(), raw.rule);
        Some(Finding { severity, path, span, linter, rule, rule_url, message, fix, in_change: true })
    }
}

/// A path as text. Linters write one or more replacement characters for a byte that is no UTF-8.
fn lossy(path: &Path) -> String {
    let mut text = path.to_string_lossy().into_owned();
    while text.contains("\u{fffd}\u{fffd}") {
        text = text.replace("\u{fffd}\u{fffd}", "\u{fffd}");
    }
    text
}

/// A path relative to the root, without `.` and `..`; `None` if it leads out.
fn relative(root: &Path, path: &Path) -> Option<PathBuf> {
    let path = if path.is_absolute() { path.strip_prefix(root).ok()? } else { path };
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => parts.push(name),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.iter().collect())
}

/// Marks what lies in the change, sorts by place, and leaves each finding once.
pub fn arrange(mut findings: Vec<Finding>, changed: Option<&Changed>) -> Vec<Finding> {
    if let Some(changed) = changed {
        for finding in &mut findings {
            let lines = finding.span.map(|span| (span.line, span.end_line.unwrap_or(span.line).max(span.line)));
            finding.in_change = finding.path.as_ref().is_none_or(|path| changed.touches(path, lines));
        }
    }
    let key = |finding: &Finding| {
        let Finding { severity, path, span, linter, rule, message, .. } = finding;
        (path.clone(), *span, linter.clone(), rule.clone(), message.clone(), *severity)
    };
    findings.sort_by_cached_key(key);
    findings.dedup_by(|a, b| key(a) == key(b));
    findings
}

#[cfg(test)]
mod tests;
