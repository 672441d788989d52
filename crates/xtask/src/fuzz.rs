// SPDX-License-Identifier: Apache-2.0
//! `fuzz`: damaged input for everything that actions read, in a bounded time.

use crate::process::Step;
use anyhow::Result;

/// Builds the program that reads, and watches it.
pub fn run(args: &fuzz::run::Args) -> Result<()> {
    Step::cargo("Build what reads", ["build", "--quiet", "--package", "fuzz"]).run()?;
    let target = testbed::workspace_root().join("target");
    fuzz::run::watch(args, &target.join("debug/fuzz"), &target.join("fuzz"))
}
