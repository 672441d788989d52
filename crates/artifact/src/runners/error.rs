// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with a file of runners, and where.

use std::fmt;
use std::ops::Range;

/// One fault of a runner file, with its place: `.github/runners.toml:12: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnersError {
    /// The file as the reader knows it.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong, with the value and the way out.
    pub message: String,
}

impl fmt::Display for RunnersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for RunnersError {}

/// A text and its name, from which a byte range becomes a line.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// An error at a place of the text; without a place, at its first line.
    pub fn error(self, span: Option<Range<usize>>, message: impl Into<String>) -> RunnersError {
        let before = span.and_then(|span| self.text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        RunnersError { file: self.file.to_owned(), line, message: message.into() }
    }

    /// What the TOML parser says, without its picture of the line.
    pub fn malformed(self, error: &toml::de::Error) -> RunnersError {
        self.error(error.span(), error.message().replace('\n', " "))
    }
}
