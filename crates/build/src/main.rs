// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-build` executable.

fn main() -> std::process::ExitCode {
    toolkit::main::<vaccel_build::Build>()
}
