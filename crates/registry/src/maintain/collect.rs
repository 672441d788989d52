// SPDX-License-Identifier: Apache-2.0
//! Cleaning up: branches that are closed, content that nothing names, and what was never finished.

use crate::gc::{before, named_by, named_by_all, retired};
use crate::key::RefPlace;
use crate::store::{Leftover, Listing};
use crate::{BasePath, RegistryError, SigningKey, Store, conditions, index};
use artifact::{Index, PackageName, RefName, Release};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// After which time a claim is not renewed any more, in any case.
const CLAIMS: Duration = Duration::from_hours(1);

/// How to clean up.
#[derive(Clone, Debug)]
pub struct Collection<'a> {
    /// The branches that exist; others are closed. `None` keeps all.
    pub branches: Option<&'a BTreeSet<RefName>>,
    /// What is younger stays, since somebody may be reading or publishing it.
    pub grace: Duration,
    /// Whether something is removed, or only listed.
    pub delete: bool,
    /// Signs the index that has lost branches.
    pub signing_key: Option<&'a SigningKey>,
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Branches that are closed.
    pub branches: Vec<String>,
    /// Keys of content that nothing names.
    pub objects: Vec<String>,
    /// Plain names, records and signatures of what was replaced or closed.
    pub records: Vec<String>,
    /// Claims of publishers that ended.
    pub claims: Vec<String>,
    /// Uploads that nobody completed.
    pub uploads: Vec<String>,
    /// Bytes of all objects and records.
    pub bytes: u64,
}

/// Finds, and removes if asked to, what nothing names and nobody reads. Fails, and removes nothing,
/// where a document cannot be read: what it names cannot be known.
pub async fn collect(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    options: &Collection<'_>,
) -> Result<Collected, RegistryError> {
    let limit = before(options.grace);
    let place = |git_ref: &RefName| RefPlace { base: base.clone(), package: package.clone(), git_ref: git_ref.clone() };
    let mut index = index::current(store, base, package, None).await?.index;
    let mut all = Vec::new();
    let visit = |listing: Listing<'_>| {
        all.push((listing.key.to_owned(), listing.size, listing.modified));
        ControlFlow::Continue(())
    };
    store.each_key(&base.package(package), visit).await?;

    let mut collected = Collected::default();
    let closed: Vec<RefName> = index
        .entries
        .iter()
        .map(|entry| &entry.git_ref)
        .filter(|git_ref| !git_ref.is_release())
        .filter(|git_ref| options.branches.is_some_and(|branches| !branches.contains(*git_ref)))
        .filter(|git_ref| all.iter().all(|(key, _, modified)| key != &place(git_ref).release() || *modified < limit))
        .cloned()
        .collect();
    collected.branches = closed.iter().map(ToString::to_string).collect();
    if options.delete && !closed.is_empty() {
        // The index first: what it does not name is not looked for.
        let conditional = conditions::probe(store, base, package).await?.are_honoured();
        let take_out = async |index: &mut Index| {
            let before = index.entries.len();
            for git_ref in &closed {
                index.remove(git_ref);
            }
            Ok(index.entries.len() < before)
        };
        index = index::change(store, base, package, options.signing_key, conditional, take_out).await?;
    } else {
        for git_ref in &closed {
            index.remove(git_ref);
        }
    }

    let mut kept = named_by_all(store, base, package, &index).await?;
    if let Some(document) = store.document(&base.index(package), Index::LIMIT).await? {
        kept.insert(crate::trust::signature_key(&base.package(package), &document.bytes));
    }
    kept.insert(base.probe(package));
    for entry in index.entries.iter().filter(|entry| !entry.git_ref.is_release()) {
        let place = place(&entry.git_ref);
        let (_, recent) = retired(store, &place, limit).await?;
        for (key, release) in recent {
            kept.insert(key);
            kept.extend(named_by(store, &place, &release).await?);
        }
    }
    let unread = unread(store, base, package, &all, &kept, &closed).await?;
    kept.extend(unread);

    let (objects, claims, signatures) = (base.objects(package), base.claims(package), base.signatures(package));
    let open: Vec<_> = index.entries.iter().map(|entry| place(&entry.git_ref)).collect();
    let shut: Vec<_> = closed.iter().map(|git_ref| place(git_ref).prefix()).collect();
    let is_record = |key: &str| {
        key.starts_with(&signatures)
            || open.iter().any(|place| key.starts_with(&place.retired()))
            || shut.iter().any(|prefix| {
                key.starts_with(prefix)
                    && !open.iter().any(|place| key.starts_with(&place.prefix()) && place.prefix().len() > prefix.len())
            })
    };
    for (key, size, modified) in &all {
        if key.starts_with(&claims) {
            if *modified < before(options.grace.min(CLAIMS)) {
                collected.claims.push(key.clone());
            }
            continue;
        }
        if kept.contains(key) || *modified >= limit {
            continue;
        }
        if key.starts_with(&objects) {
            collected.objects.push(key.clone());
            collected.bytes += size;
        } else if is_record(key) {
            collected.records.push(key.clone());
            collected.bytes += size;
        }
    }
    let leftovers: Vec<Leftover> = store.leftovers(&base.package(package)).await?;
    let leftovers: Vec<_> = leftovers.into_iter().filter(|leftover| leftover.begun < limit).collect();
    collected.uploads = leftovers.iter().map(|leftover| leftover.key.clone()).collect();
    if options.delete {
        // The commit points first, so that no release names what is gone.
        let (commits, others): (Vec<_>, Vec<_>) =
            collected.records.iter().cloned().partition(|key| RefPlace::parse(base, package, key).is_some());
        for keys in [commits, others, collected.objects.clone(), collected.claims.clone()] {
            store.delete(&keys).await?;
        }
        for leftover in &leftovers {
            store.remove_leftover(leftover).await?;
        }
    }
    Ok(collected)
}

/// What releases name that the index does not: a publication may just be between the two.
async fn unread(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    all: &[(String, u64, i64)],
    kept: &BTreeSet<String>,
    closed: &[RefName],
) -> Result<BTreeSet<String>, RegistryError> {
    let mut named = BTreeSet::new();
    for (key, ..) in all {
        let Some(place) = RefPlace::parse(base, package, key) else { continue };
        if kept.contains(key) || closed.contains(&place.git_ref) {
            continue;
        }
        let Some(document) = store.document(key, Release::LIMIT).await? else { continue };
        let release = crate::resolve::parse_release(&place, key.clone(), &document.bytes)?;
        named.extend(named_by(store, &place, &release).await?);
    }
    Ok(named)
}
