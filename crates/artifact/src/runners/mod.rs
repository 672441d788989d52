// SPDX-License-Identifier: Apache-2.0
//! The registry of runners, `.github/runners.toml`: which runners exist, what they are called, what they
//! offer, and the fleet that serves them.
//!
//! Everything is checked when the text is read; what comes out has tags with all that they inherit.

mod check;
mod document;
mod error;
mod fleet;
mod registry;
mod site;
mod size;

pub use document::{Archive, Document, Gpu, Host, Provided};
pub use error::RunnersError;
pub use fleet::{Fleet, Incus, K3s};
pub use registry::{BASE_TAG, NoRunner, Runner, Runners, Tag};
pub use site::Site;
pub use size::{Bytes, BytesError, Size};

/// Where a repository keeps its registry.
pub const PATH: &str = ".github/runners.toml";

#[cfg(test)]
mod tests;
