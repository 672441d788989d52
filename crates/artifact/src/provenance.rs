// SPDX-License-Identifier: Apache-2.0
//! Where a bundle comes from: an in-toto statement with SLSA's provenance as its predicate.
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>, <https://slsa.dev/spec/v1.0/provenance>.
//!
//! Verifiers check little of the schema, so this type demands what makes it worth something: digests,
//! a builder and our build type. It holds nothing that differs from run to run, since equal builds are
//! equal bytes; the run is in the manifest.

use crate::{Arch, BuildType, Commit, FileEntry, FileName, PackageName, RefName, Sha256, Version, document};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of a statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of its predicate.
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// How we build: what the parameters mean.
const BUILD: &str = "https://vaccel.org/ci/build/v1";

/// Why a statement is not taken for provenance.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// Not JSON, or fields are missing.
    #[error("it is not a provenance statement: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A type that is not ours.
    #[error("{field} is {found:?}, not {expected:?}")]
    Type {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What we understand.
        expected: &'static str,
    },
    /// Something that must not be empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A subject that it speaks of twice.
    #[error("it names {0} twice")]
    Twice(FileName),
}

/// What says which build made which files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Provenance {
    /// `https://in-toto.io/Statement/v1`.
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// The files of the bundle, by digest.
    pub subject: Vec<Artifact>,
    /// `https://slsa.dev/provenance/v1`.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// How they were made.
    pub predicate: Predicate,
}

/// A file, by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Artifact {
    /// Its name in the bundle.
    pub name: FileName,
    /// Its digest.
    pub digest: FileDigest,
}

/// The digest of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct FileDigest {
    /// SHA-256.
    pub sha256: Sha256,
}

/// How a bundle was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Predicate {
    /// What went in.
    pub build_definition: BuildDefinition,
    /// What ran.
    pub run_details: RunDetails,
}

/// What went into a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct BuildDefinition {
    /// `https://vaccel.org/ci/build/v1`.
    pub build_type: String,
    /// What the repository and its workflow chose.
    pub external_parameters: ExternalParameters,
    /// What the builder chose.
    pub internal_parameters: InternalParameters,
    /// The sources first, then what they were built against.
    pub resolved_dependencies: Vec<Dependency>,
}

/// What the repository and its workflow chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ExternalParameters {
    /// The workflow that called us; absent outside of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// The branch or release tag.
    #[serde(rename = "ref")]
    pub git_ref: RefName,
    /// What it runs on.
    pub arch: Arch,
    /// How it was built.
    pub build_type: BuildType,
    /// The prefix that it was built for.
    pub prefix: String,
    /// Options of the build, as given.
    pub options: Vec<String>,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Workflow {
    /// The page of its repository.
    pub repository: String,
    /// Its file.
    pub path: String,
    /// The branch or tag that it was taken from.
    #[serde(rename = "ref")]
    pub git_ref: String,
}

/// What the builder chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct InternalParameters {
    /// Compiler and version.
    pub compiler: String,
    /// Build system and version.
    pub backend: String,
    /// The image of the runner, such as `ubuntu24`; its exact version is in the runner's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_image: Option<String>,
}

/// Something that a build used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Dependency {
    /// Where it is from: `git+https://github.com/nubificus/vaccel`.
    pub uri: String,
    /// Its digests, by kind: `gitCommit` of sources, `vaccelTreeSha256` of an installed package.
    pub digest: BTreeMap<String, String>,
}

/// What ran a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct RunDetails {
    /// The builder.
    pub builder: Builder,
}

/// Who is trusted to have run a build as it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Builder {
    /// The reusable workflow with the revision that the caller named, or else whatever ran us.
    pub id: String,
    /// `vaccel-ci`: the version; `commit`: what its executables were built from, where that is recorded.
    pub version: BTreeMap<String, String>,
}

impl Provenance {
    /// The end of the file's name in a bundle.
    pub const SUFFIX: &str = ".provenance.json";
    /// The kind of digest of a commit.
    pub const GIT_COMMIT: &str = "gitCommit";

    /// A statement about these files.
    pub fn new(files: &[FileEntry], definition: BuildDefinition, builder: Builder) -> Self {
        let subject =
            files.iter().map(|file| Artifact { name: file.name.clone(), digest: FileDigest { sha256: file.sha256 } });
        Self {
            statement_type: STATEMENT.to_owned(),
            subject: subject.collect(),
            predicate_type: PREDICATE.to_owned(),
            predicate: Predicate {
                build_definition: BuildDefinition { build_type: BUILD.to_owned(), ..definition },
                run_details: RunDetails { builder },
            },
        }
    }

