// SPDX-License-Identifier: Apache-2.0
//! The software bill of materials of a release: every crate of `Cargo.lock`, as an SPDX 2.3 document.

use anyhow::{Context, Result, ensure};
use artifact::{DistRecord, Sha256, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// The document. `lock` must be the file that the executables were built from.
pub fn render(record: &DistRecord, lock: &str, time: i64) -> Result<Vec<u8>> {
    ensure!(
        record.lock == Sha256::of(lock.as_bytes()),
        "Cargo.lock is not the one that the executables were built from; check their commit out"
    );
    let lock: Lock = toml::from_str(lock).context("failed to read Cargo.lock")?;
    let root = json!({
        "SPDXID": "SPDXRef-vaccel-ci",
        "name": "vaccel-ci",
        "versionInfo": record.version,
        "downloadLocation": "https://github.com/nubificus/vaccel-ci",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
    });
    let mut packages = vec![root];
    let mut relationships = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-vaccel-ci")];
    // Crates without a source are this project.
    for package in lock.package.iter().filter(|package| package.source.is_some()) {
        let id = format!("SPDXRef-Crate-{}-{}", package.name.replace('_', "-"), package.version.replace('+', "-"));
        packages.push(entry(package, &id));
        relationships.push(relation("SPDXRef-vaccel-ci", "DEPENDS_ON", &id));
    }
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("vaccel-ci-{}", record.version),
        "documentNamespace": format!("https://spdx.org/spdxdocs/vaccel-ci-{}-{}", record.version, record.lock),
        "creationInfo": {
            "created": Timestamp::from_epoch(time).to_string(),
            "creators": [format!("Tool: vaccel-ci-{}", record.version)],
            "comment": "Every crate of Cargo.lock, also those that only tests use.",
        },
        "packages": packages,
        "relationships": relationships,
    });
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

fn entry(package: &Package, id: &str) -> Value {
    let Package { name, version, source, checksum } = package;
    let is_registry = source.as_ref().is_some_and(|source| source.starts_with("registry+"));
    let location = if is_registry {
        format!("https://crates.io/api/v1/crates/{name}/{version}/download")
    } else {
        source.clone().unwrap_or_default()
    };
    let mut entry = json!({
        "SPDXID": id,
        "name": name,
        "versionInfo": version,
        "downloadLocation": location,
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": format!("pkg:cargo/{name}@{version}"),
        }],
    });
    if let (Some(checksum), Some(fields)) = (checksum, entry.as_object_mut()) {
        fields.insert("checksums".to_owned(), json!([{ "algorithm": "SHA256", "checksumValue": checksum }]));
    }
    entry
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn record(lock: &str) -> DistRecord {
        let (rustc, zig, cargo_zigbuild) = (String::new(), String::new(), String::new());
        let (schema, version, lock) = (DistRecord::SCHEMA, "1.2.3".to_owned(), Sha256::of(lock.as_bytes()));
        DistRecord { schema, version, commit: None, rustc, zig, cargo_zigbuild, lock, executables: Vec::new() }
    }

    #[test]
    fn the_document_of_our_own_lock_is_valid_and_complete() {
        let lock = std::fs::read_to_string(testbed::workspace_root().join("Cargo.lock")).unwrap();
        let text = render(&record(&lock), &lock, 1_767_323_045).unwrap();
        let document: Value = serde_json::from_slice(&text).unwrap();
        let packages = document["packages"].as_array().unwrap();
        assert_eq!(packages.len(), 1 + lock.matches("\nsource = ").count());
        assert!(
            packages
                .iter()
                .any(|package| package["name"] == "rustls" && package["checksums"][0]["algorithm"] == "SHA256")
        );
        let tools = testbed::tools::ensure(&|_| ()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vaccel-ci.spdx.json");
        std::fs::write(&file, text).unwrap();
        let output = Command::new(tools.bin("pyspdxtools")).arg("--infile").arg(&file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    #[test]
    fn another_lock_is_refused() {
        let error = render(&record("a"), "b", 0).unwrap_err().to_string();
        assert!(error.starts_with("Cargo.lock is not the one"), "{error}");
    }
}
