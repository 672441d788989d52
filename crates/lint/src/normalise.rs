// SPDX-License-Identifier: Apache-2.0
//! From a linter's words to findings of this repository: its paths, our severities, once each.

use crate::changed::Changed;
use crate::definition::{Columns, Read};
use crate::files::Tree;
use crate::finding::{Finding, Span};
use crate::patch::{self, Hunk};
use crate::read::{self, Edit, Raw};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines of context a fix has.
const CONTEXT: usize = 3;

/// What paths of findings are compared with.
#[derive(Debug)]
pub struct Known<'a> {
    root: &'a Path,
    all: &'a BTreeSet<PathBuf>,
    linted: BTreeSet<&'a Path>,
    /// Names that are not UTF-8, by how a linter may write them.
    lossy: HashMap<String, &'a Path>,
    /// What is in files that places are bytes of.
    texts: Mutex<HashMap<PathBuf, Arc<[u8]>>>,
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
        Self { root, all: &tree.all, linted, lossy, texts: Mutex::default() }
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
            Some(Place::File(path)) => {
                let span = raw.span.or_else(|| span_at(&self.text(&path)?, raw.offset?));
                let span = span.map(|span| self.in_characters(&path, span, raw.columns.unwrap_or(reading.columns)));
                (Some(path), span, raw.message)
            }
            // A header of the system, say: the place is a part of the message.
            Some(Place::Elsewhere(path)) => {
                let line = raw.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
                (None, None, format!("{}{line}: {}", path.display(), raw.message))
            }
        };
        let hunks = path.as_ref().zip(raw.fix).map(|(path, hunks)| patch::of_file(path, &hunks));
        let fix = hunks.or_else(|| self.fix(&raw.edits));
        let (linter, rule) = (linter.to_owned(), raw.rule);
        Some(Finding { severity, path, span, linter, rule, rule_url, message, fix, in_change: true })
    }
}

impl Known<'_> {
    fn text(&self, path: &Path) -> Option<Arc<[u8]>> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = texts.get(path) {
            return Some(Arc::clone(text));
        }
        let text: Arc<[u8]> = std::fs::read(self.root.join(path)).ok()?.into();
        texts.insert(path.to_owned(), Arc::clone(&text));
        Some(text)
    }

    /// A place whose columns count characters, whatever the linter counts.
    fn in_characters(&self, path: &Path, span: Span, columns: Columns) -> Span {
        if columns == Columns::Characters || (span.column.is_none() && span.end_column.is_none()) {
            return span;
        }
        let Some(text) = self.text(path) else { return span };
        let column = |line: u32, column: u32| {
            let line =
                usize::try_from(line).ok().and_then(|line| text.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?));
            line.map_or(column, |line| characters(&String::from_utf8_lossy(line), column, columns))
        };
        Span {
            column: span.column.map(|at| column(span.line, at)),
            end_column: span.end_column.map(|at| column(span.end_line.unwrap_or(span.line), at)),
            ..span
        }
    }

    /// A fix from changes of bytes; none if a part of it lies elsewhere.
    fn fix(&self, edits: &[Edit]) -> Option<String> {
        let mut files: BTreeMap<PathBuf, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            let Place::File(path) = self.place(&edit.path) else { return None };
            files.entry(path).or_default().push(edit);
        }
        let mut fix = String::new();
        for (path, edits) in files {
            let old = self.text(&path)?;
            let hunks = Hunk::between(&old, &edited(&old, edits)?, CONTEXT);
            let hunks = String::from_utf8(hunks.iter().flat_map(Hunk::to_bytes).collect()).ok()?;
            fix.push_str(&patch::of_file(&path, &hunks));
        }
        (!fix.is_empty()).then_some(fix)
    }
}

/// A text after changes of its bytes; `None` if they do not fit it, or each other.
fn edited(old: &[u8], mut edits: Vec<&Edit>) -> Option<Vec<u8>> {
    edits.sort_by_key(|edit| (edit.start, edit.length));
    edits.dedup();
    let (mut new, mut at) = (Vec::with_capacity(old.len()), 0);
    for edit in edits {
        let start = usize::try_from(edit.start).ok()?;
        new.extend_from_slice(old.get(at..start)?);
        new.extend_from_slice(edit.text.as_bytes());
        at = start.checked_add(usize::try_from(edit.length).ok()?)?;
    }
    new.extend_from_slice(old.get(at..)?);
    Some(new)
}

/// The line and column of a byte.
fn span_at(text: &[u8], offset: u64) -> Option<Span> {
    let before = text.get(..usize::try_from(offset).ok()?.min(text.len()))?;
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(start..)?).chars().count() + 1;
    Some(Span { line: u32::try_from(line).ok()?, column: u32::try_from(column).ok(), ..Span::default() })
}

/// The column in characters of one that counts something else.
fn characters(line: &str, column: u32, columns: Columns) -> u32 {
    let before = column.saturating_sub(1);
    let mut counted = 0_u32;
    let mut characters = 0_u32;
    for c in line.chars() {
        if counted >= before {
            break;
        }
        let size = match columns {
            Columns::Characters => 1,
            Columns::Bytes => c.len_utf8(),
            Columns::Utf16 => c.len_utf16(),
        };
        counted = counted.saturating_add(u32::try_from(size).unwrap_or(1));
        characters += 1;
    }
    // What lies behind the line stays as far behind it.
    characters.saturating_add(before.saturating_sub(counted)).saturating_add(1)
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
pub fn relative(root: &Path, path: &Path) -> Option<PathBuf> {
    let clean = plain(path)?;
    let inside = if path.is_absolute() {
        match clean.strip_prefix(root) {
            Ok(inside) => inside.to_owned(),
            // A link may lead in.
            Err(_) => clean.canonicalize().ok()?.strip_prefix(root).ok()?.to_owned(),
        }
    } else {
        clean
    };
    (!inside.as_os_str().is_empty()).then_some(inside)
}

/// A path without `.` and `..`; `None` if it leads out of where it begins.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir | Component::Prefix(_) => {}
            Component::RootDir => parts.push("/"),
            Component::Normal(name) => parts.push(name),
            Component::ParentDir => {
                if !parts.pop() {
                    return None;
                }
            }
        }
    }
    Some(parts)
}

/// Marks what lies outside of the change, sorts by place, and leaves each finding once.
pub fn arrange(mut findings: Vec<Finding>, changed: Option<&Changed>) -> Vec<Finding> {
    if let Some(changed) = changed {
        for finding in findings.iter_mut().filter(|finding| finding.in_change) {
            let lines = finding.span.map(|span| (span.line, span.end_line.unwrap_or(span.line).max(span.line)));
            finding.in_change = finding.path.as_ref().is_none_or(|path| changed.touches(path, lines));
        }
    }
    let key = |finding: &Finding| {
        let Finding { severity, path, span, linter, rule, message, .. } = finding;
        (path.clone(), *span, linter.clone(), rule.clone(), message.clone(), *severity)
    };
    // Of two that are the same the one that counts stays.
    findings.sort_by_cached_key(|finding| (key(finding), !finding.in_change));
    findings.dedup_by(|a, b| key(a) == key(b));
    findings
}

#[cfg(test)]
mod tests;
