// SPDX-License-Identifier: Apache-2.0
//! The index of a package: read by whoever asks for a requirement, changed by every publication.

use crate::settings::now;
use crate::store::{If, Written};
use crate::trust::{Signed, signature_key};
use crate::{BasePath, RefPlace, RegistryError, SigningKey, Store, reindex, resolve};
use artifact::{Index, IndexEntry, PackageName, Release, Sha256, Timestamp};

/// Largest signature that is read, in bytes.
const SIGNATURE_LIMIT: u64 = 4096;
/// How often a change is tried: others may change the index at the same moment.
const ATTEMPTS: u32 = 20;

/// The index; `None` if there is none.
pub(crate) async fn read(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
) -> Result<Option<Index>, RegistryError> {
    let key = base.index(package);
    let Some(text) = store.document_if_any(&key, Index::LIMIT).await? else { return Ok(None) };
    let signature = signature_key(&base.package(package), &text);
    store.trust().check(store, Signed::Index, &key, &text, &signature).await?;
    let index = parse(base, package, key.clone(), &text)?;
    let place = store.url(&key);
    store.trust().check_freshness(&key, &place, &index)?;
    Ok(Some(index))
}

/// Reads an index and refuses that of another place.
pub(crate) fn parse(base: &BasePath, package: &PackageName, key: String, text: &[u8]) -> Result<Index, RegistryError> {
    let index = Index::parse(text).map_err(|source| RegistryError::document(key.clone(), text, source))?;
    if index.package != *package || index.base_path != base.name() {
        let found = format!("{} below {:?}", index.package, index.base_path);
        return Err(RegistryError::Misplaced { key, found });
    }
    Ok(index)
}

/// The index as somebody who changes it reads it.
pub(crate) struct Current {
    pub index: Index,
    /// The condition on which it may be replaced.
    condition: If,
    /// Whether it is not there as it is here, and has to be written in any case.
    pending: bool,
}

/// The index to change. Where there is none, it is made from what is listed; also where there is one
/// that nobody signed whom we believe, if the next one is to be signed: that would vouch for it.
pub(crate) async fn current(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    signing_key: Option<&SigningKey>,
) -> Result<Current, RegistryError> {
    let key = base.index(package);
    let Some(document) = store.document(&key, Index::LIMIT).await? else {
        let mut index = reindex::rebuild(store, base, package, None).await?;
        // The change that is to come counts already.
        index.serial = index.serial.saturating_sub(1);
        return Ok(Current { index, condition: If::Absent, pending: true });
    };
    let index = parse(base, package, key.clone(), &document.bytes)?;
    let condition = document.tag.map_or(If::Always, If::Unchanged);
    if let Some(signing_key) = signing_key
        && !is_signed(store, &base.package(package), signing_key, Signed::Index, &key, &document.bytes).await?
    {
        let index = reindex::rebuild(store, base, package, Some(&index)).await?;
        return Ok(Current { index, condition, pending: true });
    }
    Ok(Current { index, condition, pending: false })
}

/// Whether what a store gave back was signed by this key, or by one that we believe: only then it may
/// be carried over into what is signed next.
pub(crate) async fn is_signed(
    store: &Store,
    package: &str,
    key: &SigningKey,
    signed: Signed<'_>,
    place: &str,
    text: &[u8],
) -> Result<bool, RegistryError> {
    let signature = store.document(&signature_key(package, text), SIGNATURE_LIMIT).await?;
    Ok(signature.is_some_and(|signature| {
        key.signed(text, &signature.bytes)
            || (store.trust().demands_signatures()
                && store.trust().verify(signed, place, text, &signature.bytes).is_ok())
    }))
}

