// SPDX-License-Identifier: Apache-2.0
//! The S3 client: the only code that makes requests over a network.

mod answer;
mod body;
mod connect;
mod multipart;
mod patience;
mod put;
pub(crate) mod retry;

use crate::store::{Bytestream, Document, KEY_ENCODING, Leftover, Listing, ObjectInfo, Shared};
use crate::{RegistryError, Settings};
use answer::status;
use artifact::Sha256;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_s3::primitives::{AggregatedBytes, DateTime};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use multipart::Begun;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Metadata under which we keep an object's digest; not every store keeps checksums.
const DIGEST: &str = "sha256";
/// S3 copies no more at once.
const LARGEST_COPY: u64 = 5 * 1024 * 1024 * 1024;
/// How large the parts of a larger copy are.
const COPY_PART: u64 = 1024 * 1024 * 1024;
/// How many keys are removed by one request.
const DELETIONS: usize = 1000;

/// A bucket.
pub(crate) struct S3 {
    client: aws_sdk_s3::Client,
    settings: Settings,
    shared: Arc<Shared>,
    begun: Begun,
}

impl S3 {
    pub async fn connect(settings: &Settings, shared: Arc<Shared>) -> Result<Self, RegistryError> {
        let client = connect::client(settings).await?;
        Ok(Self { client, settings: settings.clone(), shared, begun: Begun::default() })
    }

    /// Whether this is a web server, where nothing but reading works.
    pub fn is_web(&self) -> bool {
        self.settings.bucket.is_empty()
    }

    /// The bucket; a web server has none, and its address is whole without.
    fn bucket(&self) -> &str {
        if self.is_web() { "-" } else { &self.settings.bucket }
    }

