// SPDX-License-Identifier: Apache-2.0
//! Which failures are worth another attempt, beyond those that the SDK knows, and when.

use super::answer::DAMAGED;
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::retry::ErrorKind;
use std::time::Duration;

/// How often a transfer may break off before that is an error.
pub(crate) const BREAKS: u32 = 6;

/// The first pause between two attempts; each further one is up to twice as long.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// S3's codes for what passes, whatever the status.
const PASSING: [&str; 5] = ["SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable", "TooManyRequests"];

/// The pause after so many failures, from 1: longer each time, and never the same, so that many
/// clients do not come back at the same moment.
pub(crate) fn pause(failures: u32) -> Duration {
    let longest = FIRST_PAUSE * 2_u32.saturating_pow(failures.saturating_sub(1).min(6));
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest / 2 + (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// The pause that a store asks for.
pub(super) fn wanted_pause(headers: &Headers) -> Option<Duration> {
    headers.get("retry-after").and_then(|value| value.trim().parse().ok()).map(Duration::from_secs)
}

/// Adds to the SDK's rules: status 429, `Retry-After`, S3's codes under any status, and bytes that
/// were damaged on their way.
#[derive(Debug)]
pub(super) struct Classifier;

impl ClassifyRetry for Classifier {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        let status = response.status().as_u16();
        if status < 400 {
            return RetryAction::NoActionIndicated;
        }
        let body = response.body().bytes().unwrap_or_default();
        let names = |codes: &[&str]| {
            codes.iter().any(|code| {
                let element = format!("<Code>{code}</Code>");
                body.windows(element.len()).any(|window| window == element.as_bytes())
            })
        };
        let damaged = status == 400 && (names(&DAMAGED) || DAMAGED.iter().any(|code| contains(body, code)));
        if !(damaged || names(&PASSING) || matches!(status, 429 | 500 | 502 | 503 | 504)) {
            return RetryAction::NoActionIndicated;
        }
        let kind = if matches!(status, 429 | 503) { ErrorKind::ThrottlingError } else { ErrorKind::TransientError };
        match wanted_pause(response.headers()) {
            Some(pause) => RetryAction::retryable_error_with_explicit_delay(kind, pause),
            None => RetryAction::retryable_error(kind),
        }
    }

    fn name(&self) -> &'static str {
        "vaccel-ci"
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
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
