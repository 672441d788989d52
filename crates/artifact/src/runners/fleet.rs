// SPDX-License-Identifier: Apache-2.0
//! The fleet's settings: what all runners have in common. Names of secrets, never their values.

use super::size::Size;
use crate::Sha256;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where the fleet runs and what it is made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Fleet {
    /// Address of GitHub; another one for GitHub Enterprise Server.
    #[serde(default = "github")]
    pub github: String,
    /// The organisation that the runners serve; it or `repositories`.
    #[serde(default)]
    pub organization: Option<String>,
    /// The repositories that the runners serve, `owner/name`; each gets scale sets of its own.
    #[serde(default)]
    pub repositories: Vec<String>,
    /// The runner group; absent, GitHub's default.
    #[serde(default)]
    pub runner_group: Option<String>,
    /// Name of the Kubernetes secret with the GitHub App's or the token's credentials.
    pub github_secret: String,
    /// Name of the Kubernetes secret that images are pulled with, if they are private.
    #[serde(default)]
    pub pull_secret: Option<String>,
    /// Where images are pushed to and pulled from; a tag's image is `<registry>/<tag>`.
    pub image_registry: String,
    /// Version of the charts `gha-runner-scale-set` and `gha-runner-scale-set-controller`.
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub chart: semver::Version,
    /// Version of the runner that images start from, unless the workflow finds a newer one.
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub runner: semver::Version,
    /// Namespace of runner pods.
    #[serde(default = "runner_namespace")]
    pub namespace: String,
    /// Namespace of the controller and the listeners.
    #[serde(default = "controller_namespace")]
    pub controller_namespace: String,
    /// Size of a runner, where its tag has none.
    pub size: Option<Size>,
    /// The cluster.
    pub k3s: K3s,
    /// The machines that virtual machines run on.
    pub incus: Incus,
}

/// The K3s cluster that nodes join.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct K3s {
    /// Version of the agent, such as `v1.35.0+k3s1`.
    pub version: String,
    /// Where releases of K3s are; another address for sites without the Internet.
    #[serde(default = "k3s_releases")]
    pub download: String,
    /// Digests of the executable per architecture, from the release's `sha256sum-<arch>.txt`.
    pub sha256: BTreeMap<String, Sha256>,
    /// Address of the server, such as `https://k3s.example.org:6443`.
    pub server: String,
    /// File on each node that holds the join token; a channel for secrets puts it there, never this file.
    #[serde(default = "token_file")]
    pub token_file: String,
    /// Mirrors of image registries: from registry host to addresses.
    #[serde(default)]
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// The cluster's own networks, which runner pods must not reach.
    #[serde(default = "cluster_networks")]
    pub networks: Vec<String>,
}

/// Incus on the metal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Incus {
    /// The remote per architecture, as `incus remote list` has it.
    pub remotes: BTreeMap<String, String>,
    /// The project that holds everything.
    #[serde(default = "project")]
    pub project: String,
    /// The storage pool.
    #[serde(default = "pool")]
    pub pool: String,
    /// Driver of the storage pool: dir, btrfs, lvm or zfs.
    #[serde(default = "pool_driver")]
    pub pool_driver: String,
    /// The bridge that virtual machines are on.
    #[serde(default = "network")]
    pub network: String,
    /// Address of the bridge with its prefix length, such as `10.88.0.1/24`.
    #[serde(default = "subnet")]
    pub subnet: String,
    /// Image of the nodes, such as `images:debian/13/cloud`.
    #[serde(default = "image")]
    pub image: String,
}

fn github() -> String {
    "https://github.com".to_owned()
}

fn runner_namespace() -> String {
    "arc-runners".to_owned()
}

fn controller_namespace() -> String {
    "arc-systems".to_owned()
}

fn k3s_releases() -> String {
    "https://github.com/k3s-io/k3s/releases/download".to_owned()
}

fn token_file() -> String {
    "/etc/vaccel-ci/k3s-token".to_owned()
}

/// What K3s gives pods and services when nobody says otherwise.
fn cluster_networks() -> Vec<String> {
    vec!["10.42.0.0/16".to_owned(), "10.43.0.0/16".to_owned()]
}

fn project() -> String {
    "vaccel-ci".to_owned()
}

fn pool() -> String {
    "vaccel-ci".to_owned()
}

fn pool_driver() -> String {
    "dir".to_owned()
}

fn network() -> String {
    "vaccelbr0".to_owned()
}

fn subnet() -> String {
    "10.88.0.1/24".to_owned()
}

fn image() -> String {
    "images:debian/13/cloud".to_owned()
}