    pub async fn info(&self, key: &str) -> Result<Option<ObjectInfo>, RegistryError> {
        let head = self.patiently(|| self.client.head_object().bucket(self.bucket()).key(key).send()).await;
        match head {
            Ok(head) => Ok(Some(ObjectInfo {
                size: head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                sha256: head.metadata().and_then(|metadata| metadata.get(DIGEST)?.parse().ok()),
                modified: head.last_modified().map_or(0, DateTime::secs),
            })),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.error("read", key, &error)),
        }
    }

    pub async fn document(&self, key: &str, limit: u64) -> Result<Option<Document>, RegistryError> {
        let failed = |reason: String| RegistryError::Request { operation: "read", key: key.to_owned(), reason };
        for failures in 1.. {
            let response = self.patiently(|| self.client.get_object().bucket(self.bucket()).key(key).send()).await;
            let response = match response {
                Ok(response) => response,
                Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
                Err(error) if status(&error) == Some(404) && error.code() != Some("NoSuchBucket") => return Ok(None),
                Err(error) => return Err(self.error("read", key, &error)),
            };
            if response.content_length().is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > limit))
            {
                return Err(RegistryError::TooLarge { key: key.to_owned(), limit });
            }
            let tag = response.e_tag().map(str::to_owned);
            // What we wrote bears its digest, so that damage on the way does not pass for content.
            let expected: Option<Sha256> = response.metadata().and_then(|metadata| metadata.get(DIGEST)?.parse().ok());
            let reason = match response.body.collect().await.map(AggregatedBytes::into_bytes) {
                Ok(bytes) if bytes.len() as u64 > limit => {
                    return Err(RegistryError::TooLarge { key: key.to_owned(), limit });
                }
                Ok(bytes) if expected.is_none_or(|expected| Sha256::of(&bytes) == expected) => {
                    return Ok(Some(Document { bytes, tag }));
                }
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

    pub async fn stream(
        &self,
        key: &str,
        offset: u64,
        until: Option<u64>,
    ) -> Result<Option<Bytestream>, RegistryError> {
        let range = match until {
            Some(until) => Some(format!("bytes={offset}-{}", until.saturating_sub(1))),
            None => (offset > 0).then(|| format!("bytes={offset}-")),
        };
        let get = || self.client.get_object().bucket(self.bucket()).key(key).set_range(range.clone()).send();
        match self.patiently(get).await {
            Ok(object) => {
                let ranged = range.is_none() || object.content_range().is_some();
                Ok(Some(Bytestream { body: object.body, ranged }))
            }
            Err(error) if offset > 0 && status(&error) == Some(416) => Ok(None),
            Err(error) if error.code() == Some("NoSuchKey") => Err(RegistryError::NoObject { key: key.to_owned() }),
            Err(error) => Err(self.error("read", key, &error)),
        }
    }

    pub async fn folders(&self, prefix: &str, after: &str) -> Result<Vec<String>, RegistryError> {
        let request = self.client.list_objects_v2().bucket(self.bucket()).prefix(prefix).delimiter("/");
        let request = request.start_after(after);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error("list", prefix, &error))?;
            let names = page.common_prefixes().iter().filter_map(|entry| entry.prefix());
            found.extend(names.filter_map(|name| Some(name.strip_prefix(prefix)?.trim_end_matches('/').to_owned())));
        }
        Ok(found)
    }

    pub async fn each_key(
        &self,
        prefix: &str,
        visit: &mut impl FnMut(Listing<'_>) -> ControlFlow<()>,
    ) -> Result<(), RegistryError> {
        let mut pages = self.client.list_objects_v2().bucket(self.bucket()).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.error("list", prefix, &error))?;
            for object in page.contents() {
                let (Some(key), Some(modified)) = (object.key(), object.last_modified()) else { continue };
                let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
                if visit(Listing { key, size, modified: modified.secs() }).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub async fn copy(&self, from: &str, to: &str) -> Result<(), RegistryError> {
        let source = format!("{}/{}", self.bucket(), percent_encoding::utf8_percent_encode(from, KEY_ENCODING));
        let request = || {
            let request = self.client.copy_object().bucket(self.bucket()).copy_source(&source).key(to);
            request.customize().config_override(patience::server_side()).send()
        };
        match self.patiently(request).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), Some("InvalidRequest" | "EntityTooLarge")) => {
                let size = self.info(from).await?.map_or(0, |info| info.size);
                if size <= LARGEST_COPY {
                    return Err(self.error("copy", to, &error));
                }
                self.copy_parts(&source, size, to).await
            }
            Err(error) => Err(self.error("copy", to, &error)),
        }
    }

    /// Copies what is too large for one request.
    async fn copy_parts(&self, source: &str, size: u64, to: &str) -> Result<(), RegistryError> {
        let created = self.client.create_multipart_upload().bucket(self.bucket()).key(to).send().await;
        let upload = created.map_err(|error| self.error("copy", to, &error))?.upload_id.unwrap_or_default();
        self.begun.add(&upload, to);
        let mut parts = Vec::new();
        for (number, offset) in (1..).zip((0..size).step_by(usize::try_from(COPY_PART).unwrap_or(usize::MAX))) {
            let range = format!("bytes={offset}-{}", (offset + COPY_PART).min(size) - 1);
            let request = || {
                let part = self.client.upload_part_copy().bucket(self.bucket()).key(to).upload_id(&upload);
                let part = part.part_number(number).copy_source(source).copy_source_range(&range);
                part.customize().config_override(patience::server_side()).send()
            };
            let copied = self.patiently(request).await.map_err(|error| self.error("copy", to, &error))?;
            let tag = copied.copy_part_result.and_then(|result| result.e_tag);
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(tag).build());
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = || {
            let request = self.client.complete_multipart_upload().bucket(self.bucket()).key(to).upload_id(&upload);
            request.multipart_upload(parts.clone()).customize().config_override(patience::server_side()).send()
        };
        self.patiently(request).await.map_err(|error| self.error("copy", to, &error))?;
        self.begun.remove(&upload);
        Ok(())
    }

    pub async fn delete(&self, keys: &[String]) -> Result<(), RegistryError> {
        for keys in keys.chunks(DELETIONS) {
            let first = keys.first().map_or("", String::as_str);
            if let [key] = keys {
                self.delete_one(key).await?;
                continue;
            }
            let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
            let objects: Vec<_> = objects.collect::<Result<_, _>>().map_err(|error| RegistryError::Request {
                operation: "delete",
                key: first.to_owned(),
                reason: error.to_string(),
            })?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let delete = delete.map_err(|error| RegistryError::Request {
                operation: "delete",
                key: first.to_owned(),
                reason: error.to_string(),
            })?;
            let request = || self.client.delete_objects().bucket(self.bucket()).delete(delete.clone()).send();
            match self.patiently(request).await {
                Ok(done) => {
                    if let Some(error) = done.errors().first() {
                        let key = error.key().unwrap_or(first).to_owned();
                        return Err(match error.code() {
                            Some("AccessDenied") => {
                                RegistryError::Denied { endpoint: self.settings.endpoint.clone(), key }
                            }
                            code => {
                                let reason = format!("{}: {}", code.unwrap_or("error"), error.message().unwrap_or(""));
                                RegistryError::Request { operation: "delete", key, reason }
                            }
                        });
                    }
                }
                // Some stores know no batches.
                Err(error) if matches!(status(&error), Some(400 | 405 | 411 | 501)) => {
                    for key in keys {
                        self.delete_one(key).await?;
                    }
                }
                Err(error) => return Err(self.error("delete", first, &error)),
            }
        }
        Ok(())
    }

    async fn delete_one(&self, key: &str) -> Result<(), RegistryError> {
        let deleted = self.patiently(|| self.client.delete_object().bucket(self.bucket()).key(key).send()).await;
        match deleted {
            Err(error) if status(&error) == Some(404) && error.code() != Some("NoSuchBucket") => Ok(()),
            deleted => deleted.map(drop).map_err(|error| self.error("delete", key, &error)),
        }
    }

    pub async fn leftovers(&self, prefix: &str) -> Result<Vec<Leftover>, RegistryError> {
        let mut found = Vec::new();
        let (mut key_marker, mut upload_marker) = (None, None);
        loop {
            let request = || {
                let request = self.client.list_multipart_uploads().bucket(self.bucket()).prefix(prefix);
                request.set_key_marker(key_marker.clone()).set_upload_id_marker(upload_marker.clone()).send()
            };
            let page = match self.patiently(request).await {
                Ok(page) => page,
                // A store that knows no uploads in parts has none left over.
                Err(error) if matches!(status(&error), Some(400 | 405 | 501)) => return Ok(found),
                Err(error) => return Err(self.error("list uploads of", prefix, &error)),
            };
            for upload in page.uploads() {
                let (Some(key), Some(identifier)) = (upload.key(), upload.upload_id()) else { continue };
                let begun = upload.initiated().map_or(0, DateTime::secs);
                found.push(Leftover { key: key.to_owned(), upload: identifier.to_owned(), begun });
            }
            if page.is_truncated() != Some(true) || page.next_key_marker().is_none() {
                return Ok(found);
            }
            key_marker = page.next_key_marker().map(str::to_owned);
            upload_marker = page.next_upload_id_marker().map(str::to_owned);
        }
    }
}
