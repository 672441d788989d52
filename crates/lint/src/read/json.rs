// SPDX-License-Identifier: Apache-2.0
//! JSON: a document, or a document per line, and pointers into it.

use super::{Raw, ReadError, text};
use crate::definition::Json;
use crate::finding::Span;
use serde_json::Value;
use std::path::PathBuf;

/// Reads findings from JSON. No output at all means no findings.
pub fn read(output: &[u8], json: &Json) -> Result<Vec<Raw>, ReadError> {
    let mut found = Vec::new();
    let documents: Vec<&[u8]> = if json.lines { output.split(|byte| *byte == b'\n').collect() } else { vec![output] };
    for bytes in documents.into_iter().filter(|bytes| !bytes.trim_ascii().is_empty()) {
        let document: Value =
            super::document(bytes).map_err(|error| ReadError::new(format!("no JSON ({error})"), bytes))?;
        // In a stream of documents, some speak of other things.
        if json.lines && !json.only.iter().all(|(pointer, text)| is(&document, pointer, text)) {
            continue;
        }
        for item in items(&document, &json.items, bytes)? {
            let is_wanted =
                json.only.iter().all(|(pointer, text)| is(&document, pointer, text) || is(item, pointer, text));
            if is_wanted && !json.except.iter().any(|(pointer, text)| is(item, pointer, text)) {
                found.push(raw(item, json).map_err(|message| ReadError::new(message, bytes))?);
            }
        }
    }
    Ok(found)
}

/// The findings of a document: what the pointer leads to, each element of it if it is a list.
fn items<'a>(document: &'a Value, pointer: &str, bytes: &[u8]) -> Result<Vec<&'a Value>, ReadError> {
    let mut reached = vec![document];
    for step in pointer.split('/').skip(1) {
        reached = reached.into_iter().flat_map(|value| follow(value, step)).collect();
    }
    if reached.is_empty() && !pointer.contains('*') {
        return Err(ReadError::new(format!("there is no {pointer} in it"), bytes));
    }
    Ok(reached
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(elements) => elements.iter().collect(),
            Value::Null => Vec::new(),
            other => vec![other],
        })
        .collect())
}

fn follow<'a>(value: &'a Value, step: &str) -> Vec<&'a Value> {
    match value {
        Value::Array(elements) if step == "*" => elements.iter().collect(),
        Value::Object(members) if step == "*" => members.values().collect(),
        _ => value.pointer(&format!("/{step}")).into_iter().collect(),
    }
}

fn is(item: &Value, pointer: &str, text: &str) -> bool {
    item.pointer(pointer).and_then(words).is_some_and(|found| found == text)
}

/// A text or a number as text.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(string) => text(string),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn raw(item: &Value, json: &Json) -> Result<Raw, String> {
    let get = |pointer: &str| if pointer.is_empty() { None } else { item.pointer(pointer) };
    let string = |pointer: &str| get(pointer).and_then(words);
    let number = |pointer: &str| {
        let number = string(pointer)?.parse::<u32>().ok()?;
        Some(number.saturating_add(json.offset)).filter(|number| *number > 0)
    };
    let mut message = string(&json.message).ok_or_else(|| format!("a finding has no {}", json.message))?;
    if let Some(detail) = string(&json.detail) {
        message = format!("{message} ({detail})");
    }
    Ok(Raw {
        path: get(&json.path).and_then(Value::as_str).filter(|path| !path.is_empty()).map(PathBuf::from),
        span: number(&json.line).map(|line| Span {
            line,
            column: number(&json.column),
            end_line: number(&json.end_line),
            end_column: number(&json.end_column),
        }),
        severity: string(&json.severity),
        rule: string(&json.rule).map(|rule| format!("{}{rule}", json.rule_prefix)),
        rule_url: string(&json.rule_url),
        message,
        edits: get(&json.suggestions).map(super::rustc::edits).unwrap_or_default(),
        ..Raw::default()
    })
}
