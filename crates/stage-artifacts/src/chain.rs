// SPDX-License-Identifier: Apache-2.0
//! The chain of digests: the tree that is packaged is the one that was built and that the examples
//! ran against.

use crate::examples::Examples;
use artifact::Sha256;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// The install tree, by its digest.
#[derive(Debug)]
pub struct Chain {
    root: PathBuf,
    sha256: Sha256,
}

impl Chain {
    /// Reads the tree and compares it with what is known of it: the digest that the caller expects,
    /// the one that the build recorded, and those that the reports of the examples are about.
    pub fn close(root: &Path, expected: Option<Sha256>, recorded: Option<Sha256>, examples: &Examples) -> Result<Self> {
        let sha256 = tree::digest(root)?;
        let shown = root.display();
        if let Some(expected) = expected.filter(|expected| *expected != sha256) {
            return Err(Failure::input(format!("the install tree {shown} has the digest {sha256}, not {expected}"))
                .help("it changed after it was built: build again, and see what writes to it in between"));
        }
        if let Some(recorded) = recorded.filter(|recorded| *recorded != sha256) {
            return Err(Failure::input(format!(
                "the install tree {shown} has the digest {sha256}, but the build recorded {recorded}"
            ))
            .help("build again, or leave `build-path` out if the tree was changed on purpose"));
        }
        examples.check_tree(sha256, expected.is_some())?;
        Ok(Self { root: root.to_owned(), sha256 })
    }

    /// The digest of the tree.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Fails if the tree changed while it was packaged.
    pub fn recheck(&self) -> Result<()> {
        let now = tree::digest(&self.root).context("failed to check the install tree after it was packaged")?;
        if now == self.sha256 {
            return Ok(());
        }
        let shown = self.root.display();
        Err(Failure::work(format!("the install tree {shown} changed while it was packaged"))
            .help("no other program may write to it: look for a process that the build left behind"))
    }
}
