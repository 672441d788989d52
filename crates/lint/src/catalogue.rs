// SPDX-License-Identifier: Apache-2.0
//! Every linter that is known: those that are shipped, and what a repository adds or adjusts.

use crate::definition::{Category, Linter};
use crate::validate;
use std::collections::BTreeMap;
use toml::{Table, Value};
use toolkit::{Failure, Result};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("linters/", $name, ".linter.toml")))),*]
    };
}

/// The shipped definitions, by name.
const SHIPPED: &[(&str, &str)] = shipped![
    "action-schema",
    "actionlint",
    "clang-format",
    "clang-tidy",
    "clippy",
    "codespell",
    "commits",
    "cppcheck",
    "gofmt",
    "hadolint",
    "licenses",
    "links",
    "markdownlint-cli2",
    "mypy",
    "ruff-check",
    "ruff-format",
    "rumdl",
    "rustfmt",
    "shellcheck",
    "shfmt",
    "typos",
    "workflow-schema",
    "yamllint",
    "zizmor",
];

/// A definition that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DefinitionError {
    /// The key at fault, below the linter's table; empty for the whole of it.
    pub key: Vec<String>,
    /// What is wrong with it.
    pub message: String,
}

/// Whether a linter of this name is shipped.
pub fn is_shipped(name: &str) -> bool {
    SHIPPED.iter().any(|(shipped, _)| *shipped == name)
}

/// The shipped linters, adjusted and completed by tables of the same keys, in the order of names.
pub fn merged(adjustments: &BTreeMap<String, Table>) -> Result<Vec<Linter>, (String, DefinitionError)> {
    let mut linters = BTreeMap::new();
    for (name, text) in SHIPPED {
        let table = text.parse::<Table>().map_err(|error| ((*name).to_owned(), whole(error.message())))?;
        linters.insert((*name).to_owned(), table);
    }
    for (name, adjustment) in adjustments {
        let shipped = linters.get(name);
        let adjusted = adjust(name, shipped, adjustment).map_err(|error| (name.clone(), error))?;
        linters.insert(name.clone(), adjusted);
    }
    linters.into_iter().map(|(name, table)| linter(table).map_err(|error| (name, error))).collect()
}

fn whole(message: impl Into<String>) -> DefinitionError {
    DefinitionError { key: Vec::new(), message: message.into() }
}

fn linter(table: Table) -> Result<Linter, DefinitionError> {
    let linter: Linter = table.try_into().map_err(|error: toml::de::Error| whole(error.message()))?;
    validate::linter(&linter)?;
    Ok(linter)
}

/// Merges one key after the other, so that the one at fault can be named.
fn adjust(name: &str, shipped: Option<&Table>, adjustment: &Table) -> Result<Table, DefinitionError> {
    let named = || Table::from_iter([("name".to_owned(), Value::from(name))]);
    if let Some(other) = adjustment.get("name").filter(|other| other.as_str() != Some(name)) {
        let message = format!("the table is of {name:?}, and its name is {other}");
        return Err(DefinitionError { key: vec!["name".to_owned()], message });
    }
    let mut result = shipped.cloned().unwrap_or_else(named);
    merge(&mut result, adjustment);
    let Err(error) = linter(result.clone()) else { return Ok(result) };
    let mut tried = shipped.cloned().unwrap_or_else(skeleton);
    for (path, value) in single_keys(adjustment) {
        let mut one = value;
        for key in path.iter().rev() {
            one = Value::Table(Table::from_iter([(key.clone(), one)]));
        }
        if let Value::Table(one) = one {
            merge(&mut tried, &one);
        }
        if let Err(error) = linter(tried.clone()) {
            let key = if error.key.is_empty() { path } else { error.key };
            return Err(DefinitionError { key, message: error.message });
        }
    }
    Err(error)
}

/// A linter that is complete, so that a key at fault is the only fault.
fn skeleton() -> Table {
    toml::toml! {
        name = "x"
        category = "code"
        homepage = "x"
        files.globs = ["*"]
        run.program = "x"
        read.format = "sarif"
    }
}

/// The keys of a definition one by one, as far as each is valid alone.
fn single_keys(table: &Table) -> Vec<(Vec<String>, Value)> {
    let mut keys = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if ["files", "run"].contains(&key.as_str()) => {
                keys.extend(inner.iter().map(|(name, value)| (vec![key.clone(), name.clone()], value.clone())));
            }
            _ => keys.push((vec![key.clone()], value.clone())),
        }
    }
    keys
}

/// Tables are merged key by key; anything else replaces what was there.
fn merge(into: &mut Table, from: &Table) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            // Another format has other keys.
            (Some(Value::Table(into)), Value::Table(from)) if !(key == "read" && from.contains_key("format")) => {
                merge(into, from);
            }
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The linters that are asked for: those of these names, whatever their category, else those of these categories.
pub fn choose(linters: Vec<Linter>, names: &[String], categories: &[Category]) -> Result<Vec<Linter>> {
    if let Some(unknown) = names.iter().find(|name| linters.iter().all(|linter| linter.name != **name)) {
        let known: Vec<_> = linters.iter().map(|linter| linter.name.as_str()).collect();
        return Err(Failure::input(format!("unknown linter {unknown:?}; there are {}", known.join(", "))));
    }
    let is_asked_for = |linter: &Linter| match names {
        [] => categories.contains(&linter.category),
        names => names.contains(&linter.name),
    };
    let mut chosen: Vec<_> = linters.into_iter().filter(is_asked_for).collect();
    chosen.sort_by(|a, b| (a.category, &a.name).cmp(&(b.category, &b.name)));
    Ok(chosen)
}

#[cfg(test)]
mod tests;
