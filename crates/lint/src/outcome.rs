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

/// Whether a linter runs here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relevance {
    /// It does, and this is why: "12 files".
    Relevant(String),
    /// It does not, and this is why: "no files match *.sh".
    NotRelevant(String),
    /// It would, but its program is absent; what installs it: "the Debian package shellcheck".
    Missing(String),
}
