// SPDX-License-Identifier: Apache-2.0
//! The S3 client: the only code that makes requests.

mod buffers;
mod multipart;
mod put;
pub(crate) mod retry;

pub(crate) use buffers::{Buffer, Buffers};
pub(crate) use multipart::Begun;

use crate::settings::{Credentials, Settings};
use crate::{PublicKey, RegistryError};
use artifact::Sha256;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, ProvideCredentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedCredentialsProvider,
};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use bytes::Bytes;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Metadata under which we keep an object's digest; not every store keeps checksums.
const DIGEST: &str = "sha256";
/// The unit in which memory for transfers is counted, in bytes.
const ROOM_UNIT: u64 = 4096;
/// How many of them there are: 32 MiB.
const ROOM: u32 = 8 * 1024;
/// A manifest is small; more is not read into memory.
const DOCUMENT_LIMIT: i64 = 16 * 1024 * 1024;

/// A bucket of a store.
pub struct Store {
    client: aws_sdk_s3::Client,
    settings: Settings,
    public_key: Option<PublicKey>,
    transferred: Arc<AtomicU64>,
    /// Bounds the bytes of files that are in memory, in [`ROOM_UNIT`]s.
    room: Arc<Semaphore>,
    buffers: Buffers,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The object is there now.
    Yes,
    /// There was one already.
    Exists,
}

/// What the store says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectInfo {
    pub size: u64,
    pub sha256: Option<Sha256>,
    /// Seconds since the epoch.
    pub modified: i64,
}

