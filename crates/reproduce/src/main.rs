// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-reproduce` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    toolkit::main::<vaccel_reproduce::Reproduce>()
}
