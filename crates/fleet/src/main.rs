// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-fleet` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    vaccel_fleet::main()
}
