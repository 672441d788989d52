// SPDX-License-Identifier: Apache-2.0
//! `test`: builds the executables and runs every test against them.

use crate::process::Step;
use anyhow::Result;
use testbed::tools::{self, BASE, CROSS, DEBUG, LINT};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Handed on to `cargo test` (a package, a filter, `-- --nocapture`).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Brings up the tools, so that no test has to wait for them, then tests.
pub fn run(args: &Args) -> Result<()> {
    let progress = |line: &str| eprintln!("    {line}");
    tools::ensure(&progress)?;
    tools::require(&[BASE, CROSS, DEBUG, LINT], &progress)?;
    tools::ensure_node(&progress)?;
    Step::cargo("Build the executables", ["build", "--workspace", "--bins"]).run()?;
    let test = Step::cargo("Run the tests", ["test", "--workspace", "--all-features"]);
    test.args(&args.arguments).run()
}
