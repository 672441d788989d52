// SPDX-License-Identifier: Apache-2.0
//! Files that are published without a manifest, as a system before this one did: they can be fetched,
//! and nothing vouches for them but the connection.

use crate::partial::Partial;
use crate::store::innermost;
use crate::{FetchedFile, Location, RegistryError, Store};
use artifact::{FileEntry, FileKind, FileName, MANIFEST, SHA256SUMS};
use std::path::Path;

/// A file that no manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedFile {
    /// Its name.
    pub name: FileName,
    /// Its size in bytes.
    pub size: u64,
}

/// The files that lie directly in a place. None where somebody publishes, or has begun to, with digests: what is not whole
/// does not exist.
pub async fn unverified_files(store: &Store, location: &Location) -> Result<Vec<UnverifiedFile>, RegistryError> {
    let prefix = location.prefix();
    let keys = store.keys(&prefix).await?;
    let has_digests =
        |(key, _): &(String, i64)| key.strip_prefix(&prefix).is_some_and(|name| [MANIFEST, SHA256SUMS].contains(&name));
    let mut files = Vec::new();
    if keys.iter().any(has_digests) {
        return Ok(files);
    }
    for (key, _) in keys {
        let Some(name) = key.strip_prefix(&prefix).and_then(|name| name.parse().ok()) else { continue };
        if let Some(info) = store.info(&key).await? {
            files.push(UnverifiedFile { name, size: info.size });
        }
    }
    Ok(files)
}

/// Fetches such a file into a folder; it gets its name when all of it is there.
pub async fn fetch_unverified(
    store: &Store,
    location: &Location,
    file: &UnverifiedFile,
    kind: FileKind,
    folder: &Path,
) -> Result<FetchedFile, RegistryError> {
    let (key, path) = (location.named(file.name.as_str()), folder.join(file.name.as_str()));
    let failed = |source| RegistryError::File { path: path.clone(), source };
    // Without a digest nobody knows whether what is there already is a beginning of it.
    let mut partial = Partial::open(folder.join(format!(".{}.part", file.name)), 0).map_err(failed)?;
    let broken = |reason: String| RegistryError::Request { operation: "read", key: key.clone(), reason };
    let mut body = store.stream(&key, 0, None).await?.map(|stream| stream.body).unwrap_or_default();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| broken(innermost(&error)))?;
        store.shared().count(piece.len() as u64);
        partial.append(&piece).map_err(failed)?;
    }
    let (size, sha256) = (partial.length(), partial.digest());
    if size != file.size {
        partial.discard().map_err(failed)?;
        return Err(broken(format!("it ended after {size} of {} bytes", file.size)));
    }
    partial.keep(&path).map_err(failed)?;
    let entry = FileEntry { name: file.name.clone(), kind, size, sha256, soname: None };
    Ok(FetchedFile { entry, path, transferred: size })
}
