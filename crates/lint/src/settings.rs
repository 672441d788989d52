// SPDX-License-Identifier: Apache-2.0
//! The section `[lint]` of `.github/vaccel-ci.toml`.

use crate::catalogue::DefinitionError;
use crate::check;
use crate::definition::Category;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Table;
use toml::de::{DeTable, DeValue};

/// Where it is, relative to the root.
pub const FILE: &str = ".github/vaccel-ci.toml";

/// What a repository configures; inputs win over it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// The input `categories`.
    pub categories: Option<Vec<Category>>,
    /// The input `linters`.
    pub linters: Option<Vec<String>>,
    /// The input `fail-on`.
    pub fail_on: Option<FailOn>,
    /// The input `missing`.
    pub missing: Option<Missing>,
    /// Globs of files that no linter looks at.
    pub exclude: Vec<String>,
    /// Keys of linters, adjusted or added.
    pub linter: BTreeMap<String, Table>,
    /// Settings of our own checks.
    pub check: check::Settings,
}

/// The findings that fail a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Errors and warnings.
    Warning,
    /// None.
    Never,
}

/// What a relevant linter means whose program is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// An error.
    #[default]
    Fail,
    /// A warning.
    Warn,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    lint: Settings,
}

/// Settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{FILE}:{line}: {}{message}", if key.is_empty() { String::new() } else { format!("{key}: ") })]
pub struct SettingsError {
    /// The line, from 1.
    pub line: usize,
    /// The key with its tables.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

impl Settings {
    /// Reads the whole file.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        toolkit::check_toml(text).map_err(|error| SettingsError {
            line: error.line,
            key: String::new(),
            message: error.to_string(),
        })?;
        toml::from_str::<File>(text).map(|file| file.lint).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let key = DeTable::parse(text).map(|table| key_at(table.get_ref(), offset)).unwrap_or_default();
            SettingsError { line: line_at(text, offset), key: key.join("."), message: error.message().to_owned() }
        })
    }
}

/// Says where in the file a linter's definition is at fault.
pub fn locate(text: &str, linter: &str, error: DefinitionError) -> SettingsError {
    let path: Vec<&str> = ["lint", "linter", linter].into_iter().chain(error.key.iter().map(String::as_str)).collect();
    let offset = DeTable::parse(text).map(|table| offset_of(table.get_ref(), &path)).unwrap_or_default();
    SettingsError { line: line_at(text, offset), key: path.join("."), message: error.message }
}

/// The place of a key, or of the innermost of its tables that is there.
fn offset_of(table: &DeTable, path: &[&str]) -> usize {
    let Some((first, rest)) = path.split_first() else { return 0 };
    let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == first) else { return 0 };
    let inner = value.get_ref().as_table().map_or(0, |inner| offset_of(inner, rest));
    inner.max(key.span().start)
}

/// The innermost key whose name or value holds a place.
fn key_at(table: &DeTable, offset: usize) -> Vec<String> {
    for (key, value) in table {
        let mut path = vec![key.get_ref().clone().into_owned()];
        if let DeValue::Table(inner) = value.get_ref() {
            let inner = key_at(inner, offset);
            if !inner.is_empty() {
                path.extend(inner);
                return path;
            }
        }
        if key.span().contains(&offset) || value.span().contains(&offset) {
            return path;
        }
    }
    Vec::new()
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::merged;

    #[test]
    fn errors_name_line_and_key() {
        let cases = [
            ("[lint\n", ".github/vaccel-ci.toml:1: "),
            ("\n[lint]\nfail-on = \"often\"\n", ".github/vaccel-ci.toml:3: lint.fail-on: unknown variant `often`"),
            ("[lint]\nfailon = \"error\"\n", ".github/vaccel-ci.toml:2: lint.failon: unknown field `failon`"),
            ("[lint]\ncategories = [\n  'code',\n  'cod',\n]\n", ".github/vaccel-ci.toml:4: lint.categories: unknown"),
            ("[lint]\nlinter = 1\n", ".github/vaccel-ci.toml:2: lint.linter: invalid type"),
            ("lint = 1\n", ".github/vaccel-ci.toml:1: lint: invalid type"),
        ];
        for (text, expected) in cases {
            let error = Settings::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn errors_in_definitions_name_line_and_key() {
        let cases = [
            (
                "[lint.linter.shellcheck]\nrun.timeot = 1\n",
                ".github/vaccel-ci.toml:2: lint.linter.shellcheck.run.timeot: unknown field",
            ),
            (
                "[lint.linter.shellcheck.run]\n# a\ntimeout = 'x'\n",
                ".github/vaccel-ci.toml:3: lint.linter.shellcheck.run.timeout: invalid type",
            ),
            ("\n[lint.linter.own]\ncategory = 'docs'", ".github/vaccel-ci.toml:2: lint.linter.own: missing field"),
        ];
        for (text, expected) in cases {
            let (name, error) = merged(&Settings::parse(text).unwrap().linter).unwrap_err();
            let error = locate(text, &name, error).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn other_sections_are_none_of_ours() {
        let settings = Settings::parse("[build]\ncommand = 'make'\n[lint]\nexclude = ['a/**']\n").unwrap();
        assert_eq!(settings.exclude, ["a/**"]);
    }
}
