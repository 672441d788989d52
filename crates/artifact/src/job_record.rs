// SPDX-License-Identifier: Apache-2.0
//! What a job of a run records of itself: which of its steps did what.

use crate::{Arch, BuildType};
use serde::{Deserialize, Serialize};

/// The record of a job, `job.json` of its artifact `report-…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct JobRecord {
    /// Number of this schema, [`JobRecord::SCHEMA`].
    pub schema: u32,
    /// Which job: `plan`, `lint`, `build` or `publish`.
    pub job: String,
    /// The architecture, of a build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<Arch>,
    /// The build type, of a build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_type: Option<BuildType>,
    /// Its page.
    #[serde(default)]
    pub page: String,
    /// Its steps in their order, those that matter to a reader.
    pub steps: Vec<StepRecord>,
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// The action of ours that it runs, if that is not called as the step is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// How a step ended, as GitHub says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum StepOutcome {
    /// Well.
    Success,
    /// Not well.
    Failure,
    /// It was stopped.
    Cancelled,
    /// It was not asked for, or one before it failed.
    Skipped,
    /// It never started.
    #[serde(other)]
    Unknown,
}

impl JobRecord {
    /// The schema that this crate knows.
    pub const SCHEMA: u32 = 1;

    /// The job as people know it.
    pub fn title(&self) -> String {
        match (self.arch, self.build_type) {
            (Some(arch), Some(build_type)) => format!("{} {arch} {build_type}", self.job),
            _ => self.job.clone(),
        }
    }

    /// The job's page, if the record has one that can be a link.
    pub fn url(&self) -> &str {
        let is_link = self.page.starts_with("https://")
            && self.page.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?=&%#".contains(&byte));
        // An older runner does not know its job's number; then the run has to do.
        if is_link { self.page.trim_end_matches("/job/") } else { "#" }
    }
}

impl StepRecord {
    /// Whether it is what made the job fail.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, StepOutcome::Failure | StepOutcome::Cancelled)
    }
}
