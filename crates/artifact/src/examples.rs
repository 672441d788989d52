//! The report of an example run.

use crate::document::{self, DocumentError};
use crate::{Arch, PackageName};
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
    /// Whether it ran under valgrind.
    pub valgrind: bool,
    /// The examples in the order in which they ended.
    pub examples: Vec<ExampleResult>,
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
