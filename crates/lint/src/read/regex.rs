// SPDX-License-Identifier: Apache-2.0
//! A line per finding, by a regular expression.

use super::{Raw, ReadError, text};
use crate::finding::Span;
use regex_lite::{Captures, Regex};
use std::path::PathBuf;

/// The compiled expressions of a definition.
#[derive(Debug)]
pub struct Expressions {
    finding: Regex,
    ignore: Vec<Regex>,
    message: Option<String>,
}

/// An expression that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// The key it stands under.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl Expressions {
    /// Compiles them; `message` is what is said where the pattern has no group for it.
    pub fn new(pattern: &str, ignore: &[String], message: Option<&str>) -> Result<Self, ExpressionError> {
        let compile = |key, pattern: &str| {
            Regex::new(pattern).map_err(|error| ExpressionError { key, message: error.to_string() })
        };
        let finding = compile("pattern", pattern)?;
        let known = ["path", "line", "column", "end_line", "end_column", "severity", "rule", "message"];
        if let Some(unknown) = finding.capture_names().flatten().find(|name| !known.contains(name)) {
            let message = format!("unknown group {unknown:?}; there are {}", known.join(", "));
            return Err(ExpressionError { key: "pattern", message });
        }
        if message.is_none() && finding.capture_names().flatten().all(|name| name != "message") {
            return Err(ExpressionError { key: "pattern", message: "there is no group \"message\"".to_owned() });
        }
        let ignore = ignore.iter().map(|pattern| compile("ignore", pattern)).collect::<Result<_, _>>()?;
        Ok(Self { finding, ignore, message: message.map(str::to_owned) })
    }
}

/// Reads lines; bytes that are not UTF-8 count as U+FFFD.
pub fn read(output: &[u8], expressions: &Expressions) -> Result<Vec<Raw>, ReadError> {
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(output).lines().filter(|line| !line.trim().is_empty()) {
        if let Some(captures) = expressions.finding.captures(line) {
            found.push(raw(&captures, expressions));
        } else if !expressions.ignore.iter().any(|ignore| ignore.is_match(line)) {
            return Err(ReadError::new("a line has another form than expected", line.as_bytes()));
        }
    }
    Ok(found)
}

/// Reads the lines that match, whatever stands between them, as errors.
pub fn errors(output: &[u8], expressions: &Expressions) -> Vec<Raw> {
    let output = String::from_utf8_lossy(output);
    let found = output.lines().filter_map(|line| expressions.finding.captures(line));
    found.map(|captures| Raw { severity: Some("error".to_owned()), ..raw(&captures, expressions) }).collect()
}

fn raw(captures: &Captures, expressions: &Expressions) -> Raw {
    let group = |name: &str| captures.name(name).map(|group| group.as_str()).filter(|text| !text.is_empty());
    let words = |name: &str| group(name).and_then(text);
    let number = |name: &str| words(name).and_then(|text| text.parse::<u32>().ok()).filter(|number| *number > 0);
    Raw {
        path: group("path").map(PathBuf::from),
        span: number("line").map(|line| Span {
            line,
            column: number("column"),
            end_line: number("end_line"),
            end_column: number("end_column"),
        }),
        severity: words("severity"),
        rule: words("rule"),
        rule_url: None,
        message: words("message").or_else(|| expressions.message.clone()).unwrap_or_default(),
        ..Raw::default()
    }
}
