// SPDX-License-Identifier: Apache-2.0
//! Reading what 0.1.0 published: a manifest for each target was the commit point, files of a release
//! were beside it, and those of a branch below it.

use crate::trust::Signed;
use crate::{BasePath, Listed, Location, RegistryError, Store};
use artifact::{Arch, BuildType, FileEntry, Manifest, PackageName, RefName, Sha256, TargetKey};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Largest manifest that is read, in bytes.
pub(crate) const MANIFEST_LIMIT: u64 = 16 * 1024 * 1024;
/// Largest signature.
const SIGNATURE_LIMIT: u64 = 4096;

/// The object of a file.
pub(crate) fn object(location: &Location, file: &FileEntry) -> String {
    if location.git_ref.is_release() {
        location.named(file.name.as_str())
    } else {
        format!("{}objects/{}/{}", location.prefix(), file.sha256, file.name)
    }
}

/// The manifest of a place, and its digest.
pub(crate) async fn read(store: &Store, location: &Location) -> Result<Option<(Manifest, Sha256)>, RegistryError> {
    let key = location.manifest();
    let Some(text) = store.document_if_any(&key, MANIFEST_LIMIT).await? else { return Ok(None) };
    check_signature(store, location, &text).await?;
    let manifest = match Manifest::parse(&text) {
        Ok(manifest) => manifest,
        Err(source) => return Err(RegistryError::document(key, &text, source)),
    };
    if Location::of(location.base.clone(), &manifest) != *location {
        let found = format!("{} {} for {}, {}", manifest.package, manifest.git_ref, manifest.arch, manifest.build_type);
        return Err(RegistryError::Misplaced { key, found });
    }
    Ok(Some((manifest, Sha256::of(&text))))
}

/// Where a signature is asked for, there must be one, and the right one.
async fn check_signature(store: &Store, location: &Location, text: &[u8]) -> Result<(), RegistryError> {
    if !store.trust().demands_signatures() {
        return Ok(());
    }
    let key = location.manifest();
    let aside = format!("{}signatures/{}.minisig", location.prefix(), Sha256::of(text));
    let mut signature = store.document_if_any(&aside, SIGNATURE_LIMIT).await?;
    if signature.is_none() {
        // Somebody may have signed by hand.
        signature = store.document_if_any(&location.named("manifest.json.minisig"), SIGNATURE_LIMIT).await?;
    }
    let signature = signature.ok_or_else(|| RegistryError::Unsigned { key: key.clone() })?;
    store.trust().verify(Signed::Ref(&location.git_ref), &key, text, &signature)
}

/// Below which releases are named by target. No ref begins with a dot, and these come before all refs
/// in a listing.
fn markers(base: &BasePath, package: &PackageName) -> String {
    format!("{}.targets/", base.refs(package))
}

/// The releases that are named as having the target.
pub(crate) async fn named(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    arch: Arch,
    build_type: BuildType,
) -> Result<Vec<RefName>, RegistryError> {
    let (prefix, mut found) = (format!("{}{arch}/{build_type}/", markers(base, package)), Vec::new());
    store
        .each_key(&prefix, |listing| {
            found.extend(listing.key.strip_prefix(&prefix).and_then(|name| name.parse().ok()));
            ControlFlow::Continue(())
        })
        .await?;
    Ok(found)
}

/// Whether releases are named by target, and else every release with its targets: one listing of
/// everything.
pub(crate) async fn unnamed(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
) -> Result<Option<Vec<Listed>>, RegistryError> {
    let (mut found, mut is_named, markers) = (Found::default(), false, markers(base, package));
    store
        .each_key(&base.refs(package), |listing| {
            is_named = listing.key.starts_with(&markers);
            if is_named {
                return ControlFlow::Break(());
            }
            found.add(base, package, listing.key);
            ControlFlow::Continue(())
        })
        .await?;
    Ok((!is_named).then(|| found.listed()))
}

/// The versions of all releases.
pub(crate) async fn releases(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
) -> Result<Vec<RefName>, RegistryError> {
    // What is named by target comes first, and is not a release.
    let after = format!("{}~", markers(base, package).trim_end_matches('/'));
    let names = store.folders(&base.refs(package), &after).await?;
    Ok(names.iter().filter_map(|name| name.parse::<RefName>().ok().filter(RefName::is_release)).collect())
}

/// Refs, as their manifests come by in a listing.
#[derive(Default)]
pub(crate) struct Found(pub BTreeMap<RefName, Vec<TargetKey>>);

impl Found {
    pub fn add(&mut self, base: &BasePath, package: &PackageName, key: &str) {
        if let Some(location) = Location::parse(base, package, key) {
            self.0.entry(location.git_ref.clone()).or_default().push(location.target());
        }
    }

    /// The releases, the highest first.
    pub fn listed(self) -> Vec<Listed> {
        let entries = self.0.into_iter().filter_map(|(git_ref, targets)| {
            let targets = targets.into_iter().map(|target| (target.arch, target.build_type)).collect();
            Some(Listed { version: git_ref.release()?, git_ref, targets, yanked: None })
        });
        let mut listed: Vec<_> = entries.collect();
        listed.sort_by(|a, b| b.version.cmp(&a.version));
        listed
    }
}
