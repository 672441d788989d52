//! Mending in place, for a person's work tree.

use crate::definition::Linter;
use crate::repository::Repository;
use toolkit::{Result, Runner};

/// Lets every linter mend that can.
pub fn all(repository: &Repository, linters: &[Linter], runner: &Runner) -> Result<()> {
    for finding in repository.mend(linters)? {
        runner.warning(&finding.message);
    }
    Ok(())
}
