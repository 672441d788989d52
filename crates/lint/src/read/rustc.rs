// SPDX-License-Identifier: Apache-2.0
//! The suggestions of the Rust compiler and clippy that may be applied by a machine.

use super::Edit;
use serde_json::Value;
use std::path::PathBuf;

/// The edits of a message's children; none unless all of them may be applied.
pub fn edits(children: &Value) -> Vec<Edit> {
    let children = children.as_array().into_iter().flatten();
    let spans = children.filter_map(|child| child.get("spans")?.as_array()).flatten();
    let suggested = spans.filter(|span| span.get("suggested_replacement").is_some_and(|text| !text.is_null()));
    let edit = |span: &Value| {
        let number = |name: &str| span.get(name)?.as_u64();
        let is_sure = span.get("suggestion_applicability").and_then(Value::as_str) == Some("MachineApplicable");
        let (start, end) = (number("byte_start")?, number("byte_end")?);
        is_sure.then_some(())?;
        Some(Edit {
            path: PathBuf::from(span.get("file_name")?.as_str()?),
            start,
            length: end.checked_sub(start)?,
            text: span.get("suggested_replacement")?.as_str()?.to_owned(),
        })
    };
    suggested.map(edit).collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_a_machine_may_apply_is_an_edit() {
        let span = |sure: &str| {
            json!({"file_name": "a.rs", "byte_start": 3, "byte_end": 5, "suggested_replacement": "x",
                "suggestion_applicability": sure})
        };
        let of = |spans: &[Value]| edits(&json!([{ "spans": spans }, { "spans": [] }, { "message": "note" }])).len();
        assert_eq!(of(&[span("MachineApplicable")]), 1);
        assert_eq!(of(&[span("MachineApplicable"), span("MaybeIncorrect")]), 0);
        assert_eq!(of(&[json!({"file_name": "a.rs", "suggested_replacement": null})]), 0);
        assert_eq!(edits(&Value::Null), []);
    }
}
