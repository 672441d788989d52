// SPDX-License-Identifier: Apache-2.0
//! The file as it should be: a finding and a fix per changed stretch.

use super::{Original, Raw, diff};
use crate::patch::Hunk;

/// How many lines of context a fix has.
const CONTEXT: usize = 3;

/// Compares a file with how it should be.
pub fn read(output: &[u8], original: Original<'_>) -> Vec<Raw> {
    if output == original.bytes {
        return Vec::new();
    }
    Hunk::between(original.bytes, output, CONTEXT)
        .iter()
        .map(|hunk| Raw { path: Some(original.path.to_owned()), ..diff::raw(hunk) })
        .collect()
}
