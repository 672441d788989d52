// SPDX-License-Identifier: Apache-2.0
//! Annotations within GitHub's limits: ten errors, ten warnings and ten notices per step.

use super::{Counts, by_weight};
use crate::finding::{Finding, Severity};
use std::path::Path;
use toolkit::{Annotation, Level};

/// How many of a level GitHub shows per step.
const LIMIT: usize = 10;
/// How many of these the action needs itself: to tell that it failed, that a program is missing or that files are
/// exempted, and for its notices.
const RESERVED: [usize; 3] = [1, 2, 1];

/// What is shown, and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotations {
    /// The annotations: those in the change, the worst first, then others, as notices.
    pub shown: Vec<Annotation>,
    /// A sentence about the rest, for the log; absent if all are shown.
    pub rest: Option<String>,
}

/// Chooses the findings that become annotations. `folder` is that of the repository in the workspace,
/// to which GitHub's paths are relative; empty if it is the same.
pub fn annotations(findings: &[Finding], folder: &Path) -> Annotations {
    let mut shown = Vec::new();
    let mut rest = Vec::new();
    let mut room = RESERVED.map(|reserved| LIMIT - reserved);
    // Those in the change first, whatever their weight: the others are notices, and take no room from them.
    let (inside, outside): (Vec<_>, Vec<_>) = by_weight(findings).into_iter().partition(|finding| finding.in_change);
    for finding in inside.into_iter().chain(outside) {
        let [errors, warnings, notices] = &mut room;
        let (level, room) = match finding.severity {
            Severity::Error if finding.in_change => (Level::Error, errors),
            Severity::Warning if finding.in_change => (Level::Warning, warnings),
            _ => (Level::Notice, notices),
        };
        if *room > 0 {
            *room -= 1;
            shown.push(annotation(finding, level, folder));
        } else {
            rest.push(finding);
        }
    }
    let sentence = || format!("{} more: see the job summary", Counts::of(rest.iter().copied()).sentence());
    let rest = (!rest.is_empty()).then(sentence);
    Annotations { shown, rest }
}

fn annotation(finding: &Finding, level: Level, folder: &Path) -> Annotation {
    let title = match &finding.rule {
        Some(rule) => format!("{}: {rule}", finding.linter),
        None => finding.linter.clone(),
    };
    let mut message = finding.message.clone();
    if !finding.in_change {
        message.push_str("\nnot in the change, fails nothing");
    }
    if let Some(url) = &finding.rule_url {
        message.push('\n');
        message.push_str(url);
    }
    let place = finding.path.as_deref().map(|path| {
        let span = finding.span.unwrap_or_default();
        (folder.join(path).to_string_lossy().into_owned(), span.line.max(1), span.column)
    });
    Annotation { level, message, title: Some(title), place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{at, many, outcome};

    #[test]
    fn what_counts_is_shown_first_and_the_rest_as_notices_within_the_limits() {
        let changed = |severity| many(severity, 12).into_iter().map(|finding| Finding { in_change: true, ..finding });
        let mut findings = many(Severity::Error, 25);
        findings.extend(changed(Severity::Warning));
        findings.extend(changed(Severity::Error).take(3));
        findings.push(Finding { in_change: true, ..at("changed.c", 1, Severity::Error) });
        let annotations = annotations(&findings, Path::new(""));
        let count = |level| annotations.shown.iter().filter(|annotation| annotation.level == level).count();
        assert_eq!((count(Level::Error), count(Level::Warning), count(Level::Notice)), (4, 8, 9));
        let is_old = |annotation: &Annotation| annotation.message.contains("not in the change");
        assert!(annotations.shown.iter().all(|annotation| is_old(annotation) == (annotation.level == Level::Notice)));
        assert_eq!(annotations.rest.as_deref(), Some("4 warnings, 16 notices more: see the job summary"));
    }

    #[test]
    fn they_are_commands() {
        let annotations = annotations(&outcome().findings, Path::new("sub"));
        let text: Vec<_> = annotations.shown.iter().map(|annotation| annotation.command().to_string()).collect();
        insta::assert_snapshot!(text.join("\n"));
        assert_eq!(annotations.rest, None);
    }
}