/// Changes the index; `change` says whether it changed something. Gives the index that is there then.
pub(crate) async fn change(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    key: Option<&SigningKey>,
    conditional: bool,
    mut change: impl AsyncFnMut(&mut Index) -> Result<bool, RegistryError>,
) -> Result<Index, RegistryError> {
    let place = base.index(package);
    for _ in 0..ATTEMPTS {
        let Current { mut index, condition, pending } = current(store, base, package, key).await?;
        if !change(&mut index).await? && !pending {
            return Ok(index);
        }
        let condition = if conditional { condition } else { If::Always };
        if write(store, base, package, key, &mut index, &condition).await? {
            return Ok(index);
        }
    }
    Err(RegistryError::Busy { key: place })
}

/// Writes down in the index what is published of a ref at this moment; `owns` is the repository that
/// publishes it. The release is read after the index and before it is written, so that of two
/// publishers of a ref none writes down an older state than the other has.
pub(crate) async fn record(
    store: &Store,
    place: &RefPlace,
    key: Option<&SigningKey>,
    conditional: bool,
    owns: Option<&str>,
) -> Result<Index, RegistryError> {
    let record = async |index: &mut Index| {
        if let (Some(owner), Some(ours)) = (&index.repository, owns)
            && !owner.eq_ignore_ascii_case(ours)
        {
            let (package, owner, ours) = (place.package.to_string(), owner.clone(), ours.to_owned());
            return Err(RegistryError::Foreign { package, owner, ours });
        }
        let release_key = place.release();
        let Some(document) = store.document(&release_key, Release::LIMIT).await? else {
            return Ok(index.remove(&place.git_ref));
        };
        let release = resolve::parse_release(place, release_key, &document.bytes)?;
        let first = release.git_ref.is_release() && index.repository.is_none();
        if first {
            index.repository = Some(release.repository.clone());
        }
        Ok(index.put(entry(&release, Sha256::of(&document.bytes))) || first)
    };
    change(store, &place.base, &place.package, key, conditional, record).await
}

/// What the index says of a release.
pub(crate) fn entry(release: &Release, digest: Sha256) -> IndexEntry {
    IndexEntry {
        created: release.created.clone(),
        git_ref: release.git_ref.clone(),
        release: Some(digest),
        size: Some(release.total_size()),
        targets: release.targets.iter().map(|entry| entry.target).collect(),
        version: release.version.clone(),
        yanked: release.yanked.clone(),
    }
}

/// Writes the next state of the index; `false` if another publisher was faster.
pub(crate) async fn write(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    key: Option<&SigningKey>,
    index: &mut Index,
    condition: &If,
) -> Result<bool, RegistryError> {
    index.serial += 1;
    // It never goes back, whatever the clock of this machine says.
    index.updated = index.updated.clone().max(Timestamp::from_epoch(now()));
    let (place, text) = (base.index(package), index.to_canonical_json());
    if text.len() as u64 > Index::LIMIT {
        return Err(RegistryError::TooLarge { key: place, limit: Index::LIMIT });
    }
    sign(store, &base.package(package), key, &text).await?;
    match store.put_bytes(&place, text.clone(), condition).await? {
        Written::Yes => {}
        Written::Refused => return Ok(false),
        Written::Unsupported => {
            store.put_bytes(&place, text.clone(), &If::Always).await?;
        }
    }
    // Where conditions mean nothing, another one may have written at the same moment.
    let there = store.document(&place, Index::LIMIT).await?;
    Ok(there.is_some_and(|there| there.bytes == text))
}

/// Signs a document that is about to be written. What is signed is always made here.
pub(crate) async fn sign(
    store: &Store,
    package: &str,
    key: Option<&SigningKey>,
    text: &[u8],
) -> Result<Option<Vec<u8>>, RegistryError> {
    let Some(signing_key) = key else { return Ok(None) };
    let place = signature_key(package, text);
    if let Some(there) = store.document(&place, SIGNATURE_LIMIT).await?
        && signing_key.signed(text, &there.bytes)
    {
        return Ok(Some(there.bytes.into()));
    }
    let signature = signing_key.sign(text).map_err(|reason| RegistryError::Signature { key: place.clone(), reason })?;
    store.put_bytes(&place, signature.clone(), &If::Always).await?;
    Ok(Some(signature))
}
