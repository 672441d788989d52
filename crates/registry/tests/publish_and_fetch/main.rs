// SPDX-License-Identifier: Apache-2.0
//! The whole way, from a bundle to a store and back, against a real S3 server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

mod access;
mod fetching;
mod publishing;
mod resolving;
mod signing;
mod world;
