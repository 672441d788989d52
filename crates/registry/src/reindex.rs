// SPDX-License-Identifier: Apache-2.0
//! Making an index from what a listing shows, whatever layout it is in.

use crate::index::entry;
use crate::key::RefPlace;
use crate::layout1::{Found, MANIFEST_LIMIT};
use crate::store::Listing;
use crate::{BasePath, RegistryError, Store, resolve};
use artifact::{Index, IndexEntry, Manifest, PackageName, Release, Sha256, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How many documents are read at the same time.
const CONCURRENCY: usize = 16;

/// The index of everything that is listed. Its serial is not lower than that of the previous one.
pub(crate) async fn rebuild(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    previous: Option<&Index>,
) -> Result<Index, RegistryError> {
    let (mut releases, mut found) = (Vec::new(), Found::default());
    let visit = |listing: Listing<'_>| {
        releases.extend(RefPlace::parse(base, package, listing.key));
        found.add(base, package, listing.key);
        ControlFlow::Continue(())
    };
    store.each_key(&base.refs(package), visit).await?;
    let mut index = Index::new(&base.name(), package.clone());
    let mut owners = Vec::new();
    let reads = stream::iter(&releases).map(|place| async move {
        let key = place.release();
        let Some(document) = store.document(&key, Release::LIMIT).await? else { return Ok(None) };
        let release = resolve::parse_release(place, key, &document.bytes)?;
        Ok::<_, RegistryError>(Some((release, Sha256::of(&document.bytes))))
    });
    let read: Vec<_> = reads.buffer_unordered(CONCURRENCY).try_collect().await?;
    for (release, digest) in read.into_iter().flatten() {
        index.serial += release.serial;
        if release.git_ref.is_release() {
            owners.push((release.created.clone(), release.repository.clone()));
        }
        index.put(entry(&release, digest));
    }
    let known: BTreeSet<_> = index.entries.iter().map(|entry| entry.git_ref.clone()).collect();
    let older = found.0.into_iter().filter(|(git_ref, _)| !known.contains(git_ref));
    let older = stream::iter(older).map(|(git_ref, mut targets)| async move {
        targets.sort();
        let place = RefPlace { base: base.clone(), package: package.clone(), git_ref };
        // One manifest has the version and the time; those of the other targets say the same.
        for target in &targets {
            let key = place.target(*target).manifest();
            let Some(document) = store.document(&key, MANIFEST_LIMIT).await? else { continue };
            if let Ok(manifest) = Manifest::parse(&document.bytes) {
                return Ok::<_, RegistryError>(Some((manifest, targets)));
            }
        }
        Ok(None)
    });
    let older: Vec<_> = older.buffer_unordered(CONCURRENCY).try_collect().await?;
    for (manifest, targets) in older.into_iter().flatten() {
        if manifest.git_ref.is_release() {
            owners.push((manifest.created.clone(), manifest.repository.clone()));
        }
        index.serial += 1;
        index.put(IndexEntry {
            created: manifest.created,
            git_ref: manifest.git_ref,
            release: None,
            size: None,
            targets,
            version: manifest.version,
            yanked: None,
        });
    }
    index.repository = owners.into_iter().min().map(|(_, repository)| repository);
    if let Some(previous) = previous {
        index.serial = index.serial.max(previous.serial);
        index.repository = previous.repository.clone().or(index.repository);
    }
    index.updated = previous.map_or_else(|| Timestamp::from_epoch(0), |previous| previous.updated.clone());
    Ok(index)
}
