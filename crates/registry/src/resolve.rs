// SPDX-License-Identifier: Apache-2.0
//! Resolution: from a requirement to a manifest, by GET alone where the package has an index.

use crate::key::RefPlace;
use crate::layout1::{self, MANIFEST_LIMIT};
use crate::trust::{Signed, signature_key};
use crate::{BasePath, Location, RegistryError, Requirement, Store, index};
use artifact::{Arch, BuildType, FileEntry, Index, Manifest, PackageName, RefName, Release, Sha256, Version, Yanked};
use std::collections::BTreeMap;

/// A bundle that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it is.
    pub location: Location,
    /// What it holds.
    pub manifest: Manifest,
    /// The digest of the manifest.
    pub manifest_sha256: Sha256,
    /// Why it should not be used any more.
    pub yanked: Option<Yanked>,
    layout: Layout,
}

/// How its content is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    One,
    Two,
}

impl Resolved {
    /// The object of a file.
    pub fn object(&self, file: &FileEntry) -> String {
        match self.layout {
            Layout::One => layout1::object(&self.location, file),
            Layout::Two => self.location.object(file),
        }
    }
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
    /// Why it should not be used any more.
    pub yanked: Option<Yanked>,
}

/// The highest version that fits, has a bundle for the target, and was not yanked; an exact version
/// also if it was.
///
/// An exact version takes its release and its manifest, anything else the index in front of them.
/// Where there is no index, the store is listed.
pub async fn resolve(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    requirement: &Requirement,
    arch: Arch,
    build_type: BuildType,
) -> Result<Resolved, RegistryError> {
    let at = |git_ref| Location { base: base.clone(), package: package.clone(), git_ref, arch, build_type };
    if let Requirement::Exact(version) = requirement
        && let Ok(git_ref) = format!("v{version}").parse()
        && let Some(found) = find(store, at(git_ref)).await?
    {
        return Ok(found);
    }
    let (with_target, elsewhere, branches) = match index::read(store, base, package).await? {
        Some(index) => from_index(index, requirement, arch, build_type),
        None if store.is_listable() => from_listing(store, base, package, arch, build_type).await?,
        None => (BTreeMap::new(), Vec::new(), Vec::new()),
    };
    for version in requirement.select(with_target.keys().cloned()) {
        let Some(git_ref) = with_target.get(&version).cloned() else { continue };
        if let Some(found) = find(store, at(git_ref)).await? {
            return Ok(found);
        }
    }
    check_access(store, base, package).await?;
    let is_elsewhere = with_target.is_empty();
    let mut available: Vec<_> = if is_elsewhere { elsewhere } else { with_target.into_keys().collect() };
    available.sort_by(|a, b| b.cmp(a));
    Err(RegistryError::Unsatisfied {
        package: package.to_string(),
        target: format!("{arch}, {build_type}"),
        requirement: requirement.to_string(),
        available: available.iter().map(ToString::to_string).collect(),
        elsewhere: is_elsewhere,
        branches: branches.iter().map(ToString::to_string).collect(),
        denied: store.was_denied(),
    })
}

/// Releases with the target, versions of the others, and branches.
type Candidates = (BTreeMap<Version, RefName>, Vec<Version>, Vec<RefName>);

fn from_index(index: Index, requirement: &Requirement, arch: Arch, build_type: BuildType) -> Candidates {
    let (mut with_target, mut elsewhere, mut branches) = Candidates::default();
    let is_exact = matches!(requirement, Requirement::Exact(_));
    for entry in index.entries {
        let Some(version) = entry.git_ref.release() else {
            branches.push(entry.git_ref);
            continue;
        };
        if entry.yanked.is_some() && !is_exact {
            continue;
        }
        if entry.targets.iter().any(|target| (target.arch, target.build_type) == (arch, build_type)) {
            with_target.insert(version, entry.git_ref);
        } else {
            elsewhere.push(version);
        }
    }
    (with_target, elsewhere, branches)
}

/// The same where no index is: by the names that 0.1.0 gave releases, or by all keys.
async fn from_listing(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    arch: Arch,
    build_type: BuildType,
) -> Result<Candidates, RegistryError> {
    let (mut with_target, mut others) = (layout1::named(store, base, package, arch, build_type).await?, None);
    if with_target.is_empty()
        && let Some(listed) = layout1::unnamed(store, base, package).await?
    {
        let has_target = |entry: &&Listed| entry.targets.contains(&(arch, build_type));
        with_target = listed.iter().filter(has_target).map(|entry| entry.git_ref.clone()).collect();
        others = Some(listed.into_iter().map(|entry| entry.version).collect());
    }
    let with_target: BTreeMap<Version, RefName> =
        with_target.into_iter().filter_map(|git_ref| Some((git_ref.release()?, git_ref))).collect();
    let others = match others {
        Some(others) => others,
        None if !with_target.is_empty() => Vec::new(),
        None => layout1::releases(store, base, package).await?.iter().filter_map(RefName::release).collect(),
    };
    Ok((with_target, others, Vec::new()))
}

