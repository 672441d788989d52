//! Publication: files, then `SHA256SUMS`, then the manifest; aliases after the commit point.

use crate::store::Written;
use crate::{BasePath, Conflict, Location, RegistryError, Store, key, resolve};
use artifact::{Bundle, FileEntry, Manifest, Sha256, sha256sums};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How to publish.
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// How many files are sent at the same time.
    pub concurrency: usize,
    /// Whether `…_latest_…` names are kept.
    pub latest: bool,
    /// After which time a branch loses files that no manifest names any more; `None` for never.
    pub prune_after: Option<Duration>,
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

/// Publishes a bundle whose bytes have been verified; `progress` is told of each file that is
/// done, and whether it was sent.
pub async fn publish(
    store: &Store,
    base: &BasePath,
    bundle: &Bundle,
    options: &PublishOptions,
    progress: &(dyn Fn(&FileEntry, bool) + Sync),
) -> Result<Publication, RegistryError> {
    bundle.verify()?;
    let manifest = bundle.manifest();
    let location = Location::of(base.clone(), manifest);
    let mut publication = Publication::default();
    let writer = Writer::prepare(store, base, manifest, &mut publication).await?;

    send_files(&writer, &location, bundle, options, progress, &mut publication).await?;
    let sums = sha256sums::render(&manifest.files).into_bytes();
    let text = manifest.to_canonical_json();
    if manifest.git_ref.is_release() {
        writer.once(&location.sums(), Content::Bytes(&sums)).await?;
        publication.unchanged = is_published(store, &location, manifest).await?;
        if !publication.unchanged {
            // The commit point.
            publication.unchanged = !writer.once(&location.manifest(), Content::Bytes(&text)).await?;
        }
    } else {
        publication.unchanged = store.document(&location.manifest()).await?.is_some_and(|found| found == text);
        if !publication.unchanged {
            // The commit point: one request replaces the manifest.
            store.put_bytes(&location.manifest(), text, false).await?;
            store.put_bytes(&location.sums(), sums, false).await?;
        }
    }
    keep_aliases(store, &location, manifest, options).await?;
    if let Some(age) = options.prune_after.filter(|_| !manifest.git_ref.is_release()) {
        publication.pruned = prune(store, &location, manifest, age).await?;
    }
    Ok(publication)
}

/// Whether the release is there already. The run that made it may be another one, since a release
/// can be built again; everything else must be equal.
async fn is_published(store: &Store, location: &Location, manifest: &Manifest) -> Result<bool, RegistryError> {
    let Some(published) = resolve::read(store, location).await? else { return Ok(false) };
    Ok(Manifest { run: None, ..published } == Manifest { run: None, ..sorted(manifest) })
}

fn sorted(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
    manifest
}

/// What an object is to hold.
#[derive(Clone, Copy)]
enum Content<'a> {
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
}

/// Writes objects that must not replace others.
struct Writer<'a> {
    store: &'a Store,
    /// Whether the store refuses a conditional write where it should.
    conditional: bool,
}

impl<'a> Writer<'a> {
    /// Asks the store whether it honours conditional writes: the second of two equal ones must be
    /// refused. The object stays, so that the next publication needs one request.
    async fn prepare(
        store: &'a Store,
        base: &BasePath,
        manifest: &Manifest,
        publication: &mut Publication,
    ) -> Result<Self, RegistryError> {
        const CONTENT: &[u8] = b"Written by vaccel-ci to learn whether this store honours If-None-Match.\n";
        let probe = base.probe(&manifest.package);
        let mut conditional = false;
        for _ in 0..2 {
            conditional = conditional || store.put_bytes(&probe, CONTENT.to_vec(), true).await? == Written::Exists;
        }
        if !conditional {
            publication.warnings.push(
                "this store ignores conditional writes: published files are checked, written and read back instead, \
                 which does not protect against two publishers at the same moment"
                    .to_owned(),
            );
        }
        Ok(Self { store, conditional })
    }

