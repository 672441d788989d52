// SPDX-License-Identifier: Apache-2.0
//! What a run of the linters came to.

use crate::definition::Category;
use crate::finding::Finding;
use std::path::PathBuf;
use std::time::Duration;

/// Everything the reports tell about.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every selected linter, sorted by category and name.
    pub linters: Vec<LinterOutcome>,
    /// What they found, deduplicated and sorted: by path, place, linter and rule.
    pub findings: Vec<Finding>,
    /// What else the reader must know.
    pub notes: Vec<Note>,
}

/// A sentence about the run that is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether it deserves attention.
    pub is_warning: bool,
    /// The sentence.
    pub message: String,
}

impl Note {
    /// One that deserves attention.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { is_warning: true, message: message.into() }
    }

    /// One that is worth knowing.
    pub fn notice(message: impl Into<String>) -> Self {
        Self { is_warning: false, message: message.into() }
    }
}

/// One linter in a run.
#[derive(Clone, Debug)]
pub struct LinterOutcome {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub category: Category,
    /// Its home page.
    pub homepage: String,
    /// Whether it ran, or why it did not.
    pub relevance: Relevance,
    /// How many files it looked at (would look at, for `--list`).
    pub files: usize,
    /// The version it told; absent for our own checks and for what did not run.
    pub version: Option<String>,
    /// The version the definition was tested with.
    pub tested: Option<String>,
    /// The executable; absent for our own checks and for what is missing.
    pub tool: Option<PathBuf>,
    /// The time its calls took, added up; zero if it did not run.
    pub duration: Duration,
}

impl LinterOutcome {
    /// Whether it should have run, and did not, or failed.
    pub fn did_not_run(&self) -> bool {
        matches!(self.relevance, Relevance::Missing(_) | Relevance::Failed(_))
    }
}

/// Whether a linter runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relevance {
    /// It does, and this is why: "12 files".
    Relevant(String),
    /// It does not, and this is why: "no files match *.sh".
    NotRelevant(String),
    /// It would, but its program is absent; what installs it: "the Debian package shellcheck".
    Missing(String),
    /// It would, and its program is there, but it did not run or not do its work, and this is why.
    Failed(String),
}
