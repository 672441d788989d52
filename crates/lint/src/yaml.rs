// SPDX-License-Identifier: Apache-2.0
//! YAML as a tree of values, and where it does not parse.

use crate::syntax::SyntaxError;
use serde_json::Value;

/// Reads the first document; all of them must parse. An empty text is null.
pub fn parse(text: &str) -> Result<Value, SyntaxError> {
    // As other readers have it: of a key that comes twice the last counts. What linters export has no limit.
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        budget: None,
        with_snippet: false,
    };
    match serde_saphyr::from_multiple_with_options::<Value>(text, options) {
        Ok(documents) => Ok(documents.into_iter().next().unwrap_or_default()),
        Err(error) => {
            let line = error.location().map_or(1, |location| u32::try_from(location.line()).unwrap_or(u32::MAX));
            let message = error.to_string();
            Err(SyntaxError { line, message: message.lines().next().unwrap_or_default().to_owned() })
        }
    }
}

/// One tree put over another: tables key by key, anything else replaces what was there.
pub fn over(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                over(below.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (below, above) => *below = above.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_become_values() {
        let cases = [
            ("", Value::Null),
            ("# only a comment\n", Value::Null),
            (
                "a: 'it''s\n\n  two lines'\nb: [1, true, ~, no]\n",
                json!({"a": "it's\ntwo lines", "b": [1, true, null, false]}),
            ),
            ("a: &x {b: 1}\nc: *x\n", json!({"a": {"b": 1}, "c": {"b": 1}})),
            ("a: 1\n---\nb: 2\n", json!({"a": 1})),
            ("t: >\n  a\n  b\n", json!({"t": "a b\n"})),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text:?}");
        }
        assert_eq!(parse("a: 1\nb: [\n").unwrap_err().line, 2);
    }

    #[test]
    fn what_a_repository_says_is_put_over_what_is_given() {
        let mut below = json!({"rules": {"a": {"x": 1, "y": 2}, "b": [1]}});
        over(&mut below, &json!({"rules": {"a": {"y": 3}, "b": [2], "c": null}, "d": 4}));
        assert_eq!(below, json!({"rules": {"a": {"x": 1, "y": 3}, "b": [2], "c": null}, "d": 4}));
    }
}
