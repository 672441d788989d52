// SPDX-License-Identifier: Apache-2.0
//! The verdict as a person reads it. Reasons and names come from outside: all of them are escaped.

use crate::records::{self, Record};
use crate::verdict::{JobResult, Jobs, Verdict};
use artifact::{Plan, StepOutcome, Target};
use std::fmt::Write;
use toolkit::markdown::{code, escape, table};

/// As much of a reason as fits in a row.
const LENGTH: usize = 400;

/// Markdown for the job summary.
pub fn render(plan: Option<&Plan>, jobs: Jobs, records: &[Record], verdict: &Verdict) -> String {
    let title = match verdict.verified {
        Some(true) => "✅ Verified",
        Some(false) => "❌ Not verified",
        None => "No verdict",
    };
    let mut text = format!("## {title}\n\n{}\n", shown(&verdict.reason));
    if let Some(plan) = plan.filter(|plan| plan.proceed) {
        let _ = write!(
            text,
            "\n{} {}, {} at {}\n\n",
            code(plan.package.as_str()),
            code(&plan.version.to_string()),
            code(plan.git_ref.as_str()),
            code(plan.sha.as_str())
        );
        let rows = plan.matrix.include.iter().map(|target| row(plan, target, jobs, records));
        text.push_str(&table(&["Target", "Built", "Examples", "Under valgrind", "Staged", "Published"], rows));
        let _ = write!(text, "\nLint: {}.\n", lint(jobs, records));
    }
    let reasons: Vec<_> = records.iter().filter_map(|record| Some((record, record.reason()?))).collect();
    if !reasons.is_empty() {
        text.push_str("\n### What failed first\n\n");
        for (record, reason) in reasons {
            let _ = writeln!(text, "- {}: {}", link(record), shown(&reason));
        }
    }
    text
}

fn row(plan: &Plan, target: &Target, jobs: Jobs, records: &[Record]) -> Vec<String> {
    let name = format!("{} {}", target.arch, target.build_type);
    let record = records::of_target(records, target.arch, target.build_type);
    let name = record.map_or(name.clone(), |record| format!("[{name}]({})", record.job.url()));
    let step = |step: &str| match record {
        Some(record) => cell(record, step),
        // The job was lost, or never started.
        None => match jobs.build.result {
            JobResult::Success => "unknown".to_owned(),
            _ => "no record".to_owned(),
        },
    };
    let published = match (plan.publish, jobs.publish.result) {
        (false, _) => "not planned",
        (true, JobResult::Success) => "✅",
        (true, JobResult::Failure) => "❌ failed",
        (true, JobResult::Cancelled) => "cancelled",
        (true, JobResult::Skipped) => "not started",
    };
    vec![name, step("build"), step("examples"), step("valgrind"), step("stage"), published.to_owned()]
}

fn cell(record: &Record, name: &str) -> String {
    let Some(at) = record.job.steps.iter().position(|step| step.name == name) else { return "–".to_owned() };
    let after_failure = record
        .job
        .steps
        .iter()
        .take(at)
        .any(|step| step.outcome != StepOutcome::Success && step.outcome != StepOutcome::Skipped);
    match record.job.steps[at].outcome {
        StepOutcome::Success => "✅",
        StepOutcome::Failure => "❌ failed",
        StepOutcome::Cancelled => "cancelled",
        StepOutcome::Skipped if after_failure => "not reached",
        StepOutcome::Skipped => "not asked for",
        StepOutcome::Unknown => "not reached",
    }
    .to_owned()
}

fn lint(jobs: Jobs, records: &[Record]) -> String {
    let advice = records::of_job(records, "lint").is_some_and(|record| record.reason().is_some());
    match jobs.lint.result {
        // A step that may fail does not fail its job.
        JobResult::Success if advice => "findings, as advice",
        JobResult::Success => "no findings that count",
        JobResult::Failure => "failed",
        JobResult::Cancelled => "cancelled",
        JobResult::Skipped => "not asked for",
    }
    .to_owned()
}

fn link(record: &Record) -> String {
    format!("[{}]({})", escape(&record.job.title()), record.job.url())
}

/// Foreign text in one line of limited length, with nothing in it that acts.
fn shown(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut short: String = line.chars().take(LENGTH).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    escape(&short)
}
