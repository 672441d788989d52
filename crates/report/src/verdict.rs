// SPDX-License-Identifier: Apache-2.0
//! The verdict: pure.

use crate::records::{self, Record};
use artifact::Plan;
use serde::Deserialize;

/// How a job ended, as GitHub says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobResult {
    /// Well.
    Success,
    /// Not well.
    Failure,
    /// Somebody or a newer commit stopped it.
    Cancelled,
    /// It was not asked for, or what it needs did not succeed.
    #[default]
    Skipped,
}

impl JobResult {
    /// GitHub's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

/// How the jobs of a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Jobs {
    /// The plan.
    pub plan: Job,
    /// The linters.
    pub lint: Job,
    /// All targets together.
    pub build: Job,
    /// The publication.
    pub publish: Job,
}

/// One job of the context `needs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// How it ended.
    pub result: JobResult,
}

impl Jobs {
    /// Reads GitHub's context `needs`.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// The verdict on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the commit is verified; `None` if the event decides nothing.
    pub verified: Option<bool>,
    /// In a sentence.
    pub reason: String,
    /// The first reason of whatever failed.
    pub first: Option<String>,
}

impl Verdict {
    /// The verdict on a run. Skipped is not succeeded: a commit that was not built must not pass for one that was.
    pub fn of(plan: Option<&Plan>, jobs: Jobs, records: &[Record]) -> Self {
        let Some(plan) = plan.filter(|_| jobs.plan.result == JobResult::Success) else {
            let reason = match jobs.plan.result {
                JobResult::Cancelled => "the plan was cancelled".to_owned(),
                _ => "no plan could be made".to_owned(),
            };
            let first = records::of_job(records, "plan").and_then(Record::reason);
            return Self { verified: Some(false), reason, first };
        };
        if !plan.decides {
            return Self {
                verified: None,
                reason: format!("{}; the verdict of an earlier run stays", plan.reason),
                first: None,
            };
        }
        if !plan.proceed {
            return Self { verified: Some(false), reason: plan.reason.clone(), first: None };
        }
        let needed = [
            ("build", jobs.build.result, true),
            // Skipped is the linters' word for not being asked.
            ("lint", jobs.lint.result, jobs.lint.result != JobResult::Skipped),
            ("publication", jobs.publish.result, plan.publish),
        ];
        let bad: Vec<_> = needed
            .into_iter()
            .filter(|(_, result, is_needed)| *is_needed && *result != JobResult::Success)
            .map(|(name, result, _)| match result {
                JobResult::Cancelled => format!("{name} was cancelled"),
                JobResult::Skipped => format!("{name} did not start"),
                _ => format!("{name} failed"),
            })
            .collect();
        if bad.is_empty() {
            return Self { verified: Some(true), reason: format!("verified: {}", plan.reason), first: None };
        }
        let reasons = records.iter().filter_map(|record| Some(format!("{}: {}", record.job.title(), record.reason()?)));
        Self { verified: Some(false), reason: bad.join(", "), first: reasons.into_iter().next() }
    }
}
