// SPDX-License-Identifier: Apache-2.0
//! The bundles of a version: one folder, or a folder with one for each target.

use artifact::{Bundle, MANIFEST};
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// Opens every bundle in the folder, in the order of their names.
pub fn open(folder: &Path) -> Result<Vec<Bundle>> {
    let nothing = || format!("there is nothing to publish in {}", folder.display());
    let help = "make bundles with stage-artifacts, and give the folder of one, or the one that holds all, as dist-path";
    if folder.join(MANIFEST).exists() || !folder.is_dir() {
        return Ok(vec![Bundle::open(folder).input(nothing()).help(help)?]);
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("failed to read {}", folder.display()))?;
        if entry.path().is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(Bundle::open(folder)
            .input(nothing())
            .help(help)
            .err()
            .unwrap_or_else(|| Failure::input(nothing())));
    }
    // One folder that is not a bundle means that a target is missing.
    folders.into_iter().map(|folder| Bundle::open(folder).input(nothing()).help(help)).collect()
}
