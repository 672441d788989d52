// SPDX-License-Identifier: Apache-2.0
//! Fetching: what a manifest names, verified before its final name appears.

use crate::partial::{LITTLE, Partial, holds};
use crate::s3::retry::{BREAKS, pause};
use crate::store::{Buffer, Shared, innermost};
use crate::{RegistryError, Resolved, Store};
use artifact::FileEntry;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use tokio::sync::OwnedSemaphorePermit;

/// A file that is there now, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// What the manifest says of it.
    pub entry: FileEntry,
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes were transferred; 0 if it was there already.
    pub transferred: u64,
}

/// Larger files are fetched in chunks of this size.
const CHUNK: u64 = 8 * 1024 * 1024;
/// How many chunks of a file are on their way while one is written.
const AHEAD: usize = 3;

/// Fetches files of a bundle into a folder.
pub struct Fetcher<'a> {
    /// The store.
    pub store: &'a Store,
    /// The folder; it must exist.
    pub folder: &'a Path,
    /// How many files are fetched at the same time.
    pub concurrency: usize,
}

/// A part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    offset: u64,
    length: u64,
    /// Whether the object should end with it; more than that is noticed.
    last: bool,
}

/// How an object's bytes came to an end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// As expected.
    Complete,
    /// Too early.
    Short,
    /// Not where it should.
    Long,
    /// With the connection, again and again.
    Broken(String),
    /// The server sends all of it whatever is asked for.
    Unranged,
}

struct Received {
    buffer: Buffer,
    end: End,
    /// Room in memory, until the pieces are written.
    _room: OwnedSemaphorePermit,
}

impl Fetcher<'_> {
    /// Fetches these files; `progress` is told of each that is done. Files in the folder that are
    /// right already are left alone, and partial ones continued.
    pub async fn fetch(
        &self,
        bundle: &Resolved,
        files: &[FileEntry],
        progress: &(dyn Fn(&FetchedFile) + Sync),
    ) -> Result<Vec<FetchedFile>, RegistryError> {
        let transfers = stream::iter(files).map(|entry| async move {
            let file = self.fetch_one(&bundle.object(entry), entry).await?;
            progress(&file);
            Ok::<_, RegistryError>(file)
        });
        let transfers = transfers.buffer_unordered(self.concurrency.max(1)).try_collect();
        let limit = self.store.time_limit();
        let mut fetched: Vec<_> =
            tokio::time::timeout(limit, transfers).await.map_err(|_| RegistryError::TimeLimit(limit))??;
        fetched.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
        Ok(fetched)
    }

    async fn fetch_one(&self, key: &str, entry: &FileEntry) -> Result<FetchedFile, RegistryError> {
        let path = self.folder.join(entry.name.as_str());
        let partial_path = self.folder.join(partial_name(entry));
        let mut transferred = 0;
        loop {
            let Some(partial) = prepare(&path, &partial_path, entry).await? else {
                return Ok(FetchedFile { entry: entry.clone(), path, transferred });
            };
            let start = partial.length();
            let (mut partial, mut end) = self.transfer(key, entry, partial).await?;
            if end == End::Unranged {
                (partial, end) = self.transfer_whole(key, entry, partial).await?;
            }
            let length = partial.length();
            transferred += length.saturating_sub(start);
            if let End::Broken(reason) = end {
                let reason = format!("the transfer broke off after {length} of {} bytes: {reason}", entry.size);
                return Err(RegistryError::Request { operation: "read", key: key.to_owned(), reason });
            }
            let digest = partial.digest();
            if end != End::Long && length == entry.size && digest == entry.sha256 {
                partial.keep(&path).map_err(|source| failed(&path, source))?;
                return Ok(FetchedFile { entry: entry.clone(), path, transferred });
            }
            blocking(&partial_path, move || partial.discard()).await?;
            if start > 0 {
                // The part that was here may be to blame, and not the store.
                continue;
            }
            let (found, expected) = match end {
                End::Complete => (digest.to_string(), entry.sha256.to_string()),
                End::Long => (format!("more than {} bytes", entry.size), format!("{} bytes", entry.size)),
                _ => (format!("{length} bytes"), format!("{} bytes", entry.size)),
            };
            return Err(RegistryError::Tampered { key: key.to_owned(), found, expected });
        }
    }

    /// Continues the partial file as far as the store goes on. Chunks come several at a time and
    /// are written in their order, so that what is there is always a beginning of the file.
    async fn transfer(
        &self,
        key: &str,
        entry: &FileEntry,
        mut partial: Partial,
    ) -> Result<(Partial, End), RegistryError> {
        let chunks = stream::iter(chunks(partial.length(), entry.size)).map(|chunk| self.receive(key, chunk));
        let mut chunks = chunks.buffered(AHEAD);
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        // Beside the writing: a transfer that nobody looks at stands still.
        let receiving = async move {
            while let Some(received) = chunks.next().await {
                if sender.send(received).await.is_err() {
                    break;
                }
            }
            drop(sender);
            std::future::pending::<Infallible>().await
        };
        let writing = async move {
            while let Some(received) = receiver.recv().await {
                let Received { buffer, end, _room } = received?;
                if buffer.bytes.len() < LITTLE {
                    partial.append(&buffer.bytes).map_err(|source| failed(self.folder, source))?;
                } else {
                    let append = move || partial.append(&buffer.bytes).map(|()| partial);
                    partial = blocking(self.folder, append).await?;
                }
                if end != End::Complete {
                    return Ok((partial, end));
                }
            }
            Ok((partial, End::Complete))
        };
        tokio::select! {
            written = writing => written,
            never = receiving => match never {},
        }
    }

    /// Continues the partial file from a server that knows no ranges: one answer, from its beginning.
    async fn transfer_whole(
        &self,
        key: &str,
        entry: &FileEntry,
        mut partial: Partial,
    ) -> Result<(Partial, End), RegistryError> {
        let mut broken = String::new();
        for breaks in 0..BREAKS {
            if breaks > 0 {
                tokio::time::sleep(pause(breaks)).await;
            }
            let mut skip = usize::try_from(partial.length()).unwrap_or(usize::MAX);
            let Some(mut stream) = self.store.stream(key, 0, None).await? else { return Ok((partial, End::Short)) };
            broken = loop {
                match stream.body.next().await {
                    Some(Ok(piece)) => {
                        let known = skip.min(piece.len());
                        skip -= known;
                        let piece = piece.slice(known..);
                        if partial.length() + piece.len() as u64 > entry.size {
                            return Ok((partial, End::Long));
                        }
                        self.shared().count(piece.len() as u64);
                        partial.append(&piece).map_err(|source| failed(self.folder, source))?;
                    }
                    Some(Err(error)) => break innermost(&error),
                    None if partial.length() < entry.size => return Ok((partial, End::Short)),
                    None => return Ok((partial, End::Complete)),
                }
            };
        }
        Ok((partial, End::Broken(broken)))
    }

    fn shared(&self) -> &Shared {
        self.store.shared()
    }

    /// Receives a chunk; a connection that breaks off is taken up where it was.
    async fn receive(&self, key: &str, chunk: Chunk) -> Result<Received, RegistryError> {
        let room = self.shared().room(chunk.length).await;
        let (mut buffer, mut length, mut breaks) = (self.shared().buffer(chunk.length), 0, 0);
        let end = loop {
            let until = (!chunk.last).then_some(chunk.offset + chunk.length);
            let offset = chunk.offset + length;
            let stream = self.store.stream(key, offset, until).await?;
            if stream.as_ref().is_some_and(|stream| !stream.ranged && (offset > 0 || !chunk.last)) {
                break End::Unranged;
            }
            let mut body = stream.map(|stream| stream.body).unwrap_or_default();
            let broken = loop {
                match body.next().await {
                    Some(Ok(piece)) => {
                        length += piece.len() as u64;
                        self.shared().count(piece.len() as u64);
                        if length > chunk.length {
                            break None;
                        }
                        // Copied while it is in the processor's cache; the client reads into the same memory again.
                        buffer.bytes.extend_from_slice(&piece);
                    }
                    Some(Err(error)) => break Some(innermost(&error)),
                    None => break None,
                }
            };
            match broken {
                Some(reason) if length < chunk.length => {
                    breaks += 1;
                    if breaks == BREAKS {
                        break End::Broken(reason);
                    }
                    tokio::time::sleep(pause(breaks)).await;
                }
                _ if length < chunk.length => break End::Short,
                _ if length > chunk.length => break End::Long,
                _ => break End::Complete,
            }
        };
        if end == End::Long {
            // Nothing of it is to be believed, and it would not fit.
            buffer.bytes.clear();
        }
        Ok(Received { buffer, end, _room: room })
    }
}

