// SPDX-License-Identifier: Apache-2.0
//! What nothing names any more, and which of it may go.
//!
//! A replaced release of a branch is kept as a record. Its content outlives it by the grace period,
//! however old it was when it was replaced: somebody may have read it a moment before.

use crate::key::{self, RefPlace};
use crate::layout1;
use crate::settings::now;
use crate::trust::signature_key;
use crate::{BasePath, RegistryError, Store, index, resolve};
use artifact::{Index, PackageName, Release, Sha256};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many documents are read at the same time.
const CONCURRENCY: usize = 16;
/// With more refs than this, a publication leaves the cleaning up to `store gc`.
const FEW: usize = 300;

/// The moment before which things are older than this, in seconds since the epoch.
pub(crate) fn before(age: Duration) -> i64 {
    now().saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
}

/// Every key that a release names, directly or through its manifests: content, names and signature.
pub(crate) async fn named_by(
    store: &Store,
    place: &RefPlace,
    release: &Release,
) -> Result<BTreeSet<String>, RegistryError> {
    let package = place.base.package(&place.package);
    let text = release.to_canonical_json();
    let mut keys = BTreeSet::from([
        place.release(),
        place.release_signature(),
        signature_key(&package, &text),
        format!("{}{}.json", place.retired(), Sha256::of(&text)),
    ]);
    for entry in &release.targets {
        let location = place.target(entry.target);
        let manifest = resolve::read_manifest(store, &location, entry.manifest).await?;
        keys.extend([location.manifest_object(entry.manifest), location.manifest(), location.sums()]);
        keys.extend(manifest.files.iter().map(|file| location.object(file)));
        keys.extend(key::aliases(&location, &manifest, true, true).into_iter().map(|alias| alias.to));
    }
    Ok(keys)
}

/// Every key that the refs of an index name. What cannot be read is an error: what it names cannot be
/// known.
pub(crate) async fn named_by_all(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    index: &Index,
) -> Result<BTreeSet<String>, RegistryError> {
    let refs = stream::iter(&index.entries).map(|entry| async move {
        let place = RefPlace { base: base.clone(), package: package.clone(), git_ref: entry.git_ref.clone() };
        let key = place.release();
        if let Some(document) = store.document(&key, Release::LIMIT).await? {
            let release = resolve::parse_release(&place, key, &document.bytes)?;
            return named_by(store, &place, &release).await;
        }
        let mut keys = BTreeSet::new();
        for target in &entry.targets {
            let location = place.target(*target);
            if let Some((manifest, _)) = layout1::read(store, &location).await? {
                keys.extend([location.manifest(), location.sums()]);
                keys.extend(manifest.files.iter().map(|file| layout1::object(&location, file)));
            }
        }
        Ok(keys)
    });
    let all: Vec<_> = refs.buffer_unordered(CONCURRENCY).try_collect().await?;
    let mut keys: BTreeSet<_> = all.into_iter().flatten().collect();
    keys.insert(base.index(package));
    keys.insert(signature_key(&base.package(package), &index.to_canonical_json()));
    Ok(keys)
}

/// Releases that a branch had before, with their keys; those replaced before `limit`, and the others.
pub(crate) async fn retired(
    store: &Store,
    place: &RefPlace,
    limit: i64,
) -> Result<(Vec<(String, Release)>, Vec<(String, Release)>), RegistryError> {
    let (mut expired, mut recent) = (Vec::new(), Vec::new());
    for (key, modified) in store.keys(&place.retired()).await? {
        let Some(document) = store.document(&key, Release::LIMIT).await? else { continue };
        let release = resolve::parse_release(place, key.clone(), &document.bytes)?;
        if modified < limit { &mut expired } else { &mut recent }.push((key, release));
    }
    Ok((expired, recent))
}

/// Removes what only releases named that this branch replaced before the grace period; gives the number
/// of objects.
pub(crate) async fn prune_branch(
    store: &Store,
    place: &RefPlace,
    current: &Release,
    age: Duration,
) -> Result<usize, RegistryError> {
    let limit = before(age);
    let (expired, recent) = retired(store, place, limit).await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let index = index::current(store, &place.base, &place.package, None).await?.index;
    if index.entries.len() > FEW {
        return Ok(0);
    }
    let mut kept = named_by_all(store, &place.base, &place.package, &index).await?;
    kept.extend(named_by(store, place, current).await?);
    for (_, release) in &recent {
        kept.extend(named_by(store, place, release).await?);
    }
    let mut removable = BTreeSet::new();
    for (_, release) in &expired {
        // An earlier run may have removed some of it.
        if let Ok(named) = named_by(store, place, release).await {
            removable.extend(named);
        }
    }
    let objects = place.base.objects(&place.package);
    let (mut keys, mut removed) = (Vec::new(), 0);
    for key in removable.difference(&kept) {
        // A name that another program wrote since, or an object that another ref uses again.
        if store.info(key).await?.is_some_and(|info| info.modified < limit) {
            removed += usize::from(key.starts_with(&objects));
            keys.push(key.clone());
        }
    }
    keys.extend(expired.into_iter().map(|(key, _)| key));
    store.delete(&keys).await?;
    Ok(removed)
}