/// The bundle of a branch or tag.
pub async fn resolve_ref(store: &Store, location: Location) -> Result<Resolved, RegistryError> {
    if let Some(found) = find(store, location.clone()).await? {
        return Ok(found);
    }
    let place = location.place();
    check_access(store, &place.base, &place.package).await?;
    let targets = read_release(store, &place).await?.map(|(release, _)| release.targets).unwrap_or_default();
    Err(RegistryError::NoBundle {
        package: location.package.to_string(),
        git_ref: location.git_ref.to_string(),
        target: format!("{}, {}", location.arch, location.build_type),
        targets: targets.iter().map(|entry| entry.target.to_string()).collect(),
        denied: store.was_denied(),
    })
}

/// What was denied counted as absent. Where not even the index may be read, nobody can say what exists.
async fn check_access(store: &Store, base: &BasePath, package: &PackageName) -> Result<(), RegistryError> {
    if store.was_denied() {
        store.document(&base.index(package), Index::LIMIT).await?;
    }
    Ok(())
}

/// Every released version with its targets, the highest first.
pub async fn list(store: &Store, base: &BasePath, package: &PackageName) -> Result<Vec<Listed>, RegistryError> {
    if let Some(index) = index::read(store, base, package).await? {
        let entries = index.entries.into_iter().filter_map(|entry| {
            let targets = entry.targets.iter().map(|target| (target.arch, target.build_type)).collect();
            Some(Listed { version: entry.git_ref.release()?, git_ref: entry.git_ref, targets, yanked: entry.yanked })
        });
        let mut listed: Vec<_> = entries.collect();
        listed.sort_by(|a, b| b.version.cmp(&a.version));
        return Ok(listed);
    }
    if !store.is_listable() {
        return Ok(Vec::new());
    }
    let mut found = layout1::Found::default();
    // One listing of everything costs less than one for each release.
    store
        .each_key(&base.refs(package), |listing| {
            found.add(base, package, listing.key);
            std::ops::ControlFlow::Continue(())
        })
        .await?;
    Ok(found.listed())
}

/// The release of a ref and its digest, as readers read it: signed where that is asked for.
pub(crate) async fn read_release(store: &Store, place: &RefPlace) -> Result<Option<(Release, Sha256)>, RegistryError> {
    let key = place.release();
    let Some(text) = store.document_if_any(&key, Release::LIMIT).await? else { return Ok(None) };
    let signature = signature_key(&place.base.package(&place.package), &text);
    store.trust().check(store, Signed::Ref(&place.git_ref), &key, &text, &signature).await?;
    Ok(Some((parse_release(place, key, &text)?, Sha256::of(&text))))
}

/// Reads a release and refuses that of another place.
pub(crate) fn parse_release(place: &RefPlace, key: String, text: &[u8]) -> Result<Release, RegistryError> {
    let release = Release::parse(text).map_err(|source| RegistryError::document(key.clone(), text, source))?;
    if release.package != place.package || release.git_ref != place.git_ref || release.base_path != place.base.name() {
        let found = format!("{} {} below {:?}", release.package, release.git_ref, release.base_path);
        return Err(RegistryError::Misplaced { key, found });
    }
    Ok(release)
}

/// The bundle at a place, in either layout.
async fn find(store: &Store, location: Location) -> Result<Option<Resolved>, RegistryError> {
    let place = location.place();
    let Some((release, digest)) = read_release(store, &place).await? else {
        let found = layout1::read(store, &location).await?;
        return Ok(found.map(|(manifest, manifest_sha256)| Resolved {
            location,
            manifest,
            manifest_sha256,
            yanked: None,
            layout: Layout::One,
        }));
    };
    if store.trust().max_age.is_some() {
        check_named(store, &place, digest).await?;
    }
    let Some(expected) = release.manifest(location.target()) else { return Ok(None) };
    let manifest = read_manifest(store, &location, expected).await?;
    if manifest.commit != release.commit || manifest.version != release.version {
        let found = format!("{} at commit {}", manifest.version, manifest.commit);
        return Err(RegistryError::Misplaced { key: location.manifest_object(expected), found });
    }
    let yanked = release.yanked;
    Ok(Some(Resolved { location, manifest, manifest_sha256: expected, yanked, layout: Layout::Two }))
}

/// Where the age of answers counts, a release must be the one that the index names, which is not old.
async fn check_named(store: &Store, place: &RefPlace, digest: Sha256) -> Result<(), RegistryError> {
    let index = index::read(store, &place.base, &place.package).await?;
    let named = index.and_then(|index| index.entry(&place.git_ref).and_then(|entry| entry.release));
    if named == Some(digest) { Ok(()) } else { Err(RegistryError::Unnamed { key: place.release() }) }
}

/// The manifest with this digest.
pub(crate) async fn read_manifest(
    store: &Store,
    location: &Location,
    expected: Sha256,
) -> Result<Manifest, RegistryError> {
    let key = location.manifest_object(expected);
    let text = store.document_if_any(&key, MANIFEST_LIMIT).await?;
    let Some(text) = text else { return Err(RegistryError::NoObject { key }) };
    let found = Sha256::of(&text);
    if found != expected {
        return Err(RegistryError::Tampered { key, found: found.to_string(), expected: expected.to_string() });
    }
    let manifest = Manifest::parse(&text).map_err(|source| RegistryError::document(key.clone(), &text, source))?;
    if Location::of(location.base.clone(), &manifest) != *location {
        let found = format!("{} {} for {}, {}", manifest.package, manifest.git_ref, manifest.arch, manifest.build_type);
        return Err(RegistryError::Misplaced { key, found });
    }
    Ok(manifest)
}
