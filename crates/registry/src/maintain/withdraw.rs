// SPDX-License-Identifier: Apache-2.0
//! Withdrawing a release: it stays, and nobody gets it who did not ask for it.

use crate::conditions;
use crate::key::RefPlace;
use crate::settings::now;
use crate::store::{If, Written};
use crate::{BasePath, RegistryError, SigningKey, Store, index, resolve};
use artifact::{PackageName, RefName, Release, Timestamp, Version, Yanked};

/// Withdraws a release, for a reason that whoever fetches it reads.
pub async fn yank(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    version: &Version,
    reason: &str,
    signing_key: Option<&SigningKey>,
) -> Result<bool, RegistryError> {
    if reason.trim().is_empty() {
        return Err(RegistryError::Mismatch("a release is yanked for a reason, and none is given".to_owned()));
    }
    let yanked = Yanked { reason: reason.trim().to_owned(), since: Timestamp::from_epoch(now()) };
    set(store, base, package, version, Some(yanked), signing_key).await
}

/// Takes that back.
pub async fn unyank(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    version: &Version,
    signing_key: Option<&SigningKey>,
) -> Result<bool, RegistryError> {
    set(store, base, package, version, None, signing_key).await
}

/// Whether it changed something.
async fn set(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    version: &Version,
    yanked: Option<Yanked>,
    signing_key: Option<&SigningKey>,
) -> Result<bool, RegistryError> {
    let absent = || RegistryError::Absent { package: package.to_string(), what: format!("release {version}") };
    let git_ref: RefName = format!("v{version}").parse().map_err(|_| absent())?;
    let place = RefPlace { base: base.clone(), package: package.clone(), git_ref };
    let conditional = conditions::probe(store, base, package).await?.are_honoured();
    let key = place.release();
    for _ in 0..10 {
        let document = store.document(&key, Release::LIMIT).await?.ok_or_else(absent)?;
        let current = resolve::parse_release(&place, key.clone(), &document.bytes)?;
        let known = |yanked: &Option<Yanked>| yanked.as_ref().map(|yanked| yanked.reason.clone());
        let changed = known(&current.yanked) != known(&yanked);
        let next =
            if changed { Release { serial: current.serial + 1, yanked: yanked.clone(), ..current } } else { current };
        let text = next.to_canonical_json();
        if changed {
            index::sign(store, &base.package(package), signing_key, &text).await?;
            let condition = document.tag.filter(|_| conditional).map_or(If::Always, If::Unchanged);
            match store.put_bytes(&key, text.clone(), &condition).await? {
                Written::Refused => continue,
                Written::Unsupported => drop(store.put_bytes(&key, text.clone(), &If::Always).await?),
                Written::Yes => {}
            }
        }
        index::record(store, &place, signing_key, conditional, None).await?;
        return Ok(changed);
    }
    Err(RegistryError::Busy { key })
}
