// SPDX-License-Identifier: Apache-2.0
//! Writing objects. Bytes that were damaged on their way are noticed, whatever the store checks: the
//! payload's digest is signed, and where the store does not say that it found the same digest, its tag
//! is compared, or the object read back.

use super::patience::{self, Pulse};
use super::{DIGEST, S3, body, multipart, retry, status};
use crate::RegistryError;
use crate::settings::Settings;
use crate::store::{If, Written};
use artifact::{BundleError, Hasher, Sha256};
use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use md5::{Digest, Md5};
use std::io::Read;
use std::path::Path;

/// How often bytes may arrive damaged.
const DAMAGES: u32 = 4;

/// What a request carries, so that it can be sent more than once.
enum Payload<'a> {
    Bytes(&'a Bytes),
    /// Too large for memory.
    File(&'a Path),
}

impl S3 {
    pub async fn put_file(
        &self,
        key: &str,
        path: &Path,
        digest: Sha256,
        condition: &If,
    ) -> Result<Written, RegistryError> {
        let failed = |source| RegistryError::File { path: path.to_owned(), source };
        let size = tokio::fs::metadata(path).await.map_err(failed)?.len();
        if size > multipart::THRESHOLD {
            if self.put_parts(key, path, size, digest).await?.is_some() {
                return Ok(Written::Yes);
            }
            // Too large for memory, so it is read twice.
            let place = path.to_owned();
            let hash = move || std::fs::File::open(place).and_then(Sha256::of_reader);
            let hashed = tokio::task::spawn_blocking(hash).await.map_err(std::io::Error::other).and_then(|hash| hash);
            check(path, hashed.map_err(failed)?.0, digest)?;
            return self.put(key, &Payload::File(path), size, digest, condition).await;
        }
        let _room = self.shared.room(size).await;
        let place = path.to_owned();
        let read = move || std::fs::read(place).map(|bytes| (Sha256::of(&bytes), bytes));
        let read = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other).and_then(|read| read);
        let (found, bytes) = read.map_err(failed)?;
        check(path, found, digest)?;
        let written = self.put(key, &Payload::Bytes(&bytes.into()), size, digest, condition).await?;
        self.shared.count(if written == Written::Yes { size } else { 0 });
        Ok(written)
    }

    pub async fn put_bytes(&self, key: &str, bytes: Bytes, condition: &If) -> Result<Written, RegistryError> {
        let (size, digest) = (bytes.len() as u64, Sha256::of(&bytes));
        self.put(key, &Payload::Bytes(&bytes), size, digest, condition).await
    }

    async fn put(
        &self,
        key: &str,
        payload: &Payload<'_>,
        size: u64,
        digest: Sha256,
        condition: &If,
    ) -> Result<Written, RegistryError> {
        let mut condition = condition.clone();
        for damages in 1.. {
            let (written, arrived) = self.put_once(key, payload, size, digest, &condition).await?;
            if arrived {
                return Ok(written);
            }
            if damages >= DAMAGES {
                let reason = "its bytes arrive damaged, again and again".to_owned();
                return Err(RegistryError::Request { operation: "write", key: key.to_owned(), reason });
            }
            // What is there now is ours, and wrong.
            condition = If::Always;
            tokio::time::sleep(retry::pause(damages)).await;
        }
        Ok(Written::Yes)
    }

    /// Whether it was written, and whether what arrived is what was sent.
    async fn put_once(
        &self,
        key: &str,
        payload: &Payload<'_>,
        size: u64,
        digest: Sha256,
        condition: &If,
    ) -> Result<(Written, bool), RegistryError> {
        let failed = |path: &Path, source| RegistryError::File { path: path.to_owned(), source };
        let (absent, tag) = match condition {
            If::Always => (None, None),
            If::Absent => (Some("*".to_owned()), None),
            If::Unchanged(tag) => (None, Some(tag.clone())),
        };
        let conditional = *condition != If::Always;
        for attempt in 1.. {
            let pulse = Pulse::new();
            let (body, watched) = match payload {
                Payload::Bytes(bytes) => (ByteStream::new(body::watched((*bytes).clone(), &pulse)), true),
                Payload::File(path) => {
                    let body = ByteStream::from_path(path).await;
                    (body.map_err(|error| failed(path, std::io::Error::other(error)))?, false)
                }
            };
            let body = body.into_inner();
            let request = || {
                let request = self.client.put_object().bucket(self.bucket()).key(key);
                let request = request.checksum_sha256(digest.base64()).metadata(DIGEST, digest.to_string());
                let request = request.set_if_none_match(absent.clone()).set_if_match(tag.clone());
                let request = request.body(ByteStream::new(body.try_clone().unwrap_or_else(SdkBody::empty)));
                let limits = if watched { patience::watched() } else { patience::server_side() };
                request.customize().config_override(limits).interceptor(Signed(digest)).send()
            };
            let Some(sent) = pulse.watch(size, Settings::READ_TIMEOUT, self.patiently(request)).await else {
                if attempt >= retry::BREAKS / 2 {
                    let (endpoint, reason) = (self.settings.endpoint.clone(), "a write stands still".to_owned());
                    return Err(RegistryError::Unreachable { endpoint, reason });
                }
                continue;
            };
            return match sent {
                Ok(sent) => {
                    let arrived = match sent.checksum_sha256() {
                        Some(checksum) => checksum == digest.base64(),
                        None => self.arrived(key, sent.e_tag(), payload, digest).await?,
                    };
                    Ok((Written::Yes, arrived))
                }
                Err(error) if conditional && matches!(status(&error), Some(412 | 409)) => Ok((Written::Refused, true)),
                Err(error) if conditional && is_unknown(&error, status(&error)) => Ok((Written::Unsupported, true)),
                // The object of `If::Unchanged` is gone.
                Err(error) if tag.is_some() && error.code() == Some("NoSuchKey") => Ok((Written::Refused, true)),
                Err(error) => Err(self.error("write", key, &error)),
            };
        }
        Ok((Written::Yes, false))
    }

    /// Whether an object of a store that names no digest holds what was sent: by its tag, which is the
    /// MD5 digest almost everywhere, or by its bytes.
    async fn arrived(
        &self,
        key: &str,
        tag: Option<&str>,
        payload: &Payload<'_>,
        digest: Sha256,
    ) -> Result<bool, RegistryError> {
        let md5 = match payload {
            Payload::Bytes(bytes) => Some(md5_hex(bytes)),
            Payload::File(path) => {
                let path = path.to_path_buf();
                tokio::task::spawn_blocking(move || md5_of_file(&path)).await.ok().and_then(Result::ok)
            }
        };
        if md5.is_some() && tag.map(|tag| tag.trim_matches('"').to_ascii_lowercase()) == md5 {
            return Ok(true);
        }
        Ok(self.digest(key).await? == digest)
    }

    /// The digest of an object's bytes.
    pub(super) async fn digest(&self, key: &str) -> Result<Sha256, RegistryError> {
        let Some(mut stream) = self.stream(key, 0, None).await? else { return Ok(Sha256::of(b"")) };
        let mut hasher = Hasher::default();
        while let Some(bytes) = stream.body.next().await {
            hasher.update(&bytes.map_err(|error| RegistryError::Request {
                operation: "read",
                key: key.to_owned(),
                reason: format!("the transfer broke off: {error}"),
            })?);
        }
        Ok(hasher.finish())
    }
}

/// Whether the store does not know conditions.
fn is_unknown<E: ProvideErrorMetadata>(error: &E, status: Option<u16>) -> bool {
    match status {
        Some(501) => true,
        // Not the bytes or the time of the request.
        Some(400) => !error.code().is_some_and(|code| {
            ["BadDigest", "RequestTimeout", "SHA256Mismatch", "EntityTooLarge", "ExpiredToken", "InvalidToken"]
                .contains(&code)
        }),
        _ => false,
    }
}

pub(super) fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn md5_of_file(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hasher, mut buffer) = (std::fs::File::open(path)?, Md5::new(), vec![0; 256 * 1024]);
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(piece) if count > 0 => hasher.update(piece),
            _ => return Ok(hex(&hasher.finalize())),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Signs the payload by the digest that we know, instead of hashing it once more.
#[derive(Debug)]
pub(super) struct Signed(pub Sha256);

impl Intercept for Signed {
    fn name(&self) -> &'static str {
        "vaccel-ci"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(PayloadSigningOverride::Precomputed(self.0.to_string()));
        Ok(())
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
