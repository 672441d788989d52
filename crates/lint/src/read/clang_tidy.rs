// SPDX-License-Identifier: Apache-2.0
//! What clang-tidy exports with `--export-fixes`: the same YAML since version 9, with places as bytes of files, and paths
//! relative to the folder of each compile command. Which warnings are errors stands in its text alone.

use super::{Edit, Raw, ReadError, text};
use crate::yaml;
use regex_lite::Regex;
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Reads the exported document; `said` is what was printed.
pub fn read(output: &[u8], said: &[u8]) -> Result<Vec<Raw>, ReadError> {
    let document = yaml::parse(&String::from_utf8_lossy(output))
        .map_err(|error| ReadError::new(format!("no YAML (line {}: {error})", error.line), output))?;
    let list = document.get("Diagnostics").and_then(Value::as_array);
    if list.is_none() && !document.is_null() {
        return Err(ReadError::new("there are no Diagnostics in it", output));
    }
    let errors = errors(&String::from_utf8_lossy(said));
    list.into_iter().flatten().map(|item| raw(item, &errors).ok_or_else(|| odd(item))).collect()
}

fn odd(item: &Value) -> ReadError {
    ReadError::new("a diagnostic has another form than expected", item.to_string().as_bytes())
}

/// Rules and messages of warnings that count as errors.
fn errors(said: &str) -> HashSet<(String, String)> {
    let pattern = Regex::new(r"^.*?:\d+:\d+: error: (.*) \[([^\[\]]+),-warnings-as-errors\]$").ok();
    let lines = said.lines().filter_map(|line| pattern.as_ref()?.captures(line));
    let found = lines.filter_map(|line| Some((line.get(2)?.as_str().to_owned(), line.get(1)?.as_str().to_owned())));
    found.collect()
}

fn raw(item: &Value, errors: &HashSet<(String, String)>) -> Option<Raw> {
    let rule = item.get("DiagnosticName")?.as_str()?;
    let diagnostic = item.get("DiagnosticMessage")?;
    let message = diagnostic.get("Message")?.as_str()?.trim();
    let folder = Path::new(item.get("BuildDirectory").and_then(Value::as_str).unwrap_or_default());
    // What is about the command line has no file.
    let path = |value: &Value| {
        let name = value.get("FilePath")?.as_str()?;
        (!name.is_empty()).then(|| folder.join(name))
    };
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
    let edit = |value: &Value| -> Option<Edit> {
        Some(Edit {
            path: path(value)?,
            start: number(value, "Offset")?,
            length: number(value, "Length")?,
            text: value.get("ReplacementText")?.as_str()?.to_owned(),
        })
    };
    let replacements = diagnostic.get("Replacements").and_then(Value::as_array);
    let edits: Option<Vec<Edit>> = replacements.into_iter().flatten().map(edit).collect();
    let is_error = errors.contains(&(rule.to_owned(), message.to_owned()));
    let level = item.get("Level").and_then(Value::as_str).unwrap_or("Warning");
    let place: Option<PathBuf> = path(diagnostic);
    Some(Raw {
        offset: place.as_ref().and_then(|_| number(diagnostic, "FileOffset")),
        path: place,
        severity: Some(if is_error { "error".to_owned() } else { level.to_lowercase() }),
        rule: text(rule),
        message: message.to_owned(),
        edits: edits.unwrap_or_default(),
        ..Raw::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXPORTED: &str = "---\nMainSourceFile:  '/r/./src/q.c'\nDiagnostics:\n\
        \x20 - DiagnosticName:  readability-else-after-return\n    DiagnosticMessage:\n\
        \x20     Message:         'do not use ''else'' after ''return'''\n      FilePath:        '../inc/q.h'\n\
        \x20     FileOffset:      52\n      Replacements:\n        - FilePath:        '../inc/q.h'\n\
        \x20         Offset:          52\n          Length:          4\n          ReplacementText: \"\\n}\"\n\
        \x20   Level:           Warning\n    BuildDirectory:  '/r/build'\n\
        \x20 - DiagnosticName:  clang-diagnostic-error\n    DiagnosticMessage:\n      Message:         no such option\n\
        \x20     FilePath:        ''\n      FileOffset:      0\n      Replacements:    []\n    Level:           Error\n\
        \x20   BuildDirectory:  '/r/build'\n...\n";

    #[test]
    fn diagnostics_have_places_and_edits() {
        let said = b"/r/inc/q.h:1:2: error: do not use 'else' after 'return' [readability-else-after-return,-warnings-as-errors]\n";
        let raw = read(EXPORTED.as_bytes(), b"").unwrap();
        let header = PathBuf::from("/r/build/../inc/q.h");
        assert_eq!((raw[0].path.as_ref(), raw[0].offset), (Some(&header), Some(52)));
        assert_eq!(
            (raw[0].severity.as_deref(), &*raw[0].message),
            (Some("warning"), "do not use 'else' after 'return'")
        );
        assert_eq!(raw[0].edits, [Edit { path: header, start: 52, length: 4, text: "\n}".to_owned() }]);
        assert_eq!((raw[1].path.as_ref(), raw[1].offset, raw[1].severity.as_deref()), (None, None, Some("error")));
        assert_eq!(read(EXPORTED.as_bytes(), said).unwrap()[0].severity.as_deref(), Some("error"));
        assert_eq!(read(b"", b"").unwrap(), []);
        for odd in ["Diagnostics: [{}]", "a: 1", "Diagnostics: ["] {
            assert!(read(odd.as_bytes(), b"").is_err(), "{odd}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_document_makes_it_panic(cut in 0..800usize, text in "[ -~\n]{0,40}") {
            let document = EXPORTED.get(..cut.min(EXPORTED.len())).unwrap_or_default().to_owned() + &text;
            let _ = read(document.as_bytes(), text.as_bytes());
        }
    }
}
