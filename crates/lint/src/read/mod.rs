// SPDX-License-Identifier: Apache-2.0
//! Reading what linters say: bytes in, findings out, or an error; never a panic, never silence
//! about what was not understood.

pub mod checkstyle;
pub mod clang_tidy;
pub mod diff;
pub mod formatted;
pub mod json;
pub mod regex;
pub mod rustc;
pub mod sarif;

use crate::definition::{Columns, Format, Read};
use crate::finding::{Severity, Span};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How much of what was not understood is shown, in lines.
const SHOWN_LINES: usize = 5;
/// And in characters of each line.
const SHOWN_CHARACTERS: usize = 200;

/// A finding in the linter's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// The file as the linter names it.
    pub path: Option<PathBuf>,
    /// The place.
    pub span: Option<Span>,
    /// The linter's word for the severity.
    pub severity: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// Where the rule is explained, if the linter says so.
    pub rule_url: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The hunks of a unified diff, without file names, that fix it.
    pub fix: Option<String>,
    /// The place as a byte of the file, where there is no span.
    pub offset: Option<u64>,
    /// What its columns count, if the output says so.
    pub columns: Option<Columns>,
    /// The changes that fix it, where there are no hunks.
    pub edits: Vec<Edit>,
}

/// Bytes of a file in place of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file as the linter names it.
    pub path: PathBuf,
    /// The first byte that goes.
    pub start: u64,
    /// How many bytes go.
    pub length: u64,
    /// What comes.
    pub text: String,
}

/// Output that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", if raw.is_empty() { String::new() } else { format!(":\n{raw}") })]
pub struct ReadError {
    /// Why not.
    pub message: String,
    /// The lines in question, shortened.
    pub raw: String,
}

impl ReadError {
    /// An error about some of the output.
    pub fn new(message: impl Into<String>, raw: &[u8]) -> Self {
        Self { message: message.into(), raw: shown(raw) }
    }
}

/// The first lines of output, fit for a message.
pub fn shown(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output.get(..64 * 1024).unwrap_or(output));
    let text = text.trim();
    let visible = |character: char| if character.is_control() && character != '\t' { '\u{fffd}' } else { character };
    let mut lines: Vec<String> =
        text.lines().take(SHOWN_LINES).map(|line| line.chars().take(SHOWN_CHARACTERS).map(visible).collect()).collect();
    if text.lines().nth(SHOWN_LINES).is_some() {
        lines.push("…".to_owned());
    }
    lines.join("\n")
}

/// The one file of a call, and what is in it.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Its path, as findings name it.
    pub path: &'a Path,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads output; `other` is what else was said, `original` the file of a call that takes one.
pub fn read(read: &Read, output: &[u8], other: &[u8], original: Option<Original<'_>>) -> Result<Vec<Raw>, ReadError> {
    match &read.format {
        Format::Sarif => sarif::read(output),
        Format::Json(json) => json::read(output, json),
        Format::Regex { pattern, ignore, message } => {
            regex::read(output, &expressions(pattern, ignore, message.as_deref())?)
        }
        Format::Checkstyle => checkstyle::read(output),
        Format::ClangTidy => clang_tidy::read(output, other),
        Format::Diff => diff::read(output),
        Format::Formatted => match original {
            Some(original) => Ok(formatted::read(output, original)),
            None => Err(ReadError::new("it is not known which file this is", output)),
        },
    }
}

/// Reads the errors that a linter tells on its other stream, if it does.
pub fn errors(read: &Read, output: &[u8]) -> Result<Vec<Raw>, ReadError> {
    match &read.errors {
        Some(pattern) => Ok(regex::errors(output, &expressions(pattern, &[], None)?)),
        None => Ok(Vec::new()),
    }
}

fn expressions(pattern: &str, ignore: &[String], message: Option<&str>) -> Result<regex::Expressions, ReadError> {
    regex::Expressions::new(pattern, ignore, message).map_err(|error| ReadError::new(error.message, b""))
}

/// What a linter's word for a severity means.
pub fn severity(read: &Read, word: Option<&str>) -> Severity {
    let word = word.unwrap_or_default().to_lowercase();
    if let Some(severity) = read.severities.get(&word).or_else(|| read.severities.get("*")) {
        return *severity;
    }
    match word.as_str() {
        "error" | "fatal" | "critical" | "high" => Severity::Error,
        "note" | "notice" | "info" | "information" | "informational" | "style" | "help" | "hint" | "none" => {
            Severity::Notice
        }
        _ => Severity::Warning,
    }
}

/// A JSON document. Names of files that are no UTF-8 stand in it as they are, or as Python writes
/// them: a surrogate for each byte; both become U+FFFD.
fn document(output: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    let text = String::from_utf8_lossy(output);
    serde_json::from_str(&text).or_else(|error| {
        let mended = without_surrogates(&text);
        if mended == text { Err(error) } else { serde_json::from_str(&mended) }
    })
}

fn without_surrogates(text: &str) -> String {
    let mut parts = text.split("\\udc");
    let mut mended = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_byte = part.get(..2).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        mended.push_str(if is_byte { "\\ufffd" } else { "\\udc" });
        mended.push_str(part.get(if is_byte { 2 } else { 0 }..).unwrap_or_default());
    }
    mended
}

/// A path in bytes.
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// A text, unless it is empty.
fn text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
