// SPDX-License-Identifier: Apache-2.0
//! A folder as a store: keys are paths below it.
//!
//! What is written appears whole: under a hidden name first, flushed to the disk, then renamed. A
//! condition is checked and the name given under one lock, so that of two processes one wins.

use crate::RegistryError;
use crate::store::{Bytestream, Document, If, Leftover, Listing, ObjectInfo, Shared, Written};
use artifact::{BundleError, Hasher, Sha256};
use aws_sdk_s3::primitives::{ByteStream, Length};
use bytes::Bytes;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Where files are before they get their names, and the lock.
const WORK: &str = ".vaccel-ci";
/// How often a folder that another process removed is made again.
const ATTEMPTS: u32 = 10;

/// A folder.
pub(crate) struct Folder {
    root: PathBuf,
    shared: Arc<Shared>,
}

impl Folder {
    pub fn new(root: PathBuf, shared: Arc<Shared>) -> Self {
        Self { root, shared }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    pub async fn info(&self, key: &str) -> Result<Option<ObjectInfo>, RegistryError> {
        let path = self.path(key);
        run(key, move || match path.metadata() {
            Ok(meta) if meta.is_file() => {
                Ok(Some(ObjectInfo { size: meta.len(), sha256: None, modified: modified(&meta) }))
            }
            Ok(_) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    pub async fn document(&self, key: &str, limit: u64) -> Result<Option<Document>, RegistryError> {
        let path = self.path(key);
        let bytes = run(key, move || {
            let file = match File::open(path) {
                Ok(file) if file.metadata()?.is_file() => file,
                Ok(_) => return Ok(None),
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut bytes = Vec::new();
            file.take(limit + 1).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        });
        let Some(bytes) = bytes.await? else { return Ok(None) };
        if bytes.len() as u64 > limit {
            return Err(RegistryError::TooLarge { key: key.to_owned(), limit });
        }
        Ok(Some(Document { tag: Some(Sha256::of(&bytes).to_string()), bytes: bytes.into() }))
    }

    pub async fn stream(
        &self,
        key: &str,
        offset: u64,
        until: Option<u64>,
    ) -> Result<Option<Bytestream>, RegistryError> {
        let failed = |source| RegistryError::Folder { key: key.to_owned(), source };
        let path = self.path(key);
        let size = match tokio::fs::metadata(&path).await {
            Ok(meta) => meta.len(),
            Err(error) if is_absent(&error) => return Err(RegistryError::NoObject { key: key.to_owned() }),
            Err(error) => return Err(failed(error)),
        };
        let end = until.map_or(size, |until| until.min(size));
        if offset > 0 && offset >= size {
            return Ok(None);
        }
        let length = Length::Exact(end.saturating_sub(offset));
        let body =
            ByteStream::read_from().path(path).offset(offset).length(length).buffer_size(256 * 1024).build().await;
        let body = body.map_err(|error| failed(io::Error::other(error)))?;
        Ok(Some(Bytestream { body, ranged: true }))
    }

    pub async fn put_file(
        &self,
        key: &str,
        path: &Path,
        digest: Sha256,
        condition: &If,
    ) -> Result<Written, RegistryError> {
        let source = path.to_owned();
        let from = path.to_owned();
        let expected = digest;
        let (root, shared) = (self.root.clone(), self.shared.clone());
        let staged = tokio::task::spawn_blocking(move || {
            let failed = |source_error| RegistryError::File { path: source.clone(), source: source_error };
            let mut input = File::open(&source).map_err(failed)?;
            let mut staged = Staged::new(&root).map_err(failed)?;
            let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 1024 * 1024]);
            loop {
                let count = input.read(&mut buffer).map_err(failed)?;
                let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
                hasher.update(piece);
                staged.file.as_file_mut().write_all(piece).map_err(failed)?;
                shared.count(count as u64);
            }
            let found = hasher.finish();
            if found != expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(RegistryError::Bundle(BundleError::Different { path: source.clone(), found, expected }));
            }
            Ok(staged)
        });
        let staged = match staged.await {
            Ok(staged) => staged?,
            Err(error) => return Err(RegistryError::File { path: from, source: io::Error::other(error) }),
        };
        self.name(key, staged, condition).await
    }

    pub async fn put_bytes(&self, key: &str, bytes: Bytes, condition: &If) -> Result<Written, RegistryError> {
        let root = self.root.clone();
        let staged = run(key, move || {
            let mut staged = Staged::new(&root)?;
            staged.file.as_file_mut().write_all(&bytes)?;
            Ok(staged)
        });
        let staged = staged.await?;
        self.name(key, staged, condition).await
    }

    /// Gives a file its final name, if the condition is met.
    async fn name(&self, key: &str, staged: Staged, condition: &If) -> Result<Written, RegistryError> {
        let (root, path, condition) = (self.root.clone(), self.path(key), condition.clone());
        run(key, move || {
            staged.file.as_file().sync_all()?;
            let _lock = match condition {
                If::Always => None,
                If::Absent | If::Unchanged(_) => Some(lock(&root)?),
            };
            let met = match &condition {
                If::Always => true,
                If::Absent => !path.exists(),
                If::Unchanged(tag) => match fs::read(&path) {
                    Ok(bytes) => Sha256::of(&bytes).to_string() == *tag,
                    Err(error) if is_absent(&error) => false,
                    Err(error) => return Err(error),
                },
            };
            if !met {
                return Ok(Written::Refused);
            }
            let mut staged = staged.file.into_temp_path();
            for _ in 1..ATTEMPTS {
                make_parent(&path)?;
                match staged.persist(&path) {
                    Ok(()) => return sync_parent(&path).map(|()| Written::Yes),
                    // Somebody removed the folder that became empty.
                    Err(error) if is_absent(&error.error) => staged = error.path,
                    Err(error) => return Err(error.error),
                }
            }
            make_parent(&path)?;
            staged.persist(&path)?;
            sync_parent(&path).map(|()| Written::Yes)
        })
        .await
    }

    pub async fn each_key(
        &self,
        prefix: &str,
        visit: &mut impl FnMut(Listing<'_>) -> ControlFlow<()>,
    ) -> Result<(), RegistryError> {
        let (root, wanted) = (self.root.clone(), prefix.to_owned());
        let found = run(prefix, move || {
            let mut found = Vec::new();
            // The prefix may end within a name.
            let folder = wanted.rsplit_once('/').map_or("", |(folder, _)| folder);
            walk(&root.join(folder), folder, &mut found)?;
            found.retain(|(key, ..)| key.starts_with(&wanted));
            found.sort();
            Ok(found)
        });
        for (key, size, modified) in found.await? {
            if visit(Listing { key: &key, size, modified }).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub async fn folders(&self, prefix: &str, after: &str) -> Result<Vec<String>, RegistryError> {
        let (folder, prefix_owned, after) = (self.path(prefix), prefix.to_owned(), after.to_owned());
        run(prefix, move || {
            let mut found = Vec::new();
            for entry in entries(&folder)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                if entry.file_type()?.is_dir() && !name.starts_with('.') && format!("{prefix_owned}{name}/") > after {
                    found.push(name);
                }
            }
            found.sort();
            Ok(found)
        })
        .await
    }

    pub async fn copy(&self, from: &str, to: &str) -> Result<(), RegistryError> {
        let (source, root) = (self.path(from), self.root.clone());
        let staged = run(from, move || {
            let mut staged = Staged::new(&root)?;
            io::copy(&mut File::open(source)?, staged.file.as_file_mut())?;
            Ok(staged)
        });
        let staged = staged.await?;
        self.name(to, staged, &If::Always).await.map(drop)
    }

    pub async fn delete(&self, keys: &[String]) -> Result<(), RegistryError> {
        let (root, keys) = (self.root.clone(), keys.to_vec());
        let first = keys.first().cloned().unwrap_or_default();
        run(&first, move || {
            for key in keys {
                let path = root.join(&key);
                match fs::remove_file(&path) {
                    Ok(()) => {}
                    Err(error) if is_absent(&error) => {}
                    Err(error) => return Err(error),
                }
                // Folders that became empty go, too; one that is not stays.
                for folder in path.ancestors().skip(1).take_while(|folder| *folder != root) {
                    if fs::remove_dir(folder).is_err() {
                        break;
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Files that a process left before they got their names.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, RegistryError> {
        let folder = self.root.join(WORK);
        run(WORK, move || {
            let mut found = Vec::new();
            for entry in entries(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name != "lock" {
                    let key = format!("{WORK}/{name}");
                    found.push(Leftover { key, upload: name, begun: modified(&entry.metadata()?) });
                }
            }
            Ok(found)
        })
        .await
    }

    pub async fn remove_leftover(&self, leftover: &Leftover) -> Result<(), RegistryError> {
        let path = self.root.join(WORK).join(&leftover.upload);
        run(&leftover.key, move || fs::remove_file(path)).await
    }
}

/// A file without its final name; it is removed unless it gets one.
struct Staged {
    file: tempfile::NamedTempFile,
}

impl Staged {
    fn new(root: &Path) -> io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let work = root.join(WORK);
        fs::create_dir_all(&work)?;
        // A store is to be read, by a web server and by others.
        let permissions = fs::Permissions::from_mode(0o644);
        let file = tempfile::Builder::new().prefix("").permissions(permissions).tempfile_in(work)?;
        Ok(Self { file })
    }
}

/// Held while a condition is checked and a name given.
fn lock(root: &Path) -> io::Result<File> {
    let work = root.join(WORK);
    fs::create_dir_all(&work)?;
    let file = File::options().create(true).truncate(false).write(true).open(work.join("lock"))?;
    file.lock()?;
    Ok(file)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Not every file system can flush a folder.
fn sync_parent(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        match folder.sync_all() {
            Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The entries of a folder; none if there is no such folder.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if is_absent(&error) => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

/// Every file below a folder: key, size and time of its last change.
fn walk(folder: &Path, key: &str, found: &mut Vec<(String, u64, i64)>) -> io::Result<()> {
    for entry in entries(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name == WORK && key.is_empty() {
            continue;
        }
        let key = if key.is_empty() { name } else { format!("{key}/{name}") };
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            // Removed since.
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(error),
        };
        if meta.is_dir() {
            walk(&entry.path(), &key, found)?;
        } else if meta.is_file() {
            found.push((key, meta.len(), modified(&meta)));
        }
    }
    Ok(())
}

fn modified(meta: &fs::Metadata) -> i64 {
    let since = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}

/// There is no such file, or what should be a folder of its path is a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Runs what waits for the disk beside the rest.
async fn run<T: Send + 'static>(
    key: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RegistryError> {
    let result = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).and_then(|result| result);
    result.map_err(|source| RegistryError::Folder { key: key.to_owned(), source })
}
