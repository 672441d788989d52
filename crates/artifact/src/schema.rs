// SPDX-License-Identifier: Apache-2.0
//! The JSON Schemas of the documents, as they are committed in `schema/`.

use crate::{BuildRecord, DistRecord, ExampleReport, Index, Manifest, Plan, Provenance, Release};
use schemars::schema_for;
use serde_json::Value;

/// File name and schema of every document.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("build-record.schema.json", schema_for!(BuildRecord).to_value()),
        ("dist.schema.json", schema_for!(DistRecord).to_value()),
        ("examples.schema.json", schema_for!(ExampleReport).to_value()),
        ("index.schema.json", schema_for!(Index).to_value()),
        ("manifest.schema.json", schema_for!(Manifest).to_value()),
        ("plan.schema.json", schema_for!(Plan).to_value()),
        ("provenance.schema.json", schema_for!(Provenance).to_value()),
        ("release.schema.json", schema_for!(Release).to_value()),
        ("runners.schema.json", schema_for!(crate::runners::Document).to_value()),
        ("site.schema.json", schema_for!(crate::runners::Site).to_value()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_schemas_are_these() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
        let mut expected = Vec::new();
        for (name, schema) in all() {
            let committed = std::fs::read(folder.join(name)).unwrap();
            let committed: Value = serde_json::from_slice(&committed).unwrap();
            assert_eq!(committed, schema, "{name} is out of date; run `cargo xtask generate`");
            expected.push(name.to_owned());
        }
        let entries = std::fs::read_dir(folder).unwrap();
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(found, expected);
    }
}
