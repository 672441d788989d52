// SPDX-License-Identifier: Apache-2.0
//! How comments are written: the data of `comments.toml`.

use crate::globs::{GlobError, Globs};
use regex_lite::Regex;
use serde::Deserialize;
use std::path::Path;

const DATA: &str = include_str!("comments.toml");

/// The comments of all types of files.
#[derive(Debug)]
pub struct Comments(Vec<Comment>);

/// How a comment of one line is written in a type of file.
#[derive(Debug)]
pub struct Comment {
    start: String,
    end: String,
    files: Globs,
    shebangs: Vec<String>,
    optional: Globs,
    before: Vec<Regex>,
    blank: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    comment: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    start: String,
    #[serde(default)]
    end: String,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    shebangs: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    before: Vec<String>,
    #[serde(default)]
    blank: bool,
}

/// The data that is compiled in has a fault.
#[derive(Debug, thiserror::Error)]
#[error("comments.toml")]
pub enum CommentsError {
    /// No TOML, or not with these keys.
    Toml(#[from] toml::de::Error),
    /// A glob is none.
    Glob(#[from] GlobError),
    /// A regular expression is none.
    Regex(#[from] regex_lite::Error),
}

impl Comments {
    /// Those that are compiled in.
    pub fn load() -> Result<Self, CommentsError> {
        let data: Data = toml::from_str(DATA)?;
        let comments = data.comment.into_iter().map(|entry| {
            let before = entry.before.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?;
            Ok(Comment {
                start: entry.start,
                end: entry.end,
                files: Globs::new(&entry.files)?,
                shebangs: entry.shebangs,
                optional: Globs::new(&entry.optional)?,
                before,
                blank: entry.blank,
            })
        });
        comments.collect::<Result<_, _>>().map(Self)
    }

    /// How comments are written in a file, by its name or its first line; `None` if they cannot
    /// be, as in JSON, or if the type is unknown.
    pub fn of(&self, path: &Path, text: &str) -> Option<&Comment> {
        let by_name = self.0.iter().find(|comment| comment.files.matches(path));
        by_name.or_else(|| {
            let program = interpreter(text)?;
            self.0.iter().find(|comment| comment.shebangs.iter().any(|known| known == program))
        })
    }
}

impl Comment {
    /// Whether a file of this type may be without a header.
    pub fn is_optional(&self, path: &Path) -> bool {
        self.optional.matches(path)
    }

    /// A text as a comment.
    pub fn line(&self, text: &str) -> String {
        format!("{}{text}{}", self.start, self.end)
    }

    /// A text with a header line in its place: behind a byte order mark and the lines that must be first.
    pub fn insert(&self, text: &str, header: &str) -> String {
        let (mark, body) = match text.strip_prefix('\u{feff}') {
            Some(body) => ("\u{feff}", body),
            None => ("", text),
        };
        let mut at = 0;
        let mut rest = body;
        for pattern in &self.before {
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            if pattern.is_match(line.trim_end()) {
                at += line.len();
                rest = body.get(at..).unwrap_or_default();
            }
        }
        let (first, rest) = body.split_at_checked(at).unwrap_or(("", body));
        let end = if body.split('\n').next().is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" };
        // The line before may be the last one, without an end.
        let gap = if first.is_empty() || first.ends_with('\n') { "" } else { end };
        let blank = if self.blank && !rest.starts_with(['\n', '\r']) { end } else { "" };
        format!("{mark}{first}{gap}{}{end}{blank}{rest}", self.line(header))
    }
}

/// The interpreter of a script, without path and version: `python` of `#!/usr/bin/env -S python3.11 -u`.
fn interpreter(text: &str) -> Option<&str> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let mut words = line.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    let program = match program {
        "env" => words.find(|word| !word.starts_with('-') && !word.contains('='))?.rsplit('/').next()?,
        _ => program,
    };
    Some(program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inserted(path: &str, text: &str) -> Option<String> {
        let comments = Comments::load().unwrap();
        comments.of(Path::new(path), text).map(|comment| comment.insert(text, "SPDX: X"))
    }

    #[test]
    fn the_header_stands_where_it_may() {
        let cases = [
            ("a.c", "int a;\n", "// SPDX: X\nint a;\n"),
            ("a.c", "", "// SPDX: X\n"),
            ("a.css", "@charset \"utf-8\";\na {}\n", "@charset \"utf-8\";\n/* SPDX: X */\na {}\n"),
            ("a.sh", "#!/bin/sh\nset -e\n", "#!/bin/sh\n# SPDX: X\nset -e\n"),
            ("a.sh", "#!/bin/sh", "#!/bin/sh\n# SPDX: X\n"),
            (
                "tool",
                "#!/usr/bin/env -S python3.11 -u\n# -*- coding: utf-8 -*-\nx\n",
                "#!/usr/bin/env -S python3.11 -u\n# -*- coding: utf-8 -*-\n# SPDX: X\nx\n",
            ),
            ("a.py", "# coding=latin-1\nx\n", "# coding=latin-1\n# SPDX: X\nx\n"),
            ("a.py", "import coding\n", "# SPDX: X\nimport coding\n"),
            ("a.rs", "#![no_std]\n", "// SPDX: X\n#![no_std]\n"),
            ("a.js", "#!/usr/bin/env node\nx\n", "#!/usr/bin/env node\n// SPDX: X\nx\n"),
            ("a.go", "// Package a.\npackage a\n", "// SPDX: X\n\n// Package a.\npackage a\n"),
            ("a.xml", "<?xml version=\"1.0\"?>\n<a/>\n", "<?xml version=\"1.0\"?>\n<!-- SPDX: X -->\n<a/>\n"),
            ("a.html", "<!DOCTYPE html>\n<p>\n", "<!DOCTYPE html>\n<!-- SPDX: X -->\n<p>\n"),
            (
                "Dockerfile",
                "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\n",
                "# syntax=docker/dockerfile:1\n# escape=`\n# SPDX: X\nFROM a\n",
            ),
            ("sub/Makefile", "all:\n", "# SPDX: X\nall:\n"),
            ("windows.c", "int a;\r\nint b;\r\n", "// SPDX: X\r\nint a;\r\nint b;\r\n"),
            ("mark.c", "\u{feff}int a;\n", "\u{feff}// SPDX: X\nint a;\n"),
        ];
        for (path, text, expected) in cases {
            assert_eq!(inserted(path, text).as_deref(), Some(expected), "{path}: {text:?}");
        }
        for (path, text) in [("a.json", "{}"), ("LICENSE", "x"), ("a.bin", "\0"), ("run", "#!/opt/own\n"), ("x", "#!")]
        {
            assert_eq!(inserted(path, text), None, "{path}");
        }
    }

    #[test]
    fn documents_need_no_header() {
        let comments = Comments::load().unwrap();
        let optional =
            |path: &str| comments.of(Path::new(path), "").map(|comment| comment.is_optional(Path::new(path)));
        let cases = [
            ("a.md", Some(true)),
            ("a.yml", Some(true)),
            ("a.sh", Some(false)),
            ("a.c", Some(false)),
            ("a.json", None),
        ];
        for (path, expected) in cases {
            assert_eq!(optional(path), expected, "{path}");
        }
    }
}
