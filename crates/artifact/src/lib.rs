// SPDX-License-Identifier: Apache-2.0
//! The vocabulary of vaccel-ci: packages, versions, architectures, bundles, and the documents
//! that cross a process boundary.
//!
//! Every type parses once, at the edge; afterwards nobody checks again. The crate does no I/O
//! beyond reading and writing its own documents.

mod arch;
mod build_record;
mod build_type;
mod bundle;
mod dist_record;
mod document;
mod examples;
mod file_name;
mod index;
mod job_record;
mod manifest;
mod package;
mod plan;
mod provenance;
mod ref_name;
mod release;
mod requires;
pub mod runners;
#[cfg(feature = "schemars")]
pub mod schema;
mod sha256;
pub mod sha256sums;
mod target_key;
mod text;
mod timestamp;
mod tree;
mod version;

pub use arch::{Arch, ArchError};
pub use build_record::BuildRecord;
pub use build_type::{BuildType, BuildTypeError};
pub use bundle::{Bundle, BundleError};
pub use dist_record::{DistRecord, Executable};
pub use document::DocumentError;
pub use examples::{ExampleReport, ExampleResult, Outcome, Regression, RegressionKind};
pub use file_name::{FileName, FileNameError};
pub use index::{Index, IndexEntry};
pub use job_record::{JobRecord, StepOutcome, StepRecord};
pub use manifest::{BuiltBy, Commit, CommitError, FileEntry, FileKind, Manifest, Run};
pub use package::{PackageName, PackageNameError};
pub use plan::{Matrix, Plan, Target};
pub use provenance::{
    Artifact, BuildDefinition, Builder, Dependency, ExternalParameters, FileDigest, InternalParameters, Predicate,
    Provenance, ProvenanceError, RunDetails, Workflow, source_uri,
};
pub use ref_name::{RefName, RefNameError};
pub use release::{Release, ReleaseTarget, Yanked};
pub use requires::{ArmFloat, Cpu, CpuError, Requires, SymbolVersion, SymbolVersionError};
pub use sha256::{Hasher, Sha256, Sha256Error};
pub use target_key::{TargetKey, TargetKeyError};
pub use timestamp::{Timestamp, TimestampError};
pub use tree::{TreeChange, TreeEntry, TreeListing, TreeNode};
pub use version::{GitState, Version, VersionError};

/// The name of the document that makes a folder a bundle; the commit point of a publication.
pub const MANIFEST: &str = "manifest.json";
/// The name of the digest list beside it, in the format of `sha256sum`.
pub const SHA256SUMS: &str = "SHA256SUMS";

/// The commit point of a ref in a store: all its targets' manifests, by digest.
pub const RELEASE: &str = "release.json";
/// What exists of a package in a store.
pub const INDEX: &str = "index.json";

/// Where a repository keeps its settings, from the top of its tree; each action has a section.
pub const SETTINGS: &str = ".github/vaccel-ci.toml";
