// SPDX-License-Identifier: Apache-2.0
//! What there is of a package: for whoever asks for something that there is not.

use crate::store::Listing;
use crate::{BasePath, RegistryError, Store, index};
use artifact::{Arch, BuildType, PackageName, RefName};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// A published branch or release and the targets that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The branch or release tag.
    pub git_ref: RefName,
    /// Architectures and build types with files.
    pub targets: BTreeSet<(Arch, BuildType)>,
}

/// Every branch and release with its targets, also those without a manifest, which older systems made: releases, the
/// highest first, then branches by name.
pub async fn published(store: &Store, base: &BasePath, package: &PackageName) -> Result<Vec<Published>, RegistryError> {
    if let Some(index) = index::read(store, base, package).await? {
        let entries = index.entries.into_iter().map(|entry| Published {
            targets: entry.targets.iter().map(|target| (target.arch, target.build_type)).collect(),
            git_ref: entry.git_ref,
        });
        return Ok(sorted(entries.collect()));
    }
    if !store.is_listable() {
        return Ok(Vec::new());
    }
    let refs = base.refs(package);
    let mut found: BTreeMap<RefName, BTreeSet<(Arch, BuildType)>> = BTreeMap::new();
    let visit = |listing: Listing<'_>| {
        if let Some((git_ref, arch, build_type)) = listing.key.strip_prefix(&refs).and_then(target) {
            found.entry(git_ref).or_default().insert((arch, build_type));
        }
        ControlFlow::Continue(())
    };
    store.each_key(&refs, visit).await?;
    Ok(sorted(found.into_iter().map(|(git_ref, targets)| Published { git_ref, targets }).collect()))
}

fn sorted(mut published: Vec<Published>) -> Vec<Published> {
    published.sort_by_cached_key(|entry| {
        entry.git_ref.release().map_or((true, None), |release| (false, Some(Reverse(release))))
    });
    published
}

/// The target of a file that lies directly in its folder, `<ref>/<arch>/<build type>/<file>`. A branch may hold slashes, so
/// the end is what counts.
fn target(key: &str) -> Option<(RefName, Arch, BuildType)> {
    let (folder, _) = key.rsplit_once('/')?;
    let (rest, build_type) = folder.rsplit_once('/')?;
    let (git_ref, arch) = rest.rsplit_once('/')?;
    Some((git_ref.parse().ok()?, arch.parse().ok()?, build_type.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_where_its_files_are() {
        let shown = |key: &str| target(key).map(|(git_ref, arch, kind)| format!("{git_ref} {arch} {kind}"));
        let cases = [
            ("main/x86_64/release/vaccel_latest_amd64.deb", Some("main x86_64 release")),
            ("feat/x/armv7l/debug/manifest.json", Some("feat/x armv7l debug")),
            ("v0.7.1/aarch64/release/SHA256SUMS", Some("v0.7.1 aarch64 release")),
            (".targets/x86_64/release/v0.7.1", None),
            ("main/x86_64/release/objects/0123/a.deb", None),
            ("main/x86_64/a.deb", None),
            ("main/release.json", None),
        ];
        for (key, expected) in cases {
            assert_eq!(shown(key).as_deref(), expected, "{key}");
        }
    }
}
