// SPDX-License-Identifier: Apache-2.0
//! What became of each linter.

use super::Selected;
use crate::check;
use crate::definition::Linter;
use crate::finding::{Finding, Severity, Span};
use crate::outcome::{LinterOutcome, Note, Relevance};
use crate::run;
use crate::syntax;
use crate::trust::Configuration;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the ecosystem keeps the configuration of linters.
const SHARED: &str = ".github/linters";

/// Lets no linter run that cannot be kept from a configuration that nobody has looked at, and says so.
pub(super) fn refuse(selected: &mut [Selected], configurations: &[Configuration]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (selected, configuration) in selected.iter_mut().zip(configurations) {
        let Some(file) = configuration.touched.as_ref().filter(|_| configuration.refused) else { continue };
        let name = &selected.linter.name;
        let message = format!(
            "{name} did not run: the pull request changes {file}, from which it runs programs, and it can be told \
             neither to use that of the base commit nor to use none"
        );
        let severity = Severity::Warning;
        findings.push(Finding { severity, rule: Some("untrusted".to_owned()), ..run::trouble(name, &message) });
        selected.relevance = Relevance::Failed(format!("the pull request changes {file}, which is not trusted"));
    }
    findings
}

/// Lets no linter run whose configuration does not parse, and says where.
pub(super) fn unconfigured(selected: &mut [Selected], configurations: &[Configuration], root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (selected, configuration) in selected.iter_mut().zip(configurations).filter(|(selected, _)| selected.runs()) {
        let Some(named) = &configuration.named else { continue };
        let name = named.to_string_lossy();
        let text = std::fs::read(root.join(named)).unwrap_or_default();
        let Err(error) = syntax::check(&name, &text) else { continue };
        let linter = &selected.linter.name;
        let message = format!("{linter} did not run: {name} does not parse: {error}");
        findings.push(Finding {
            path: Some(named.clone()),
            span: Some(Span { line: error.line, ..Span::default() }),
            rule: Some("invalid-configuration".to_owned()),
            ..run::trouble(linter, &message)
        });
        selected.relevance = Relevance::Failed(format!("{name}:{}: does not parse", error.line));
    }
    findings
}

/// Sentences about configuration that is not used.
pub(super) fn unused(
    selected: &[Selected],
    configurations: &[Configuration],
    known: &[Linter],
    files: &BTreeSet<PathBuf>,
) -> Vec<Note> {
    let mut notes = Vec::new();
    for (selected, configuration) in selected.iter().zip(configurations) {
        if let (Some(unused), Some(named)) = (&configuration.unused, &configuration.named) {
            let name = &selected.linter.name;
            notes.push(Note::notice(format!("{unused} is not used: {name} finds its own {}", named.display())));
        }
    }
    let is_known = |path: &Path| {
        let names = known.iter().flat_map(|linter| &linter.run.shared_configuration);
        names.map(String::as_str).chain(check::foreign::NAMES.iter().copied()).any(|name| Path::new(name) == path)
    };
    let shared = files.iter().filter(|path| path.parent() == Some(Path::new(SHARED)) && !is_known(path));
    let shared: Vec<_> = shared.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
    if !shared.is_empty() {
        notes.push(Note::notice(format!("not used, since no linter here takes it: {SHARED}/{}", shared.join(", "))));
    }
    notes
}

/// Puts one error in the place of what a linter found that is older than its reader knows.
pub(super) fn outdated(selected: &mut [Selected], done: &[run::Done], findings: &mut Vec<Finding>) -> Vec<Finding> {
    let mut errors = Vec::new();
    let versions: Vec<_> = selected.iter().map(|one| version(one, selected, done)).collect();
    for (selected, version) in selected.iter_mut().zip(versions).filter(|(selected, _)| selected.runs()) {
        let (Some(version), Some(oldest)) = (version, &selected.linter.oldest) else { continue };
        if numbers(&version) >= numbers(oldest) {
            continue;
        }
        let name = &selected.linter.name;
        let message = format!("{name} {version} is older than {oldest}, the oldest version that is understood");
        let install = selected.linter.provided_by.as_deref().unwrap_or("a newer one");
        findings.retain(|finding| finding.linter != *name);
        let error = run::trouble(name, &format!("{message}; install {install}"));
        errors.push(Finding { rule: Some("outdated".to_owned()), ..error });
        selected.relevance = Relevance::Failed(format!("{version} is older than {oldest}"));
    }
    errors
}

/// The numbers of a version; what follows them does not count.
fn numbers(version: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> =
        version.split('.').map_while(|part| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

fn version(one: &Selected, selected: &[Selected], done: &[run::Done]) -> Option<String> {
    let same = |done: &&run::Done| {
        selected.get(done.linter).is_some_and(|other| other.version_question() == one.version_question())
    };
    done.iter().filter(same).find_map(|done| done.version.clone())
}

/// Every linter, with what its tasks came to.
pub(super) fn outcomes(all: &[Selected], done: &[run::Done]) -> Vec<LinterOutcome> {
    let outcome = |(index, selected): (usize, &Selected)| {
        let own = || done.iter().filter(move |done| done.linter == index);
        LinterOutcome {
            name: selected.linter.name.clone(),
            category: selected.linter.category,
            homepage: selected.linter.homepage.clone(),
            relevance: match own().find_map(|done| done.trouble.as_ref()) {
                Some(why) if selected.runs() => Relevance::Failed(why.clone()),
                _ => selected.relevance.clone(),
            },
            files: selected.files.len() + selected.outside.len(),
            version: version(selected, all, done),
            tested: selected.linter.tested.clone(),
            tool: selected.tool.clone(),
            duration: own().map(|done| done.duration).sum::<Duration>(),
        }
    };
    all.iter().enumerate().map(outcome).collect()
}
