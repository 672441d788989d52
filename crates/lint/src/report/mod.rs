// SPDX-License-Identifier: Apache-2.0
//! Reports: what the linters found, in the places where people look. They take an outcome and give
//! text; the only files that they read are those they quote and those they mend.

mod annotations;
mod edit;
mod list;
mod patch;
pub mod sarif;
mod summary;
mod terminal;

pub use annotations::{Annotations, annotations};
pub use list::list;
pub use patch::{Patch, merge};
pub use summary::{Apply, summary};
pub use terminal::terminal;

use crate::check;
use crate::finding::{Finding, Severity};
use crate::outcome::{LinterOutcome, Outcome, Relevance};
use std::path::Path;
use std::time::Duration;

/// Bytes of a file of the repository; none for what is no plain file within it.
pub fn read(root: &Path, path: &Path) -> Option<Vec<u8>> {
    // A link may lead out of the tree, also one in the middle of the path.
    let inside = std::fs::canonicalize(root.join(path.parent()?)).ok()?.starts_with(std::fs::canonicalize(root).ok()?);
    let full = root.join(path);
    let is_file = std::fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_file());
    if inside && is_file { std::fs::read(full).ok() } else { None }
}

/// How many findings of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    errors: usize,
    warnings: usize,
    notices: usize,
}

impl Counts {
    fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            match finding.weight() {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Notice => counts.notices += 1,
            }
        }
        counts
    }

    /// `2 errors, 1 warning`; `nothing` without any.
    fn sentence(self) -> String {
        let parts = [(self.errors, "error"), (self.warnings, "warning"), (self.notices, "notice")];
        let parts: Vec<_> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(n, noun)| counted(n, noun)).collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    }
}

/// What a run came to, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// `found 2 errors; 1 of 8 linters is not on this runner`.
    pub text: String,
    /// Whether linters that should have run did not.
    pub is_warning: bool,
}

/// The sentence; it never says that nothing was found without what was not looked at.
pub fn headline(outcome: &Outcome) -> Headline {
    let count = |is: fn(&Relevance) -> bool| outcome.linters.iter().filter(|linter| is(&linter.relevance)).count();
    let total = count(|relevance| !matches!(relevance, Relevance::NotRelevant(_)));
    let missing = count(|relevance| matches!(relevance, Relevance::Missing(_)));
    let failed = count(|relevance| matches!(relevance, Relevance::Failed(_)));
    let mut text = format!("found {}", Counts::of(&outcome.findings).sentence());
    let of = |count: usize, one: &str, more: &str| {
        format!("; {count} of {} {}", counted(total, "linter"), if count == 1 { one } else { more })
    };
    if missing > 0 {
        text.push_str(&of(missing, "is not on this runner", "are not on this runner"));
    }
    if failed > 0 {
        text.push_str(&of(failed, "did not do its work", "did not do their work"));
    }
    Headline { text, is_warning: missing + failed > 0 }
}

/// `1 file`, `2 files`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Whether it is one of our own checks, which are as old as we are.
fn is_own(linter: &LinterOutcome) -> bool {
    linter.tool.is_none() && check::NAMES.contains(&linter.name.as_str())
}

/// A time for people.
fn time(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds >= 60.0 => format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60),
        seconds if seconds >= 1.0 => format!("{seconds:.1} s"),
        _ => format!("{} ms", duration.as_millis()),
    }
}

/// A path on one line, whatever is in its name.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if !text.contains(char::is_control) {
        return text.into_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// The worst first, and what changed before what did not; otherwise as they are.
fn by_weight(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.weight(), !finding.in_change, finding.severity));
    sorted
}

/// `SC2086`, behind a space and in brackets, if a finding has a rule.
fn bracketed(rule: Option<&str>) -> String {
    rule.map(|rule| format!(" [{rule}]")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
