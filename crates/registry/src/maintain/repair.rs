// SPDX-License-Identifier: Apache-2.0
//! Bringing back what can be: from copies of the same bytes, and from what is listed.

use super::{Problem, Verified, reindex};
use crate::key::{self, RefPlace};
use crate::store::If;
use crate::{BasePath, Location, RegistryError, SigningKey, Store, content, resolve};
use artifact::{PackageName, Release, Sha256, sha256sums};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// Keys that are right again.
    pub repaired: Vec<String>,
    /// What could not be repaired: it must be published again.
    pub remaining: Vec<Problem>,
}

/// Repairs what a verification found.
pub async fn repair(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    found: &Verified,
    signing_key: Option<&SigningKey>,
) -> Result<Repaired, RegistryError> {
    let mut repaired = Repaired::default();
    let mut index = false;
    // Objects before names, which are copies of them.
    for problem in &found.problems {
        match problem {
            Problem::Index { .. } | Problem::Unindexed { .. } | Problem::Ghost { .. } => index = true,
            Problem::Missing { key, .. } | Problem::Damaged { key, .. } => {
                if restore(store, base, package, key).await? {
                    repaired.repaired.push(key.clone());
                } else {
                    repaired.remaining.push(problem.clone());
                }
            }
            Problem::Document { .. } => repaired.remaining.push(problem.clone()),
            Problem::PlainName { .. } => {}
        }
    }
    if found.problems.iter().any(|problem| matches!(problem, Problem::PlainName { .. })) {
        let names = names(store, base, package).await?;
        for problem in &found.problems {
            let Problem::PlainName { key } = problem else { continue };
            match names.get(key) {
                Some((object, digest)) if is_right(store, object, *digest).await? => {
                    store.copy(object, key).await?;
                    repaired.repaired.push(key.clone());
                }
                _ => repaired.remaining.push(problem.clone()),
            }
        }
    }
    if index {
        reindex(store, base, package, signing_key).await?;
        repaired.repaired.push(base.index(package));
    }
    Ok(repaired)
}

/// Brings an object back from another key that has its bytes: a plain name, or the same content under
/// another name.
async fn restore(store: &Store, base: &BasePath, package: &PackageName, key: &str) -> Result<bool, RegistryError> {
    let objects = base.objects(package);
    let Some((digest, name)) = key.strip_prefix(&objects).and_then(|rest| rest.split_once('/')) else {
        return Ok(false);
    };
    let Ok(digest) = digest.parse::<Sha256>() else { return Ok(false) };
    let ends_alike = |candidate: &str| candidate != key && candidate.rsplit('/').next() == Some(name);
    let mut candidates = Vec::new();
    for prefix in [format!("{objects}{digest}/"), base.refs(package)] {
        let keys = store.keys(&prefix).await?;
        let same_digest = |key: &String| key.starts_with(&objects);
        candidates
            .extend(keys.into_iter().map(|(key, _)| key).filter(|c| ends_alike(c) || (same_digest(c) && c != key)));
    }
    for candidate in candidates {
        if is_right(store, &candidate, digest).await? {
            store.copy(&candidate, key).await?;
            return is_right(store, key, digest).await;
        }
    }
    Ok(false)
}

async fn is_right(store: &Store, key: &str, digest: Sha256) -> Result<bool, RegistryError> {
    Ok(store.info(key).await?.is_some() && content::digest(store, key).await? == digest)
}

/// Every plain name that the package should have, with the object that it is a copy of. Documents that
/// are beside them are written again on the way.
async fn names(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
) -> Result<BTreeMap<String, (String, Sha256)>, RegistryError> {
    let mut names = BTreeMap::new();
    for (key, _) in store.keys(&base.refs(package)).await? {
        let Some(place) = RefPlace::parse(base, package, &key) else { continue };
        let Some(document) = store.document(&key, Release::LIMIT).await? else { continue };
        let Ok(release) = resolve::parse_release(&place, key, &document.bytes) else { continue };
        for entry in &release.targets {
            let location: Location = place.target(entry.target);
            let Ok(manifest) = resolve::read_manifest(store, &location, entry.manifest).await else { continue };
            let aliases = key::aliases(&location, &manifest, true, false);
            names.extend(aliases.into_iter().map(|alias| (alias.to, (alias.from, alias.sha256))));
            let sums = sha256sums::render(&manifest.files).into_bytes();
            for (key, text) in [(location.sums(), sums), (location.manifest(), manifest.to_canonical_json())] {
                let there = store.document(&key, text.len() as u64 + 1).await.ok().flatten();
                if there.is_none_or(|there| there.bytes != text) {
                    store.put_bytes(&key, text, &If::Always).await?;
                }
            }
        }
    }
    Ok(names)
}
