// SPDX-License-Identifier: Apache-2.0
//! A store as the rest of the crate sees it, whatever it is: keys and bytes, conditions and listings.

mod buffers;

pub(crate) use buffers::{Buffer, Buffers};

use crate::folder::Folder;
use crate::s3::S3;
use crate::trust::Trust;
use crate::{RegistryError, Settings};
use artifact::Sha256;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit in which memory for transfers is counted, in bytes.
const ROOM_UNIT: u64 = 4096;
/// How many of them there are: 32 MiB.
const ROOM: u32 = 8 * 1024;

/// A store.
pub struct Store {
    place: Place,
    settings: Settings,
    trust: Trust,
    shared: Arc<Shared>,
}

/// What a store is.
enum Place {
    /// A bucket, or any web server, which can be read only.
    S3(Box<S3>),
    /// A folder of this machine.
    Folder(Folder),
}

/// What all transfers of a store have in common.
pub(crate) struct Shared {
    transferred: AtomicU64,
    /// Bounds the bytes of files that are in memory, in [`ROOM_UNIT`]s.
    room: Arc<Semaphore>,
    buffers: Buffers,
    /// Whether an absent key was answered with "denied".
    denied: AtomicBool,
}

/// On which condition an object is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum If {
    /// On none.
    Always,
    /// If there is none yet.
    Absent,
    /// If it is still the one with this tag.
    Unchanged(String),
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The object is there now.
    Yes,
    /// The condition is not met.
    Refused,
    /// The store does not know the condition, and has written nothing.
    Unsupported,
}

/// What the store says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectInfo {
    pub size: u64,
    pub sha256: Option<Sha256>,
    /// Seconds since the epoch.
    pub modified: i64,
}

/// A small object as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub bytes: Bytes,
    /// What [`If::Unchanged`] takes; absent where the store has none.
    pub tag: Option<String>,
}

/// A key of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing<'a> {
    pub key: &'a str,
    pub size: u64,
    /// Seconds since the epoch.
    pub modified: i64,
}

/// An upload in parts that nobody completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub key: String,
    pub upload: String,
    /// Seconds since the epoch.
    pub begun: i64,
}

macro_rules! dispatch {
    ($self:ident, $place:ident => $call:expr) => {
        match &$self.place {
            Place::S3($place) => $call,
            Place::Folder($place) => $call,
        }
    };
}

impl Store {
    /// Prepares a client; no request to the store is made yet.
    pub async fn connect(settings: Settings) -> Result<Self, RegistryError> {
        settings.check()?;
        let shared = Arc::new(Shared::default());
        let place = match settings.folder() {
            Some(folder) => Place::Folder(Folder::new(folder, shared.clone())),
            None => Place::S3(Box::new(S3::connect(&settings, shared.clone()).await?)),
        };
        Ok(Self { place, settings, trust: Trust::default(), shared })
    }