/// A hidden name that is short whatever the file's is.
fn partial_name(entry: &FileEntry) -> String {
    format!(".{}.part", entry.sha256)
}

/// The parts of an object that are still to be fetched; an empty object is one empty part, so that
/// it is asked for.
fn chunks(start: u64, size: u64) -> Vec<Chunk> {
    if start == size && size > 0 {
        return Vec::new();
    }
    let count = (size - start).div_ceil(CHUNK).max(1);
    let offsets = (0..count).map(|index| start + index * CHUNK);
    offsets.map(|offset| Chunk { offset, length: CHUNK.min(size - offset), last: size - offset <= CHUNK }).collect()
}

/// The partial file; `None` if the file is there already.
async fn prepare(path: &Path, partial: &Path, entry: &FileEntry) -> Result<Option<Partial>, RegistryError> {
    let (place, partial, entry) = (path.to_owned(), partial.to_owned(), entry.clone());
    let prepare = move || {
        if holds(&place, &entry)? {
            return Ok(None);
        }
        let partial = Partial::open(partial, entry.size)?;
        // Another fetch may have finished while this one waited.
        if holds(&place, &entry)? {
            partial.discard()?;
            return Ok(None);
        }
        Ok(Some(partial))
    };
    blocking(path, prepare).await
}

/// Runs what waits for the disk or hashes much beside the transfers.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, RegistryError> {
    let result = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other).and_then(|result| result);
    result.map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: std::io::Error) -> RegistryError {
    RegistryError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_are_the_rest_of_the_file(start in 0u64..100_000_000, rest in 0u64..100_000_000) {
            let size = start + rest;
            let chunks = chunks(start, size);
            let mut offset = start;
            for chunk in &chunks {
                prop_assert_eq!(chunk.offset, offset);
                prop_assert!(chunk.length <= CHUNK);
                offset += chunk.length;
                prop_assert_eq!(chunk.last, offset == size);
            }
            prop_assert_eq!(offset, size);
        }
    }
}
