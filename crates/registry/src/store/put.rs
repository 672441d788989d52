// SPDX-License-Identifier: Apache-2.0
//! Writing objects, each with its SHA-256 for the store to verify.

use super::{Begun, DIGEST, Store, Written, multipart, status};
use crate::RegistryError;
use crate::settings::Settings;
use artifact::{BundleError, Sha256};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use std::path::Path;

impl Store {
    /// Sends a file, which is read once; one that is not what its digest says is refused.
    pub(crate) async fn put_file(
        &self,
        key: &str,
        path: &Path,
        digest: Sha256,
        if_absent: bool,
        begun: &Begun,
    ) -> Result<Written, RegistryError> {
        let failed = |source| RegistryError::File { path: path.to_owned(), source };
        let size = tokio::fs::metadata(path).await.map_err(failed)?.len();
        if size > multipart::THRESHOLD {
            if let Some(written) = self.put_parts(key, path, size, digest, if_absent, begun).await? {
                return Ok(written);
            }
            // Too large for memory, so it is read twice.
            let place = path.to_owned();
            let hash = move || std::fs::File::open(place).and_then(Sha256::of_reader);
            let hashed = tokio::task::spawn_blocking(hash).await.map_err(std::io::Error::other).and_then(|hash| hash);
            check(path, hashed.map_err(failed)?.0, digest)?;
            let body = ByteStream::from_path(path).await.map_err(|error| failed(std::io::Error::other(error)))?;
            return self.put(key, body, size, digest, if_absent).await.inspect(|written| self.sent(*written, size));
        }
        let _room = self.room(size).await;
        let place = path.to_owned();
        let read = move || std::fs::read(place).map(|bytes| (Sha256::of(&bytes), bytes));
        let read = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other).and_then(|read| read);
        let (found, bytes) = read.map_err(failed)?;
        check(path, found, digest)?;
        self.put(key, bytes.into(), size, digest, if_absent).await.inspect(|written| self.sent(*written, size))
    }

    fn sent(&self, written: Written, bytes: u64) {
        self.count(if written == Written::Yes { bytes } else { 0 });
    }

    pub(crate) async fn put_bytes(&self, key: &str, bytes: Vec<u8>, if_absent: bool) -> Result<Written, RegistryError> {
        let (size, digest) = (bytes.len() as u64, Sha256::of(&bytes));
        self.put(key, bytes.into(), size, digest, if_absent).await
    }

    async fn put(
        &self,
        key: &str,
        body: ByteStream,
        size: u64,
        digest: Sha256,
        if_absent: bool,
    ) -> Result<Written, RegistryError> {
        let request = self
            .client
            .put_object()
            .bucket(self.bucket())
            .key(key)
            .checksum_sha256(digest.base64())
            .metadata(DIGEST, digest.to_string())
            .set_if_none_match(if_absent.then(|| "*".to_owned()))
            .body(body);
        let patience = TimeoutConfig::builder().read_timeout(Settings::write_timeout(size)).build();
        let request = request.customize().config_override(aws_sdk_s3::Config::builder().timeout_config(patience));
        // The checksum above covers the body and is signed; hashing it once more would only cost time.
        match request.disable_payload_signing().send().await {
            Ok(_) => Ok(Written::Yes),
            Err(error) if if_absent && matches!(status(&error), Some(412 | 409)) => Ok(Written::Exists),
            Err(error) => Err(self.error("writing", key, &error)),
        }
    }
}

/// Refuses a file that is not what its digest says.
pub(super) fn check(path: &Path, found: Sha256, expected: Sha256) -> Result<(), RegistryError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (found.to_string(), expected.to_string());
    Err(RegistryError::Bundle(BundleError::Different { path: path.to_owned(), found, expected }))
}
