// SPDX-License-Identifier: Apache-2.0
//! `index.json`: every release and branch of a package in a store.

use crate::document::{self, DocumentError};
use crate::{PackageName, RefName, Sha256, TargetKey, Timestamp, Version, Yanked};
use serde::{Deserialize, Serialize};

/// One release or branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct IndexEntry {
    /// When it was first published.
    pub created: Timestamp,
    /// The branch or release tag.
    #[serde(rename = "ref")]
    pub git_ref: RefName,
    /// The digest of its `release.json`; absent where it was published in layout 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Sha256>,
    /// The sizes of its files together, in bytes; absent where it was published in layout 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its targets, sorted.
    pub targets: Vec<TargetKey>,
    /// The version.
    pub version: Version,
    /// Present where it should not be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<Yanked>,
}

/// What exists of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Index {
    /// What comes before the package in every key, without slashes around it.
    pub base_path: String,
    /// Branches and releases, sorted by their names.
    pub entries: Vec<IndexEntry>,
    /// The package.
    pub package: PackageName,
    /// The repository that first released the package; no other one may publish it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Number of the layout, [`Index::SCHEMA`].
    pub schema: u32,
    /// Grows by one with each change.
    pub serial: u64,
    /// The time of the last change.
    pub updated: Timestamp,
}

impl Index {
    /// The layout of stores that this crate writes.
    pub const SCHEMA: u32 = 2;
    /// The longest text that is read or written, in bytes: some 300,000 versions.
    pub const LIMIT: u64 = 64 * 1024 * 1024;

    /// An index of nothing.
    pub fn new(base_path: &str, package: PackageName) -> Self {
        Self {
            base_path: base_path.to_owned(),
            entries: Vec::new(),
            package,
            repository: None,
            schema: Self::SCHEMA,
            serial: 0,
            updated: Timestamp::from_epoch(0),
        }
    }

    /// Reads an index.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        let mut index: Self = document::parse("index", Self::SCHEMA, text)?;
        index.entries.sort_by(|a, b| a.git_ref.cmp(&b.git_ref));
        let twice = index.entries.windows(2).find(|pair| matches!(pair, [a, b] if a.git_ref == b.git_ref));
        match twice.and_then(<[_]>::first) {
            Some(entry) => Err(DocumentError::Duplicate(entry.git_ref.to_string())),
            None => Ok(index),
        }
    }

    /// The canonical text, in one line: there may be very many versions.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        document::canonical_line(self)
    }

    /// The entry of a ref.
    pub fn entry(&self, git_ref: &RefName) -> Option<&IndexEntry> {
        let place = self.entries.binary_search_by(|entry| entry.git_ref.cmp(git_ref)).ok()?;
        self.entries.get(place)
    }

    /// Adds or replaces the entry of a ref; whether that changed something.
    pub fn put(&mut self, entry: IndexEntry) -> bool {
        match self.entries.binary_search_by(|known| known.git_ref.cmp(&entry.git_ref)) {
            Ok(place) => match self.entries.get_mut(place) {
                Some(known) if *known == entry => false,
                Some(known) => {
                    *known = entry;
                    true
                }
                None => false,
            },
            Err(place) => {
                self.entries.insert(place, entry);
                true
            }
        }
    }

    /// Takes the entry of a ref out; whether there was one.
    pub fn remove(&mut self, git_ref: &RefName) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.git_ref != *git_ref);
        self.entries.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::tests::example as release;

    fn example() -> Index {
        let release = release();
        let mut index = Index::new("artifacts", release.package.clone());
        for git_ref in ["v0.7.1", "main"] {
            assert!(index.put(IndexEntry {
                created: release.created.clone(),
                git_ref: git_ref.parse().unwrap(),
                release: Some(Sha256::of(git_ref.as_bytes())),
                size: Some(6),
                targets: vec!["x86_64/release".parse().unwrap()],
                version: release.version.clone(),
                yanked: None,
            }));
        }
        index
    }

    #[test]
    fn the_text_is_canonical() {
        let text = example().to_canonical_json();
        insta::assert_snapshot!(String::from_utf8(text.clone()).unwrap());
        let parsed = Index::parse(&text).unwrap();
        assert_eq!(parsed.to_canonical_json(), text);
        // The fields are declared in the order of their names: no value has to be made for sorting.
        let mut value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        value.sort_all_objects();
        assert_eq!(format!("{value}\n").into_bytes(), text);
    }

    #[test]
    fn entries_are_found_replaced_and_removed() {
        let mut index = example();
        let main = "main".parse().unwrap();
        let entry = index.entry(&main).unwrap().clone();
        assert!(!index.put(entry.clone()), "equal");
        assert!(index.put(IndexEntry { release: None, ..entry }));
        assert_eq!((index.entries.len(), index.entry(&main).unwrap().release), (2, None));
        assert!(index.remove(&main) && !index.remove(&main));
        assert_eq!(index.entry(&main), None);
    }

    #[test]
    fn an_index_that_deceives_is_refused() {
        let with = |change: fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(example()).unwrap();
            change(&mut value);
            Index::parse(&serde_json::to_vec(&value).unwrap()).unwrap_err().to_string()
        };
        insta::assert_snapshot!(with(|v| v["schema"] = 3.into()), @"its schema is 3, and this version of vaccel-ci understands 2; use a newer one");
        insta::assert_snapshot!(with(|v| v["entries"][0] = v["entries"][1].clone()), @r#"it names "v0.7.1" twice"#);
    }
}
