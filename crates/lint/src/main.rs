// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-lint` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    toolkit::main::<vaccel_lint::Lint>()
}
