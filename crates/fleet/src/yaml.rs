// SPDX-License-Identifier: Apache-2.0
//! YAML as people and yamllint want it: a comment that says where it is from, two spaces, lists indented.

use serde_json::Value;
use serde_saphyr::SerializerOptions;

/// Where every rendered file is from.
pub const ORIGIN: &str = "Rendered by `vaccel-fleet render` from .github/runners.toml; do not edit.";

/// One document, with the comment and a document start.
pub fn document(value: &Value) -> String {
    format!("# {ORIGIN}\n{}", plain(value))
}

/// Several documents in one file.
pub fn documents(values: &[Value]) -> String {
    let parts: Vec<_> = values.iter().map(plain).collect();
    format!("# {ORIGIN}\n{}", parts.concat())
}

/// One document without the comment.
pub fn plain(value: &Value) -> String {
    let mut options = SerializerOptions::default();
    options.compact_list_indent = false;
    options.folded_wrap_chars = 72;
    let mut text = String::from("---\n");
    // Values come from `json!`: nothing in them cannot be written.
    let _ = serde_saphyr::to_fmt_writer_with_options(&mut text, value, options);
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}
