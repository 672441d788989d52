// SPDX-License-Identifier: Apache-2.0
//! `release.json`: the commit point of a ref in a store, release or branch.

use crate::document::{self, DocumentError};
use crate::{Commit, PackageName, RefName, Run, Sha256, TargetKey, Timestamp, Version};
use serde::{Deserialize, Serialize};

/// Why a version should not be used any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Yanked {
    /// The reason, for people.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// One target of a release: its manifest, by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ReleaseTarget {
    /// The digest of the manifest.
    pub manifest: Sha256,
    /// The sizes of its files together, in bytes.
    pub size: u64,
    /// Architecture and build type.
    pub target: TargetKey,
}

/// All targets of a release or branch. What it names exists; a reader starts here.
///
/// Package, base path, repository, ref and serial are part of the text, so that a signature of it
/// holds for one place only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Release {
    /// What comes before the package in every key, without slashes around it.
    pub base_path: String,
    /// The commit.
    pub commit: Commit,
    /// When this ref and commit was first published.
    pub created: Timestamp,
    /// The package.
    pub package: PackageName,
    /// The branch or release tag.
    #[serde(rename = "ref")]
    pub git_ref: RefName,
    /// `owner/name`, or another address of the sources.
    pub repository: String,
    /// The run that published it first; absent when published by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Number of the layout, [`Release::SCHEMA`].
    pub schema: u32,
    /// Grows by one with each change of this ref.
    pub serial: u64,
    /// The targets, sorted.
    pub targets: Vec<ReleaseTarget>,
    /// The version.
    pub version: Version,
    /// Present where it should not be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<Yanked>,
}

impl Release {
    /// The layout of stores that this crate writes.
    pub const SCHEMA: u32 = 2;
    /// The longest text that is read or written, in bytes.
    pub const LIMIT: u64 = 1024 * 1024;

    /// Reads a release.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        let mut release: Self = document::parse("release", Self::SCHEMA, text)?;
        release.targets.sort_by_key(|entry| entry.target);
        let twice = release.targets.windows(2).find(|pair| matches!(pair, [a, b] if a.target == b.target));
        match twice.and_then(<[_]>::first) {
            Some(entry) => Err(DocumentError::Duplicate(entry.target.to_string())),
            None => Ok(release),
        }
    }

    /// The canonical text: targets and keys sorted, one trailing newline.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        let mut release = self.clone();
        release.targets.sort_by_key(|entry| entry.target);
        document::canonical(&release)
    }

    /// The sizes of all files together, in bytes.
    pub fn total_size(&self) -> u64 {
        self.targets.iter().fold(0, |total, entry| total.saturating_add(entry.size))
    }

    /// The manifest of a target; `None` if it has no such target.
    pub fn manifest(&self, target: TargetKey) -> Option<Sha256> {
        self.targets.iter().find(|entry| entry.target == target).map(|entry| entry.manifest)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::tests::example as manifest;

    pub fn example() -> Release {
        let manifest = manifest();
        let target = |text: &str| ReleaseTarget {
            manifest: Sha256::of(text.as_bytes()),
            size: 6,
            target: text.parse().unwrap(),
        };
        Release {
            base_path: "artifacts".into(),
            commit: manifest.commit,
            created: manifest.created,
            package: manifest.package,
            git_ref: manifest.git_ref,
            repository: manifest.repository,
            run: manifest.run,
            schema: Release::SCHEMA,
            serial: 1,
            targets: vec![target("x86_64/release"), target("aarch64/debug")],
            version: manifest.version,
            yanked: None,
        }
    }

    #[test]
    fn the_text_is_canonical() {
        let text = example().to_canonical_json();
        insta::assert_snapshot!(String::from_utf8(text.clone()).unwrap());
        assert_eq!(Release::parse(&text).unwrap().to_canonical_json(), text);
    }

    #[test]
    fn a_release_that_deceives_is_refused() {
        let with = |change: fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(example()).unwrap();
            change(&mut value);
            Release::parse(&serde_json::to_vec(&value).unwrap()).unwrap_err().to_string()
        };
        insta::assert_snapshot!(with(|v| v["schema"] = 3.into()), @"its schema is 3, and this version of vaccel-ci understands 2; use a newer one");
        insta::assert_snapshot!(with(|v| v["targets"][0] = v["targets"][1].clone()), @r#"it names "aarch64/debug" twice"#);
    }
}
