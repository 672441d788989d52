// SPDX-License-Identifier: Apache-2.0
//! The plan of a run: what `plan` decides and the workflows carry out.

use crate::{Arch, BuildType, Commit, PackageName, RefName, Version};
use serde::{Deserialize, Serialize};

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Plan {
    /// Number of this schema, [`Plan::SCHEMA`].
    pub schema: u32,
    /// The package.
    pub package: PackageName,
    /// Whether anything runs at all.
    pub proceed: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether the bundles are published.
    pub publish: bool,
    /// Whether what is published can never change: a release.
    pub immutable: bool,
    /// The branch or release tag that is built.
    #[serde(rename = "ref")]
    pub git_ref: RefName,
    /// The commit that is built.
    pub sha: Commit,
    /// Its version.
    pub version: Version,
    /// Whether the event changes the verdict on the commit. A label that decides nothing does not.
    pub decides: bool,
    /// The label of the runner for the jobs beside the builds.
    pub jobs_runner: String,
    /// Options of the build system that this package has of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Which files of the install tree are this package's, as globs; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Place of the package in the store, if that is not its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_path: Option<String>,
    /// The targets; empty if nothing runs.
    pub matrix: Matrix,
}

impl Plan {
    /// The schema that this crate writes.
    pub const SCHEMA: u32 = 1;
}

/// A job matrix, as `strategy.matrix` takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Matrix {
    /// One entry per job.
    pub include: Vec<Target>,
}

/// One target: an architecture and a build type, and the runner that builds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Target {
    /// The architecture of the artifacts.
    pub arch: Arch,
    /// The build type.
    pub build_type: BuildType,
    /// The runner's label.
    pub runs_on: String,
    /// The architecture of the artifacts as runner labels have it.
    pub runner_arch: String,
    /// The tag of the runner.
    pub tag: String,
    /// What the runner has, for the examples: its capabilities, separated by commas.
    pub context: String,
}
