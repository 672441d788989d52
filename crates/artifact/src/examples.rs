// SPDX-License-Identifier: Apache-2.0
//! The report of an example run.

use crate::document::{self, DocumentError};
use crate::{Arch, PackageName, Sha256};
use serde::{Deserialize, Serialize};

/// How an example ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// It did what it should.
    Pass,
    /// It did not.
    Fail,
    /// It was not run, or its result does not count.
    Skip,
    /// It ran, and nobody can say how it ended; that is no success.
    Unknown,
}

/// One example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ExampleResult {
    /// Its name, unique in the report.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Wall-clock time in milliseconds.
    pub duration_ms: u64,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The vAccel plugin that it ran with, if it runs once per plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Digest of its output without what differs from run to run; absent where that says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_sha256: Option<Sha256>,
    /// Processes that it left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// Whether it was seen to run under valgrind, if it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_valgrind: Option<bool>,
}

/// How an example differs from the baseline for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum RegressionKind {
    /// It fails and did not.
    Failed,
    /// It is skipped and was not.
    Skipped,
    /// It was there and is not.
    Disappeared,
    /// Its output is another one.
    Output,
    /// It takes longer.
    Slowdown,
}

/// An example that was better in the baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Regression {
    /// The example's name.
    pub example: String,
    /// What became worse.
    pub kind: RegressionKind,
    /// Before and after, for a person.
    pub detail: String,
}

/// What was run against an install tree, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ExampleReport {
    /// Number of this schema, [`ExampleReport::SCHEMA`].
    pub schema: u32,
    /// The package.
    pub package: PackageName,
    /// What it ran on.
    pub arch: Arch,
    /// Whether the examples should run under valgrind; each says whether it did.
    pub valgrind: bool,
    /// The examples in the order in which they are described, or, of a script, in which they ended.
    pub examples: Vec<ExampleResult>,
    /// How many more there would have been, if the run had not stopped.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_run: u64,
    /// What the machine was known to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<String>,
    /// Digest of the install tree that they ran against, before and after; absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_sha256: Option<Sha256>,
    /// What was worse than in the baseline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressions: Vec<Regression>,
    /// Files that the run changed outside of its scratch folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// What else a reader must know, such as what could not be compared, or how much output was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ExampleReport {
    /// The schema that this crate reads and writes.
    pub const SCHEMA: u32 = 1;

    /// Reads a report.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        document::parse("report of examples", Self::SCHEMA, text)
    }

    /// The canonical text.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        document::canonical(self)
    }

    /// How many examples ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.examples.iter().filter(|example| example.outcome == outcome).count()
    }
}
