// SPDX-License-Identifier: Apache-2.0
//! Publication: the files and `SHA256SUMS`, then the manifest; aliases after the commit point.

use crate::key::{self, Alias, MANIFEST_SIGNATURE};
use crate::prune::{before, prune, retire};
use crate::writer::{Content, Writer};
use crate::{BasePath, Conflict, Location, RegistryError, SigningKey, Store, resolve};
use artifact::{Bundle, FileEntry, Manifest, Sha256, sha256sums};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How to publish.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// How many files are sent at the same time.
    pub concurrency: usize,
    /// Whether `…_latest_…` names are kept.
    pub latest: bool,
    /// After which time a branch loses files that no manifest names any more; `None` for never.
    pub prune_after: Option<Duration>,
    /// Signs the manifest.
    pub signing_key: Option<SigningKey>,
}

/// What a publication did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// Files that were sent.
    pub uploaded: usize,
    /// Files that were there already.
    pub skipped: usize,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Whether the manifest was there already, so that readers see no change.
    pub unchanged: bool,
    /// Files of earlier publications that were removed.
    pub pruned: usize,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// Publishes a bundle; `progress` is told of each file that is done, and whether it was sent. Files
/// are verified as they are read, and one that is not the manifest's ends the publication before
/// its commit point.
pub async fn publish(
    store: &Store,
    base: &BasePath,
    bundle: &Bundle,
    options: &PublishOptions,
    progress: &(dyn Fn(&FileEntry, bool) + Sync),
) -> Result<Publication, RegistryError> {
    let manifest = bundle.manifest();
    let location = Location::of(base.clone(), manifest);
    let writer = Writer::prepare(store, base, &manifest.package, &location).await?;
    let mut publication = Publication::default();
    if !writer.conditional {
        publication.warnings.push(
            "this store ignores conditional writes: published files are checked, written and read back instead, \
             which does not protect against two publishers at the same moment"
                .to_owned(),
        );
    }
    let (done, committed) = (Mutex::default(), AtomicBool::default());
    let publisher = Publisher { store, location, bundle, manifest, options, writer, progress, done, committed };
    let limit = store.time_limit();
    let finished = async {
        if manifest.git_ref.is_release() {
            publisher.release(&mut publication).await
        } else {
            publisher.branch(&mut publication).await
        }
    };
    let finished = tokio::time::timeout(limit, finished).await;
    publisher.writer.give_up().await;
    match finished {
        Ok(Ok(())) => Ok(publication),
        Ok(Err(error)) if !error.is_transient() => Err(error),
        Ok(Err(error)) => Err(publisher.unfinished(error)),
        Err(_) => Err(publisher.unfinished(RegistryError::TimeLimit(limit))),
    }
}

/// One publication.
struct Publisher<'a> {
    store: &'a Store,
    location: Location,
    bundle: &'a Bundle,
    manifest: &'a Manifest,
    options: &'a PublishOptions,
    writer: Writer<'a>,
    progress: &'a (dyn Fn(&FileEntry, bool) + Sync),
    /// Files that are on the store.
    done: Mutex<BTreeSet<String>>,
    /// Whether the commit point is behind us.
    committed: AtomicBool,
}