    /// Writes an object that must not change: `true` if it was sent, `false` if it was there with
    /// equal content; other content is an error.
    async fn once(&self, key: &str, content: Content<'_>) -> Result<bool, RegistryError> {
        if !self.conditional && self.is_equal(key, &content).await? {
            return Ok(false);
        }
        if self.send(key, &content, true).await? == Written::Exists {
            return if self.is_equal(key, &content).await? {
                Ok(false)
            } else {
                Err(RegistryError::Request {
                    operation: "writing",
                    key: key.to_owned(),
                    reason: "another publisher is writing it; try again".to_owned(),
                })
            };
        }
        if !self.conditional && !self.is_equal(key, &content).await? {
            return Err(RegistryError::Request {
                operation: "writing",
                key: key.to_owned(),
                reason: "it is not there after it was written".to_owned(),
            });
        }
        Ok(true)
    }

    async fn send(&self, key: &str, content: &Content<'_>, if_absent: bool) -> Result<Written, RegistryError> {
        match content {
            Content::File { bundle, entry } => {
                self.store.put_file(key, &bundle.path(entry), entry.sha256, if_absent).await
            }
            Content::Bytes(bytes) => self.store.put_bytes(key, bytes.to_vec(), if_absent).await,
        }
    }

    /// Whether the object exists with this content; an error if it has another.
    async fn is_equal(&self, key: &str, content: &Content<'_>) -> Result<bool, RegistryError> {
        let Some(info) = self.store.info(key).await? else { return Ok(false) };
        let ours = content.digest();
        match info.sha256 {
            Some(published) if published == ours => Ok(true),
            published => Err(RegistryError::Immutable(Conflict { key: key.to_owned(), published, ours })),
        }
    }
}

async fn send_files(
    writer: &Writer<'_>,
    location: &Location,
    bundle: &Bundle,
    options: &PublishOptions,
    progress: &(dyn Fn(&FileEntry, bool) + Sync),
    publication: &mut Publication,
) -> Result<(), RegistryError> {
    let transfers = stream::iter(&bundle.manifest().files).map(|entry| async move {
        let sent = writer.once(&location.object(entry), Content::File { bundle, entry }).await?;
        progress(entry, sent);
        Ok::<_, RegistryError>((entry, sent))
    });
    let done: Vec<_> = transfers.buffer_unordered(options.concurrency.max(1)).try_collect().await?;
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

/// Names that do not go through a manifest: `…_latest_…`, and on a branch the plain ones.
async fn keep_aliases(
    store: &Store,
    location: &Location,
    manifest: &Manifest,
    options: &PublishOptions,
) -> Result<(), RegistryError> {
    let mut aliases = Vec::new();
    for file in &manifest.files {
        let object = location.object(file);
        if !manifest.git_ref.is_release() {
            aliases.push((object.clone(), location.named(file.name.as_str())));
        }
        if let Some(name) = key::latest_name(file.name.as_str(), manifest).filter(|_| options.latest) {
            aliases.push((object, location.named(&name)));
        }
    }
    let copies = stream::iter(aliases).map(|(from, to)| async move { store.copy(&from, &to).await });
    copies.buffer_unordered(options.concurrency.max(1)).try_collect().await
}

/// Removes a branch's objects that its manifest does not name and that are older than the grace
/// period, which gives readers of an earlier manifest the time to finish.
async fn prune(store: &Store, location: &Location, manifest: &Manifest, age: Duration) -> Result<usize, RegistryError> {
    let named: BTreeSet<String> = manifest.files.iter().map(|file| location.object(file)).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let limit = i64::try_from(now.saturating_sub(age).as_secs()).unwrap_or(i64::MAX);
    let mut removed = 0;
    for (key, modified) in store.keys(&location.objects()).await? {
        if modified < limit && !named.contains(&key) {
            store.delete(&key).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
