// SPDX-License-Identifier: Apache-2.0
//! What `dist/` says of itself: where the committed executables come from.

use crate::document::{self, DocumentError};
use crate::{Arch, Commit, Sha256};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// How the executables of a release were made; enough to make them again, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct DistRecord {
    /// Number of this schema, [`DistRecord::SCHEMA`].
    pub schema: u32,
    /// The version that the executables tell.
    pub version: String,
    /// The commit that they were built from; absent when the tree had uncommitted changes.
    pub commit: Option<Commit>,
    /// The Rust compiler: `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub rustc: String,
    /// Version of the zig that compiled C code and linked.
    pub zig: String,
    /// Version of the cargo-zigbuild that started it.
    pub cargo_zigbuild: String,
    /// Digest of `Cargo.lock`.
    pub lock: Sha256,
    /// The executables, by architecture and action.
    pub executables: Vec<Executable>,
}

/// One executable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Executable {
    /// The action: `run-examples`.
    pub action: String,
    /// What it runs on.
    pub arch: Arch,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub sha256: Sha256,
}

impl DistRecord {
    /// The schema that this crate reads and writes.
    pub const SCHEMA: u32 = 1;
    /// The record's file name in `dist/`.
    pub const FILE: &str = "BUILD.json";

    /// Reads a record.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        document::parse("record of executables", Self::SCHEMA, text)
    }

    /// The canonical text.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        document::canonical(self)
    }

    /// The list in the format of `sha256sum`, with paths below `dist/`.
    pub fn sha256sums(&self) -> String {
        self.executables.iter().fold(String::new(), |mut text, executable| {
            let _ = writeln!(text, "{}  {}", executable.sha256, executable.path());
            text
        })
    }
}

impl Executable {
    /// The path below `dist/`: `<arch>/vaccel-<action>`.
    pub fn path(&self) -> String {
        format!("{}/vaccel-{}", self.arch, self.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> DistRecord {
        DistRecord {
            schema: DistRecord::SCHEMA,
            version: "0.1.0".into(),
            commit: Some("ebc23b1f5a7f0f5a8c3a8f6c6e1b2a3d4c5b6a79".parse().unwrap()),
            rustc: "rustc 1.95.0 (59807616e 2026-04-14)".into(),
            zig: "0.17.1".into(),
            cargo_zigbuild: "0.24.1".into(),
            lock: Sha256::of(b"lock"),
            executables: vec![
                Executable { action: "plan".into(), arch: Arch::Aarch64, size: 4, sha256: Sha256::of(b"plan") },
                Executable { action: "run-examples".into(), arch: Arch::X86_64, size: 3, sha256: Sha256::of(b"run") },
            ],
        }
    }

    #[test]
    fn the_record_comes_back() {
        let text = example().to_canonical_json();
        assert_eq!(DistRecord::parse(&text).unwrap(), example());
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
    }

    #[test]
    fn sha256sum_accepts_the_list() {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in [("aarch64/vaccel-plan", "plan"), ("x86_64/vaccel-run-examples", "run")] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        std::fs::write(folder.path().join("SHA256SUMS"), example().sha256sums()).unwrap();
        let status = std::process::Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
    }
}
