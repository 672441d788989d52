// SPDX-License-Identifier: Apache-2.0
//! Whose releases and indexes are believed, and how old they may be.

use crate::{PublicKey, PublicKeys, RegistryError, Store};
use artifact::{Index, RefName, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Largest signature that is read, in bytes.
const SIGNATURE_LIMIT: u64 = 4096;

/// What a reader demands. By default nothing but that bytes are those that are named.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Any of these keys signs releases, branches and indexes.
    pub keys: Vec<PublicKey>,
    /// Any of these signs branches and indexes, too.
    pub branch_keys: Vec<PublicKey>,
    /// An index that did not change for longer is not believed.
    pub max_age: Option<Duration>,
    /// A file that remembers the last serial of every index.
    pub serials: Option<PathBuf>,
}

impl From<PublicKey> for Trust {
    fn from(key: PublicKey) -> Self {
        Self { keys: vec![key], ..Self::default() }
    }
}

impl From<PublicKeys> for Trust {
    fn from(keys: PublicKeys) -> Self {
        Self { keys: keys.0, ..Self::default() }
    }
}

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed<'a> {
    Index,
    Ref(&'a RefName),
}

impl Trust {
    /// Whether anything must be signed.
    pub fn demands_signatures(&self) -> bool {
        !self.keys.is_empty() || !self.branch_keys.is_empty()
    }

    fn keys_for(&self, signed: Signed<'_>) -> impl Iterator<Item = &PublicKey> {
        let branch = match signed {
            Signed::Index => true,
            Signed::Ref(git_ref) => !git_ref.is_release(),
        };
        self.keys.iter().chain(self.branch_keys.iter().filter(move |_| branch))
    }

    /// Checks a document's signature, which the store has under `signature`.
    pub(crate) async fn check(
        &self,
        store: &Store,
        signed: Signed<'_>,
        key: &str,
        text: &[u8],
        signature: &str,
    ) -> Result<(), RegistryError> {
        if !self.demands_signatures() {
            return Ok(());
        }
        let mut found = store.document_if_any(signature, SIGNATURE_LIMIT).await?;
        if found.is_none() {
            // Somebody may have signed by hand, or changed what was signed.
            found = store.document_if_any(&format!("{key}.minisig"), SIGNATURE_LIMIT).await?;
        }
        match found {
            Some(bytes) => self.verify(signed, key, text, &bytes),
            None => Err(RegistryError::Unsigned { key: key.to_owned() }),
        }
    }

    /// The same with a signature that is here.
    pub(crate) fn verify(
        &self,
        signed: Signed<'_>,
        key: &str,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), RegistryError> {
        let mut reasons = Vec::new();
        for public_key in self.keys_for(signed) {
            match public_key.verify(text, signature) {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        let reason = reasons.into_iter().next().unwrap_or_else(|| "no key is given for releases".to_owned());
        Err(RegistryError::Signature { key: key.to_owned(), reason })
    }

    /// Refuses an index that is too old, or older than one that was seen before, and remembers it.
    pub(crate) fn check_freshness(&self, key: &str, place: &str, index: &Index) -> Result<(), RegistryError> {
        if let Some(max_age) = self.max_age {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let updated = Duration::from_secs(u64::try_from(index.updated.epoch()).unwrap_or_default());
            let age = now.saturating_sub(updated);
            if age > max_age {
                return Err(RegistryError::Stale { key: key.to_owned(), age, max_age });
            }
        }
        // Without a signature a serial says nothing.
        match self.serials.as_deref().filter(|_| self.demands_signatures()) {
            Some(file) => remember(file, key, place, index.serial),
            None => Ok(()),
        }
    }
}

/// Compares a serial with the last one of the place, and keeps the higher one.
fn remember(file: &Path, key: &str, place: &str, serial: u64) -> Result<(), RegistryError> {
    let failed = |source| RegistryError::File { path: file.to_owned(), source };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock =
        std::fs::File::options().create(true).truncate(false).read(true).write(true).open(file).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let parse = || serde_json::from_str::<BTreeMap<String, u64>>(&text);
    let mut serials =
        if text.trim().is_empty() { BTreeMap::new() } else { parse().map_err(|error| failed(error.into()))? };
    let seen = serials.get(place).copied().unwrap_or_default();
    if serial < seen {
        return Err(RegistryError::WentBack { key: key.to_owned(), serial, seen, file: file.to_owned() });
    }
    if serial > seen {
        serials.insert(place.to_owned(), serial);
        let text = serde_json::to_string_pretty(&serials).map_err(|error| failed(error.into()))?;
        std::fs::write(file, text + "\n").map_err(failed)?;
    }
    Ok(())
}

/// Where the signature of a document is: there before the document is, so that a moving branch is
/// signed whenever it is read.
pub(crate) fn signature_key(package: &str, text: &[u8]) -> String {
    format!("{package}signatures/{}.minisig", Sha256::of(text))
}
