// SPDX-License-Identifier: Apache-2.0
//! Names that do not go through a manifest: copies, for readers that know none.

use crate::key::{self, Alias};
use crate::store::If;
use crate::{Location, PublishOptions, RegistryError, Store};
use artifact::{Bundle, sha256sums};
use futures_util::{StreamExt, TryStreamExt, stream};

/// Makes such names.
pub(crate) struct Names<'a> {
    pub store: &'a Store,
    pub options: &'a PublishOptions,
    /// Whether the publication changed something; otherwise most names are right already.
    pub changed: bool,
}

impl Names<'_> {
    /// The names of a bundle: its files, then the list that names them, then its manifest, then
    /// `latest`.
    pub async fn keep(&self, location: &Location, bundle: &Bundle) -> Result<(), RegistryError> {
        let manifest = bundle.manifest();
        let plain = key::aliases(location, manifest, self.options.plain_names, false);
        self.copy(plain, bundle).await?;
        self.put_changed(&location.sums(), sha256sums::render(&manifest.files).into_bytes()).await?;
        self.put_changed(&location.manifest(), manifest.to_canonical_json()).await?;
        if self.options.latest {
            let latest = if manifest.git_ref.is_release() {
                self.latest_release(location, bundle).await?
            } else {
                key::aliases(location, manifest, false, true)
            };
            self.copy(latest, bundle).await?;
        }
        Ok(())
    }

    /// The names below `rev/latest`, if this is the highest release for its target.
    async fn latest_release(&self, location: &Location, bundle: &Bundle) -> Result<Vec<Alias>, RegistryError> {
        let manifest = bundle.manifest();
        if manifest.version.is_prerelease() {
            return Ok(Vec::new());
        }
        let current = crate::index::current(self.store, &location.base, &location.package, None).await?;
        let higher = current.index.entries.iter().any(|entry| {
            entry.yanked.is_none()
                && entry.targets.contains(&location.target())
                && entry.git_ref.release().is_some_and(|version| !version.is_prerelease() && version > manifest.version)
        });
        Ok(if higher { Vec::new() } else { key::latest_release(location, manifest) })
    }

    /// Writes a document unless it is there already.
    pub async fn put_changed(&self, key: &str, content: Vec<u8>) -> Result<(), RegistryError> {
        let there = self.store.document(key, content.len() as u64 + 1).await;
        if matches!(there, Ok(Some(there)) if there.bytes == content) {
            return Ok(());
        }
        self.store.put_bytes(key, content, &If::Always).await.map(drop)
    }

    async fn copy(&self, aliases: Vec<Alias>, bundle: &Bundle) -> Result<(), RegistryError> {
        let copies = stream::iter(aliases).map(|alias| async move {
            if !self.changed && self.is_right(&alias).await? {
                return Ok(());
            }
            match self.store.copy(&alias.from, &alias.to).await {
                // Who may write may not always copy, and not every store can.
                Err(RegistryError::Denied { .. } | RegistryError::Refused { .. } | RegistryError::Request { .. }) => {
                    self.send(&alias, bundle).await
                }
                copied => copied,
            }
        });
        copies.buffer_unordered(self.options.concurrency.max(1)).try_collect().await
    }

    async fn is_right(&self, alias: &Alias) -> Result<bool, RegistryError> {
        Ok(self
            .store
            .info(&alias.to)
            .await?
            .is_some_and(|info| info.sha256 == Some(alias.sha256) && info.size == alias.size))
    }

    async fn send(&self, alias: &Alias, bundle: &Bundle) -> Result<(), RegistryError> {
        let file = bundle.manifest().files.iter().find(|file| file.sha256 == alias.sha256);
        match file {
            Some(file) => self.store.put_file(&alias.to, &bundle.path(file), alias.sha256, &If::Always).await.map(drop),
            None => Err(RegistryError::NoObject { key: alias.from.clone() }),
        }
    }
}
