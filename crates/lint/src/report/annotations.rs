// SPDX-License-Identifier: Apache-2.0
//! Annotations within GitHub's limits: ten errors, ten warnings and ten notices per step.

use super::{Counts, by_weight};
use crate::finding::{Finding, Severity};
use std::path::Path;
use toolkit::{Annotation, Level};

/// How many of a level GitHub shows per step.
const LIMIT: usize = 10;
/// How many of these the action needs itself, to tell that it failed or that a program is missing.
const RESERVED: usize = 1;

/// What is shown, and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotations {
    /// The annotations, the worst first, and those in the change before others.
    pub shown: Vec<Annotation>,
    /// A sentence about the rest, for the log; absent if all are shown.
    pub rest: Option<String>,
}

/// Chooses the findings that become annotations. `folder` is that of the repository in the workspace,
/// to which GitHub's paths are relative; empty if it is the same.
pub fn annotations(findings: &[Finding], folder: &Path) -> Annotations {
    let mut shown = Vec::new();
    let mut rest = Vec::new();
    let mut room = [LIMIT - RESERVED, LIMIT - RESERVED, LIMIT];
    for finding in by_weight(findings) {
        let room = match finding.severity {
            Severity::Error => &mut room[0],
            Severity::Warning => &mut room[1],
            Severity::Notice => &mut room[2],
        };
        if *room > 0 {
            *room -= 1;
            shown.push(annotation(finding, folder));
        } else {
            rest.push(finding);
        }
    }
    let sentence = || format!("{} more: see the job summary", Counts::of(rest.iter().copied()).sentence());
    let rest = (!rest.is_empty()).then(sentence);
    Annotations { shown, rest }
}

fn annotation(finding: &Finding, folder: &Path) -> Annotation {
    let level = match finding.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Notice => Level::Notice,
    };
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
    fn the_worst_and_the_changed_are_shown_within_the_limits() {
        let mut findings = many(Severity::Warning, 25);
        findings.extend(many(Severity::Error, 12));
        let mut changed = at("changed.c", 1, Severity::Error);
        changed.in_change = true;
        findings.push(changed);
        let annotations = annotations(&findings, Path::new(""));
        let count = |level| annotations.shown.iter().filter(|annotation| annotation.level == level).count();
        assert_eq!((count(Level::Error), count(Level::Warning), count(Level::Notice)), (9, 9, 0));
        assert_eq!(annotations.shown[0].place.as_ref().unwrap().0, "changed.c");
        assert_eq!(annotations.rest.as_deref(), Some("4 errors, 16 warnings more: see the job summary"));
    }

    #[test]
    fn they_are_commands() {
        let annotations = annotations(&outcome().findings, Path::new("sub"));
        let text: Vec<_> = annotations.shown.iter().map(|annotation| annotation.command().to_string()).collect();
        insta::assert_snapshot!(text.join("\n"));
        assert_eq!(annotations.rest, None);
    }
}
