// SPDX-License-Identifier: Apache-2.0
//! Publication of a version: all content under its digests, then `release.json`, the commit point of
//! all its targets, then the index; plain names follow.

use crate::commit::{self, Next};
use crate::conditions::{self, Conditions};
use crate::content::{self, Content};
use crate::key::{LONGEST_KEY, LONGEST_NAME, RefPlace};
use crate::layout1::MANIFEST_LIMIT;
use crate::settings::now;
use crate::store::{If, Written};
use crate::trust::Signed;
use crate::{BasePath, Conflict, Location, RegistryError, SigningKey, Store, gc, index, plain, resolve, turn};
use artifact::{
    Bundle, Commit, FileEntry, Index, Manifest, RELEASE, Release, ReleaseTarget, Run, Sha256, TargetKey, Timestamp,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use toolkit::signals;

/// How often another publisher may be faster.
const ATTEMPTS: u32 = 20;

/// Whether the first commit is an ancestor of the second one.
pub type IsAncestor = Arc<dyn Fn(&Commit, &Commit) -> bool + Send + Sync>;

/// How to publish.
#[derive(Clone)]
pub struct PublishOptions {
    /// How many files are sent at the same time.
    pub concurrency: usize,
    /// Whether `…_latest_…` names are kept, of branches and below `rev/latest`.
    pub latest: bool,
    /// Whether files are copied to their plain names, for readers that know no manifest.
    pub plain_names: bool,
    /// After which time a branch loses files that nothing names any more; `None` for never.
    pub prune_after: Option<Duration>,
    /// Signs the release and the index.
    pub signing_key: Option<SigningKey>,
    /// Whether a branch may go back, and other content of its commit may replace what is published.
    pub allow_rollback: bool,
    /// The repository that publishes; absent, the one that the bundles name.
    pub repository: Option<String>,
    /// The run that publishes.
    pub run: Option<Run>,
    /// Knows the history, if anybody does.
    pub is_ancestor: Option<IsAncestor>,
}

impl Default for PublishOptions {
    fn default() -> Self {
        Self {
            concurrency: 16,
            latest: true,
            plain_names: true,
            prune_after: None,
            signing_key: None,
            allow_rollback: false,
            repository: None,
            run: None,
            is_ancestor: None,
        }
    }
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
    /// Whether all of it was published already, so that readers see no change.
    pub unchanged: bool,
    /// Objects of earlier publications that were removed.
    pub pruned: usize,
    /// All targets of the version that are published now.
    pub targets: Vec<TargetKey>,
    /// Why nothing was published: a newer commit is.
    pub older_than: Option<String>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// Publishes the bundles of a version in one commit; `progress` is told of each file that is done, and
/// whether it was sent. Files are verified as they are read, and one that is not the manifest's ends
/// the publication before its commit point.
pub async fn publish(
    store: &Store,
    base: &BasePath,
    bundles: &[Bundle],
    options: &PublishOptions,
    progress: &(dyn Fn(&FileEntry, bool) + Sync),
) -> Result<Publication, RegistryError> {
    let ours = siblings(base, bundles, options)?;
    if !store.is_listable() {
        return Err(RegistryError::Mismatch("a web server can only be read: bucket is missing".to_owned()));
    }
    let place = RefPlace { base: base.clone(), package: ours.package.clone(), git_ref: ours.git_ref.clone() };
    let (sent, committed) = (Mutex::default(), AtomicBool::default());
    let publisher = Publisher { store, place, bundles, ours, options, progress, sent, committed };
    let mut publication = Publication::default();
    let limit = store.time_limit();
    let watch = signals::Watch::start().map_err(|source| RegistryError::File { path: "signals".into(), source })?;
    let interrupted = async {
        loop {
            if let Some(signal) = watch.received() {
                return signal;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let finished = tokio::select! {
        finished = publisher.run(&mut publication) => finished,
        () = tokio::time::sleep(limit) => Err(RegistryError::TimeLimit(limit)),
        signal = interrupted => Err(RegistryError::Interrupted(signals::name(signal))),
    };
    store.abort_uploads().await;
    finished.map(|()| publication).map_err(|error| publisher.unfinished(error))
}

/// What all the bundles say together; an error if they are not of one version, or could be published
/// and not be fetched.
fn siblings(base: &BasePath, bundles: &[Bundle], options: &PublishOptions) -> Result<Release, RegistryError> {
    let mismatch = |text: String| Err(RegistryError::Mismatch(text));
    let Some(first) = bundles.first().map(Bundle::manifest) else {
        return mismatch("there is no bundle to publish".to_owned());
    };
    let mut targets: Vec<ReleaseTarget> = Vec::new();
    for bundle in bundles {
        let manifest = bundle.manifest();
        let target = TargetKey { arch: manifest.arch, build_type: manifest.build_type };
        let pairs = [
            ("package", first.package.to_string(), manifest.package.to_string()),
            ("ref", first.git_ref.to_string(), manifest.git_ref.to_string()),
            ("version", first.version.to_string(), manifest.version.to_string()),
            ("commit", first.commit.to_string(), manifest.commit.to_string()),
            ("repository", first.repository.clone(), manifest.repository.clone()),
        ];
        for (what, expected, found) in pairs {
            if expected != found {
                return mismatch(format!(
                    "the bundle {} is of another {what} than its siblings: {found} instead of {expected}",
                    bundle.folder().display()
                ));
            }
        }
        if targets.iter().any(|known| known.target == target) {
            return mismatch(format!("two bundles are for {target}: {} and another one", bundle.folder().display()));
        }
        check_limits(base, manifest)?;
        let (digest, size) = (Sha256::of(&manifest.to_canonical_json()), manifest.total_size());
        targets.push(ReleaseTarget { manifest: digest, size, target });
    }
    if let Some(version) = first.git_ref.release()
        && version != first.version
    {
        return mismatch(format!("the release {} cannot have the version {}", first.git_ref, first.version));
    }
    targets.sort_by_key(|entry| entry.target);
    Ok(Release {
        base_path: base.name(),
        commit: first.commit.clone(),
        created: Timestamp::from_epoch(now()),
        package: first.package.clone(),
        git_ref: first.git_ref.clone(),
        repository: options.repository.clone().unwrap_or_else(|| first.repository.clone()),
        run: options.run.clone(),
        schema: Release::SCHEMA,
        serial: 1,
        targets,
        version: first.version.clone(),
        yanked: None,
    })
}

/// What cannot be fetched cannot be published.
fn check_limits(base: &BasePath, manifest: &Manifest) -> Result<(), RegistryError> {
    let location = Location::of(base.clone(), manifest);
    let mismatch = |text: String| Err(RegistryError::Mismatch(text));
    // Names that a ref's folder has for itself.
    let parts = || manifest.git_ref.as_str().split('/');
    if parts().any(|part| part == RELEASE || part == artifact::MANIFEST) || manifest.git_ref.as_str() == "latest" {
        return mismatch(format!("the branch {} cannot be published: a store needs the name itself", manifest.git_ref));
    }
    let keys = manifest.files.iter().flat_map(|file| [location.object(file), location.named(file.name.as_str())]);
    for key in keys.chain([location.manifest(), location.place().release()]) {
        if key.len() > LONGEST_KEY || key.split('/').any(|part| part.len() > LONGEST_NAME) {
            return mismatch(format!(
                "the key {key} is too long: at most {LONGEST_KEY} bytes, {LONGEST_NAME} in a name"
            ));
        }
    }
    let size = manifest.to_canonical_json().len() as u64;
    if size > MANIFEST_LIMIT {
        return mismatch(format!("the manifest has {size} bytes, and at most {MANIFEST_LIMIT} are read"));
    }
    Ok(())
}

/// A release as it is published.
struct Current {
    release: Release,
    /// The condition on which it may be replaced.
    condition: If,
    /// Whether it may be carried over: somebody whom we believe signed it, or we sign nothing.
    believed: bool,
}

/// What is to be done.
enum Decision {
    Write(Box<Release>),
    /// The same, with nothing new for readers but the signature.
    Sign(Box<Release>),
    Keep,
    Older(String),
}

/// One publication.
struct Publisher<'a> {
    store: &'a Store,
    place: RefPlace,
    bundles: &'a [Bundle],
    ours: Release,
    options: &'a PublishOptions,
    progress: &'a (dyn Fn(&FileEntry, bool) + Sync),
    /// Files that are on the store.
    sent: Mutex<BTreeSet<String>>,
    /// Whether the commit point is behind us.
    committed: AtomicBool,
}

impl Publisher<'_> {
    async fn run(&self, publication: &mut Publication) -> Result<(), RegistryError> {
        // First of all something is read: some stores make a bucket that is written to and not there.
        let current = self.current().await?;
        self.check_owner().await?;
        let mut ours = self.ours.clone();
        // What cannot be published is not sent.
        if let Decision::Older(why) = self.decide(current.as_ref(), &mut ours).await? {
            publication.older_than = Some(why);
            return Ok(());
        }
        let conditions = conditions::probe(self.store, &self.place.base, &self.place.package).await?;
        publication.warnings.extend(conditions.warning());
        self.send(current.as_ref(), conditions, publication).await?;
        let content =
            Sha256::of(&Release { created: Timestamp::from_epoch(0), ..self.ours.clone() }.to_canonical_json());
        let turn = turn::wait(self.store, &self.place.base, &self.place.package, content, conditions).await?;
        let done = self.commit(conditions, publication).await;
        turn.end(self.store).await;
        let Some(release) = done? else { return Ok(()) };
        self.plain_names(&release, publication).await
    }

    /// What is there and what is not, at the moment of a failure that is no refusal.
    fn unfinished(&self, error: RegistryError) -> RegistryError {
        let committed = self.committed.load(Ordering::Relaxed);
        if !committed && !error.is_transient() {
            return error;
        }
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let names: BTreeSet<_> = self.files().map(|(_, file)| file.name.to_string()).collect();
        let (published, missing) = names.into_iter().partition(|name| sent.contains(name));
        RegistryError::Unfinished { published, missing, committed, source: Box::new(error) }
    }

    fn files(&self) -> impl Iterator<Item = (&Bundle, &FileEntry)> {
        self.bundles.iter().flat_map(|bundle| bundle.manifest().files.iter().map(move |file| (bundle, file)))
    }

    fn location(&self, bundle: &Bundle) -> Location {
        Location::of(self.place.base.clone(), bundle.manifest())
    }

    /// The release as it is published.
    async fn current(&self) -> Result<Option<Current>, RegistryError> {
        let key = self.place.release();
        let Some(document) = self.store.document(&key, Release::LIMIT).await? else { return Ok(None) };
        let release = resolve::parse_release(&self.place, key.clone(), &document.bytes)?;
        let believed = match &self.options.signing_key {
            None => true,
            Some(signing_key) => {
                let package = self.place.base.package(&self.place.package);
                let signed = Signed::Ref(&self.place.git_ref);
                index::is_signed(self.store, &package, signing_key, signed, &key, &document.bytes).await?
            }
        };
        Ok(Some(Current { release, condition: document.tag.map_or(If::Always, If::Unchanged), believed }))
    }

    async fn check_owner(&self) -> Result<(), RegistryError> {
        let key = self.place.base.index(&self.place.package);
        match self.store.document(&key, Index::LIMIT).await? {
            Some(document) => self.owner(&index::parse(&self.place.base, &self.place.package, key, &document.bytes)?),
            None => Ok(()),
        }
    }

    /// A package belongs to the repository that released it first.
    fn owner(&self, index: &Index) -> Result<(), RegistryError> {
        match &index.repository {
            Some(owner) if !owner.eq_ignore_ascii_case(&self.ours.repository) => Err(RegistryError::Foreign {
                package: self.place.package.to_string(),
                owner: owner.clone(),
                ours: self.ours.repository.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The next state, or why there is none.
    async fn decide(&self, current: Option<&Current>, ours: &mut Release) -> Result<Decision, RegistryError> {
        if let Some(Current { release, believed: false, .. }) =
            current.filter(|there| there.release.commit == ours.commit)
        {
            return self.sign_own(release, ours).await;
        }
        let current = current.map(|current| &current.release);
        if let Some(current) = current.filter(|current| current.commit == ours.commit) {
            self.take_over(current, ours).await?;
        } else if current.is_none() {
            self.check_layout1().await?;
        }
        let is_ancestor = |a: &Commit, b: &Commit| self.options.is_ancestor.as_ref().is_some_and(|knows| knows(a, b));
        match (commit::next(current, ours, self.options.allow_rollback, &is_ancestor), current) {
            (Next::Write(next), _) => Ok(Decision::Write(next)),
            (Next::Older, Some(current)) => Ok(Decision::Older(format!(
                "{} is published at {} (commit {}), which is newer than {} (commit {})",
                current.git_ref, current.version, current.commit, ours.version, ours.commit
            ))),
            (Next::OtherCommit, Some(current)) => Err(RegistryError::OtherCommit {
                package: current.package.to_string(),
                git_ref: current.git_ref.to_string(),
                published: current.commit.to_string(),
                ours: ours.commit.to_string(),
            }),
            (Next::OtherContent { target, published }, _) => Err(self.difference(target, published).await?),
            _ => Ok(Decision::Keep),
        }
    }

    /// What is published was not signed, or not by anybody whom we believe: nothing of it is taken over.
    /// Our own release replaces it, if that changes nothing for readers.
    async fn sign_own(&self, current: &Release, ours: &Release) -> Result<Decision, RegistryError> {
        for entry in &current.targets {
            let Some(bundle) = self.bundle(entry.target) else {
                return Err(RegistryError::NotOurs { key: self.place.release() });
            };
            if ours.manifest(entry.target) == Some(entry.manifest) {
                continue;
            }
            let there = resolve::read_manifest(self.store, &self.place.target(entry.target), entry.manifest).await?;
            if !is_same(&there, bundle.manifest()) {
                return Err(self.difference(entry.target, entry.manifest).await?);
            }
        }
        let next = Box::new(Release { serial: current.serial + 1, ..ours.clone() });
        let grows = ours.targets.len() > current.targets.len();
        Ok(if grows { Decision::Write(next) } else { Decision::Sign(next) })
    }

    /// Where nothing but the run differs from what is published, that is what we publish: a version can
    /// be built again.
    async fn take_over(&self, current: &Release, ours: &mut Release) -> Result<(), RegistryError> {
        for entry in &mut ours.targets {
            let Some(published) = current.manifest(entry.target).filter(|digest| *digest != entry.manifest) else {
                continue;
            };
            let there = resolve::read_manifest(self.store, &self.place.target(entry.target), published).await;
            if let Ok(there) = there
                && self.bundle(entry.target).is_some_and(|bundle| is_same(&there, bundle.manifest()))
            {
                entry.manifest = published;
            }
        }
        Ok(())
    }

    /// What 0.1.0 released must not change either.
    async fn check_layout1(&self) -> Result<(), RegistryError> {
        if !self.place.git_ref.is_release() {
            return Ok(());
        }
        for bundle in self.bundles {
            let location = self.location(bundle);
            let key = location.manifest();
            let Some(document) = self.store.document(&key, MANIFEST_LIMIT).await? else { continue };
            let there = Manifest::parse(&document.bytes)
                .map_err(|source| RegistryError::document(key.clone(), &document.bytes, source))?;
            if there.commit != bundle.manifest().commit || !is_same(&there, bundle.manifest()) {
                return Err(RegistryError::Immutable(conflict(&location, &there, bundle.manifest())));
            }
        }
        Ok(())
    }

    fn bundle(&self, target: TargetKey) -> Option<&Bundle> {
        self.bundles.iter().find(|bundle| self.location(bundle).target() == target)
    }

    /// The first file that differs, with both digests.
    async fn difference(&self, target: TargetKey, published: Sha256) -> Result<RegistryError, RegistryError> {
        let location = self.place.target(target);
        let there = resolve::read_manifest(self.store, &location, published).await?;
        let Some(bundle) = self.bundle(target) else { return Ok(RegistryError::NoObject { key: location.manifest() }) };
        Ok(RegistryError::Immutable(conflict(&location, &there, bundle.manifest())))
    }

    /// Sends what is missing, files and manifests.
    async fn send(
        &self,
        current: Option<&Current>,
        conditions: Conditions,
        publication: &mut Publication,
    ) -> Result<(), RegistryError> {
        let mut known = BTreeSet::new();
        let published = |bundle: &Bundle| {
            let digest = Sha256::of(&bundle.manifest().to_canonical_json());
            current.is_some_and(|current| current.release.manifest(self.location(bundle).target()) == Some(digest))
        };
        let mut contents = Vec::new();
        for bundle in self.bundles {
            let files = bundle.manifest().files.iter().map(|entry| Content::File { bundle, entry });
            for content in files.chain([Content::Manifest(bundle)]) {
                // What several targets share is sent once.
                let shared = !known.insert(content.object(&self.location(bundle)).0);
                contents.push((bundle, content, shared || published(bundle)));
            }
        }
        let transfers = stream::iter(contents).map(|(bundle, content, there)| async move {
            let sent = !there && content::send(self.store, &self.location(bundle), content, conditions).await?;
            if let Content::File { entry, .. } = content {
                self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.name.to_string());
                (self.progress)(entry, sent);
                return Ok::<_, RegistryError>(Some((entry.size, sent)));
            }
            Ok(None)
        });
        let done: Vec<_> = transfers.buffer_unordered(self.options.concurrency.max(1)).try_collect().await?;
        for (size, sent) in done.into_iter().flatten() {
            if sent {
                publication.uploaded += 1;
                publication.bytes += size;
            } else {
                publication.skipped += 1;
            }
        }
        Ok(())
    }

    /// Commit point and index. Gives the release that is there then; `None` where a newer one stays.
    async fn commit(
        &self,
        conditions: Conditions,
        publication: &mut Publication,
    ) -> Result<Option<Release>, RegistryError> {
        let Some(release) = self.commit_release(conditions, publication).await? else { return Ok(None) };
        self.committed.store(true, Ordering::Relaxed);
        publication.targets = release.targets.iter().map(|entry| entry.target).collect();
        let (key, ours) = (self.options.signing_key.as_ref(), self.ours.repository.as_str());
        index::record(self.store, &self.place, key, conditions.are_honoured(), Some(ours)).await?;
        Ok(Some(release))
    }

    async fn commit_release(
        &self,
        conditions: Conditions,
        publication: &mut Publication,
    ) -> Result<Option<Release>, RegistryError> {
        let key = self.place.release();
        let package = self.place.base.package(&self.place.package);
        let signing_key = self.options.signing_key.as_ref();
        for _ in 0..ATTEMPTS {
            let current = self.current().await?;
            let mut ours = self.ours.clone();
            let decision = self.decide(current.as_ref(), &mut ours).await?;
            publication.unchanged = matches!(decision, Decision::Keep | Decision::Sign(_));
            let next = match decision {
                Decision::Write(next) | Decision::Sign(next) => *next,
                Decision::Keep => return Ok(current.map(|current| current.release)),
                Decision::Older(why) => {
                    publication.older_than = Some(why);
                    return Ok(None);
                }
            };
            if !conditions.are_honoured() {
                self.check_objects().await?;
            }
            let text = next.to_canonical_json();
            index::sign(self.store, &package, signing_key, &text).await?;
            self.retire(current.as_ref().map(|current| &current.release)).await?;
            let condition = match (conditions.are_honoured(), current) {
                (false, _) => If::Always,
                (true, None) => If::Absent,
                (true, Some(current)) => current.condition,
            };
            match self.store.put_bytes(&key, text.clone(), &condition).await? {
                Written::Refused => continue,
                Written::Unsupported => drop(self.store.put_bytes(&key, text.clone(), &If::Always).await?),
                Written::Yes => {}
            }
            // Where conditions are not atomic, another one may have written at the same moment.
            let there = self.store.document(&key, Release::LIMIT).await?;
            if there.is_some_and(|there| there.bytes == text) {
                return Ok(Some(next));
            }
        }
        Err(RegistryError::Busy { key })
    }

    /// Every object that the commit will name, once more.
    async fn check_objects(&self) -> Result<(), RegistryError> {
        let objects = self.bundles.iter().flat_map(|bundle| {
            let files = bundle.manifest().files.iter().map(move |entry| Content::File { bundle, entry });
            files.chain([Content::Manifest(bundle)]).map(|content| content.object(&self.location(bundle)))
        });
        let objects: Vec<_> = objects.collect();
        let checks = stream::iter(objects).map(|(key, _, size)| async move {
            match self.store.info(&key).await? {
                Some(info) if info.size == size => Ok(()),
                _ => Err(RegistryError::Request {
                    operation: "write",
                    key,
                    reason: "it is not there after it was written".to_owned(),
                }),
            }
        });
        checks.buffer_unordered(self.options.concurrency.max(1)).try_collect().await
    }

    /// Keeps the release of a branch that is about to be replaced: somebody may have read it just now.
    async fn retire(&self, current: Option<&Release>) -> Result<(), RegistryError> {
        let Some(current) = current.filter(|current| !current.git_ref.is_release()) else { return Ok(()) };
        let text = current.to_canonical_json();
        let key = format!("{}{}.json", self.place.retired(), Sha256::of(&text));
        // Not on condition: a release can be replaced more than once, and the last time counts.
        self.store.put_bytes(&key, text, &If::Always).await.map(drop)
    }

    /// Names beside the manifests, for readers that know none, and what is no longer needed.
    async fn plain_names(&self, release: &Release, publication: &mut Publication) -> Result<(), RegistryError> {
        let changed = !publication.unchanged;
        let names = plain::Names { store: self.store, options: self.options, changed };
        for bundle in self.bundles {
            names.keep(&self.location(bundle), bundle).await?;
        }
        if let Some(key) = &self.options.signing_key {
            let package = self.place.base.package(&self.place.package);
            let text = release.to_canonical_json();
            if let Some(signature) = index::sign(self.store, &package, Some(key), &text).await? {
                names.put_changed(&self.place.release_signature(), signature).await?;
            }
        }
        if let Some(age) = self.options.prune_after.filter(|_| !release.git_ref.is_release()) {
            publication.pruned = gc::prune_branch(self.store, &self.place, release, age).await?;
        }
        Ok(())
    }
}

/// Whether two manifests differ in their runs at most.
fn is_same(a: &Manifest, b: &Manifest) -> bool {
    let plain = |manifest: &Manifest| Manifest { run: None, ..manifest.clone() }.to_canonical_json();
    plain(a) == plain(b)
}

/// The first file that differs; where there is none, the manifests.
fn conflict(location: &Location, there: &Manifest, ours: &Manifest) -> Conflict {
    let differing = ours.files.iter().find_map(|file| {
        let published = there.files.iter().find(|known| known.name == file.name && known.sha256 != file.sha256)?;
        let key = location.named(file.name.as_str());
        Some(Conflict { key, published: Some(published.sha256), ours: file.sha256 })
    });
    differing.unwrap_or_else(|| Conflict {
        key: location.manifest(),
        published: Some(Sha256::of(&there.to_canonical_json())),
        ours: Sha256::of(&ours.to_canonical_json()),
    })
}
