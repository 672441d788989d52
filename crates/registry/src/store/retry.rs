// SPDX-License-Identifier: Apache-2.0
//! Which failures are worth another attempt, beyond those that the SDK knows, and when.

use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_types::retry::ErrorKind;
use std::time::Duration;

/// How often a transfer may break off before that is an error.
pub(crate) const BREAKS: u32 = 6;

/// The first pause between two attempts; each further one is up to twice as long.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The pause after so many failures, from 1: longer each time, and never the same, so that many
/// clients do not come back at the same moment.
pub(crate) fn pause(failures: u32) -> Duration {
    let longest = FIRST_PAUSE * 2_u32.saturating_pow(failures.saturating_sub(1).min(6));
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest / 2 + (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// Adds to the SDK's rules: status 429, `Retry-After`, and bytes that were damaged on their way.
#[derive(Debug)]
pub(super) struct Classifier;

impl ClassifyRetry for Classifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        let status = response.status().as_u16();
        // The server found another digest than the one that we sent along.
        let damaged = status == 400
            && response.body().bytes().is_some_and(|body| {
                let names: [&[u8]; 3] = [b"BadDigest", b"SHA256Mismatch", b"ChecksumMismatch"];
                names.iter().any(|name| body.windows(name.len()).any(|window| window == *name))
            });
        if !(damaged || status == 429 || matches!(status, 500 | 502 | 503 | 504)) {
            return RetryAction::NoActionIndicated;
        }
        let kind = if matches!(status, 429 | 503) { ErrorKind::ThrottlingError } else { ErrorKind::TransientError };
        match response.headers().get("retry-after").and_then(|value| value.trim().parse().ok()) {
            Some(seconds) => RetryAction::retryable_error_with_explicit_delay(kind, Duration::from_secs(seconds)),
            None => RetryAction::retryable_error(kind),
        }
    }

    fn name(&self) -> &'static str {
        "vaccel-ci"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        for failures in 1..8 {
            let longest = FIRST_PAUSE * 2_u32.pow((failures - 1).min(6));
            for _ in 0..20 {
                let pause = pause(failures);
                assert!(longest / 2 <= pause && pause <= longest, "{failures}: {pause:?}");
            }
        }
        assert_ne!((pause(7), pause(7)), (pause(7), pause(7)));
    }
}
