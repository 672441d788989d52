// SPDX-License-Identifier: Apache-2.0
//! Large files in parts: several at a time, each verified by the store, in bounded memory.

use super::patience::{self, Pulse};
use super::{DIGEST, S3, body, put, retry, status};
use crate::RegistryError;
use crate::settings::Settings;
use crate::store::Buffers;
use artifact::{Hasher, Sha256};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Files that are larger are sent in parts.
pub(super) const THRESHOLD: u64 = 16 * 1024 * 1024;
/// How large a part is, unless the file has too many of them.
const PART: u64 = 8 * 1024 * 1024;
/// S3 takes no more parts of one object.
const MOST_PARTS: u64 = 10_000;

/// Uploads in parts that are under way: identifier and key.
#[derive(Default)]
pub(super) struct Begun(Mutex<BTreeMap<String, String>>);

impl Begun {
    pub fn add(&self, upload: &str, key: &str) {
        self.all().insert(upload.to_owned(), key.to_owned());
    }

    pub fn remove(&self, upload: &str) {
        self.all().remove(upload);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The size of a file's parts.
fn part_size(size: u64) -> u64 {
    PART.max(size.div_ceil(MOST_PARTS))
}

/// A file that is read once, from the beginning to the end.
struct Reader {
    file: std::fs::File,
    hasher: Hasher,
    part: u64,
    buffers: Buffers,
}

impl Reader {
    fn next(mut self) -> std::io::Result<(Self, Bytes)> {
        let mut buffer = self.buffers.lend(usize::try_from(self.part).unwrap_or_default());
        self.file.by_ref().take(self.part).read_to_end(&mut buffer.bytes)?;
        self.hasher.update(&buffer.bytes);
        Ok((self, Bytes::from_owner(buffer)))
    }
}

/// A part that was sent, and whether the store showed that its bytes are right.
struct Sent {
    part: CompletedPart,
    checked: bool,
}

impl S3 {
    /// Sends a file in parts; `None` if the store does not know how. On no condition: the key holds the
    /// digest, and a store may refuse conditions just here.
    pub(super) async fn put_parts(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        digest: Sha256,
    ) -> Result<Option<()>, RegistryError> {
        let create = || {
            let create = self.client.create_multipart_upload().bucket(self.bucket()).key(key);
            create.checksum_algorithm(ChecksumAlgorithm::Sha256).metadata(DIGEST, digest.to_string()).send()
        };
        let upload = match self.patiently(create).await {
            Ok(created) => created.upload_id.unwrap_or_default(),
            Err(error) if matches!(status(&error), Some(405 | 501)) || error.code() == Some("NotImplemented") => {
                return Ok(None);
            }
            Err(error) => return Err(self.error("write", key, &error)),
        };
        self.begun.add(&upload, key);
        let sent = self.send_parts(key, path, size, digest, &upload).await?;
        let checked = sent.iter().all(|sent| sent.checked);
        let parts = sent.into_iter().map(|sent| sent.part).collect();
        self.complete(key, &upload, parts, digest).await?;
        self.begun.remove(&upload);
        if !checked && self.digest(key).await? != digest {
            let reason = "its bytes arrived damaged".to_owned();
            return Err(RegistryError::Request { operation: "write", key: key.to_owned(), reason });
        }
        Ok(Some(()))
    }

    /// Aborts what was begun in parts and not completed: parts cost room as long as nobody does. If
    /// this fails, too, the first failure counts.
    pub async fn abort_uploads(&self) {
        const LIMIT: Duration = Duration::from_secs(10);
        let uploads = std::mem::take(&mut *self.begun.all());
        let aborts = uploads.iter().map(|(upload, key)| self.abort_upload(key, upload));
        drop(tokio::time::timeout(LIMIT, join_all(aborts)).await);
    }

    pub async fn abort_upload(&self, key: &str, upload: &str) -> Result<(), RegistryError> {
        let request = self.client.abort_multipart_upload().bucket(self.bucket()).key(key).upload_id(upload);
        match request.send().await {
            Err(error) if status(&error) == Some(404) => Ok(()),
            done => done.map(drop).map_err(|error| self.error("abort the upload of", key, &error)),
        }
    }

    async fn send_parts(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        digest: Sha256,
        upload: &str,
    ) -> Result<Vec<Sent>, RegistryError> {
        let failed = |source| RegistryError::File { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut reader =
            Reader { file, hasher: Hasher::default(), part: part_size(size), buffers: self.shared.buffers() };
        let (mut sending, mut parts) = (FuturesUnordered::new(), Vec::new());
        for number in 1..=i32::try_from(size.div_ceil(reader.part)).unwrap_or(i32::MAX) {
            // Parts go on their way while there is no room for another one.
            let permit = loop {
                tokio::select! {
                    permit = self.shared.room(reader.part) => break permit,
                    Some(sent) = sending.next() => parts.push(sent?),
                }
            };
            let reading = tokio::task::spawn_blocking(move || reader.next());
            let mut reading = std::pin::pin!(reading);
            let read = loop {
                tokio::select! {
                    read = &mut reading => break read,
                    Some(sent) = sending.next() => parts.push(sent?),
                }
            };
            let (rest, bytes) = read.map_err(std::io::Error::other).and_then(|read| read).map_err(failed)?;
            reader = rest;
            sending.push(self.send_part(key, upload, number, bytes, permit));
        }
        while let Some(sent) = sending.next().await {
            parts.push(sent?);
        }
        put::check(path, reader.hasher.finish(), digest)?;
        parts.sort_by_key(|sent| sent.part.part_number());
        Ok(parts)
    }

    async fn send_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Bytes,
        permit: OwnedSemaphorePermit,
    ) -> Result<Sent, RegistryError> {
        let size = bytes.len() as u64;
        // Beside the hash of the whole, which the next part goes on with.
        let hashed = bytes.clone();
        let digest = tokio::task::spawn_blocking(move || Sha256::of(&hashed)).await;
        let failed = |reason: String| RegistryError::Request { operation: "write", key: key.to_owned(), reason };
        let digest = digest.map_err(|error| failed(error.to_string()))?;
        for attempt in 1.. {
            let pulse = Pulse::new();
            let request = || {
                let request = self.client.upload_part().bucket(self.bucket()).key(key).upload_id(upload);
                let request = request.part_number(number).checksum_sha256(digest.base64());
                let request = request.body(ByteStream::new(body::watched(bytes.clone(), &pulse)));
                request.customize().config_override(patience::watched()).interceptor(put::Signed(digest)).send()
            };
            let sent = match pulse.watch(size, Settings::READ_TIMEOUT, self.patiently(request)).await {
                Some(sent) => sent.map_err(|error| self.error("write", key, &error))?,
                None if attempt < retry::BREAKS / 2 => continue,
                None => {
                    let (endpoint, reason) = (self.settings.endpoint.clone(), "a write stands still".to_owned());
                    return Err(RegistryError::Unreachable { endpoint, reason });
                }
            };
            let shown = match (sent.checksum_sha256(), sent.e_tag()) {
                (Some(checksum), _) => Some(checksum == digest.base64()),
                (None, Some(tag)) => {
                    let bytes = bytes.clone();
                    let md5 = tokio::task::spawn_blocking(move || put::md5_hex(&bytes)).await;
                    let equal = md5.is_ok_and(|md5| tag.trim_matches('"').eq_ignore_ascii_case(&md5));
                    // Another tag may be another kind of tag.
                    equal.then_some(true)
                }
                (None, None) => None,
            };
            if shown == Some(false) && attempt < retry::BREAKS {
                tokio::time::sleep(retry::pause(attempt)).await;
                continue;
            }
            drop(permit);
            self.shared.count(size);
            let part = CompletedPart::builder().part_number(number).checksum_sha256(digest.base64());
            return Ok(Sent { part: part.set_e_tag(sent.e_tag).build(), checked: shown == Some(true) });
        }
        Err(failed("it was not sent".to_owned()))
    }

    async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: Vec<CompletedPart>,
        digest: Sha256,
    ) -> Result<(), RegistryError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = || {
            let request = self.client.complete_multipart_upload().bucket(self.bucket()).key(key).upload_id(upload);
            request.multipart_upload(parts.clone()).customize().config_override(patience::server_side()).send()
        };
        match self.patiently(request).await {
            Ok(_) => Ok(()),
            // A repeated request whose first answer got lost finds the upload gone and the object there.
            Err(error) if error.code() == Some("NoSuchUpload") => match self.info(key).await? {
                Some(info) if info.sha256 == Some(digest) => Ok(()),
                _ => Err(self.error("write", key, &error)),
            },
            Err(error) => Err(self.error("write", key, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_too_many_parts() {
        const TERABYTE: u64 = 1024 * 1024 * 1024 * 1024;
        for (size, expected) in [(THRESHOLD, PART), (MOST_PARTS * PART, PART), (MOST_PARTS * PART + 1, PART + 1)] {
            assert_eq!(part_size(size), expected, "{size}");
        }
        assert!((5 * TERABYTE).div_ceil(part_size(5 * TERABYTE)) <= MOST_PARTS);
    }
}