impl Store {
    /// Prepares a client; no request to the store is made yet.
    pub async fn connect(settings: Settings) -> Result<Self, RegistryError> {
        settings.check()?;
        let mut trust = TrustStore::default();
        if let Some(pem) = &settings.ca_bundle {
            trust = trust.with_pem_certificate(pem.clone());
        }
        if settings.endpoint.starts_with("http://") && !matches!(settings.credentials, Credentials::DefaultChain) {
            // Nothing is encrypted, and the system's certificates are hundreds of files to read.
            trust = trust.with_native_roots(false);
        }
        let tls = TlsContext::builder().with_trust_store(trust).build();
        let tls = tls.map_err(|error| RegistryError::CaBundle(error.to_string()))?;
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls)
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Settings::CONNECT_TIMEOUT)
            .read_timeout(Settings::READ_TIMEOUT)
            .build();
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http.clone())
            .endpoint_url(&settings.endpoint)
            .region(Region::new(settings.region.clone()))
            .force_path_style(true)
            .retry_config(
                RetryConfig::standard().with_max_attempts(Settings::ATTEMPTS).with_initial_backoff(retry::FIRST_PAUSE),
            )
            .retry_classifier(retry::Classifier)
            .timeout_config(timeouts)
            // We send SHA-256 where it matters; other stores stumble over trailing checksums.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            // Files are compared with their manifest; hashing them twice would only cost time.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        match &settings.credentials {
            Credentials::Keys { access_key, secret_key, session_token } => {
                config = config.credentials_provider(aws_sdk_s3::config::Credentials::new(
                    access_key.expose(),
                    secret_key.expose(),
                    session_token.as_ref().map(|token| token.expose().to_owned()),
                    None,
                    "inputs",
                ));
            }
            Credentials::DefaultChain => {
                let chain = aws_config::defaults(BehaviorVersion::latest())
                    .http_client(http)
                    .region(Region::new(settings.region.clone()))
                    .load()
                    .await;
                config = config.credentials_provider(asked_once(chain.credentials_provider()).await?);
            }
            Credentials::Anonymous => config = config.allow_no_auth(),
        }
        Ok(Self {
            client: aws_sdk_s3::Client::from_conf(config.build()),
            settings,
            public_key: None,
            transferred: Arc::default(),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            buffers: Buffers::default(),
        })
    }

    /// Accepts only manifests that are signed by this key.
    #[must_use]
    pub fn trusting(mut self, public_key: PublicKey) -> Self {
        self.public_key = Some(public_key);
        self
    }

    /// How many bytes of files went over the network so far.
    pub fn transferred(&self) -> u64 {
        self.transferred.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, bytes: u64) {
        self.transferred.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// How long a publication or a fetch may take.
    pub(crate) fn time_limit(&self) -> Duration {
        self.settings.time_limit
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.settings.bucket
    }

    /// The address of an object, for links.
    pub fn url(&self, key: &str) -> String {
        let encoded = percent_encoding::utf8_percent_encode(key, KEY_ENCODING);
        format!("{}/{}/{encoded}", self.settings.endpoint.trim_end_matches('/'), self.settings.bucket)
    }

    /// What is known of an object; `None` if there is none.
    pub(crate) async fn info(&self, key: &str) -> Result<Option<ObjectInfo>, RegistryError> {
        let request = self.client.head_object().bucket(self.bucket()).key(key).checksum_mode(ChecksumMode::Enabled);
        match request.send().await {
            Ok(head) => Ok(Some(ObjectInfo {
                size: head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                sha256: head.metadata().and_then(|metadata| metadata.get(DIGEST)?.parse().ok()),
                modified: head.last_modified().map_or(0, aws_sdk_s3::primitives::DateTime::secs),
            })),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.error("reading", key, &error)),
        }
    }

    /// A small object as a whole; `None` if there is none.
    pub(crate) async fn document(&self, key: &str) -> Result<Option<Bytes>, RegistryError> {
        let failed = |reason: String| RegistryError::Request { operation: "reading", key: key.to_owned(), reason };
        for failures in 1.. {
            let request = self.client.get_object().bucket(self.bucket()).key(key).checksum_mode(ChecksumMode::Enabled);
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
                Err(error) => return Err(self.error("reading", key, &error)),
            };
            if response.content_length().is_some_and(|length| length > DOCUMENT_LIMIT) {
                return Err(failed(format!("it is larger than {DOCUMENT_LIMIT} bytes, which no document is")));
            }
            // What we wrote bears its digest, so that damage on the way does not pass for content.
            let expected: Option<Sha256> = response.metadata().and_then(|metadata| metadata.get(DIGEST)?.parse().ok());
            let reason = match response.body.collect().await.map(AggregatedBytes::into_bytes) {
                Ok(bytes) if expected.is_none_or(|expected| Sha256::of(&bytes) == expected) => return Ok(Some(bytes)),
                Ok(_) => "its bytes are not those that were written".to_owned(),
                Err(error) => DisplayErrorContext(error).to_string(),
            };
            if failures >= retry::BREAKS {
                return Err(failed(reason));
            }
            tokio::time::sleep(retry::pause(failures)).await;
        }
        Ok(None)
    }

    /// An object's bytes from an offset on; `None` if it ends before.
    pub(crate) async fn stream(
        &self,
        key: &str,
        offset: u64,
        until: Option<u64>,
    ) -> Result<Option<ByteStream>, RegistryError> {
        let range = match until {
            Some(until) => Some(format!("bytes={offset}-{}", until.saturating_sub(1))),
            None => (offset > 0).then(|| format!("bytes={offset}-")),
        };
        let request = self.client.get_object().bucket(self.bucket()).key(key).set_range(range);
        match request.send().await {
            Ok(object) => Ok(Some(object.body)),
            Err(error) if offset > 0 && status(&error) == Some(416) => Ok(None),
            Err(error) => Err(self.error("reading", key, &error)),
        }
    }

    /// An empty buffer for so many bytes.
    pub(crate) fn buffer(&self, bytes: u64) -> Buffer {
        self.buffers.lend(usize::try_from(bytes).unwrap_or_default())
    }

    /// Waits until so many bytes may be kept in memory.
    pub(crate) async fn room(&self, bytes: u64) -> OwnedSemaphorePermit {
        let units = u32::try_from(bytes.div_ceil(ROOM_UNIT)).unwrap_or(u32::MAX).min(ROOM);
        match self.room.clone().acquire_many_owned(units).await {
            Ok(permit) => permit,
            Err(_) => unreachable!("nobody closes it"),
        }
    }

    /// The names directly below a prefix that have more below them, without prefix and slash; only
    /// those whose keys come after `after`.
    pub(crate) async fn folders(&self, prefix: &str, after: &str) -> Result<Vec<String>, RegistryError> {
        let request = self.client.list_objects_v2().bucket(self.bucket()).prefix(prefix).delimiter("/");
        let request = request.start_after(after);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error("listing", prefix, &error))?;
            let names = page.common_prefixes().iter().filter_map(|entry| entry.prefix());
            found.extend(names.filter_map(|name| Some(name.strip_prefix(prefix)?.trim_end_matches('/').to_owned())));
        }
        Ok(found)
    }

    /// Every key below a prefix, in order, with the time of its last change in seconds since the
    /// epoch, a page at a time; until `visit` has seen enough.
    pub(crate) async fn each_key(
        &self,
        prefix: &str,
        mut visit: impl FnMut(&str, i64) -> ControlFlow<()>,
    ) -> Result<(), RegistryError> {
        let mut pages = self.client.list_objects_v2().bucket(self.bucket()).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error("listing", prefix, &error))?;
            for object in page.contents() {
                let (Some(key), Some(modified)) = (object.key(), object.last_modified()) else { continue };
                if visit(key, modified.secs()).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// All of them; for a folder that holds one bundle.
    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<(String, i64)>, RegistryError> {
        let mut found = Vec::new();
        let keep = |key: &str, modified| {
            found.push((key.to_owned(), modified));
            ControlFlow::Continue(())
        };
        self.each_key(prefix, keep).await?;
        Ok(found)
    }

    /// Copies within the bucket, on the server.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<(), RegistryError> {
        let source = format!("{}/{}", self.bucket(), percent_encoding::utf8_percent_encode(from, KEY_ENCODING));
        let request = self.client.copy_object().bucket(self.bucket()).copy_source(source).key(to);
        request.send().await.map(drop).map_err(|error| self.error("copying", to, &error))
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), RegistryError> {
        let request = self.client.delete_object().bucket(self.bucket()).key(key);
        request.send().await.map(drop).map_err(|error| self.error("deleting", key, &error))
    }

    fn error<E>(&self, operation: &'static str, key: &str, error: &SdkError<E>) -> RegistryError
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let endpoint = self.settings.endpoint.clone();
        if let SdkError::DispatchFailure(failure) = error
            && (failure.is_io() || failure.is_timeout())
        {
            return RegistryError::Unreachable { endpoint, reason: innermost(error) };
        }
        let key = key.to_owned();
        match (error.code(), status(error)) {
            (Some("NoSuchBucket"), _) => RegistryError::NoBucket { bucket: self.settings.bucket.clone(), endpoint },
            (Some(code @ ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken")), _) => {
                RegistryError::Credentials { endpoint, code: code.to_owned() }
            }
            (Some("AccessDenied"), _) | (None, Some(401 | 403)) => RegistryError::Denied { endpoint, key },
            (Some(code), _) => {
                let reason = format!("{code}: {}", error.message().unwrap_or("no explanation"));
                RegistryError::Request { operation, key, reason }
            }
            (None, Some(status)) => RegistryError::Request { operation, key, reason: format!("HTTP status {status}") },
            (None, None) => RegistryError::Request { operation, key, reason: innermost(error) },
        }
    }
}

/// The provider, asked once: a request that could not be signed would say less.
async fn asked_once(provider: Option<SharedCredentialsProvider>) -> Result<SharedCredentialsProvider, RegistryError> {
    let provider = provider.ok_or_else(|| RegistryError::NoCredentials("there is no provider".to_owned()))?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(provider),
        Err(error) => Err(RegistryError::NoCredentials(innermost(&error))),
    }
}

/// What a URL's path keeps as it is.
const KEY_ENCODING: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// The last error of the chain says what really happened.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