    /// Reads a statement, and refuses one that says too little.
    pub fn parse(text: &[u8]) -> Result<Self, ProvenanceError> {
        let statement: Self = serde_json::from_slice(text)?;
        let definition = &statement.predicate.build_definition;
        let types = [
            ("_type", &statement.statement_type, STATEMENT),
            ("predicateType", &statement.predicate_type, PREDICATE),
            ("buildType", &definition.build_type, BUILD),
        ];
        if let Some((field, found, expected)) = types.into_iter().find(|(_, found, expected)| found != expected) {
            return Err(ProvenanceError::Type { field, found: found.clone(), expected });
        }
        let dependencies = &definition.resolved_dependencies;
        let empty = [
            ("subject", statement.subject.is_empty()),
            ("builder.id", statement.predicate.run_details.builder.id.is_empty()),
            ("resolvedDependencies", dependencies.is_empty()),
            ("the digest of a dependency", dependencies.iter().any(|dependency| dependency.digest.is_empty())),
        ];
        if let Some((field, _)) = empty.into_iter().find(|(_, is_empty)| *is_empty) {
            return Err(ProvenanceError::Empty(field));
        }
        let mut seen = std::collections::BTreeSet::new();
        match statement.subject.iter().find(|artifact| !seen.insert(&artifact.name)) {
            Some(twice) => Err(ProvenanceError::Twice(twice.name.clone())),
            None => Ok(statement),
        }
    }

    /// The canonical text.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        document::canonical(self)
    }

    /// The digest of a file, if the statement is about it.
    pub fn digest_of(&self, name: &FileName) -> Option<Sha256> {
        self.subject.iter().find(|artifact| artifact.name == *name).map(|artifact| artifact.digest.sha256)
    }

    /// Whether the sources are this commit of this repository, `owner/name` on GitHub or an address.
    pub fn is_of(&self, repository: &str, commit: &Commit) -> bool {
        let sources = self.predicate.build_definition.resolved_dependencies.first();
        sources.is_some_and(|sources| {
            sources.uri == source_uri(repository)
                && sources.digest.get(Self::GIT_COMMIT).is_some_and(|digest| digest == commit.as_str())
        })
    }
}

/// The sources of a repository as a dependency names them.
pub fn source_uri(repository: &str) -> String {
    if repository.contains("://") {
        format!("git+{repository}")
    } else {
        format!("git+https://github.com/{repository}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::example as manifest;

    fn example() -> Provenance {
        let manifest = manifest();
        let definition = BuildDefinition {
            build_type: String::new(),
            external_parameters: ExternalParameters {
                workflow: Some(Workflow {
                    repository: "https://github.com/nubificus/vaccel".into(),
                    path: ".github/workflows/ci.yml".into(),
                    git_ref: "refs/tags/v0.7.1".into(),
                }),
                package: manifest.package.clone(),
                version: manifest.version.clone(),
                git_ref: manifest.git_ref.clone(),
                arch: manifest.arch,
                build_type: manifest.build_type,
                prefix: "/usr".into(),
                options: manifest.built_by.options.clone(),
            },
            internal_parameters: InternalParameters {
                compiler: manifest.built_by.compiler.clone(),
                backend: manifest.built_by.backend.clone(),
                runner_image: Some("ubuntu24".into()),
            },
            resolved_dependencies: vec![Dependency {
                uri: source_uri("nubificus/vaccel"),
                digest: BTreeMap::from([(Provenance::GIT_COMMIT.into(), manifest.commit.to_string())]),
            }],
        };
        let builder = Builder {
            id: "https://github.com/nubificus/vaccel-ci/.github/workflows/verify-build.yml@v0.2.0".into(),
            version: BTreeMap::from([("vaccel-ci".into(), "0.2.0".into())]),
        };
        Provenance::new(&manifest.files, definition, builder)
    }

    #[test]
    fn the_statement_comes_back_and_is_about_its_files() {
        let text = example().to_canonical_json();
        let statement = Provenance::parse(&text).unwrap();
        assert_eq!(statement, example());
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
        let file = manifest().files[0].clone();
        assert_eq!(statement.digest_of(&file.name), Some(file.sha256));
        assert_eq!(statement.digest_of(&"other".parse().unwrap()), None);
        let commit = manifest().commit;
        assert!(statement.is_of("nubificus/vaccel", &commit));
        assert!(!statement.is_of("nubificus/vaccel2", &commit));
        assert!(!statement.is_of("nubificus/vaccel", &"0".repeat(40).parse().unwrap()));
    }

    #[test]
    fn a_statement_that_says_too_little_is_refused() {
        let refused = |change: fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(example()).unwrap();
            change(&mut value);
            Provenance::parse(&serde_json::to_vec(&value).unwrap()).unwrap_err().to_string()
        };
        let told = [
            refused(|v| v["_type"] = "https://in-toto.io/Statement/v0.1".into()),
            refused(|v| v["predicateType"] = "https://slsa.dev/provenance/v0.2".into()),
            refused(|v| v["predicate"]["buildDefinition"]["buildType"] = "https://example.org/x".into()),
            refused(|v| v["subject"] = serde_json::json!([])),
            refused(|v| v["subject"][0]["digest"] = serde_json::json!({ "sha1": "0" })),
            refused(|v| v["subject"][1]["name"] = v["subject"][0]["name"].clone()),
            refused(|v| v["subject"][0]["name"] = "../x".into()),
            refused(|v| v["predicate"]["runDetails"]["builder"]["id"] = "".into()),
            refused(|v| v["predicate"]["runDetails"] = serde_json::json!({})),
            refused(|v| v["predicate"]["buildDefinition"]["resolvedDependencies"] = serde_json::json!([])),
            refused(|v| {
                v["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"] = serde_json::json!({});
            }),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }
}
