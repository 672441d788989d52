// SPDX-License-Identifier: Apache-2.0
//! Sending content: every object under its digest, once.

use crate::conditions::Conditions;
use crate::settings::now;
use crate::store::{If, Written};
use crate::{Location, RegistryError, Store};
use artifact::{Bundle, FileEntry, Hasher, Sha256};

/// Smaller ones are sent without a question: a refused write costs less.
const SMALL: u64 = 64 * 1024;
/// Objects that nobody has written for longer are written again, in seconds: a clean-up may be about to
/// remove them.
const OLD: i64 = 24 * 3600;

/// What an object is to hold.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    File { bundle: &'a Bundle, entry: &'a FileEntry },
    Manifest(&'a Bundle),
}

impl Content<'_> {
    /// Key, digest and size.
    pub fn object(&self, location: &Location) -> (String, Sha256, u64) {
        match self {
            Self::File { entry, .. } => (location.object(entry), entry.sha256, entry.size),
            Self::Manifest(bundle) => {
                let text = bundle.manifest().to_canonical_json();
                let digest = Sha256::of(&text);
                (location.manifest_object(digest), digest, text.len() as u64)
            }
        }
    }

    async fn write(&self, store: &Store, key: &str, digest: Sha256, condition: &If) -> Result<Written, RegistryError> {
        match self {
            Self::File { bundle, entry } => store.put_file(key, &bundle.path(entry), digest, condition).await,
            Self::Manifest(bundle) => store.put_bytes(key, bundle.manifest().to_canonical_json(), condition).await,
        }
    }
}

/// Sends an object unless it is there, whole; whether it was sent.
pub(crate) async fn send(
    store: &Store,
    location: &Location,
    content: Content<'_>,
    conditions: Conditions,
) -> Result<bool, RegistryError> {
    let (key, digest, size) = content.object(location);
    if size <= SMALL
        && conditions.are_honoured()
        && content.write(store, &key, digest, &If::Absent).await? == Written::Yes
    {
        return Ok(true);
    }
    if is_there(store, &key, digest, size).await? {
        return Ok(false);
    }
    // Nothing is there, or what is damaged or old: the key holds the digest, so that writing it again can only repair it.
    content.write(store, &key, digest, &If::Always).await?;
    Ok(true)
}

/// Whether an object is there with this content, and not so old that it could be removed.
async fn is_there(store: &Store, key: &str, digest: Sha256, size: u64) -> Result<bool, RegistryError> {
    let Some(info) = store.info(key).await? else { return Ok(false) };
    if info.size != size || info.modified < now() - OLD {
        return Ok(false);
    }
    match info.sha256 {
        Some(known) => Ok(known == digest),
        // Not written by us, or by a store that keeps no metadata: its bytes tell.
        None => Ok(self::digest(store, key).await? == digest),
    }
}

/// The digest of an object's bytes.
pub(crate) async fn digest(store: &Store, key: &str) -> Result<Sha256, RegistryError> {
    let failed = |error: &dyn std::fmt::Display| RegistryError::Request {
        operation: "read",
        key: key.to_owned(),
        reason: format!("the transfer broke off: {error}"),
    };
    let Some(mut stream) = store.stream(key, 0, None).await? else { return Ok(Sha256::of(b"")) };
    let mut hasher = Hasher::default();
    while let Some(bytes) = stream.body.next().await {
        hasher.update(&bytes.map_err(|error| failed(&error))?);
    }
    Ok(hasher.finish())
}
