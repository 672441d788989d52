// SPDX-License-Identifier: Apache-2.0
//! `ci`: what the project's own workflow runs.

use crate::{audit, test};
use anyhow::Result;

/// The audit first, since it is quick; then every test.
pub fn run() -> Result<()> {
    audit::run()?;
    test::run(&test::Args::default())
}
