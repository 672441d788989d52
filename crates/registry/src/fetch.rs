//! Fetching: what a manifest names, verified before its final name appears.

use crate::store::innermost;
use crate::store::retry::{BREAKS, pause};
use crate::{RegistryError, Resolved, Store};
use artifact::{FileEntry, Hasher, Sha256};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::io::{ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

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

/// What came of one request.
struct Transfer {
    /// How much was there before.
    start: u64,
    /// How much there is now, or would be if it were not too much.
    length: u64,
    digest: Sha256,
    /// Why the connection ended before the object did.
    broken: Option<String>,
}

/// Fetches files of a bundle into a folder.
pub struct Fetcher<'a> {
    /// The store.
    pub store: &'a Store,
    /// The folder; it must exist.
    pub folder: &'a Path,
    /// How many files are fetched at the same time.
    pub concurrency: usize,
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
            let file = self.fetch_one(&bundle.location.object(entry), entry).await?;
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
        let fetched = |transferred| FetchedFile { entry: entry.clone(), path: path.clone(), transferred };
        if self.is_there(&path, entry).await? {
            return Ok(fetched(0));
        }
        let partial = self.folder.join(format!(".{}.{}.part", entry.name, &entry.sha256.to_string()[..16]));
        let failed = |source| RegistryError::File { path: partial.clone(), source };
        let (mut transferred, mut breaks) = (0, 0);
        loop {
            let Transfer { start, length, digest, broken } = self.transfer(key, entry, &partial).await?;
            transferred += length - start;
            if let Some(reason) = broken {
                breaks += 1;
                if breaks < BREAKS {
                    tokio::time::sleep(pause(breaks)).await;
                    continue;
                }
                let reason = format!("the transfer broke off after {length} of {} bytes: {reason}", entry.size);
                return Err(RegistryError::Request { operation: "reading", key: key.to_owned(), reason });
            }
            if length == entry.size && digest == entry.sha256 {
                tokio::fs::rename(&partial, &path).await.map_err(failed)?;
                return Ok(fetched(transferred));
            }
            tokio::fs::remove_file(&partial).await.map_err(failed)?;
            if start > 0 {
                // The part that was here may be to blame, and not the store.
                continue;
            }
            let (found, expected) = if length == entry.size {
                (digest.to_string(), entry.sha256.to_string())
            } else {
                let more = if length > entry.size { "more than " } else { "" };
                (format!("{more}{} bytes", length.min(entry.size)), format!("{} bytes", entry.size))
            };
            return Err(RegistryError::Tampered { key: key.to_owned(), found, expected });
        }
    }

    /// Continues the partial file as far as the store goes on.
    async fn transfer(&self, key: &str, entry: &FileEntry, partial: &Path) -> Result<Transfer, RegistryError> {
        let failed = |source| RegistryError::File { path: partial.to_owned(), source };
        let (mut file, mut hasher, start) = open_partial(partial, entry.size).await.map_err(failed)?;
        let mut length = start;
        let mut broken = None;
        if length < entry.size || entry.size == 0 {
            let mut body = self.store.stream(key, start).await?.unwrap_or_default();
            while let Some(bytes) = body.next().await {
                let bytes = match bytes {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        broken = Some(innermost(&error));
                        break;
                    }
                };
                length += bytes.len() as u64;
                self.store.count(bytes.len() as u64);
                if length > entry.size {
                    break;
                }
                hasher.update(&bytes);
                file.write_all(&bytes).await.map_err(failed)?;
            }
        }
        file.sync_all().await.map_err(failed)?;
        Ok(Transfer { start, length, digest: hasher.finish(), broken })
    }

    async fn is_there(&self, path: &Path, entry: &FileEntry) -> Result<bool, RegistryError> {
        match tokio::fs::symlink_metadata(path).await {
            Ok(meta) if meta.is_file() && meta.len() == entry.size => {
                let path = path.to_owned();
                let hashing = tokio::task::spawn_blocking({
                    let path = path.clone();
                    move || std::fs::File::open(path).and_then(Sha256::of_reader)
                });
                let digest = hashing.await.map_err(std::io::Error::other).and_then(|result| result);
                Ok(digest.map_err(|source| RegistryError::File { path, source })?.0 == entry.sha256)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(RegistryError::File { path: path.to_owned(), source }),
        }
    }
}

/// A partial file at its end, the digest so far, and its length.
async fn open_partial(path: &Path, size: u64) -> std::io::Result<(File, Hasher, u64)> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).await?;
    let mut hasher = Hasher::default();
    if file.metadata().await?.len() > size {
        file.set_len(0).await?;
    }
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer).await?;
        match buffer.get(..count) {
            Some(bytes) if count > 0 => hasher.update(bytes),
            _ => break,
        }
    }
    let length = file.seek(SeekFrom::End(0)).await?;
    Ok((file, hasher, length))
}
