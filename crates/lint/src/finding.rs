// SPDX-License-Identifier: Apache-2.0
//! What a linter found: the one vocabulary between readers, own checks and reports.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How much a finding matters; ordered from the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Must be mended.
    Error,
    /// Should be mended.
    Warning,
    /// Worth knowing; never fails a run.
    Notice,
}

/// Where in a file; lines and columns count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Span {
    /// First line.
    pub line: u32,
    /// First column, in characters.
    pub column: Option<u32>,
    /// Last line, the first one if absent.
    pub end_line: Option<u32>,
    /// Column behind the last character.
    pub end_column: Option<u32>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file, relative to the repository's root; absent for what is no file's, such as a commit message.
    pub path: Option<PathBuf>,
    /// The place in the file; absent when the whole file is meant.
    pub span: Option<Span>,
    /// The linter's name.
    pub linter: String,
    /// The linter's own name for the rule, such as `SC2086`.
    pub rule: Option<String>,
    /// Where the rule is explained.
    pub rule_url: Option<String>,
    /// What is wrong, in the linter's words.
    pub message: String,
    /// The change that mends it: a unified diff relative to the repository's root (`a/…`, `b/…`), as `git apply` takes it.
    pub fix: Option<String>,
    /// Whether it counts: it lies in a line that the change under review touched, or the baseline does not have it;
    /// always true where nothing is compared.
    pub in_change: bool,
}

impl Finding {
    /// How much it matters here: outside of the change at most as a notice.
    pub fn weight(&self) -> Severity {
        if self.in_change { self.severity } else { Severity::Notice }
    }
}
