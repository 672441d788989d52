// SPDX-License-Identifier: Apache-2.0
//! A fix as edits of lines, which can be compared and put together.

use crate::patch::{self, PatchError};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a fix does to one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileEdits {
    /// The edits, from the first line to the last.
    pub edits: Vec<Edit>,
    /// Lines that the file must have: their number from 0, and the line with its end.
    pub expected: Vec<(usize, Vec<u8>)>,
}

/// Lines in place of lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The first line that goes, from 0; the one before which lines come, if none goes.
    pub start: usize,
    /// How many lines go.
    pub removed: usize,
    /// The lines that come, with their ends.
    pub added: Vec<Vec<u8>>,
}

impl Edit {
    /// Whether the result would depend on which of them is first.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (end, other_end) = (self.start + self.removed, other.start + other.removed);
        let touch = self.removed == 0 || other.removed == 0;
        if touch { self.start <= other_end && other.start <= end } else { self.start < other_end && other.start < end }
    }
}

/// The edits of a fix by file; `None` for one that makes, removes or renames files.
pub fn edits(fix: &str) -> Result<Option<BTreeMap<PathBuf, FileEdits>>, PatchError> {
    let mut files: BTreeMap<PathBuf, FileEdits> = BTreeMap::new();
    for file in patch::parse(fix.as_bytes())? {
        let (Some(old), Some(new)) = (file.old, file.new) else { return Ok(None) };
        if old != new {
            return Ok(None);
        }
        let edits = files.entry(old).or_default();
        for hunk in file.hunks {
            let start = usize::try_from(hunk.old_start).unwrap_or(usize::MAX);
            // A hunk without lines before names the line behind which it stands.
            edits.hunk(if hunk.old_lines == 0 { start } else { start.saturating_sub(1) }, &hunk.lines);
        }
        edits.edits.sort();
    }
    Ok(Some(files))
}

impl FileEdits {
    fn hunk(&mut self, start: usize, lines: &[Vec<u8>]) {
        let mut at = start;
        let mut edit: Option<Edit> = None;
        let mut lines = lines.iter().peekable();
        while let Some(line) = lines.next() {
            let Some((sign, text)) = line.split_first() else { continue };
            let has_end = lines.next_if(|next| next.first() == Some(&b'\\')).is_none();
            let mut text = text.to_vec();
            if has_end {
                text.push(b'\n');
            }
            if *sign == b' ' {
                self.edits.extend(edit.take());
            } else {
                let edit = edit.get_or_insert_with(|| Edit { start: at, removed: 0, added: Vec::new() });
                if *sign == b'+' {
                    edit.added.push(text);
                    continue;
                }
                edit.removed += 1;
            }
            self.expected.push((at, text));
            at = at.saturating_add(1);
        }
        self.edits.extend(edit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(start: usize, removed: usize, added: &[&str]) -> Edit {
        Edit { start, removed, added: added.iter().map(|text| text.as_bytes().to_vec()).collect() }
    }

    #[test]
    fn a_diff_becomes_edits() {
        let fix = "--- a/x\n+++ b/x\n@@ -1,4 +1,3 @@\n a\n-b\n+B\n c\n-d\n@@ -9,0 +10,1 @@\n+new\n";
        let files = edits(fix).unwrap().unwrap();
        let file = &files[&PathBuf::from("x")];
        assert_eq!(file.edits, [edit(1, 1, &["B\n"]), edit(3, 1, &[]), edit(9, 0, &["new\n"])]);
        let expected: Vec<_> = file.expected.iter().map(|(at, text)| (*at, &text[..])).collect();
        assert_eq!(expected, [(0, &b"a\n"[..]), (1, b"b\n"), (2, b"c\n"), (3, b"d\n")]);
        let fix = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n";
        assert_eq!(edits(fix).unwrap().unwrap()[&PathBuf::from("x")].expected, [(0, b"a".to_vec())]);
        assert_eq!(edits("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"), Ok(None));
        assert!(edits("nothing\n").is_err());
    }

    #[test]
    fn overlaps() {
        let cases = [
            ("apart", edit(0, 1, &[]), edit(2, 1, &[]), false),
            ("side by side", edit(0, 1, &[]), edit(1, 1, &[]), false),
            ("same line", edit(1, 1, &[]), edit(0, 3, &[]), true),
            ("insertions at one place", edit(1, 0, &["a"]), edit(1, 0, &["b"]), true),
            ("insertion at an edge", edit(1, 0, &["a"]), edit(1, 2, &[]), true),
            ("insertion at the other edge", edit(3, 0, &["a"]), edit(1, 2, &[]), true),
            ("insertion inside", edit(2, 0, &["a"]), edit(1, 2, &[]), true),
            ("insertion apart", edit(4, 0, &["a"]), edit(1, 2, &[]), false),
        ];
        for (name, one, other, expected) in cases {
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (expected, expected), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_diff_makes_it_panic(body in "([ +-]?[ab]?\\n|\\\\ No\\n|@@ -1,2 \\+1 @@\\n|@@ -0,0 \\+4294967295,9 @@\\n){0,12}") {
            let _ = edits(&format!("--- a/x\n+++ b/x\n{body}"));
        }
    }
}
