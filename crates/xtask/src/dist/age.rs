// SPDX-License-Identifier: Apache-2.0
//! Whether `dist/` is older than the sources that it was built from.

use super::read_record;
use crate::git::Git;
use anyhow::{Result, bail};
use artifact::DistRecord;
use std::path::Path;

/// What comes of old executables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// They are told; between releases nothing else is to be expected.
    Notice,
    /// They are refused.
    Error,
}

/// What executables are made from, and what among it they are not.
const SOURCES: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "crates",
    ":!crates/xtask",
    ":!crates/testbed",
    ":!crates/*/tests",
    ":!*.md",
];

/// Tells or refuses old executables.
pub fn run(root: &Path, level: Level) -> Result<()> {
    let dist = root.join("dist");
    if !dist.join(DistRecord::FILE).exists() {
        return verdict(level, "dist/ holds no executables yet");
    }
    let record = read_record(&dist)?;
    let Some(commit) = record.commit else {
        return verdict(level, "dist/ was built from uncommitted changes");
    };
    let arguments = ["diff", "--name-only", commit.as_str(), "HEAD", "--"].into_iter().chain(SOURCES);
    let changed = Git::new(root).run(arguments)?;
    match changed.lines().count() {
        0 => {
            println!("dist/ is what {commit} and the current sources give");
            Ok(())
        }
        count => verdict(level, &format!("dist/ is older than its sources: {count} files differ from {commit}")),
    }
}

fn verdict(level: Level, message: &str) -> Result<()> {
    if level == Level::Error {
        bail!("{message}; make a release with `cargo xtask release`");
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        println!("::notice title=Executables::{message}");
    } else {
        println!("{message}");
    }
    Ok(())
}
