// SPDX-License-Identifier: Apache-2.0
//! Links of Markdown documents within the repository: the file is there, and has the heading. Links
//! to other places are not followed; no check depends on a network.

mod document;

pub use document::{Document, Link};

use super::{Context, finding, read_text};
use crate::finding::{Finding, Severity, Span};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use toolkit::{Failure, Result};

const NAME: &str = "links";

/// The table `[lint.check.links]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Globs of destinations, as they are written, that are not checked: those of a site generator.
    pub ignore: Vec<String>,
}

/// Checks the selected documents.
pub fn run(context: &Context) -> Result<Vec<Finding>> {
    let ignored = context.settings.links.ignore.iter().map(|text| {
        glob::Pattern::new(text).map_err(|error| {
            Failure::input(format!("`ignore` of [lint.check.links]: {text:?} is no glob")).because(error)
        })
    });
    let ignored = ignored.collect::<Result<Vec<_>>>()?;
    let modules = read_text(&context.root, Path::new(".gitmodules"))?.map(|text| submodules(&text)).unwrap_or_default();
    let is_ignored = |link: &Link| ignored.iter().any(|glob| glob.matches(&link.destination));
    let mut documents = Documents::default();
    let mut findings = Vec::new();
    for path in context.selected.iter().filter(|path| is_markdown(path)) {
        documents.add(context, path)?;
        let links = documents.0.get(path).map(|(_, document)| document.links.as_slice()).unwrap_or_default();
        let targets: BTreeSet<PathBuf> = links
            .iter()
            .filter_map(|link| Target::of(path, &link.destination))
            .filter(|target| target.fragment.is_some() && is_markdown(&target.path))
            .map(|target| target.path)
            .collect();
        for target in targets.iter().filter(|target| context.files.contains(*target)) {
            documents.add(context, target)?;
        }
        let Some((text, document)) = documents.0.get(path) else { continue };
        let tree = Tree { files: &context.files, modules: &modules };
        let anchors = |path: &Path| documents.0.get(path).map(|(_, document)| &document.anchors);
        findings.extend(check(path, text, document, &tree, &is_ignored, &anchors));
    }
    Ok(findings)
}

/// Documents by path, with their text; each is read once, however many links lead to it.
#[derive(Default)]
struct Documents(BTreeMap<PathBuf, (String, Document)>);

impl Documents {
    fn add(&mut self, context: &Context, path: &Path) -> Result<()> {
        if !self.0.contains_key(path)
            && let Some(text) = read_text(&context.root, path)?
        {
            let document = Document::read(&text);
            self.0.insert(path.to_path_buf(), (text, document));
        }
        Ok(())
    }
}

/// What a link may lead to.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    /// The files of the repository.
    pub files: &'a BTreeSet<PathBuf>,
    /// Folders of submodules, whose files are not known.
    pub modules: &'a [PathBuf],
}

impl Tree<'_> {
    fn has(&self, path: &Path) -> bool {
        // Children come right behind their folder.
        let below = self.files.range(path.to_path_buf()..).next();
        path.as_os_str().is_empty()
            || below.is_some_and(|file| file.starts_with(path))
            || self.modules.iter().any(|module| path.starts_with(module) || module.starts_with(path))
    }

    /// A file whose name differs in capitals only.
    fn alike(&self, path: &Path) -> Option<&PathBuf> {
        self.files.iter().find(|file| file.as_os_str().eq_ignore_ascii_case(path.as_os_str()))
    }
}

/// Checks one document; `anchors` gives those of another one, or of this one.
pub fn check<'a>(
    path: &Path,
    text: &str,
    document: &Document,
    tree: &Tree<'_>,
    is_ignored: &dyn Fn(&Link) -> bool,
    anchors: &dyn Fn(&Path) -> Option<&'a BTreeSet<String>>,
) -> Vec<Finding> {
    let lines = Lines::of(text);
    let mut findings = Vec::new();
    let mut found = |severity, rule: &str, range: &Range<usize>, message: String| {
        let mut finding = finding(NAME, severity, Some(path), rule, message);
        finding.span = Some(lines.span(range));
        findings.push(finding);
    };
    for (label, range) in &document.undefined {
        let message = format!("no `[{label}]: …` defines the reference `{label}`");
        found(Severity::Warning, "undefined-reference", range, message);
    }
    for Link { destination, range } in document.links.iter().filter(|link| !is_ignored(link)) {
        if destination.is_empty() {
            found(Severity::Warning, "empty-link", range, "the link leads nowhere".to_owned());
            continue;
        }
        let Some(target) = Target::of(path, destination) else { continue };
        let name = target.path.display();
        if !tree.has(&target.path) {
            let hint = tree.alike(&target.path).map(|file| format!("; there is `{}`", file.display()));
            let message = format!("`{destination}`: there is no `{name}`{}", hint.unwrap_or_default());
            found(Severity::Error, "missing-file", range, message);
            continue;
        }
        let (Some(fragment), Some(anchors)) = (&target.fragment, anchors(&target.path)) else { continue };
        let fragment = fragment.strip_prefix("user-content-").unwrap_or(fragment);
        if fragment.is_empty() || fragment == "top" || anchors.contains(fragment) || fragment.starts_with("fn-") {
            continue;
        }
        let hint = match anchors.iter().find(|anchor| anchor.eq_ignore_ascii_case(fragment)) {
            Some(alike) => format!("; it has `#{alike}`"),
            None => String::new(),
        };
        let message = format!("`{destination}`: `{name}` has no heading or anchor `#{fragment}`{hint}");
        found(Severity::Error, "missing-anchor", range, message);
    }
    findings.sort_by_key(|finding| finding.span);
    findings
}

/// A destination within the repository.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    path: PathBuf,
    /// What follows `#`; absent too if it counts lines of a file's plain text.
    fragment: Option<String>,
}

impl Target {
    /// `None` for what lies outside: other sites, and paths above the root, which are GitHub's own
    /// pages (`../../issues`).
    fn of(document: &Path, destination: &str) -> Option<Self> {
        let scheme = destination.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':'));
        if scheme || destination.starts_with("//") {
            return None;
        }
        let (rest, fragment) = match destination.split_once('#') {
            Some((rest, fragment)) => (rest, Some(decode(fragment))),
            None => (destination, None),
        };
        let (name, query) = rest.split_once('?').map_or((rest, None), |(name, query)| (name, Some(query)));
        let name = decode(name);
        let path = match name.strip_prefix('/') {
            Some(absolute) => normal(Path::new(absolute))?,
            None if name.is_empty() => document.to_path_buf(),
            None => normal(&document.parent()?.join(&name))?,
        };
        Some(Self { path, fragment: fragment.filter(|_| query.is_none()) })
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A path without `.` and `..`; `None` if it leads above where it begins.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                if !clean.pop() {
                    return None;
                }
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(clean)
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("md") || end.eq_ignore_ascii_case("markdown"))
}

/// The folders that `.gitmodules` names.
fn submodules(text: &str) -> Vec<PathBuf> {
    let entries = text.lines().filter_map(|line| line.split_once('='));
    let paths = entries.filter(|(key, _)| key.trim() == "path").map(|(_, value)| value.trim());
    paths.filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    fn span(&self, range: &Range<usize>) -> Span {
        let (line, column) = self.place(range.start);
        let (end_line, end_column) = self.place(range.end);
        Span { line, column: Some(column), end_line: Some(end_line), end_column: Some(end_column) }
    }
}

#[cfg(test)]
mod tests;
