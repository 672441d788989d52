// SPDX-License-Identifier: Apache-2.0
//! What became of each linter.

use super::Selected;
use crate::finding::{Finding, Severity};
use crate::outcome::{LinterOutcome, Relevance};
use crate::run;
use crate::trust::Configuration;
use std::time::Duration;

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

/// Every linter, with what its tasks came to.
pub(super) fn outcomes(selected: &[Selected], done: &[run::Done]) -> Vec<LinterOutcome> {
    let version = |one: &Selected| {
        let same = |done: &&run::Done| {
            selected.get(done.linter).is_some_and(|other| other.version_question() == one.version_question())
        };
        done.iter().filter(same).find_map(|done| done.version.clone())
    };
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
            version: version(selected),
            tested: selected.linter.tested.clone(),
            tool: selected.tool.clone(),
            duration: own().map(|done| done.duration).sum::<Duration>(),
        }
    };
    selected.iter().enumerate().map(outcome).collect()
}
