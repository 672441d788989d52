// SPDX-License-Identifier: Apache-2.0
//! The result as an in-toto statement, which can be published beside the release.

use crate::compare::Difference;
use crate::rebuild::Rebuilt;
use artifact::{FileName, Sha256};
use serde_json::{Value, json};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://vaccel.org/ci/reproduction/v1";

/// The statement about these files.
pub fn render(subjects: &[(FileName, Sha256)], different: &[(String, Vec<Difference>)], rebuilt: &Rebuilt) -> Vec<u8> {
    let subject: Vec<Value> =
        subjects.iter().map(|(name, sha256)| json!({ "name": name, "digest": { "sha256": sha256 } })).collect();
    let different: Vec<Value> = different
        .iter()
        .map(|(name, found)| json!({ "name": name, "why": found.iter().map(ToString::to_string).collect::<Vec<_>>() }))
        .collect();
    let statement = json!({
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": PREDICATE,
        "predicate": {
            "reproduced": different.is_empty(),
            "different": different,
            "varied": rebuilt.varied,
            "toolsThatDiffer": rebuilt.tools_differ,
            "sources": rebuilt.sources,
            "tools": rebuilt.record.as_ref().map(|record| json!({ "compiler": record.compiler, "backend": record.backend })),
            "vaccelCi": env!("CARGO_PKG_VERSION"),
        },
    });
    let mut text = serde_json::to_vec_pretty(&statement).unwrap_or_default();
    text.push(b'\n');
    text
}
