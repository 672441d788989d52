// SPDX-License-Identifier: Apache-2.0
//! SARIF 2.1.0.

use super::{Raw, ReadError, text};
use crate::definition::Columns;
use crate::finding::Span;
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

/// Reads the results of every run of a log.
pub fn read(output: &[u8]) -> Result<Vec<Raw>, ReadError> {
    let log: Value = super::document(output).map_err(|error| ReadError::new(format!("no SARIF ({error})"), output))?;
    let runs = log.get("runs").and_then(Value::as_array);
    let runs = runs.ok_or_else(|| ReadError::new("no SARIF (it has no runs)", output))?;
    let mut found = Vec::new();
    for run in runs {
        if let Some(trouble) = trouble(run) {
            return Err(ReadError::new("it tells of trouble of its own", trouble.as_bytes()));
        }
        let rules = Rules::of(run);
        let columns = match str_at(run, "/columnKind") {
            Some("utf16CodeUnits") => Some(Columns::Utf16),
            Some("unicodeCodePoints") => Some(Columns::Characters),
            _ => None,
        };
        for result in run.get("results").and_then(Value::as_array).into_iter().flatten() {
            let is_suppressed =
                result.get("suppressions").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
            let is_fault = matches!(str_at(result, "/kind"), None | Some("fail" | "open" | "review"));
            if is_fault && !is_suppressed {
                found.push(Raw { columns, ..raw(result, &rules) });
            }
        }
    }
    Ok(found)
}

/// What a tool says about itself when it could not do its work.
fn trouble(run: &Value) -> Option<String> {
    let invocations = run.get("invocations").and_then(Value::as_array)?;
    let failed = invocations.iter().find(|run| run.get("executionSuccessful") == Some(&Value::Bool(false)))?;
    let told = failed.get("toolExecutionNotifications").and_then(Value::as_array).into_iter().flatten();
    let told: Vec<_> = told.filter_map(|told| str_at(told, "/message/text")).collect();
    // Some tools call a run with findings unsuccessful.
    (!told.is_empty()).then(|| told.join("\n"))
}

/// The rules of a run, by identifier and by index.
struct Rules<'a> {
    by_id: HashMap<&'a str, &'a Value>,
    by_index: Vec<&'a Value>,
}

impl<'a> Rules<'a> {
    fn of(run: &'a Value) -> Self {
        let list = run.pointer("/tool/driver/rules").and_then(Value::as_array);
        let by_index: Vec<_> = list.into_iter().flatten().collect();
        let by_id = by_index.iter().filter_map(|rule| Some((str_at(rule, "/id")?, *rule))).collect();
        Self { by_id, by_index }
    }

    fn find(&self, result: &Value) -> Option<&'a Value> {
        let index = result.pointer("/ruleIndex").or_else(|| result.pointer("/rule/index")).and_then(Value::as_u64);
        let id = str_at(result, "/ruleId").or_else(|| str_at(result, "/rule/id"));
        id.and_then(|id| self.by_id.get(id).copied())
            .or_else(|| self.by_index.get(usize::try_from(index?).ok()?).copied())
    }
}

fn str_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn raw(result: &Value, rules: &Rules) -> Raw {
    let rule = rules.find(result);
    let of_rule = |pointer: &str| rule.and_then(|rule| str_at(rule, pointer));
    let location = result.pointer("/locations/0/physicalLocation");
    let uri = location.and_then(|location| str_at(location, "/artifactLocation/uri"));
    let region = location.and_then(|location| location.get("region"));
    let number = |name: &str| {
        let number = region?.get(name)?.as_u64()?;
        u32::try_from(number).ok().filter(|number| *number > 0)
    };
    let message = str_at(result, "/message/text")
        .or_else(|| str_at(result, "/message/markdown"))
        .or_else(|| of_rule("/shortDescription/text"))
        .unwrap_or_default();
    let rule_id = str_at(result, "/ruleId").or_else(|| str_at(result, "/rule/id")).or_else(|| of_rule("/id"));
    let level = str_at(result, "/level").or_else(|| of_rule("/defaultConfiguration/level")).unwrap_or("warning");
    Raw {
        path: uri.map(of_uri),
        span: number("startLine").map(|line| Span {
            line,
            column: number("startColumn"),
            end_line: number("endLine"),
            end_column: number("endColumn"),
        }),
        severity: Some(level.to_owned()),
        rule: rule_id.and_then(text),
        rule_url: of_rule("/helpUri").and_then(text),
        message: message.trim().to_owned(),
        ..Raw::default()
    }
}

/// A path from a URI reference: percent signs undone, `file://` taken away.
fn of_uri(uri: &str) -> PathBuf {
    let uri = uri.strip_prefix("file://").unwrap_or(uri);
    let bytes = uri.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            decoded.push(high * 16 + low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            decoded.push(*first);
            rest = behind;
        }
    }
    super::path(&decoded)
}
