// SPDX-License-Identifier: Apache-2.0
//! Writing what must not change: an object once, with one content.

use crate::store::{Begun, Written};
use crate::{BasePath, Conflict, Location, RegistryError, Store};
use artifact::{Bundle, FileEntry, Hasher, PackageName, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// What an object is to hold.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    File { bundle: &'a Bundle, entry: &'a FileEntry },
    Bytes(&'a [u8]),
}

impl Content<'_> {
    fn digest(&self) -> Sha256 {
        match self {
            Self::File { entry, .. } => entry.sha256,
            Self::Bytes(bytes) => Sha256::of(bytes),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::File { entry, .. } => entry.size,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// Writes objects that must not replace others.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    /// Whether the store refuses a conditional write where it should.
    pub conditional: bool,
    /// What was in the folder at the beginning, with the time of its last change. These are asked
    /// for before they are sent: a refused write has cost the whole transfer.
    pub present: BTreeMap<String, i64>,
    begun: Begun,
}

impl<'a> Writer<'a> {
    /// Looks at the folder, and asks the store whether it honours conditional writes.
    pub async fn prepare(
        store: &'a Store,
        base: &BasePath,
        package: &PackageName,
        location: &Location,
    ) -> Result<Self, RegistryError> {
        // First of all: some stores make a bucket that is written to and not there.
        let present = store.keys(&location.prefix()).await?.into_iter().collect();
        let conditional = honours_conditions(store, base, package).await?;
        Ok(Self { store, conditional, present, begun: Begun::default() })
    }

    /// Writes an object that must not change: `true` if it was sent, `false` if it was there with
    /// equal content; other content is an error.
    pub async fn once(&self, key: &str, content: Content<'_>) -> Result<bool, RegistryError> {
        /// How often a store may say that another write of the object is under way.
        const ATTEMPTS: u32 = 5;
        if (!self.conditional || self.present.contains_key(key)) && self.is_equal(key, &content).await? {
            return Ok(false);
        }
        for attempt in 1..=ATTEMPTS {
            if self.send(key, &content, true).await? == Written::Yes {
                let there = self.conditional || self.is_equal(key, &content).await?;
                return if there { Ok(true) } else { Err(failed(key, "it is not there after it was written")) };
            }
            if self.is_equal(key, &content).await? {
                return Ok(false);
            }
            // Refused because of an object that is not there: its writer has not finished.
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
        }
        Err(failed(key, "another publisher is writing it; try again"))
    }

    /// Writes an object again, so that its age begins anew.
    pub async fn renew(&self, key: &str, content: Content<'_>) -> Result<(), RegistryError> {
        self.send(key, &content, false).await.map(drop)
    }

    /// Gives up what was begun and is not complete.
    pub async fn give_up(&self) {
        self.store.give_up(&self.begun).await;
    }

    async fn send(&self, key: &str, content: &Content<'_>, if_absent: bool) -> Result<Written, RegistryError> {
        match content {
            Content::File { bundle, entry } => {
                self.store.put_file(key, &bundle.path(entry), entry.sha256, if_absent, &self.begun).await
            }
            Content::Bytes(bytes) => self.store.put_bytes(key, bytes.to_vec(), if_absent).await,
        }
    }

    /// Whether the object exists with this content; an error if it has another.
    async fn is_equal(&self, key: &str, content: &Content<'_>) -> Result<bool, RegistryError> {
        let Some(info) = self.store.info(key).await? else { return Ok(false) };
        let ours = content.digest();
        let published = match info.sha256 {
            // Not written by us, or by a store that keeps no metadata: its bytes tell.
            None => Some(digest(self.store, key).await?),
            known => known,
        };
        if published == Some(ours) && info.size == content.size() {
            return Ok(true);
        }
        Err(RegistryError::Immutable(Conflict { key: key.to_owned(), published, ours }))
    }
}

/// Whether the second of two equal conditional writes is refused, as it must be. The object stays,
/// so that the next publication needs one request.
async fn honours_conditions(store: &Store, base: &BasePath, package: &PackageName) -> Result<bool, RegistryError> {
    const CONTENT: &[u8] = b"Written by vaccel-ci to learn whether this store honours If-None-Match.\n";
    let probe = base.probe(package);
    for _ in 0..2 {
        if store.put_bytes(&probe, CONTENT.to_vec(), true).await? == Written::Exists {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The digest of an object's bytes.
async fn digest(store: &Store, key: &str) -> Result<Sha256, RegistryError> {
    let mut body = store.stream(key, 0, None).await?.unwrap_or_default();
    let mut hasher = Hasher::default();
    while let Some(bytes) = body.next().await {
        hasher.update(&bytes.map_err(|error| failed(key, &format!("the transfer broke off: {error}")))?);
    }
    Ok(hasher.finish())
}

fn failed(key: &str, reason: &str) -> RegistryError {
    RegistryError::Request { operation: "writing", key: key.to_owned(), reason: reason.to_owned() }
}
