// SPDX-License-Identifier: Apache-2.0
//! A request's body that says when something of it was taken.

use super::patience::Pulse;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How much is given at once: less than what the transport buffers by itself.
const PIECE: usize = 64 * 1024;

struct Watched {
    rest: Bytes,
    pulse: Pulse,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pulse.beat();
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = PIECE.min(self.rest.len());
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// A body of these bytes, which can be sent more than once.
pub(super) fn watched(bytes: Bytes, pulse: &Pulse) -> SdkBody {
    let pulse = pulse.clone();
    SdkBody::retryable(move || SdkBody::from_body_1_x(Watched { rest: bytes.clone(), pulse: pulse.clone() }))
}
