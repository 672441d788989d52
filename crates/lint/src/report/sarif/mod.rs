// SPDX-License-Identifier: Apache-2.0
//! SARIF 2.1.0, as code scanning takes it: a run per linter, at most twenty; at most 25,000 results
//! in each; and a place in a file for each result.

mod fingerprint;

pub use fingerprint::fingerprints;

use super::edit::edits;
use super::{by_weight, is_own};
use crate::finding::{Finding, Severity};
use crate::outcome::{LinterOutcome, Outcome, Relevance};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Limits of code scanning.
#[derive(Clone, Copy, Debug)]
struct Limits {
    runs: usize,
    results: usize,
    /// Bytes of all results; compressed, ten mebibytes are taken.
    bytes: usize,
}

const LIMITS: Limits = Limits { runs: 20, results: 25_000, bytes: 10 * 1024 * 1024 };

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The run that the linters share that have none of their own.
const SHARED: &str = "vaccel-lint";

/// The document; `read` gives the bytes of a file of the repository. Findings that are in no file,
/// such as those of commits, are notifications of the run, since a result needs a place.
pub fn document(outcome: &Outcome, about: &About, read: &dyn Fn(&Path) -> Option<Vec<u8>>) -> Value {
    limited(outcome, about, read, LIMITS)
}

/// What was linted.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Where it is in its repository; empty for the top.
    pub prefix: PathBuf,
    /// The package, by which a baseline is told apart.
    pub package: String,
    /// Whether everything was looked at, so that the file can be a baseline.
    pub is_everything: bool,
}

/// The name of a rule beside those of other linters; `linter` is the name of its run.
pub fn full_rule(linter: &str, rule: &str) -> String {
    if linter == SHARED { rule.to_owned() } else { format!("{linter}/{rule}") }
}

fn limited(outcome: &Outcome, about: &About, read: &dyn Fn(&Path) -> Option<Vec<u8>>, limits: Limits) -> Value {
    let groups = group(outcome, limits.runs);
    let mut runs: Vec<Run<'_>> = groups.iter().map(|group| Run::new(group, outcome, &about.prefix)).collect();
    let mut prints: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    let mut bytes = 0;
    // The worst first, for what is beyond the limits is left out.
    for finding in by_weight(&outcome.findings) {
        let Some(run) = runs.iter_mut().find(|run| run.group.takes(&finding.linter)) else { continue };
        let Some(path) = finding.path.as_deref() else {
            run.notifications.push(json!({ "level": level(finding.severity), "message": { "text": finding.message } }));
            continue;
        };
        let line = finding.span.map_or(1, |span| span.line.max(1));
        let prints = prints.entry(path).or_insert_with(|| {
            let text = read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            text.map(|text| fingerprint::fingerprints(&text)).unwrap_or_default()
        });
        let print = usize::try_from(line - 1).ok().and_then(|index| prints.get(index));
        let result = run.result(finding, path, print);
        let size = result.to_string().len();
        if run.results.len() >= limits.results || bytes + size > limits.bytes {
            run.left_out += 1;
            continue;
        }
        bytes += size;
        run.results.push(result);
    }
    let is_complete = about.is_everything && runs.iter().all(|run| run.left_out == 0);
    let runs: Vec<_> = runs.into_iter().map(Run::document).collect();
    let properties = json!({ "package": about.package, "complete": is_complete });
    json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs, "properties": properties })
}

/// The linters of one run.
struct Group<'a> {
    name: &'a str,
    linter: Option<&'a LinterOutcome>,
    /// All that it holds, if it is the shared one.
    members: Vec<&'a str>,
}

impl Group<'_> {
    fn takes(&self, linter: &str) -> bool {
        self.members.contains(&linter)
    }

    fn is_shared(&self) -> bool {
        self.members.len() > 1
    }
}

