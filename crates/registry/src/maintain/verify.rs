// SPDX-License-Identifier: Apache-2.0
//! Checking that everything that is named is there, and is what it is named as.

use crate::key::{self, RefPlace};
use crate::store::Listing;
use crate::trust::{Signed, signature_key};
use crate::{BasePath, Location, RegistryError, Store, content, index, resolve};
use artifact::{Index, Manifest, PackageName, Release, Sha256};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How many objects are read at the same time.
const CONCURRENCY: usize = 8;

/// What is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Problem {
    /// The index is not there, or cannot be read.
    Index {
        /// Its key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The index does not say of a ref what is there.
    Unindexed {
        /// The release's key.
        key: String,
    },
    /// The index names a ref that does not exist.
    Ghost {
        /// The release's key.
        key: String,
    },
    /// A document that cannot be read or is not believed.
    Document {
        /// Its key.
        key: String,
        /// Why.
        reason: String,
    },
    /// An object that is named and not there.
    Missing {
        /// Its key.
        key: String,
        /// The place whose manifest names it.
        named_by: String,
    },
    /// An object that is not what it is named as.
    Damaged {
        /// Its key.
        key: String,
        /// The place whose manifest names it.
        named_by: String,
        /// Its size or digest.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A plain name that is missing or holds something else.
    PlainName {
        /// Its key.
        key: String,
    },
}

impl Problem {
    /// The key that it is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Index { key, .. }
            | Self::Unindexed { key }
            | Self::Ghost { key }
            | Self::Document { key, .. }
            | Self::Missing { key, .. }
            | Self::Damaged { key, .. }
            | Self::PlainName { key } => key,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index { key, reason } => write!(f, "the index {key} cannot be used: {reason}"),
            Self::Unindexed { key } => write!(f, "the index does not name {key} as it is"),
            Self::Ghost { key } => write!(f, "the index names {key}, which does not exist"),
            Self::Document { key, reason } => write!(f, "{key} cannot be used: {reason}"),
            Self::Missing { key, named_by } => write!(f, "{key} does not exist; {named_by} names it"),
            Self::Damaged { key, found, expected, .. } => {
                write!(f, "{key} is damaged: {found} instead of {expected}")
            }
            Self::PlainName { key } => write!(f, "the plain name {key} is missing or holds something else"),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Releases and branches.
    pub refs: usize,
    /// Manifests.
    pub manifests: usize,
    /// Objects that they name.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// An object or plain name, and what it should be.
struct Expected {
    key: String,
    sha256: Sha256,
    size: u64,
    named_by: String,
}

/// Checks a package: all documents, and that every object that they name has its size; with `deep` also
/// its digest. One listing, and one request for each document.
pub async fn verify(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    deep: bool,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Verified, RegistryError> {
    let mut verified = Verified::default();
    let sizes = sizes(store, &base.package(package)).await?;
    let index = match index::read(store, base, package).await {
        Ok(Some(index)) => Some(index),
        Ok(None) => {
            verified.problems.push(Problem::Index { key: base.index(package), reason: "it does not exist".to_owned() });
            None
        }
        Err(error) => {
            verified.problems.push(Problem::Index { key: base.index(package), reason: refusal(error)? });
            None
        }
    };
    let releases: Vec<_> = sizes.keys().filter_map(|key| RefPlace::parse(base, package, key)).collect();
    verified.refs = releases.len();
    if let Some(index) = &index {
        check_index(index, base, package, &releases, &sizes, &mut verified.problems);
    }
    let reads = stream::iter(releases).map(|place| async {
        let result = read(store, &place).await;
        (place, result)
    });
    let read: Vec<_> = reads.buffer_unordered(CONCURRENCY).collect().await;
    let (mut expected, mut plain) = (Vec::new(), Vec::new());
    for (place, result) in read {
        match result {
            Ok((release, digest, manifests)) => {
                let named = index.as_ref().map(|index| index.entry(&place.git_ref).and_then(|entry| entry.release));
                if named.is_some_and(|named| named != Some(digest)) {
                    verified.problems.push(Problem::Unindexed { key: place.release() });
                }
                for (location, manifest) in manifests {
                    match manifest {
                        Ok(manifest) => collect(&location, &manifest, &mut expected, &mut plain),
                        Err(error) => verified.problems.push(problem(error, &location)?),
                    }
                }
                verified.manifests += release.targets.len();
            }
            Err(error) => {
                let (key, reason) = (place.release(), refusal(error)?);
                verified.problems.push(Problem::Document { key, reason });
            }
        }
    }
    expected.sort_by(|a: &Expected, b| a.key.cmp(&b.key));
    expected.dedup_by(|a, b| a.key == b.key);
    verified.objects = expected.len();
    verified.bytes = expected.iter().map(|object| object.size).sum();
    let present = |object: &Expected| sizes.get(&object.key).copied();
    let mut readable = Vec::new();
    for object in expected {
        let Expected { key, size, named_by, .. } = &object;
        match present(&object) {
            None => verified.problems.push(Problem::Missing { key: key.clone(), named_by: named_by.clone() }),
            Some(found) if found != *size => verified.problems.push(Problem::Damaged {
                key: key.clone(),
                named_by: named_by.clone(),
                found: format!("{found} bytes"),
                expected: format!("{size} bytes"),
            }),
            Some(_) => readable.push(object),
        }
    }
    // A store may have no plain names at all.
    let with_names = plain.iter().any(|name| present(name).is_some());
    for name in plain.iter().filter(|_| with_names) {
        if present(name) != Some(name.size) {
            verified.problems.push(Problem::PlainName { key: name.key.clone() });
        }
    }
    if deep {
        let (count, bytes) = (readable.len(), toolkit::human::bytes(verified.bytes));
        progress(&format!("hashing {count} objects of {package} ({bytes})"));
        let plain = plain.into_iter().filter(|name| sizes.get(&name.key) == Some(&name.size));
        let all = readable.into_iter().map(|object| (object, false)).chain(plain.map(|name| (name, true)));
        let hashes = stream::iter(all).map(|(object, is_plain)| async move {
            let found = content::digest(store, &object.key).await?;
            Ok::<_, RegistryError>((object, is_plain, found))
        });
        let done: Vec<_> = hashes.buffer_unordered(CONCURRENCY).try_collect().await?;
        for (object, is_plain, found) in done {
            if found == object.sha256 {
                continue;
            }
            let Expected { key, named_by, sha256, .. } = object;
            verified.problems.push(if is_plain {
                Problem::PlainName { key }
            } else {
                Problem::Damaged { key, named_by, found: found.to_string(), expected: sha256.to_string() }
            });
        }
    }
    verified.problems.sort();
    verified.problems.dedup();
    Ok(verified)
}

/// Every key below a prefix with its size.
async fn sizes(store: &Store, prefix: &str) -> Result<BTreeMap<String, u64>, RegistryError> {
    let mut sizes = BTreeMap::new();
    let visit = |listing: Listing<'_>| {
        sizes.insert(listing.key.to_owned(), listing.size);
        ControlFlow::Continue(())
    };
    store.each_key(prefix, visit).await?;
    Ok(sizes)
}

fn check_index(
    index: &Index,
    base: &BasePath,
    package: &PackageName,
    releases: &[RefPlace],
    sizes: &BTreeMap<String, u64>,
    problems: &mut Vec<Problem>,
) {
    let there: BTreeSet<_> = releases.iter().map(|place| &place.git_ref).collect();
    for entry in &index.entries {
        let place = RefPlace { base: base.clone(), package: package.clone(), git_ref: entry.git_ref.clone() };
        let exists = match entry.release {
            Some(_) => there.contains(&entry.git_ref),
            None => entry.targets.iter().any(|target| sizes.contains_key(&place.target(*target).manifest())),
        };
        if !exists {
            problems.push(Problem::Ghost { key: place.release() });
        }
    }
}

type Manifests = Vec<(Location, Result<Manifest, RegistryError>)>;

/// A release, its digest, and its manifests.
async fn read(store: &Store, place: &RefPlace) -> Result<(Release, Sha256, Manifests), RegistryError> {
    let key = place.release();
    let document = store.document(&key, Release::LIMIT).await?;
    let Some(document) = document else { return Err(RegistryError::NoObject { key }) };
    let release = resolve::parse_release(place, key.clone(), &document.bytes)?;
    let signature = signature_key(&place.base.package(&place.package), &document.bytes);
    store.trust().check(store, Signed::Ref(&place.git_ref), &key, &document.bytes, &signature).await?;
    let mut manifests = Vec::new();
    for entry in &release.targets {
        let location = place.target(entry.target);
        let manifest = resolve::read_manifest(store, &location, entry.manifest).await;
        manifests.push((location, manifest));
    }
    Ok((release, Sha256::of(&document.bytes), manifests))
}

fn collect(location: &Location, manifest: &Manifest, expected: &mut Vec<Expected>, plain: &mut Vec<Expected>) {
    let named_by = location.prefix();
    for file in &manifest.files {
        let (sha256, size) = (file.sha256, file.size);
        expected.push(Expected { key: location.object(file), sha256, size, named_by: named_by.clone() });
    }
    for alias in key::aliases(location, manifest, true, false) {
        let (sha256, size, named_by) = (alias.sha256, alias.size, named_by.clone());
        plain.push(Expected { key: alias.to, sha256, size, named_by });
    }
}

/// Why a document was refused; what is no fault of the store ends the check.
fn refusal(error: RegistryError) -> Result<String, RegistryError> {
    if error.is_transient() || matches!(error, RegistryError::Denied { .. } | RegistryError::Credentials { .. }) {
        return Err(error);
    }
    Ok(error.to_string())
}

fn problem(error: RegistryError, location: &Location) -> Result<Problem, RegistryError> {
    let named_by = location.place().release();
    Ok(match error {
        RegistryError::NoObject { key } => Problem::Missing { key, named_by },
        RegistryError::Tampered { key, found, expected } => Problem::Damaged { key, named_by, found, expected },
        error => Problem::Document { key: location.manifest(), reason: refusal(error)? },
    })
}