    /// Accepts only what is signed as this asks for.
    #[must_use]
    pub fn trusting(mut self, trust: impl Into<Trust>) -> Self {
        self.trust = trust.into();
        self
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// How many bytes of files went over the network so far.
    pub fn transferred(&self) -> u64 {
        self.shared.transferred()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// How long a publication or a fetch may take.
    pub(crate) fn time_limit(&self) -> Duration {
        self.settings.time_limit
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.settings.bucket
    }

    /// The address, without a key.
    pub fn endpoint(&self) -> &str {
        &self.settings.endpoint
    }

    /// The address of an object, for links.
    pub fn url(&self, key: &str) -> String {
        let encoded = percent_encoding::utf8_percent_encode(key, KEY_ENCODING);
        let bucket = if self.settings.bucket.is_empty() { String::new() } else { format!("/{}", self.settings.bucket) };
        format!("{}{bucket}/{encoded}", self.settings.endpoint.trim_end_matches('/'))
    }

    /// Whether it is a folder of this machine.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// Whether it can be listed and written; a web server can only be read.
    pub(crate) fn is_listable(&self) -> bool {
        match &self.place {
            Place::S3(s3) => !s3.is_web(),
            Place::Folder(_) => true,
        }
    }

    /// What is known of an object; `None` if there is none.
    pub(crate) async fn info(&self, key: &str) -> Result<Option<ObjectInfo>, RegistryError> {
        dispatch!(self, place => place.info(key).await)
    }

    /// An object of at most `limit` bytes; `None` if there is none.
    pub(crate) async fn document(&self, key: &str, limit: u64) -> Result<Option<Document>, RegistryError> {
        dispatch!(self, place => place.document(key, limit).await)
    }

    /// The same for readers: some stores answer "denied" for what is not there to whom may not list.
    pub(crate) async fn document_if_any(&self, key: &str, limit: u64) -> Result<Option<Bytes>, RegistryError> {
        match self.document(key, limit).await {
            Err(RegistryError::Denied { .. }) => {
                self.shared.denied.store(true, Ordering::Relaxed);
                Ok(None)
            }
            found => Ok(found?.map(|document| document.bytes)),
        }
    }

    /// Whether something that counted as absent was denied.
    pub(crate) fn was_denied(&self) -> bool {
        self.shared.denied.load(Ordering::Relaxed)
    }

    /// An object's bytes from an offset on, up to another one; `None` if it ends before.
    pub(crate) async fn stream(
        &self,
        key: &str,
        offset: u64,
        until: Option<u64>,
    ) -> Result<Option<Bytestream>, RegistryError> {
        dispatch!(self, place => place.stream(key, offset, until).await)
    }

    /// Sends a file, which is read once; one that is not what its digest says is refused.
    pub(crate) async fn put_file(
        &self,
        key: &str,
        path: &Path,
        digest: Sha256,
        condition: &If,
    ) -> Result<Written, RegistryError> {
        dispatch!(self, place => place.put_file(key, path, digest, condition).await)
    }

    /// Writes a small object.
    pub(crate) async fn put_bytes(
        &self,
        key: &str,
        bytes: impl Into<Bytes>,
        condition: &If,
    ) -> Result<Written, RegistryError> {
        let bytes = bytes.into();
        dispatch!(self, place => place.put_bytes(key, bytes, condition).await)
    }

    /// Every key below a prefix, in order, from `after` on, until `visit` has seen enough.
    pub(crate) async fn each_key(
        &self,
        prefix: &str,
        mut visit: impl FnMut(Listing<'_>) -> ControlFlow<()>,
    ) -> Result<(), RegistryError> {
        dispatch!(self, place => place.each_key(prefix, &mut visit).await)
    }

    /// All keys below a prefix with the time of their last change.
    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<(String, i64)>, RegistryError> {
        let mut found = Vec::new();
        let keep = |listing: Listing<'_>| {
            found.push((listing.key.to_owned(), listing.modified));
            ControlFlow::Continue(())
        };
        self.each_key(prefix, keep).await?;
        Ok(found)
    }

    /// The names directly below a prefix that have more below them, without prefix and slash; only
    /// those whose keys come after `after`.
    pub(crate) async fn folders(&self, prefix: &str, after: &str) -> Result<Vec<String>, RegistryError> {
        dispatch!(self, place => place.folders(prefix, after).await)
    }

    /// Copies within the store.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<(), RegistryError> {
        dispatch!(self, place => place.copy(from, to).await)
    }

    /// Removes objects, many at a time.
    pub(crate) async fn delete(&self, keys: &[String]) -> Result<(), RegistryError> {
        dispatch!(self, place => place.delete(keys).await)
    }

    /// Aborts what this client began in parts and did not complete.
    pub(crate) async fn abort_uploads(&self) {
        if let Place::S3(s3) = &self.place {
            s3.abort_uploads().await;
        }
    }

    /// Uploads in parts below a prefix that nobody completed.
    pub(crate) async fn leftovers(&self, prefix: &str) -> Result<Vec<Leftover>, RegistryError> {
        match &self.place {
            Place::S3(s3) => s3.leftovers(prefix).await,
            Place::Folder(folder) => folder.leftovers().await,
        }
    }

    /// Removes one of them.
    pub(crate) async fn remove_leftover(&self, leftover: &Leftover) -> Result<(), RegistryError> {
        match &self.place {
            Place::S3(s3) => s3.abort_upload(&leftover.key, &leftover.upload).await,
            Place::Folder(folder) => folder.remove_leftover(leftover).await,
        }
    }
}

/// Bytes on their way.
pub(crate) struct Bytestream {
    pub body: ByteStream,
    /// Whether they begin and end where they were asked to; some servers send all.
    pub ranged: bool,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            transferred: AtomicU64::default(),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            buffers: Buffers::default(),
            denied: AtomicBool::default(),
        }
    }
}

impl Shared {
    pub fn transferred(&self) -> u64 {
        self.transferred.load(Ordering::Relaxed)
    }

    /// Counts bytes that were transferred.
    pub fn count(&self, bytes: u64) {
        self.transferred.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An empty buffer for so many bytes.
    pub fn buffer(&self, bytes: u64) -> Buffer {
        self.buffers.lend(usize::try_from(bytes).unwrap_or_default())
    }

    pub fn buffers(&self) -> Buffers {
        self.buffers.clone()
    }

    /// Waits until so many bytes may be kept in memory.
    pub async fn room(&self, bytes: u64) -> OwnedSemaphorePermit {
        let units = u32::try_from(bytes.div_ceil(ROOM_UNIT)).unwrap_or(u32::MAX).min(ROOM);
        match self.room.clone().acquire_many_owned(units).await {
            Ok(permit) => permit,
            Err(_) => unreachable!("nobody closes it"),
        }
    }
}

/// What a URL's path keeps as it is.
pub(crate) const KEY_ENCODING: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The last error of the chain says what really happened.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
