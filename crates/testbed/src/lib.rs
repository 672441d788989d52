// SPDX-License-Identifier: Apache-2.0
//! The real components that tests and the demo run against: pinned tools, an S3 server,
//! repositories made from fixtures, and act.
//!
//! It stands outside of the product; no action depends on it.

pub mod act;
pub mod bundle;
pub mod event;
pub mod process;
pub mod proxy;
pub mod repository;
pub mod s3;
pub mod step;
pub mod tools;

use anyhow::Result;
use std::path::PathBuf;

/// The root of the workspace.
pub fn workspace_root() -> PathBuf {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crates.ancestors().nth(2).map_or_else(|| crates.clone(), PathBuf::from)
}

/// The folder with the executables of the last build.
pub fn executables() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root().join("target"), PathBuf::from);
    target.join("debug")
}

/// 32 random hexadecimal digits.
fn random() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
