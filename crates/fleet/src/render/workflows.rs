// SPDX-License-Identifier: Apache-2.0
//! Two workflows of the repository that holds the fleet: one builds and moves images, one asks every runner.

use super::image;
use crate::sets::{ScaleSet, Sets};
use crate::yaml;
use artifact::Arch;
use std::fmt::Write as _;

/// The scale set of an architecture whose runners have Docker.
fn builder<'a, 's>(sets: &'s Sets<'a>, arch: Arch) -> Option<&'s ScaleSet<'a>> {
    let of_arch = || sets.list.iter().filter(|set| set.arch == arch);
    of_arch().find(|set| set.entry.dind).or_else(|| of_arch().next())
}

/// Builds, tests, signs and pushes every image, then proposes the digests. GitHub refuses runners that are
/// older than 30 days, so it runs every two weeks: changelog of 2026-06-12.
pub fn images(sets: &Sets<'_>) -> String {
    let mut matrix = String::new();
    let archs: Vec<Arch> = Arch::ALL.into_iter().filter(|arch| builder(sets, *arch).is_some()).collect();
    for arch in &archs {
        let label = builder(sets, *arch).map(|set| set.label).unwrap_or_default();
        let tags: Vec<_> = sets
            .image_tags()
            .into_iter()
            .filter(|(_, tag)| tag.labels.contains_key(arch) || tag.architectures.contains(arch))
            .map(|(name, _)| name)
            .collect();
        let _ = write!(
            matrix,
            "          - arch: {}\n            runner: {label}\n            tags: {}\n",
            arch.runner(),
            tags.join(" ")
        );
    }
    let tags: Vec<_> = sets.image_tags().into_iter().map(|(name, _)| name).collect();
    let registry = sets.fleet.image_registry.trim_end_matches('/');
    let host = registry.split('/').next().unwrap_or_default();
    let first = archs.first().and_then(|arch| builder(sets, *arch)).map(|set| set.label).unwrap_or_default();
    let platforms: Vec<_> = archs.iter().map(|arch| arch.runner()).collect();
    format!(
        include_str!("runner-images.yml.in"),
        origin = yaml::ORIGIN,
        tools = image::TOOLS,
        matrix = matrix,
        tags = tags.join(" "),
        registry = registry,
        host = host,
        first = first,
        platforms = platforms.join(" "),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// Asks every label each night, and keeps one issue about the runners that are not what their tag says.
pub fn doctor(sets: &Sets<'_>) -> String {
    let mut matrix = String::new();
    for set in &sets.list {
        let _ = write!(matrix, "          - label: {}\n            tag: {}\n", set.label, set.tag);
    }
    let first = sets.list.first().map(|set| set.label).unwrap_or_default();
    format!(
        include_str!("runner-doctor.yml.in"),
        origin = yaml::ORIGIN,
        matrix = matrix,
        first = first,
        version = env!("CARGO_PKG_VERSION")
    )
}
