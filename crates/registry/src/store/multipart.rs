// SPDX-License-Identifier: Apache-2.0
//! Large files in parts: several at a time, each verified by the store, in bounded memory.

use super::buffers::Buffers;
use super::{DIGEST, Store, Written, put, status};
use crate::RegistryError;
use artifact::{Hasher, Sha256};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::upload_part::UploadPartError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

/// Files that are larger are sent in parts.
pub(super) const THRESHOLD: u64 = 16 * 1024 * 1024;
/// How large a part is, unless the file has too many of them.
const PART: u64 = 8 * 1024 * 1024;
/// S3 takes no more parts of one object.
const MOST_PARTS: u64 = 10_000;

/// Uploads in parts that are under way: identifier and key.
#[derive(Default)]
pub(crate) struct Begun(Mutex<BTreeMap<String, String>>);

impl Begun {
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

type Sent = Result<CompletedPart, SdkError<UploadPartError>>;

impl Store {
    /// Sends a file in parts; `None` if the store does not know how.
    pub(super) async fn put_parts(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        digest: Sha256,
        if_absent: bool,
        begun: &Begun,
    ) -> Result<Option<Written>, RegistryError> {
        let create = self.client.create_multipart_upload().bucket(self.bucket()).key(key);
        let create = create.checksum_algorithm(ChecksumAlgorithm::Sha256).metadata(DIGEST, digest.to_string());
        let upload = match create.send().await {
            Ok(created) => created.upload_id.unwrap_or_default(),
            Err(error) if status(&error) == Some(501) || error.code() == Some("NotImplemented") => return Ok(None),
            Err(error) => return Err(self.error("writing", key, &error)),
        };
        begun.all().insert(upload.clone(), key.to_owned());
        let parts = self.send_parts(key, path, size, digest, &upload).await?;
        let written = self.complete(key, &upload, parts, digest, if_absent).await?;
        if written == Written::Yes {
            begun.all().remove(&upload);
        }
        Ok(Some(written))
    }

    /// Gives up what was begun in parts and not completed: parts cost room as long as nobody does.
    /// If this fails, too, the first failure counts.
    pub(crate) async fn give_up(&self, begun: &Begun) {
        const LIMIT: Duration = Duration::from_secs(10);
        let uploads = std::mem::take(&mut *begun.all());
        let aborts = uploads.into_iter().map(|(upload, key)| {
            self.client.abort_multipart_upload().bucket(self.bucket()).key(key).upload_id(upload).send()
        });
        drop(tokio::time::timeout(LIMIT, join_all(aborts)).await);
    }

    async fn send_parts(
        &self,
        key: &str,
        path: &Path,
        size: u64,
        digest: Sha256,
        upload: &str,
    ) -> Result<Vec<CompletedPart>, RegistryError> {
        let failed = |source| RegistryError::File { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut reader =
            Reader { file, hasher: Hasher::default(), part: part_size(size), buffers: self.buffers.clone() };
        let (mut sending, mut parts) = (JoinSet::new(), Vec::new());
        for number in 1..=i32::try_from(size.div_ceil(reader.part)).unwrap_or(i32::MAX) {
            let permit = self.room(reader.part).await;
            let read = tokio::task::spawn_blocking(move || reader.next()).await;
            let (rest, bytes) = read.map_err(std::io::Error::other).and_then(|read| read).map_err(failed)?;
            reader = rest;
            sending.spawn(self.send_part(key, upload, number, bytes, permit));
            while let Some(sent) = sending.try_join_next() {
                parts.push(self.part_sent(key, sent)?);
            }
        }
        while let Some(sent) = sending.join_next().await {
            parts.push(self.part_sent(key, sent)?);
        }
        put::check(path, reader.hasher.finish(), digest)?;
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }

    fn send_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Bytes,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = Sent> + Send + 'static {
        let request = self.client.upload_part().bucket(self.bucket()).key(key).upload_id(upload).part_number(number);
        let (size, transferred) = (bytes.len() as u64, self.transferred.clone());
        async move {
            // Beside the hash of the whole, which the next part goes on with.
            let hashed = bytes.clone();
            let digest = tokio::task::spawn_blocking(move || Sha256::of(&hashed)).await;
            let digest = digest.map_err(SdkError::construction_failure)?;
            let request = request.checksum_sha256(digest.base64()).body(ByteStream::from(bytes));
            // The checksum above covers the body and is signed; hashing it once more would only cost time.
            let sent = request.customize().disable_payload_signing().send().await;
            drop(permit);
            transferred.fetch_add(if sent.is_ok() { size } else { 0 }, Ordering::Relaxed);
            let part = CompletedPart::builder().part_number(number).checksum_sha256(digest.base64());
            sent.map(|sent| part.set_e_tag(sent.e_tag).build())
        }
    }

    fn part_sent(&self, key: &str, sent: Result<Sent, tokio::task::JoinError>) -> Result<CompletedPart, RegistryError> {
        let failed = |reason: String| RegistryError::Request { operation: "writing", key: key.to_owned(), reason };
        sent.map_err(|error| failed(error.to_string()))?.map_err(|error| self.error("writing", key, &error))
    }

    async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: Vec<CompletedPart>,
        digest: Sha256,
        if_absent: bool,
    ) -> Result<Written, RegistryError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(self.bucket())
            .key(key)
            .upload_id(upload)
            .multipart_upload(parts)
            .set_if_none_match(if_absent.then(|| "*".to_owned()));
        match request.send().await {
            Ok(_) => Ok(Written::Yes),
            Err(error) if if_absent && matches!(status(&error), Some(412 | 409)) => Ok(Written::Exists),
            // A repeated request whose first answer got lost finds the upload gone and the object there.
            Err(error) if error.code() == Some("NoSuchUpload") => match self.info(key).await? {
                Some(info) if info.sha256 == Some(digest) => Ok(Written::Yes),
                _ => Err(self.error("writing", key, &error)),
            },
            Err(error) => Err(self.error("writing", key, &error)),
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
