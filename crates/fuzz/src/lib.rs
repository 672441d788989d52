// SPDX-License-Identifier: Apache-2.0
//! Damaged input for everything that actions read: nothing may panic, hang, or fill the memory.
//!
//! [`targets`] lists what reads, `corpus/<target>/` holds what is damaged, and [`mutate`] damages it. The same seed gives
//! the same cases. Input that broke something goes into the corpus, which the tests replay.

pub mod mutate;
pub mod run;
pub mod targets;

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// The folder with the inputs of a target.
pub fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The inputs of a target, in the order of their names.
pub fn seeds(target: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = corpus(target);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    let read = |file: PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, std::fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?))
    };
    files.into_iter().map(read).collect()
}