/// Linters that ran or found something, each on its own; the last ones together if there are too many.
fn group(outcome: &Outcome, most: usize) -> Vec<Group<'_>> {
    let ran = outcome.linters.iter().filter(|linter| matches!(linter.relevance, Relevance::Relevant(_)));
    let mut names: Vec<&str> = ran.map(|linter| linter.name.as_str()).collect();
    for finding in &outcome.findings {
        if !names.contains(&finding.linter.as_str()) {
            names.push(&finding.linter);
        }
    }
    if names.len() > most {
        let count = |name: &&str| outcome.findings.iter().filter(|finding| finding.linter == **name).count();
        names.sort_by_cached_key(|name| std::cmp::Reverse(count(name)));
    }
    let own = if names.len() > most { most.saturating_sub(1) } else { names.len() };
    let shared = names.split_off(own);
    let linter = |name: &str| outcome.linters.iter().find(|linter| linter.name == name);
    let mut groups: Vec<_> =
        names.into_iter().map(|name| Group { name, linter: linter(name), members: vec![name] }).collect();
    if !shared.is_empty() {
        groups.push(Group { name: SHARED, linter: None, members: shared });
    }
    groups
}

/// A run that is being filled.
struct Run<'a> {
    group: &'a Group<'a>,
    prefix: &'a Path,
    homepages: BTreeMap<&'a str, &'a str>,
    rules: Vec<Value>,
    indexes: BTreeMap<String, usize>,
    results: Vec<Value>,
    notifications: Vec<Value>,
    left_out: usize,
}

impl<'a> Run<'a> {
    fn new(group: &'a Group<'a>, outcome: &'a Outcome, prefix: &'a Path) -> Self {
        let homepages = outcome.linters.iter().map(|linter| (linter.name.as_str(), linter.homepage.as_str())).collect();
        Self {
            group,
            prefix,
            homepages,
            rules: Vec::new(),
            indexes: BTreeMap::new(),
            results: Vec::new(),
            notifications: Vec::new(),
            left_out: 0,
        }
    }

    /// The index of a finding's rule, which is made if it is new.
    fn rule(&mut self, finding: &Finding) -> (String, usize) {
        let own = finding.rule.as_deref().unwrap_or(&finding.linter);
        let id = if self.group.is_shared() { format!("{}/{own}", finding.linter) } else { own.to_owned() };
        if let Some(index) = self.indexes.get(&id) {
            return (id, *index);
        }
        let home = self.homepages.get(finding.linter.as_str()).copied();
        let link = finding.rule_url.as_deref().or(home).filter(|link| is_uri(link));
        let about = if own == finding.linter { own.to_owned() } else { format!("{}: {own}", finding.linter) };
        let help = link.map_or_else(|| about.clone(), |link| format!("{about}: {link}"));
        let mut rule = json!({
            "id": id,
            "shortDescription": { "text": about },
            "fullDescription": { "text": about },
            "help": { "text": help },
        });
        if let (Some(link), Some(rule)) = (link, rule.as_object_mut()) {
            rule.insert("helpUri".to_owned(), json!(link));
        }
        self.rules.push(rule);
        self.indexes.insert(id.clone(), self.rules.len() - 1);
        (id, self.rules.len() - 1)
    }

    fn result(&mut self, finding: &Finding, path: &Path, print: Option<&String>) -> Value {
        let (id, index) = self.rule(finding);
        let mut result = Map::new();
        result.insert("ruleId".to_owned(), json!(id));
        result.insert("ruleIndex".to_owned(), json!(index));
        result.insert("level".to_owned(), json!(level(finding.severity)));
        result.insert("message".to_owned(), json!({ "text": finding.message }));
        let place = json!({ "artifactLocation": location(&self.prefix.join(path)), "region": region(finding) });
        result.insert("locations".to_owned(), json!([{ "physicalLocation": place }]));
        if let Some(print) = print {
            result.insert("partialFingerprints".to_owned(), json!({ "primaryLocationLineHash": print }));
        }
        if let Some(changes) = finding.fix.as_deref().and_then(|fix| changes(fix, self.prefix)) {
            result.insert("fixes".to_owned(), json!([{ "artifactChanges": changes }]));
        }
        Value::Object(result)
    }

