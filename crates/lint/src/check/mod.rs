// SPDX-License-Identifier: Apache-2.0
//! Our own checks: what no tool does, or not without a network. They take values and give findings;
//! only [`run`] reads files.

pub mod commits;
pub mod foreign;
pub mod licenses;
pub mod links;

use crate::finding::{Finding, Severity, Span};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// Names of the checks, as a definition's `builtin` has them.
pub const NAMES: &[&str] = &["commits", "licenses", "links"];

/// What the checks look at.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The root of the repository.
    pub root: PathBuf,
    /// Every file of the repository, relative to its root, whether it is checked or not.
    pub files: BTreeSet<PathBuf>,
    /// The files that this check looks at, relative to the root.
    pub selected: BTreeSet<PathBuf>,
    /// The commits under review, the oldest first.
    pub commits: Vec<Commit>,
    /// What the repository configured.
    pub settings: Settings,
}

/// A commit under review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub hash: String,
    /// Its whole message.
    pub message: String,
    /// How many parents it has; a merge has more than one.
    pub parents: usize,
}

/// The settings of the checks: the table `[lint.check]` of `.github/vaccel-ci.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// `[lint.check.commits]`.
    pub commits: commits::Settings,
    /// `[lint.check.licenses]`.
    pub licenses: licenses::Settings,
    /// `[lint.check.links]`.
    pub links: links::Settings,
}

/// Runs the check of a name. Findings are in the order of files and lines; all of them count as in
/// the change, since a check does not know it.
pub fn run(name: &str, context: &Context) -> Result<Vec<Finding>> {
    match name {
        "commits" => commits::check(&context.commits, &context.settings.commits),
        "licenses" => licenses::run(context),
        "links" => links::run(context),
        _ => {
            let names = NAMES.join(", ");
            Err(Failure::input(format!("there is no check {name:?}")).help(format!("`builtin` is one of: {names}")))
        }
    }
}

/// A finding in a file, or in none.
fn finding(linter: &str, severity: Severity, path: Option<&Path>, rule: &str, message: impl Into<String>) -> Finding {
    Finding {
        severity,
        path: path.map(Path::to_path_buf),
        span: None,
        linter: linter.to_owned(),
        rule: Some(rule.to_owned()),
        rule_url: None,
        message: message.into(),
        fix: None,
        in_change: true,
    }
}

/// A place of one line.
fn line(number: usize) -> Span {
    Span { line: u32::try_from(number).unwrap_or(u32::MAX), ..Span::default() }
}

/// Reads a file; one that is a link or is gone has nothing to read.
fn read(root: &Path, path: &Path) -> Result<Option<Vec<u8>>> {
    let full = root.join(path);
    let Ok(metadata) = std::fs::symlink_metadata(&full) else { return Ok(None) };
    if !metadata.is_file() {
        return Ok(None);
    }
    std::fs::read(&full).map(Some).with_context(|| format!("could not read {}", path.display()))
}

/// The same as text, in which what is no UTF-8 is replaced.
fn read_text(root: &Path, path: &Path) -> Result<Option<String>> {
    Ok(read(root, path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name() {
        for name in NAMES {
            assert_eq!(run(name, &Context::default()).unwrap(), [], "{name}");
        }
        insta::assert_snapshot!(run("spelling", &Context::default()).unwrap_err().to_string());
    }

    #[test]
    fn settings_are_named_as_the_checks_are() {
        let text = "[commits]\nsign-off = true\n[licenses]\nalso = ['MIT']\n[links]\nignore = ['/api/*']\n";
        let settings: Settings = toml::from_str(text).unwrap();
        assert!(settings.commits.sign_off == Some(true) && settings.commits.types.is_none());
        assert_eq!(
            (settings.licenses.also, settings.links.ignore),
            (vec!["MIT".to_owned()], vec!["/api/*".to_owned()])
        );
        for wrong in ["[link]", "[links]\nignored = []", "[commits]\nheader-length = 'long'"] {
            assert!(toml::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
    }
}
