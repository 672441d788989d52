// SPDX-License-Identifier: Apache-2.0
//! The file of runners as it is written: `.github/runners.toml`. Nothing here is checked yet.

use super::fleet::Fleet;
use super::size::Size;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// The runners that jobs can ask for, and the fleet that serves them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Document {
    /// The pattern of labels, with `{tag}` and `{arch}`, and `{os}` if labels name the operating system.
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub label: Spanned<String>,
    /// The operating-system part of labels, such as `2204`, where a tag does not say otherwise.
    #[serde(default)]
    pub os: Option<String>,
    /// What is particular about an architecture: amd64, arm64 or arm.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "BTreeMap<String, Architecture>"))]
    pub architectures: BTreeMap<Spanned<String>, Architecture>,
    /// The fleet; absent where a repository only names the runners that somebody else runs.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Fleet>"))]
    pub fleet: Option<Spanned<Fleet>>,
    /// The families of runners.
    #[cfg_attr(feature = "schemars", schemars(with = "BTreeMap<String, TagEntry>"))]
    pub tags: BTreeMap<Spanned<String>, TagEntry>,
}

/// What is particular about an architecture.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Architecture {
    /// The architectures whose runners build for it, the preferred one first; absent, it has runners of its own.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Vec<String>"))]
    pub builds_on: Vec<Spanned<String>>,
    /// The value of `kubernetes.io/arch` on its nodes; absent, its own name.
    #[serde(default)]
    pub node: Option<String>,
}

/// One family of runners.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct TagEntry {
    /// What these runners offer, in a sentence.
    pub meaning: String,
    /// Another tag, whose image, capabilities and architectures this one starts from.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<String>"))]
    pub from: Option<Spanned<String>>,
    /// Its operating-system part of labels, if not the common one.
    #[serde(default)]
    pub os: Option<String>,
    /// The architectures that jobs can be for: amd64, arm64, arm. Absent, those of `from`.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Vec<String>>"))]
    pub architectures: Option<Vec<Spanned<String>>>,
    /// Whole labels per architecture, for runners that somebody else runs, such as `amd64 = "ubuntu-24.04"`.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "BTreeMap<String, String>"))]
    pub labels: BTreeMap<Spanned<String>, Spanned<String>>,
    /// What examples can ask for: network, docker, gpu, plugin:<name>. Added to those of `from`.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Tools and libraries that a runner has. Added to those of `from`.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "BTreeMap<String, Provided>"))]
    pub provides: BTreeMap<Spanned<String>, Provided>,
    /// Resources and number; absent, those of `from`, else of the fleet.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Size>"))]
    pub size: Option<Spanned<Size>>,
    /// Whether each runner has a Docker daemon of its own; absent, as in `from`.
    #[serde(default)]
    pub dind: Option<bool>,
    /// Whether nodes are virtual machines or bare metal; absent, as in `from`.
    #[serde(default)]
    pub host: Option<Host>,
    /// The GPUs that a runner needs; absent, those of `from`.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Gpu>"))]
    pub gpu: Option<Spanned<Gpu>>,
}

/// What the nodes of a tag are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Host {
    /// Virtual machines that Incus spawns.
    #[default]
    Vm,
    /// Machines that run K3s themselves, such as a Jetson board.
    Bare,
}

/// GPUs of a runner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Gpu {
    /// The Kubernetes resource that a pod asks for, such as `nvidia.com/gpu`.
    pub resource: String,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// The runtime class of pods that use them, such as `nvidia`.
    #[serde(default)]
    pub runtime_class: Option<String>,
    /// PCI addresses to pass through to virtual machines, one GPU each; absent, any that is free.
    #[serde(default)]
    pub pci: Vec<String>,
}

fn one() -> u32 {
    1
}

/// A tool or library: how a runner is asked for it, and what brings it into an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Provided {
    /// The versions that are accepted, such as `>=1.3`; absent, any.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<String>"))]
    pub version: Option<semver::VersionReq>,
    /// Found when this command succeeds; its output names the version. Absent, `<name> --version`.
    #[serde(default)]
    pub command: Option<String>,
    /// Found when pkg-config knows this module.
    #[serde(default)]
    pub pkg_config: Option<String>,
    /// Found when Python can import this module.
    #[serde(default)]
    pub python: Option<String>,
    /// Found when this file exists.
    #[serde(default)]
    pub file: Option<String>,
    /// The architectures that have it; absent, all of the tag.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<Vec<String>>"))]
    pub architectures: Option<Vec<Spanned<String>>>,
    /// Packages of the distribution that bring it.
    #[serde(default)]
    pub apt: Vec<String>,
    /// Python packages that bring it, `name==version`; a bare name means the version that vaccel-ci is tested with.
    #[serde(default)]
    pub pip: Vec<String>,
    /// npm packages that bring it, `name@version`.
    #[serde(default)]
    pub npm: Vec<String>,
    /// An archive that brings it.
    #[serde(default)]
    pub archive: Option<Archive>,
}

/// An archive of an image, checked by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Archive {
    /// Its address per architecture: a tar archive or a zip file.
    pub url: BTreeMap<String, String>,
    /// Its SHA-256 per architecture.
    pub sha256: BTreeMap<String, crate::Sha256>,
    /// The folder that it is unpacked into.
    pub to: String,
    /// How many folders at the beginning of names are left out.
    #[serde(default)]
    pub strip: u32,
}