impl Publisher<'_> {
    /// What is there and what is not, at the moment of a failure.
    fn unfinished(&self, error: RegistryError) -> RegistryError {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let names = self.manifest.files.iter().map(|file| file.name.to_string());
        let (published, missing) = names.partition(|name| done.contains(name));
        let committed = self.committed.load(Ordering::Relaxed);
        RegistryError::Unfinished { published, missing, committed, source: Box::new(error) }
    }

    /// A release: every object once.
    async fn release(&self, publication: &mut Publication) -> Result<(), RegistryError> {
        self.claim().await?;
        self.send_files(&BTreeSet::new(), publication).await?;
        self.sign(&self.manifest.to_canonical_json()).await?;
        publication.unchanged = self.commit_release().await?;
        self.committed.store(true, Ordering::Relaxed);
        self.sign_aside().await?;
        self.keep(key::aliases(&self.location, self.manifest, self.options.latest)).await
    }

    /// Signs a manifest that is published next, or was published by a run that did not sign.
    async fn sign(&self, text: &[u8]) -> Result<Option<Vec<u8>>, RegistryError> {
        let Some(signing_key) = &self.options.signing_key else { return Ok(None) };
        let key = self.location.signature(Sha256::of(text));
        if let Some(there) = self.store.document(&key).await?
            && signing_key.signed(text, &there)
        {
            return Ok(Some(there.into()));
        }
        match signing_key.sign(text) {
            Ok(signature) => {
                self.store.put_bytes(&key, signature.clone(), false).await?;
                Ok(Some(signature))
            }
            Err(reason) => Err(RegistryError::Signature { key, reason }),
        }
    }

    /// Signs what is published, also beside the manifest, for people who verify by hand.
    async fn sign_aside(&self) -> Result<(), RegistryError> {
        if self.options.signing_key.is_none() {
            return Ok(());
        }
        let Some(text) = self.store.document(&self.location.manifest()).await? else { return Ok(()) };
        match self.sign(&text).await? {
            Some(signature) => self.put_changed(&self.location.named(MANIFEST_SIGNATURE), signature).await,
            None => Ok(()),
        }
    }

    /// Writes a document unless it is there already.
    async fn put_changed(&self, key: &str, content: Vec<u8>) -> Result<(), RegistryError> {
        if self.store.document(key).await?.as_deref() != Some(content.as_slice()) {
            self.store.put_bytes(key, content, false).await?;
        }
        Ok(())
    }

    /// The digest list is the claim to a release: of publishers with different content one gets it,
    /// by one small conditional write, and the others send nothing. The files themselves would not
    /// do: not every store completes an object of parts on condition without a gap.
    async fn claim(&self) -> Result<(), RegistryError> {
        let sums = sha256sums::render(&self.manifest.files).into_bytes();
        match self.writer.once(&self.location.sums(), Content::Bytes(&sums)).await {
            Err(RegistryError::Immutable(conflict)) => {
                Err(RegistryError::Immutable(self.difference().await?.unwrap_or(conflict)))
            }
            result => result.map(drop),
        }
    }

    /// The first file whose digest differs from the one that is claimed.
    async fn difference(&self) -> Result<Option<Conflict>, RegistryError> {
        let claimed = self.store.document(&self.location.sums()).await?.unwrap_or_default();
        let claimed = sha256sums::parse(&String::from_utf8_lossy(&claimed)).unwrap_or_default();
        Ok(self.manifest.files.iter().find_map(|file| {
            let (published, _) = claimed.iter().find(|(digest, name)| *name == file.name && *digest != file.sha256)?;
            Some(Conflict { key: self.location.object(file), published: Some(*published), ours: file.sha256 })
        }))
    }

    /// The commit point of a release; whether it was there already.
    async fn commit_release(&self) -> Result<bool, RegistryError> {
        let (key, marker) = (self.location.manifest(), self.location.marker());
        // What was not there at the beginning is hardly there now, and the write would tell.
        let released = self.writer.present.contains_key(&key) && self.is_released().await?;
        if !released || self.store.info(&marker).await?.is_none() {
            // Before the manifest: a release that can be read is also found by its version.
            self.store.put_bytes(&marker, self.manifest.version.to_string().into(), false).await?;
        }
        if released {
            return Ok(true);
        }
        let text = self.manifest.to_canonical_json();
        match self.writer.once(&key, Content::Bytes(&text)).await {
            Ok(sent) => Ok(!sent),
            // Another run may have released the same in between.
            Err(error @ RegistryError::Immutable(_)) => {
                if self.is_released().await? {
                    Ok(true)
                } else {
                    Err(error)
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the release is there already. The run that made it may be another one, since a
    /// release can be built again; everything else must be equal.
    async fn is_released(&self) -> Result<bool, RegistryError> {
        let Some(published) = resolve::read(self.store, &self.location).await? else { return Ok(false) };
        let mut ours = self.manifest.clone();
        ours.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Manifest { run: None, ..published } == Manifest { run: None, ..ours })
    }

    /// A branch: new objects beside the old ones, then one request that replaces the manifest.
    ///
    /// The plain names and `SHA256SUMS`, for readers that know no manifest, follow: the list comes
    /// after the files that it names, so that they are there whenever it is read.
    async fn branch(&self, publication: &mut Publication) -> Result<(), RegistryError> {
        let manifest_key = self.location.manifest();
        let previous = self.store.document(&manifest_key).await?;
        let renewed = self.expiring(previous.as_deref());
        self.send_files(&renewed, publication).await?;

        let text = self.manifest.to_canonical_json();
        publication.unchanged = previous.as_deref() == Some(text.as_slice());
        if !publication.unchanged {
            self.sign(&text).await?;
            if let Some(previous) = previous {
                retire(self.store, &self.location, &previous).await?;
            }
            // The commit point.
            self.store.put_bytes(&manifest_key, text, false).await?;
        }
        self.committed.store(true, Ordering::Relaxed);
        // Also where nothing changed: the run that committed may not have come so far.
        let aliases = key::aliases(&self.location, self.manifest, self.options.latest);
        let (latest, plain) = aliases.into_iter().partition(|alias| alias.latest);
        self.keep(plain).await?;
        let (key, sums) = (self.location.sums(), sha256sums::render(&self.manifest.files).into_bytes());
        self.put_changed(&key, sums).await?;
        self.sign_aside().await?;
        self.keep(latest).await?;
        if let Some(age) = self.options.prune_after {
            publication.pruned = prune(self.store, &self.location, self.manifest, age).await?;
        }
        Ok(())
    }

    /// Objects that are there, but that another run could be about to remove: old ones that the
    /// current manifest does not name.
    fn expiring(&self, current: Option<&[u8]>) -> BTreeSet<String> {
        let Some(age) = self.options.prune_after else { return BTreeSet::new() };
        let files = current.and_then(|text| Manifest::parse(text).ok()).map(|manifest| manifest.files);
        let named: BTreeSet<_> = files.iter().flatten().map(|file| self.location.object(file)).collect();
        let limit = before(age / 2);
        let old = self.writer.present.iter().filter(|(key, modified)| **modified < limit && !named.contains(*key));
        old.map(|(key, _)| key.clone()).collect()
    }

    async fn send_files(&self, renewed: &BTreeSet<String>, publication: &mut Publication) -> Result<(), RegistryError> {
        let transfers = stream::iter(&self.manifest.files).map(|entry| async move {
            let (key, content) = (self.location.object(entry), Content::File { bundle: self.bundle, entry });
            let sent = if renewed.contains(&key) {
                self.writer.renew(&key, content).await?;
                true
            } else {
                self.writer.once(&key, content).await?
            };
            self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.name.to_string());
            (self.progress)(entry, sent);
            Ok::<_, RegistryError>((entry, sent))
        });
        let done: Vec<_> = transfers.buffer_unordered(self.options.concurrency.max(1)).try_collect().await?;
        for (entry, sent) in done {
            if sent {
                publication.uploaded += 1;
                publication.bytes += entry.size;
            } else {
                publication.skipped += 1;
            }
        }
        Ok(())
    }

    /// Makes names that do not go through a manifest, unless they are right already.
    async fn keep(&self, aliases: Vec<Alias>) -> Result<(), RegistryError> {
        let copies = stream::iter(aliases).map(|alias| async move {
            let right = self.writer.present.contains_key(&alias.to)
                && self.store.info(&alias.to).await?.is_some_and(|info| info.sha256 == Some(alias.sha256));
            if right { Ok(()) } else { self.store.copy(&alias.from, &alias.to).await }
        });
        copies.buffer_unordered(self.options.concurrency.max(1)).try_collect().await
    }
}
