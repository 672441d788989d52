// SPDX-License-Identifier: Apache-2.0
//! Resolution: from a requirement to a manifest.

use crate::key::MANIFEST_SIGNATURE;
use crate::{BasePath, Location, RegistryError, Requirement, Store};
use artifact::{Arch, BuildType, Manifest, PackageName, RefName, Sha256, Version};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// A bundle that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it is.
    pub location: Location,
    /// What it holds.
    pub manifest: Manifest,
}

/// A published version and the targets that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The version.
    pub version: Version,
    /// Its tag.
    pub git_ref: RefName,
    /// Architectures and build types with a manifest.
    pub targets: Vec<(Arch, BuildType)>,
}

/// The highest version that fits and has a bundle for the target.
///
/// Publications name every release by target, so this takes a listing of the releases with the
/// target, 1000 at a time, and the manifest; one request more for each release whose publication
/// broke off just before its manifest. Where nothing is named so, all keys are listed instead.
pub async fn resolve(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    requirement: &Requirement,
    arch: Arch,
    build_type: BuildType,
) -> Result<Resolved, RegistryError> {
    let (mut with_target, mut others) = (named(store, base, package, arch, build_type).await?, None);
    if with_target.is_empty()
        && let Some(listed) = unnamed(store, base, package).await?
    {
        let has_target = |entry: &&Listed| entry.targets.contains(&(arch, build_type));
        with_target = listed.iter().filter(has_target).map(|entry| entry.git_ref.clone()).collect();
        others = Some(listed.into_iter().map(|entry| entry.version).collect());
    }
    let releases: BTreeMap<Version, RefName> =
        with_target.into_iter().filter_map(|git_ref| Some((git_ref.release()?, git_ref))).collect();
    for version in requirement.select(releases.keys().cloned()) {
        let Some(git_ref) = releases.get(&version).cloned() else { continue };
        let location = Location { base: base.clone(), package: package.clone(), git_ref, arch, build_type };
        if let Some(manifest) = read(store, &location).await? {
            return Ok(Resolved { location, manifest });
        }
    }
    let elsewhere = releases.is_empty();
    let mut available: Vec<_> = match others {
        _ if !elsewhere => releases.into_keys().collect(),
        Some(others) => others,
        None => self::releases(store, base, package).await?,
    };
    available.sort_by(|a, b| b.cmp(a));
    Err(RegistryError::Unsatisfied {
        package: package.to_string(),
        target: format!("{arch}, {build_type}"),
        requirement: requirement.to_string(),
        available: available.iter().map(ToString::to_string).collect(),
        elsewhere,
    })
}

/// The bundle of a branch or tag.
pub async fn resolve_ref(store: &Store, location: Location) -> Result<Resolved, RegistryError> {
    match read(store, &location).await? {
        Some(manifest) => Ok(Resolved { location, manifest }),
        None => Err(RegistryError::NoBundle {
            package: location.package.to_string(),
            git_ref: location.git_ref.to_string(),
            target: format!("{}, {}", location.arch, location.build_type),
        }),
    }
}

/// Every released version with its targets, the highest first.
pub async fn list(store: &Store, base: &BasePath, package: &PackageName) -> Result<Vec<Listed>, RegistryError> {
    let mut found = Found::default();
    // One listing of everything costs less than one for each release.
    let visit = |key: &str, _| {
        found.add(base, package, key);
        ControlFlow::Continue(())
    };
    store.each_key(&base.refs(package), visit).await?;
    Ok(found.listed())
}

/// The same for a package whose releases are not named by target; `None` if they are.
async fn unnamed(store: &Store, base: &BasePath, package: &PackageName) -> Result<Option<Vec<Listed>>, RegistryError> {
    let (mut found, mut is_named, index) = (Found::default(), false, base.index(package));
    let visit = |key: &str, _| {
        is_named = key.starts_with(&index);
        if is_named {
            return ControlFlow::Break(());
        }
        found.add(base, package, key);
        ControlFlow::Continue(())
    };
    store.each_key(&base.refs(package), visit).await?;
    Ok((!is_named).then(|| found.listed()))
}

/// Releases, as their manifests come by.
#[derive(Default)]
struct Found(BTreeMap<RefName, Listed>);

impl Found {
    fn add(&mut self, base: &BasePath, package: &PackageName, key: &str) {
        let Some(Location { git_ref, arch, build_type, .. }) = Location::parse(base, package, key) else { return };
        let Some(version) = git_ref.release() else { return };
        let new = || Listed { version, git_ref: git_ref.clone(), targets: Vec::new() };
        self.0.entry(git_ref.clone()).or_insert_with(new).targets.push((arch, build_type));
    }

    fn listed(self) -> Vec<Listed> {
        let mut listed: Vec<_> = self.0.into_values().collect();
        listed.sort_by(|a, b| b.version.cmp(&a.version));
        listed
    }
}

/// The releases that are named as having the target.
async fn named(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    arch: Arch,
    build_type: BuildType,
) -> Result<Vec<RefName>, RegistryError> {
    let (prefix, mut found) = (base.index_of(package, arch, build_type), Vec::new());
    let visit = |key: &str, _| {
        found.extend(key.strip_prefix(&prefix).and_then(|name| name.parse().ok()));
        ControlFlow::Continue(())
    };
    store.each_key(&prefix, visit).await?;
    Ok(found)
}

/// The versions of all releases.
async fn releases(store: &Store, base: &BasePath, package: &PackageName) -> Result<Vec<Version>, RegistryError> {
    // What is named by target comes first, and is no release.
    let after = format!("{}~", base.index(package).trim_end_matches('/'));
    let names = store.folders(&base.refs(package), &after).await?;
    Ok(names.iter().filter_map(|name| name.parse::<RefName>().ok()?.release()).collect())
}

pub(crate) async fn read(store: &Store, location: &Location) -> Result<Option<Manifest>, RegistryError> {
    let key = location.manifest();
    let Some(text) = store.document(&key).await? else { return Ok(None) };
    check_signature(store, location, &text).await?;
    let manifest = match Manifest::parse(&text) {
        Ok(manifest) => manifest,
        Err(source) => return Err(RegistryError::Manifest { key, source }),
    };
    if Location::of(location.base.clone(), &manifest) != *location {
        let found = format!("{} {} for {}, {}", manifest.package, manifest.git_ref, manifest.arch, manifest.build_type);
        return Err(RegistryError::Misplaced { key, found });
    }
    Ok(Some(manifest))
}

/// Where a signature is asked for, there must be one, and the right one.
async fn check_signature(store: &Store, location: &Location, text: &[u8]) -> Result<(), RegistryError> {
    let Some(public_key) = store.public_key() else { return Ok(()) };
    let key = location.manifest();
    let mut signature = store.document(&location.signature(Sha256::of(text))).await?;
    if signature.is_none() {
        // Somebody may have signed by hand.
        signature = store.document(&location.named(MANIFEST_SIGNATURE)).await?;
    }
    let signature = signature.ok_or_else(|| RegistryError::Unsigned { key: key.clone() })?;
    public_key.verify(text, &signature).map_err(|reason| RegistryError::Signature { key, reason })
}
