// SPDX-License-Identifier: Apache-2.0
//! The result: a table for people, a document for programs.

use artifact::Arch;
use serde::Serialize;
use std::fmt::Write as _;
use toolkit::markdown;

/// What was found of everything that was looked for.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Number of this schema, 1.
    pub schema: u32,
    /// The tag.
    pub tag: String,
    /// The architecture of this machine.
    pub arch: Arch,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// One thing.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked for.
    pub name: String,
    /// The versions or the state that is wanted; empty for any.
    pub wanted: String,
    /// What is there, or why not.
    pub found: String,
    /// Whether that is right.
    pub state: State,
}

/// Whether a thing is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is.
    Passed,
    /// It is, but will not be for long.
    Warned,
    /// It is not.
    Failed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Warned => "warning",
            Self::Failed => "FAILED",
        }
    }
}

impl Report {
    pub fn of(tag: &str, arch: Arch, findings: Vec<Finding>) -> Self {
        Self { schema: 1, tag: tag.to_owned(), arch, findings }
    }

    /// How many things are not as they should be.
    pub fn failures(&self) -> usize {
        self.findings.iter().filter(|finding| finding.state == State::Failed).count()
    }

    /// The result in a sentence.
    pub fn headline(&self) -> String {
        let (total, failed) = (self.findings.len(), self.failures());
        let Self { tag, arch, .. } = self;
        if failed == 0 {
            return format!("this machine is a {tag} runner for {}: {total} checks passed", arch.runner());
        }
        let names: Vec<_> =
            self.findings.iter().filter(|f| f.state == State::Failed).map(|f| f.name.as_str()).collect();
        format!(
            "this machine is not a {tag} runner for {}: {failed} of {total} checks failed: {}",
            arch.runner(),
            names.join(", ")
        )
    }

    /// A table for a terminal.
    pub fn text(&self) -> String {
        let width = |of: fn(&Finding) -> &str| self.findings.iter().map(|f| of(f).chars().count()).max().unwrap_or(0);
        let (name, wanted) = (width(|f| &f.name), width(|f| &f.wanted));
        let mut text = String::new();
        for finding in &self.findings {
            let Finding { name: n, wanted: w, found, state } = finding;
            let _ = writeln!(text, "{:7}  {n:name$}  {w:wanted$}  {found}", state.word());
        }
        text.push_str(&self.headline());
        text
    }

    /// The same for a job summary.
    pub fn markdown(&self) -> String {
        let rows = self.findings.iter().map(|finding| {
            let cells = [finding.state.word(), &finding.name, &finding.wanted, &finding.found];
            cells.map(markdown::escape).to_vec()
        });
        format!(
            "### Doctor\n\n{}\n\n{}",
            markdown::escape(&self.headline()),
            markdown::table(&["", "What", "Wanted", "Found"], rows)
        )
    }
}
