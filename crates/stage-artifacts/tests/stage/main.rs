// SPDX-License-Identifier: Apache-2.0
//! The executable against real install trees and dpkg's own tools.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod bundle;
mod chain;
mod debian;
mod debug;
mod equality;
mod examples;
mod foreign;
mod hardship;
mod loader;
mod part;
mod place;
mod python;
mod refusals;
mod requires;
mod sbom;
mod source;
