// SPDX-License-Identifier: Apache-2.0
//! The manifest of a bundle.

use crate::document::{self, DocumentError};
use crate::{Arch, BuildType, FileName, PackageName, RefName, Requires, Sha256, Timestamp, Version};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What a file in a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum FileKind {
    /// A Debian package.
    Deb,
    /// A Debian package of debug symbols.
    DebugDeb,
    /// An archive of the install tree.
    Archive,
    /// An archive of the sources.
    Source,
    /// A shared library.
    SharedLibrary,
    /// A Python wheel.
    Wheel,
    /// A software bill of materials.
    Sbom,
    /// Anything else, such as the report of the examples.
    Other,
}

impl FileKind {
    /// As in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::DebugDeb => "debug-deb",
            Self::Archive => "archive",
            Self::Source => "source",
            Self::SharedLibrary => "shared-library",
            Self::Wheel => "wheel",
            Self::Sbom => "sbom",
            Self::Other => "other",
        }
    }
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct FileEntry {
    /// Its name in the folder.
    pub name: FileName,
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// The `DT_SONAME` of a shared library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soname: Option<String>,
}

/// A full commit hash: 40 hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

/// Not a full commit hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a full commit hash: 40 lower-case hexadecimal digits")]
pub struct CommitError(String);

impl FromStr for Commit {
    type Err = CommitError;

    fn from_str(text: &str) -> Result<Self, CommitError> {
        let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if digits && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CommitError(text.to_owned()))
        }
    }
}

crate::text::checked_text!(Commit, "^([0-9a-f]{40}|[0-9a-f]{64})$");

/// What built a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct BuiltBy {
    /// The version of vaccel-ci.
    pub vaccel_ci: String,
    /// Compiler and version: `gcc 12.2.0`.
    pub compiler: String,
    /// Build system and version: `meson 1.12.1`.
    pub backend: String,
    /// Options of the build, as given.
    pub options: Vec<String>,
}

/// The workflow run that made a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Run {
    /// `GITHUB_RUN_ID`.
    pub id: String,
    /// `GITHUB_RUN_ATTEMPT`, from 1.
    pub attempt: u32,
    /// The page of the run.
    pub url: String,
}