    fn document(self) -> Value {
        let mut driver = Map::new();
        driver.insert("name".to_owned(), json!(self.group.name));
        driver.insert("rules".to_owned(), json!(self.rules));
        if let Some(linter) = self.group.linter {
            if is_uri(&linter.homepage) {
                driver.insert("informationUri".to_owned(), json!(linter.homepage));
            }
            let own = is_own(linter).then(|| env!("CARGO_PKG_VERSION").to_owned());
            if let Some(version) = linter.version.clone().or(own) {
                driver.insert("version".to_owned(), json!(version));
            }
        }
        let mut invocation = json!({ "executionSuccessful": true });
        if let (false, Some(invocation)) = (self.notifications.is_empty(), invocation.as_object_mut()) {
            invocation.insert("toolExecutionNotifications".to_owned(), json!(self.notifications));
        }
        let mut run = json!({
            "tool": { "driver": driver },
            // The category, so that other uploads replace no results of this one.
            "automationDetails": { "id": format!("vaccel-lint/{}/", self.group.name) },
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": self.results,
        });
        if let (true, Some(run)) = (self.left_out > 0, run.as_object_mut()) {
            run.insert("properties".to_owned(), json!({ "resultsLeftOut": self.left_out }));
        }
        run
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    }
}

fn location(path: &Path) -> Value {
    json!({ "uri": uri(path), "uriBaseId": "%SRCROOT%" })
}

/// A path as a relative reference, whatever bytes are in it.
pub fn uri(path: &Path) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    percent_encoding::percent_encode(path.as_os_str().as_bytes(), KEPT).to_string()
}

fn is_uri(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    is_web && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c))
}

fn region(finding: &Finding) -> Value {
    let Some(span) = finding.span else { return json!({ "startLine": 1 }) };
    let start = span.line.max(1);
    let end = span.end_line.unwrap_or(start).max(start);
    let mut region = Map::new();
    region.insert("startLine".to_owned(), json!(start));
    if let Some(column) = span.column {
        region.insert("startColumn".to_owned(), json!(column.max(1)));
    }
    region.insert("endLine".to_owned(), json!(end));
    if let Some(column) = span.end_column {
        // Not before the begin, where a linter says so.
        let least = if end == start { span.column.unwrap_or(1) } else { 1 };
        region.insert("endColumn".to_owned(), json!(column.max(least).max(1)));
    }
    Value::Object(region)
}

/// A fix as SARIF has it: lines of a file in place of lines.
fn changes(fix: &str, prefix: &Path) -> Option<Vec<Value>> {
    let files = edits(fix).ok()??;
    let change = |(path, file): (PathBuf, super::edit::FileEdits)| {
        let replacements = file.edits.iter().map(|edit| {
            let (start, after) = (edit.start + 1, edit.start + edit.removed + 1);
            let last = file.expected.iter().find(|(at, _)| edit.removed > 0 && *at + 1 == edit.start + edit.removed);
            let end = match last {
                // The last line of a file may have no end.
                Some((at, line)) if !line.ends_with(b"\n") => {
                    (at + 1, String::from_utf8_lossy(line).chars().count() + 1)
                }
                _ => (after, 1),
            };
            let inserted = String::from_utf8(edit.added.concat()).ok()?;
            let region = json!({ "startLine": start, "startColumn": 1, "endLine": end.0, "endColumn": end.1 });
            Some(json!({ "deletedRegion": region, "insertedContent": { "text": inserted } }))
        });
        let replacements = replacements.collect::<Option<Vec<_>>>().filter(|list| !list.is_empty())?;
        Some(json!({ "artifactLocation": location(&prefix.join(path)), "replacements": replacements }))
    };
    files.into_iter().map(change).collect::<Option<Vec<_>>>().filter(|list| !list.is_empty())
}

#[cfg(test)]
mod tests;
