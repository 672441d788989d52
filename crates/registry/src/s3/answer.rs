// SPDX-License-Identifier: Apache-2.0
//! What a store's refusals mean.

use super::S3;
use crate::RegistryError;
use crate::store::innermost;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// Statuses and codes after which the same request cannot succeed either.
const FINAL_STATUS: [u16; 6] = [400, 405, 411, 413, 501, 507];
const FINAL_CODES: [&str; 9] = [
    "EntityTooLarge",
    "EntityTooSmall",
    "InvalidArgument",
    "InvalidBucketName",
    "InvalidRequest",
    "KeyTooLongError",
    "MethodNotAllowed",
    "NotImplemented",
    "QuotaExceeded",
];
/// Codes that speak of bytes that were damaged on their way; another attempt may fare better.
pub(super) const DAMAGED: [&str; 4] = ["BadDigest", "SHA256Mismatch", "ChecksumMismatch", "XAmzContentSHA256Mismatch"];

impl S3 {
    pub(super) fn error<E>(&self, operation: &'static str, key: &str, error: &SdkError<E>) -> RegistryError
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
        if let Some(region) = region(error).filter(|region| *region != self.settings.region) {
            let (bucket, given) = (self.settings.bucket.clone(), self.settings.region.clone());
            return RegistryError::Region { bucket, region, given };
        }
        match (error.code(), status(error)) {
            (Some("NoSuchBucket"), _) => RegistryError::NoBucket { bucket: self.settings.bucket.clone(), endpoint },
            (Some(code @ ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken")), _) => {
                RegistryError::Credentials { endpoint, code: code.to_owned() }
            }
            (Some("AccessDenied"), _) | (None, Some(401 | 403)) => RegistryError::Denied { endpoint, key },
            (code, status) => {
                let reason = match (code, status) {
                    (Some(code), _) => format!("{code}: {}", error.message().unwrap_or("no explanation")),
                    (None, Some(status)) => format!("HTTP status {status}{}", beginning(error)),
                    (None, None) => innermost(error),
                };
                let is_final = code.is_some_and(|code| FINAL_CODES.contains(&code))
                    || (status.is_some_and(|status| FINAL_STATUS.contains(&status))
                        && !code.is_some_and(|code| DAMAGED.contains(&code) || code == "RequestTimeout"));
                if is_final {
                    RegistryError::Refused { operation, key, reason }
                } else {
                    RegistryError::Request { operation, key, reason }
                }
            }
        }
    }
}

pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// The region that the store names as the right one.
fn region<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<String> {
    let response = error.raw_response()?;
    if !matches!(response.status().as_u16(), 301 | 307 | 400) {
        return None;
    }
    let named = response.headers().get("x-amz-bucket-region").map(str::to_owned);
    named.or_else(|| {
        let body = String::from_utf8_lossy(response.body().bytes()?).into_owned();
        let (_, rest) = body.split_once("<Region>")?;
        Some(rest.split_once("</Region>")?.0.to_owned())
    })
}

/// How an answer begins that is not S3's.
fn beginning<E>(error: &SdkError<E>) -> String {
    const SHOWN: usize = 80;
    let body = error.raw_response().and_then(|response| response.body().bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.is_empty() { String::new() } else { format!(", and the answer is not S3's; it begins with {text:?}") }
}
