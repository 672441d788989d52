// SPDX-License-Identifier: Apache-2.0
//! Configuration of other tools that our own checks understand: commitlint's and license-eye's. What is set in
//! `[lint.check]` wins, key by key; what cannot be expressed is said once.

mod commitlint;
mod javascript;
mod licenserc;

use super::Settings;
use crate::finding::{Finding, Span};
use crate::outcome::Note;
use crate::run;
use crate::syntax::SyntaxError;
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toolkit::Result;

/// Every file that is understood, the first that exists counts.
pub const NAMES: &[&str] = &[
    ".commitlintrc",
    ".commitlintrc.json",
    ".commitlintrc.yaml",
    ".commitlintrc.yml",
    "commitlint.config.js",
    "commitlint.config.cjs",
    "commitlint.config.mjs",
    "commitlint.config.ts",
    ".commitlintrc.js",
    ".commitlintrc.cjs",
    ".commitlintrc.mjs",
    ".commitlintrc.ts",
    "package.json",
    ".github/linters/commitlint.config.js",
    ".github/linters/commitlint.config.cjs",
    ".github/linters/commitlint.config.mjs",
    ".github/linters/commitlint.config.ts",
    ".github/linters/.commitlintrc",
    ".github/linters/.commitlintrc.json",
    ".github/linters/.commitlintrc.yaml",
    ".github/linters/.commitlintrc.yml",
    ".github/linters/.commitlintrc.js",
    ".licenserc.yaml",
    ".licenserc.yml",
    ".github/linters/licenserc.yml",
    ".github/linters/licenserc.yaml",
    ".github/linters/.licenserc.yml",
    ".github/linters/.licenserc.yaml",
];

/// What other tools' configuration comes to.
#[derive(Debug, Default)]
pub struct Foreign {
    /// The settings of our checks, completed.
    pub settings: Settings,
    /// What could not be expressed.
    pub notes: Vec<Note>,
    /// What does not parse.
    pub findings: Vec<Finding>,
}

/// Settings from one file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Translated<T> {
    settings: T,
    /// The keys that have no equal here.
    left: Vec<String>,
}

impl Foreign {
    /// Completes the settings of a check; the reason if it cannot run.
    pub fn take(
        &mut self,
        check: &str,
        linter: &str,
        root: &Path,
        files: &BTreeSet<PathBuf>,
    ) -> Result<Option<String>> {
        let is_own = |name: &str| match check {
            "commits" => name.contains("commitlint") || name == "package.json",
            "licenses" => name.contains("licenserc"),
            _ => false,
        };
        for name in NAMES.iter().copied().filter(|name| is_own(name) && files.contains(Path::new(name))) {
            let Some(text) = super::read_text(root, Path::new(name))? else { continue };
            let document = match document(name, &text) {
                Ok(Some(document)) => document,
                Ok(None) => continue,
                Err(error) => {
                    self.findings.push(broken(linter, name, &error));
                    return Ok(Some(format!("{name}:{}: does not parse", error.line)));
                }
            };
            let left = if check == "commits" {
                let Translated { settings, left } = commitlint::translate(&document);
                self.settings.commits.complete(settings);
                left
            } else {
                let Translated { settings, left } = licenserc::translate(&document);
                self.settings.licenses.complete(settings);
                left
            };
            if !left.is_empty() {
                self.notes.push(Note::notice(format!("{name}: not applied by {linter}: {}", left.join(", "))));
            }
            return Ok(None);
        }
        Ok(None)
    }
}

/// A configuration as a tree; `None` if the file has none of ours.
fn document(name: &str, text: &str) -> Result<Option<Value>, SyntaxError> {
    if name == "package.json" {
        // Whatever else is wrong with it is no matter of ours.
        return Ok(crate::syntax::json(text)
            .ok()
            .and_then(|mut document| Some(document.get_mut("commitlint")?.take())));
    }
    match name.rsplit('.').next() {
        Some("js" | "cjs" | "mjs" | "ts") => javascript::exported(text).map(Some),
        Some("json") => crate::syntax::json(text).map(Some),
        _ => yaml::parse(text).map(Some),
    }
}

fn broken(linter: &str, name: &str, error: &SyntaxError) -> Finding {
    Finding {
        path: Some(PathBuf::from(name)),
        span: Some(Span { line: error.line, ..Span::default() }),
        rule: Some("invalid-configuration".to_owned()),
        ..run::trouble(linter, &format!("{linter} did not run: {name} does not parse: {error}"))
    }
}
