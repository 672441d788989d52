// SPDX-License-Identifier: Apache-2.0
//! The runner's command files: `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_PATH`,
//! `GITHUB_STEP_SUMMARY`.
//!
//! A value stands between a random delimiter, so it can hold anything; names are validated.

use crate::guard::random_token;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Why a command file was not written.
#[derive(Debug, thiserror::Error)]
pub enum FileCommandError {
    /// The name would break the file's format.
    #[error("{0:?} is not a name for an output or environment variable (letters, digits, `_` and `-`)")]
    Name(String),
    /// The line holds a line break.
    #[error("{0:?} holds a line break")]
    Line(String),
    /// The file could not be appended to.
    #[error("could not append to {path}")]
    Write {
        /// The command file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// No random numbers.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// `name` and `value` in the multi-line form.
pub fn value(name: &str, value: &str) -> Result<String, FileCommandError> {
    check_name(name)?;
    let delimiter = delimiter_for(name, value)?;
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// One line (a folder, for `GITHUB_PATH`).
pub fn line(line: &str) -> Result<String, FileCommandError> {
    if line.contains(['\n', '\r']) {
        return Err(FileCommandError::Line(line.to_owned()));
    }
    Ok(format!("{line}\n"))
}

/// Appends text as it is.
pub fn append(file: &Path, text: &str) -> Result<(), FileCommandError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| FileCommandError::Write { path: file.display().to_string(), source })
}

fn check_name(name: &str) -> Result<(), FileCommandError> {
    let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if valid { Ok(()) } else { Err(FileCommandError::Name(name.to_owned())) }
}

fn delimiter_for(name: &str, value: &str) -> Result<String, FileCommandError> {
    loop {
        let delimiter = format!("ghadelimiter_{}", random_token().map_err(|_| FileCommandError::Random)?);
        if !name.contains(&delimiter) && !value.contains(&delimiter) {
            return Ok(delimiter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads the file as the runner does.
    fn parse(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((head, after)) = rest.split_once('\n') {
            let (name, delimiter) = head.split_once("<<").unwrap();
            let end = format!("\n{delimiter}\n");
            // An empty value has its delimiter right after the first line.
            let (value, tail) = after.split_once(&end).unwrap();
            found.push((name.to_owned(), value.to_owned()));
            rest = tail;
        }
        found
    }

    proptest! {
        #[test]
        fn any_value_comes_back(values in prop::collection::vec(any::<String>(), 1..4)) {
            let file = tempfile::NamedTempFile::new().unwrap();
            for (index, value) in values.iter().enumerate() {
                append(file.path(), &super::value(&format!("name-{index}"), value).unwrap()).unwrap();
            }
            let text = std::fs::read_to_string(file.path()).unwrap();
            let expected: Vec<_> = values.iter().enumerate().map(|(i, v)| (format!("name-{i}"), v.clone())).collect();
            prop_assert_eq!(parse(&text), expected);
        }
    }

    #[test]
    fn names_that_would_break_the_format_are_refused() {
        for name in ["", "a b", "a=b", "a<<b", "a\nb", "é"] {
            assert!(value(name, "x").is_err(), "{name:?}");
        }
    }
}
