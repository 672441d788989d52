// SPDX-License-Identifier: Apache-2.0
//! A unified diff of what should change: a finding and a fix per hunk.

use super::{Raw, ReadError};
use crate::finding::Span;
use crate::patch::{self, Hunk};

/// Reads a unified diff. A file that would come into being or go is not a finding's.
pub fn read(output: &[u8]) -> Result<Vec<Raw>, ReadError> {
    let files = patch::parse(output).map_err(|error| ReadError::new(error.message, &error.line))?;
    let mut found = Vec::new();
    for file in files {
        // What is diffed may be named after its copy: x.orig.
        let path = file.new.or(file.old);
        found.extend(file.hunks.iter().map(|hunk| Raw { path: path.clone(), ..raw(hunk) }));
    }
    Ok(found)
}

/// The finding that a hunk is.
pub fn raw(hunk: &Hunk) -> Raw {
    let (first, last, _, _) = hunk.changed();
    let lines = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
    Raw {
        span: Some(Span { line: first, end_line: Some(last), ..Span::default() }),
        message: format!("{lines} should be written differently"),
        fix: String::from_utf8(hunk.to_bytes()).ok(),
        ..Raw::default()
    }
}
