//! The JSON Schemas of the documents, as they are committed in `schema/`.

use crate::{BuildRecord, ExampleReport, Manifest, Plan};
use schemars::schema_for;
use serde_json::Value;

/// File name and schema of every document.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("build-record.schema.json", schema_for!(BuildRecord).to_value()),
        ("examples.schema.json", schema_for!(ExampleReport).to_value()),
        ("manifest.schema.json", schema_for!(Manifest).to_value()),
        ("plan.schema.json", schema_for!(Plan).to_value()),
    ]
}
