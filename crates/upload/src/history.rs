// SPDX-License-Identifier: Apache-2.0
//! Which of two commits came first, where the work tree that we are in knows both.

use artifact::Commit;
use registry::IsAncestor;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Asks git. Without a repository, or one that does not know both commits, nobody knows.
pub fn is_ancestor() -> IsAncestor {
    Arc::new(|older: &Commit, newer: &Commit| {
        let mut git = Command::new("git");
        git.args(["merge-base", "--is-ancestor", older.as_str(), newer.as_str()]);
        git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        git.status().is_ok_and(|status| status.success())
    })
}
