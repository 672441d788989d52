// SPDX-License-Identifier: Apache-2.0
//! Publishers of one package commit one after the other, on every store.
//!
//! Each writes a claim under a name of its own and then lists all claims. Who sees no other one goes
//! ahead. Who does waits for longer than a commit takes, and then for its turn, in the order of names:
//! either both saw each other, or the one that saw nobody has committed until then. That needs no
//! conditional writes. Where these are honoured, they guard the commit, and the turn only keeps two of
//! them apart, since not every store checks and writes in one step. A claim that is not renewed counts
//! for nothing.

use crate::conditions::Conditions;
use crate::store::{If, Listing};
use crate::{BasePath, RegistryError, Store};
use artifact::{PackageName, Sha256};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// After which time a claim that nobody renewed counts for nothing, in seconds.
const STALE: i64 = 30;
/// Longer than a commit takes.
const COMMIT: Duration = Duration::from_millis(700);
/// How often a claim is renewed by who waits.
const RENEWAL: Duration = Duration::from_secs(8);
/// How often claims are listed by who waits.
const PAUSE: Duration = Duration::from_millis(150);

/// The right to commit; others wait until it is given back.
pub(crate) struct Turn {
    key: Option<String>,
}

/// Waits for the turn of the publisher whose content has this digest.
pub(crate) async fn wait(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    content: Sha256,
    conditions: Conditions,
) -> Result<Turn, RegistryError> {
    if store.is_folder() {
        // One lock makes conditions reliable there.
        return Ok(Turn { key: None });
    }
    let prefix = base.claims(package);
    let key = format!("{prefix}{content}");
    let claim = || store.put_bytes(&key, format!("{content}\n").into_bytes(), &If::Always);
    claim().await?;
    if others(store, &prefix, &key).await?.is_empty() {
        return Ok(Turn { key: Some(key) });
    }
    let before = async || {
        let others = others(store, &prefix, &key).await?;
        Ok::<_, RegistryError>(others.iter().filter(|other| **other < key).count())
    };
    let mut patience = Duration::MAX;
    if conditions.are_honoured() {
        // The condition guards the commit, so that a claim of somebody who died need not be waited for.
        patience = COMMIT * u32::try_from(before().await? + 1).unwrap_or(u32::MAX);
    }
    // Longer than somebody who saw no other claim takes to commit.
    tokio::time::sleep(if conditions.are_honoured() { COMMIT } else { 3 * COMMIT }).await;
    let (started, mut renewed) = (Instant::now(), Instant::now());
    while before().await? > 0 && started.elapsed() < patience {
        tokio::time::sleep(PAUSE).await;
        if renewed.elapsed() > RENEWAL {
            claim().await?;
            renewed = Instant::now();
        }
    }
    Ok(Turn { key: Some(key) })
}

/// The other claims that count.
async fn others(store: &Store, prefix: &str, ours: &str) -> Result<Vec<String>, RegistryError> {
    let mut claims = Vec::new();
    let keep = |listing: Listing<'_>| {
        claims.push((listing.key.to_owned(), listing.modified));
        ControlFlow::Continue(())
    };
    store.each_key(prefix, keep).await?;
    // Both times are the store's.
    let now = claims.iter().map(|(_, modified)| *modified).max().unwrap_or_default();
    let counts = |(key, modified): &(String, i64)| key != ours && now - modified <= STALE;
    Ok(claims.into_iter().filter(counts).map(|(key, _)| key).collect())
}

impl Turn {
    /// Gives the turn back. Where this fails, others wait a little longer.
    pub async fn end(self, store: &Store) {
        if let Some(key) = self.key {
            let _ = store.delete(&[key]).await;
        }
    }
}
