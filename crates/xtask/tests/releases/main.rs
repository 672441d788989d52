// SPDX-License-Identifier: Apache-2.0
//! The executables of a release, and releases themselves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod dist;
mod release;
mod sources;
