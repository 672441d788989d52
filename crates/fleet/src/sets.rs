// SPDX-License-Identifier: Apache-2.0
//! From the registry to what is rendered: one scale set per tag and architecture that the fleet serves.

use artifact::Arch;
use artifact::runners::{Bytes, Fleet, Gpu, Host, Runners, Size, Tag};

/// What the node itself needs of a runner's memory.
const NODE_MEMORY: Bytes = Bytes::gib(1);

/// One scale set, its runners and their nodes.
#[derive(Clone, Debug)]
pub struct ScaleSet<'a> {
    /// Its name, which is the label of its runners.
    pub label: &'a str,
    /// The tag.
    pub tag: &'a str,
    /// All about the tag.
    pub entry: &'a Tag,
    /// The architecture of its nodes.
    pub arch: Arch,
    /// The value of `kubernetes.io/arch` on its nodes.
    pub node_arch: &'a str,
    /// Resources of a node, and the number of runners.
    pub size: &'a Size,
    /// The architectures that are cross built here.
    pub foreign: Vec<Arch>,
}

impl ScaleSet<'_> {
    /// Memory of a runner, which is alone on its node.
    pub fn runner_memory(&self) -> Bytes {
        self.size.memory.less(NODE_MEMORY)
    }

    /// Processors of a runner: one is left to the node.
    pub fn runner_cpu(&self) -> u32 {
        self.size.cpu.saturating_sub(1).max(1)
    }

    /// Whether its nodes are virtual machines.
    pub fn is_virtual(&self) -> bool {
        self.entry.host == Host::Vm
    }

    /// The GPUs of a runner.
    pub fn gpu(&self) -> Option<&Gpu> {
        self.entry.gpu.as_ref()
    }
}

/// The fleet with its scale sets, in the order of their labels.
#[derive(Clone, Debug)]
pub struct Sets<'a> {
    /// Its settings.
    pub fleet: &'a Fleet,
    /// The registry.
    pub runners: &'a Runners,
    /// The scale sets.
    pub list: Vec<ScaleSet<'a>>,
}

impl<'a> Sets<'a> {
    /// What the registry asks for.
    ///
    /// # Errors
    /// A sentence that says which part of the registry is missing.
    pub fn of(runners: &'a Runners) -> Result<Self, String> {
        let fleet = runners.fleet.as_ref().ok_or("the registry has no [fleet]")?;
        let mut sets = Vec::new();
        for (name, entry) in &runners.tags {
            for (arch, label) in entry.labels.iter().filter(|(arch, _)| !entry.foreign.contains(arch)) {
                let size = entry.size.as_ref();
                let size = size.ok_or_else(|| format!("the tag {name} has no size; add size to it or to [fleet]"))?;
                sets.push(ScaleSet {
                    label,
                    tag: name,
                    entry,
                    arch: *arch,
                    node_arch: runners.node_arch(*arch),
                    size,
                    foreign: runners.built_on(*arch).filter(|other| entry.architectures.contains(other)).collect(),
                });
            }
        }
        sets.sort_by_key(|set| set.label);
        Ok(Self { fleet, runners, list: sets })
    }

    /// The scale sets whose nodes are virtual machines on the metal of an architecture.
    pub fn on_metal(&self, arch: Arch) -> impl Iterator<Item = &ScaleSet<'a>> {
        self.list.iter().filter(move |set| set.arch == arch && set.is_virtual())
    }

    /// The addresses that scale sets register at: the organisation, or each repository.
    pub fn targets(&self) -> Vec<String> {
        let github = self.fleet.github.trim_end_matches('/');
        let organization = self.fleet.organization.iter().map(|name| format!("{github}/{name}"));
        organization.chain(self.fleet.repositories.iter().map(|name| format!("{github}/{name}"))).collect()
    }

    /// The tags that have an image, each after the one that it starts from.
    pub fn image_tags(&self) -> Vec<(&'a str, &'a Tag)> {
        let mut order: Vec<(&str, &Tag)> = Vec::new();
        for set in &self.list {
            let mut line = vec![(set.tag, set.entry)];
            while let Some((name, entry)) = line
                .last()
                .and_then(|(_, tag)| tag.from.as_deref())
                .and_then(|from| self.runners.tags.get_key_value(from))
            {
                line.push((name, entry));
            }
            for (name, entry) in line.into_iter().rev() {
                if !order.iter().any(|(known, _)| *known == name) {
                    order.push((name, entry));
                }
            }
        }
        order
    }
}
