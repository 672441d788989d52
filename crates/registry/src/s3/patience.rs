// SPDX-License-Identifier: Apache-2.0
//! How long the store is waited for: as long as something moves, and as long as it asks for.

use super::{S3, retry};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a store may ask to be left alone, with "slow down" and its like.
const THROTTLED: Duration = Duration::from_mins(3);
/// The pause between two attempts then, if the store asks for none.
const PAUSE: Duration = Duration::from_secs(3);
/// How long a copy or a completion may take on the server.
const SERVER_SIDE: Duration = Duration::from_mins(15);
/// The longest that bytes in the buffers of the system may take to leave: so many per second.
const SLOWEST: u64 = 16 * 1024;
/// How many there may be.
const BUFFERED: u64 = 4 * 1024 * 1024;

/// Limits of requests whose work is done by the server.
pub(super) fn server_side() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().read_timeout(SERVER_SIDE).build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}

/// No limit for the whole of a request: its progress is watched.
pub(super) fn watched() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().read_timeout(Duration::from_hours(24)).build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}

/// When a request made progress for the last time.
#[derive(Clone, Debug)]
pub(super) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work's result; `None` if it stood still for too long.
    pub async fn watch<T>(&self, size: u64, read_timeout: Duration, work: impl Future<Output = T>) -> Option<T> {
        let slack = read_timeout + Duration::from_secs(size.min(BUFFERED) / SLOWEST);
        let mut work = std::pin::pin!(work);
        loop {
            let deadline = self.last() + slack;
            tokio::select! {
                done = &mut work => return Some(done),
                () = tokio::time::sleep_until(deadline.into()) => {
                    if self.last() + slack <= Instant::now() {
                        return None;
                    }
                }
            }
        }
    }
}

impl S3 {
    /// Makes a request; while the store is too busy, again and again.
    pub(super) async fn patiently<T, E, F>(&self, request: impl Fn() -> F) -> Result<T, SdkError<E>>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata,
    {
        let started = Instant::now();
        loop {
            let error = match request().await {
                Err(error) if started.elapsed() < THROTTLED && is_throttled(&error) => error,
                done => return done,
            };
            let wanted = error.raw_response().and_then(|response| retry::wanted_pause(response.headers()));
            tokio::time::sleep(wanted.unwrap_or(PAUSE).min(THROTTLED)).await;
        }
    }
}

/// Whether the store says that it is asked too much. A gateway without a store answers 503, too, but
/// not in S3's words.
fn is_throttled<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    const CODES: [&str; 6] =
        ["SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable"];
    error.code().is_some_and(|code| CODES.contains(&code))
        || error.raw_response().is_some_and(|response| {
            response.status().as_u16() == 429
                || (response.status().as_u16() == 503 && response.headers().get("retry-after").is_some())
        })
}
