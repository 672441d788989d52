// SPDX-License-Identifier: Apache-2.0
//! The registry of runners, with all that tags inherit, and the questions that jobs ask of it.

use super::document::{Gpu, Host, Provided};
use super::fleet::Fleet;
use super::size::Size;
use crate::Arch;
use std::collections::BTreeMap;

/// The tag of the jobs that need nothing particular: plan, lint, publish and verdict.
pub const BASE_TAG: &str = "base";

/// The registry, checked.
#[derive(Clone, Debug)]
pub struct Runners {
    /// The fleet; absent where the registry only names runners.
    pub fleet: Option<Fleet>,
    /// The families of runners by tag.
    pub tags: BTreeMap<String, Tag>,
    /// What is particular about architectures.
    pub(super) builds_on: BTreeMap<Arch, Vec<Arch>>,
    /// The value of `kubernetes.io/arch` on the nodes of an architecture.
    pub(super) nodes: BTreeMap<Arch, String>,
}

/// A family of runners, with all that it inherits.
#[derive(Clone, Debug)]
pub struct Tag {
    /// What these runners offer, in a sentence.
    pub meaning: String,
    /// The tag whose image this one's starts from.
    pub from: Option<String>,
    /// The operating-system part of its labels.
    pub os: Option<String>,
    /// The architectures that jobs can be for, in the file's order.
    pub architectures: Vec<Arch>,
    /// The label of the runners of each architecture that has its own.
    pub labels: BTreeMap<Arch, String>,
    /// The architectures whose label is somebody else's: the fleet has no runners for them.
    pub foreign: Vec<Arch>,
    /// What examples can ask for.
    pub capabilities: Vec<String>,
    /// Tools and libraries by name.
    pub provides: BTreeMap<String, Provided>,
    /// What it adds to the tools and libraries of `from`.
    pub adds: Vec<String>,
    /// Resources and number, if the tag, its ancestors or the fleet say so.
    pub size: Option<Size>,
    /// Whether each runner has a Docker daemon of its own.
    pub dind: bool,
    /// What its nodes are.
    pub host: Host,
    /// The GPUs that a runner needs.
    pub gpu: Option<Gpu>,
}

/// The runner of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// What `runs-on` says.
    pub label: String,
    /// Its own architecture, which is not the target's when that is cross built.
    pub arch: Arch,
}

/// Why no runner can take a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRunner {
    /// The registry has no such tag.
    #[error("there are no runners with the tag {tag:?}; there are {}", known.join(", "))]
    UnknownTag {
        /// The tag.
        tag: String,
        /// The tags that exist.
        known: Vec<String>,
    },
    /// The tag is not offered for the architecture.
    #[error("there are no {tag} runners for {arch}; there are some for {}", offered.join(", "))]
    NotOffered {
        /// The tag.
        tag: String,
        /// The architecture, as labels have it.
        arch: &'static str,
        /// The architectures that are offered.
        offered: Vec<&'static str>,
    },
}

impl Runners {
    /// A tag.
    pub fn tag(&self, tag: &str) -> Result<&Tag, NoRunner> {
        let unknown = || NoRunner::UnknownTag { tag: tag.to_owned(), known: self.tags.keys().cloned().collect() };
        self.tags.get(tag).ok_or_else(unknown)
    }

    /// The runner that builds for an architecture: one of its own, else the first that cross builds for it.
    pub fn runner(&self, tag: &str, arch: Arch) -> Result<Runner, NoRunner> {
        let entry = self.tag(tag)?;
        let offered = entry.architectures.contains(&arch);
        let own = [arch];
        let places = self.builds_on.get(&arch).map_or(&own[..], Vec::as_slice);
        let found = places.iter().filter(|_| offered).find_map(|place| Some((*place, entry.labels.get(place)?)));
        let (arch, label) = found.ok_or_else(|| NoRunner::NotOffered {
            tag: tag.to_owned(),
            arch: arch.runner(),
            offered: entry.architectures.iter().map(|arch| arch.runner()).collect(),
        })?;
        Ok(Runner { label: label.clone(), arch })
    }

    /// The runner of jobs that need nothing particular: tag `base`, its first architecture.
    pub fn default_runner(&self) -> Result<Runner, NoRunner> {
        let arch = self.tag(BASE_TAG)?.architectures.first().copied().unwrap_or(Arch::X86_64);
        self.runner(BASE_TAG, arch)
    }

    /// The architectures that are cross built on an architecture's runners.
    pub fn built_on(&self, place: Arch) -> impl Iterator<Item = Arch> {
        self.builds_on.iter().filter(move |(_, places)| places.contains(&place)).map(|(arch, _)| *arch)
    }

    /// The value of `kubernetes.io/arch` on the nodes of an architecture.
    pub fn node_arch(&self, arch: Arch) -> &str {
        self.nodes.get(&arch).map_or(arch.runner(), String::as_str)
    }
}