/// What a bundle is and what it holds; the last file that a publication writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Manifest {
    /// Number of this schema, [`Manifest::SCHEMA`].
    pub schema: u32,
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// The same for dpkg.
    pub debian_version: String,
    /// The branch or release tag.
    #[serde(rename = "ref")]
    pub git_ref: RefName,
    /// The commit.
    pub commit: Commit,
    /// `owner/name`, or another address of the sources.
    pub repository: String,
    /// What it runs on.
    pub arch: Arch,
    /// How it was built.
    pub build_type: BuildType,
    /// `SOURCE_DATE_EPOCH`: the time of the sources, not of the build.
    pub created: Timestamp,
    /// What built it.
    pub built_by: BuiltBy,
    /// The run that made it; absent when made by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// Digest of the install tree that was tested and packaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_sha256: Option<Sha256>,
    /// Digests of the reports of the examples that ran against that tree; they are files of the bundle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Sha256>,
    /// What a machine must have to run its files; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// The files, sorted by name.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// The schema that this crate reads and writes.
    pub const SCHEMA: u32 = 1;

    /// Reads a manifest.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        let mut manifest: Self = document::parse("manifest", Self::SCHEMA, text)?;
        manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
        let twice = manifest.files.windows(2).find(|pair| matches!(pair, [a, b] if a.name == b.name));
        match twice {
            Some(pair) => {
                Err(DocumentError::Duplicate(pair.iter().map(|f| f.name.to_string()).next().unwrap_or_default()))
            }
            None => Ok(manifest),
        }
    }

    /// The canonical text: files sorted by name, keys sorted, one trailing newline.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        let mut manifest = self.clone();
        manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
        document::canonical(&manifest)
    }

    /// A file's name with its version replaced by `latest`: `vaccel_latest_amd64.deb`. `None` if the
    /// version is not in the name.
    pub fn latest_name(&self, name: &FileName) -> Option<FileName> {
        let versions = [self.debian_version.clone(), self.version.to_string()];
        let version = versions.iter().find(|version| name.as_str().contains(version.as_str()))?;
        name.as_str().replacen(version.as_str(), "latest", 1).parse().ok()
    }

    /// The sizes of all files together, in bytes.
    pub fn total_size(&self) -> u64 {
        self.files.iter().fold(0, |total, file| total.saturating_add(file.size))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn example() -> Manifest {
        let file = |name: &str, kind, content: &[u8]| FileEntry {
            name: name.parse().unwrap(),
            kind,
            size: content.len() as u64,
            sha256: Sha256::of(content),
            soname: None,
        };
        Manifest {
            schema: 1,
            package: "vaccel".parse().unwrap(),
            version: "0.7.1".parse().unwrap(),
            debian_version: "0.7.1-1".into(),
            git_ref: "v0.7.1".parse().unwrap(),
            commit: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
            repository: "nubificus/vaccel".into(),
            arch: Arch::X86_64,
            build_type: BuildType::Release,
            created: Timestamp::from_epoch(1_767_323_045),
            built_by: BuiltBy {
                vaccel_ci: "0.1.0".into(),
                compiler: "gcc 12.2.0".into(),
                backend: "meson 1.12.1".into(),
                options: vec!["auto_features=enabled".into()],
            },
            run: Some(Run {
                id: "7".into(),
                attempt: 1,
                url: "https://github.com/nubificus/vaccel/actions/runs/7".into(),
            }),
            tree_sha256: Some(Sha256::of(b"tree")),
            examples: vec![Sha256::of(b"report")],
            requires: Some(Requires {
                glibc: Some("2.34".parse().unwrap()),
                libraries: vec!["libc.so.6".into()],
                ..Requires::default()
            }),
            files: vec![
                file("vaccel_0.7.1_x86_64.tar.gz", FileKind::Archive, b"tar"),
                file("vaccel_0.7.1-1_amd64.deb", FileKind::Deb, b"deb"),
            ],
        }
    }

    fn with(change: impl FnOnce(&mut serde_json::Value)) -> Result<Manifest, DocumentError> {
        let mut value = serde_json::to_value(example()).unwrap();
        change(&mut value);
        Manifest::parse(&serde_json::to_vec(&value).unwrap())
    }

    #[test]
    fn the_text_is_canonical() {
        let text = example().to_canonical_json();
        insta::assert_snapshot!(String::from_utf8(text.clone()).unwrap());
        assert_eq!(Manifest::parse(&text).unwrap().to_canonical_json(), text);
        let mut other = example();
        other.files.reverse();
        assert_eq!(other.to_canonical_json(), text, "the order of files does not matter");
    }

    #[test]
    fn kinds_are_named_as_in_the_manifest() {
        use FileKind::{Archive, Deb, DebugDeb, Other, Sbom, SharedLibrary, Source, Wheel};
        for kind in [Deb, DebugDeb, Archive, Source, SharedLibrary, Wheel, Sbom, Other] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn sizes_that_cannot_be_do_not_overflow() {
        let mut manifest = example();
        manifest.files.iter_mut().for_each(|file| file.size = u64::MAX);
        assert_eq!(manifest.total_size(), u64::MAX);
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert!(with(|value| value["colour"] = "blue".into()).is_ok());
    }

    #[test]
    fn a_manifest_that_deceives_is_refused() {
        let refused = |change: fn(&mut serde_json::Value)| with(change).unwrap_err().to_string();
        insta::assert_snapshot!(refused(|v| v["schema"] = 2.into()), @"its schema is 2, and this version of vaccel-ci understands 1; use a newer one");
        insta::assert_snapshot!(refused(|v| v["files"][0]["name"] = "../x".into()), @r#"it is not a manifest: "../x" is not a plain file name: it holds a path separator at line 1 column 390"#);
        insta::assert_snapshot!(refused(|v| v["files"][0]["name"] = v["files"][1]["name"].clone()), @r#"it names "vaccel_0.7.1-1_amd64.deb" twice"#);
        insta::assert_snapshot!(refused(|v| v["arch"] = "mips".into()), @r#"it is not a manifest: unknown architecture "mips"; there are x86_64, aarch64 and armv7l at line 1 column 14"#);
        insta::assert_snapshot!(refused(|v| v["files"][0]["size"] = (-1).into()), @"it is not a manifest: invalid value: integer `-1`, expected u64 at line 1 column 498");
        // A newer manifest may differ in everything but its number.
        assert!(matches!(
            Manifest::parse(br#"{"schema": 9}"#),
            Err(DocumentError::NewerSchema { found: 9, supported: 1 })
        ));
    }
}
