// SPDX-License-Identifier: Apache-2.0
//! The workflows, run by the real act against a real S3 server.
//!
//! Each scenario is a repository's life: what its authors do, and what must come of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod earlier;
mod examples;
mod failures;
mod publication;
mod readme;
mod trust;
mod world;
