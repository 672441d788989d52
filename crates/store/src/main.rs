// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-store` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    toolkit::main::<vaccel_store::Store>()
}
