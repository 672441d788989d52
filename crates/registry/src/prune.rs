// SPDX-License-Identifier: Apache-2.0
//! What a branch loses: files that no manifest has named for longer than the grace period.
//!
//! A replaced manifest is kept as a record. Its files outlive it by the grace period, however old
//! they were when it was replaced: somebody may have read it a moment before.

use crate::key::Place;
use crate::{Location, RegistryError, Store, key};
use artifact::{Manifest, Sha256};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many records are read at the same time.
const CONCURRENCY: usize = 8;

/// Records a manifest that is about to be replaced.
pub(crate) async fn retire(store: &Store, location: &Location, text: &[u8]) -> Result<(), RegistryError> {
    let key = location.retired(Sha256::of(text));
    // Not on condition: a manifest can be replaced more than once, and the last time counts.
    store.put_bytes(&key, text.to_vec(), false).await.map(drop)
}

/// The moment before which things are older than this, in seconds since the epoch.
pub(crate) fn before(age: Duration) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(age).as_secs()).unwrap_or(i64::MAX)
}

/// Removes what no manifest of the grace period names, and gives the number of files.
pub(crate) async fn prune(
    store: &Store,
    location: &Location,
    published: &Manifest,
    age: Duration,
) -> Result<usize, RegistryError> {
    let limit = before(age);
    let (mut candidates, mut expired, mut recent) = (Vec::new(), Vec::new(), Vec::new());
    let mut kept = names(location, published, &published.to_canonical_json());
    for (key, modified) in store.keys(&location.prefix()).await? {
        match location.place(&key) {
            Place::Record if modified < limit => expired.push(key),
            Place::Record => recent.push(key),
            Place::Object | Place::Named | Place::Signature if modified < limit && !kept.contains(&key) => {
                candidates.push(key);
            }
            _ => {}
        }
    }
    if !candidates.is_empty() {
        // Another run may have moved the branch since.
        let manifests = recent.iter().cloned().chain([location.manifest()]);
        let documents = stream::iter(manifests).map(|key| async move { store.document(&key).await });
        let documents: Vec<_> = documents.buffer_unordered(CONCURRENCY).try_collect().await?;
        for text in documents.into_iter().flatten() {
            let Ok(manifest) = Manifest::parse(&text) else {
                // What a newer version wrote names files that we cannot know.
                return Ok(0);
            };
            kept.extend(names(location, &manifest, &text));
        }
    }
    let mut removed = 0;
    for key in candidates.iter().filter(|key| !kept.contains(*key)) {
        let object = matches!(location.place(key), Place::Object);
        // In the folder itself others may keep things; ours bear their digest.
        if object || store.info(key).await?.is_some_and(|info| info.sha256.is_some()) {
            store.delete(key).await?;
            removed += usize::from(object);
        }
    }
    for key in expired {
        store.delete(&key).await?;
    }
    Ok(removed)
}

/// Every key that belongs to a manifest and its files.
fn names(location: &Location, manifest: &Manifest, text: &[u8]) -> BTreeSet<String> {
    let aliases = key::aliases(location, manifest, true).into_iter().map(|alias| alias.to);
    let signature = location.signature(Sha256::of(text));
    manifest.files.iter().map(|file| location.object(file)).chain(aliases).chain([signature]).collect()
}
