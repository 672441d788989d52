// SPDX-License-Identifier: Apache-2.0
//! What whoever runs a store does to it: look, check, repair, withdraw, clean up.

mod collect;
mod repair;
mod verify;
mod withdraw;

pub use collect::{Collected, Collection, collect};
pub use repair::{Repaired, repair};
pub use verify::{Problem, Verified, verify};
pub use withdraw::{unyank, yank};

use crate::conditions;
use crate::store::If;
use crate::{BasePath, RegistryError, SigningKey, Store, index, reindex};
use artifact::{Index, PackageName};

/// The packages below a base path.
pub async fn packages(store: &Store, base: &BasePath) -> Result<Vec<PackageName>, RegistryError> {
    let names = store.folders(&base.to_string(), &base.to_string()).await?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// The index of a package, as readers read it; `None` if it has none.
pub async fn index(store: &Store, base: &BasePath, package: &PackageName) -> Result<Option<Index>, RegistryError> {
    index::read(store, base, package).await
}

/// The index that a listing would give, without writing it.
pub async fn listed(store: &Store, base: &BasePath, package: &PackageName) -> Result<Index, RegistryError> {
    reindex::rebuild(store, base, package, None).await
}

/// Makes the index again from what is listed, in either layout, and writes it: also where nothing
/// changed, since readers may ask how old it is.
pub async fn reindex(
    store: &Store,
    base: &BasePath,
    package: &PackageName,
    signing_key: Option<&SigningKey>,
) -> Result<Index, RegistryError> {
    let key = base.index(package);
    let conditional = conditions::probe(store, base, package).await?.are_honoured();
    for _ in 0..10 {
        let there = store.document(&key, Index::LIMIT).await?;
        // One that cannot be read is replaced; one of a newer layout is not.
        let previous = match &there {
            Some(document) => match index::parse(base, package, key.clone(), &document.bytes) {
                Ok(index) => Some(index),
                Err(error @ RegistryError::Document { source: artifact::DocumentError::NewerSchema { .. }, .. }) => {
                    return Err(error);
                }
                Err(_) => None,
            },
            None => None,
        };
        let mut index = reindex::rebuild(store, base, package, previous.as_ref()).await?;
        if index.entries.is_empty() && previous.is_none() {
            let what = "releases or branches".to_owned();
            return Err(RegistryError::Absent { package: package.to_string(), what });
        }
        let condition = match there.map(|document| document.tag) {
            None => If::Absent,
            Some(Some(tag)) => If::Unchanged(tag),
            Some(None) => If::Always,
        };
        let condition = if conditional { condition } else { If::Always };
        if index::write(store, base, package, signing_key, &mut index, &condition).await? {
            return Ok(index);
        }
    }
    Err(RegistryError::Busy { key })
}
