// SPDX-License-Identifier: Apache-2.0
//! The install tree under test: the one that was built, and the same before and after the run.

use artifact::{Sha256, TreeListing};
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// How many changes an error lists.
const LISTED: usize = 10;

/// The install tree as it was before the first example.
#[derive(Debug)]
pub struct SubjectTree {
    root: PathBuf,
    before: TreeListing,
}

impl SubjectTree {
    /// Reads it; one that is not the expected tree is refused.
    pub fn read(root: &Path, expected: Option<Sha256>) -> Result<Self> {
        let before = tree::read(root)?;
        let found = before.digest();
        match expected {
            Some(expected) if expected != found => Err(Failure::input(format!(
                "the install tree {} has the digest {found}, not {expected}",
                root.display()
            ))
            .help("it changed after it was built: build again, and see what writes to it in between")),
            _ => Ok(Self { root: root.to_owned(), before }),
        }
    }

    /// The digest.
    pub fn sha256(&self) -> Sha256 {
        self.before.digest()
    }

    /// Fails if the examples changed it: what they tested is then not what would be packaged.
    pub fn check(&self) -> Result<()> {
        let after = tree::read(&self.root).context("failed to check the install tree after the examples")?;
        let changes = self.before.changes(&after);
        if changes.is_empty() {
            return Ok(());
        }
        let mut listed: Vec<_> = changes.iter().take(LISTED).map(ToString::to_string).collect();
        if changes.len() > LISTED {
            listed.push(format!("and {} more", changes.len() - LISTED));
        }
        Err(Failure::work(format!("the examples changed the install tree: {}", listed.join(", ")))
            .title("the install tree changed")
            .help("what is shipped must be what was tested: let the examples write to $TMPDIR or $HOME"))
    }
}
