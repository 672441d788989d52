// SPDX-License-Identifier: Apache-2.0
//! What a build says of itself, for whoever packages its result.

use crate::document::{self, DocumentError};
use crate::{Arch, BuildType, Sha256};
use serde::{Deserialize, Serialize};

/// How an install tree was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct BuildRecord {
    /// Number of this schema, [`BuildRecord::SCHEMA`].
    pub schema: u32,
    /// Compiler and version: `gcc 12.2.0`.
    pub compiler: String,
    /// Build system and version: `meson 1.12.1`.
    pub backend: String,
    /// Options of the build, as given.
    pub options: Vec<String>,
    /// The version that the build was given.
    pub version: String,
    /// What it runs on.
    pub arch: Arch,
    /// How it was built.
    pub build_type: BuildType,
    /// Digest of the install tree; absent in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_sha256: Option<Sha256>,
}

impl BuildRecord {
    /// The schema that this crate reads and writes.
    pub const SCHEMA: u32 = 1;
    /// The record's file name in the build folder.
    pub const FILE: &str = "vaccel-build.json";
    /// The folder with wheels and source distributions, in the build folder.
    pub const DISTRIBUTIONS: &str = "dist";

    /// Reads a record.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        document::parse("build record", Self::SCHEMA, text)
    }

    /// The canonical text.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        document::canonical(self)
    }
}
