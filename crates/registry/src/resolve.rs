//! Resolution: from a requirement to a manifest.

use crate::key::MANIFEST_SIGNATURE;
use crate::{BasePath, Location, RegistryError, Requirement, Store};
use artifact::{Arch, BuildType, Manifest, PackageName, RefName, Sha256, Version};
use std::collections::BTreeMap;

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
pub async fn resolve(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    requirement: &Requirement,
    arch: Arch,
    build_type: BuildType,
) -> Result<Resolved, RegistryError> {
    let releases = releases(store, base, package).await?;
    for version in requirement.select(releases.iter().map(|(version, _)| version.clone())) {
        let Some((_, git_ref)) = releases.iter().find(|(candidate, _)| *candidate == version) else { continue };
        let location =
            Location { base: base.clone(), package: package.clone(), git_ref: git_ref.clone(), arch, build_type };
        if let Some(manifest) = read(store, &location).await? {
            return Ok(Resolved { location, manifest });
        }
    }
    let mut available: Vec<_> = releases.into_iter().map(|(version, _)| version).collect();
    available.sort_by(|a, b| b.cmp(a));
    Err(RegistryError::Unsatisfied {
        package: package.to_string(),
        target: format!("{arch}, {build_type}"),
        requirement: requirement.to_string(),
        available: available.iter().map(ToString::to_string).collect(),
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
    let mut found: BTreeMap<RefName, Listed> = BTreeMap::new();
    // One listing of everything costs less than one for each release.
    for (key, _) in store.keys(&base.refs(package)).await? {
        let Some(location) = Location::parse(base, package, &key) else { continue };
        let Some(version) = location.git_ref.release() else { continue };
        let git_ref = location.git_ref.clone();
        let listed = found.entry(git_ref.clone()).or_insert_with(|| Listed { version, git_ref, targets: Vec::new() });
        listed.targets.push((location.arch, location.build_type));
    }
    let mut listed: Vec<_> = found.into_values().collect();
    listed.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(listed)
}

async fn releases(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
) -> Result<Vec<(Version, RefName)>, RegistryError> {
    let names = store.folders(&base.refs(package)).await?;
    Ok(names
        .iter()
        .filter_map(|name| {
            let git_ref: RefName = name.parse().ok()?;
            Some((git_ref.release()?, git_ref))
        })
        .collect())
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
