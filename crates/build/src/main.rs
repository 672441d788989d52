// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-build` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "reproduce") {
        // An action of its own, since it starts others.
        return toolkit::hand_over("vaccel-reproduce", arguments);
    }
    toolkit::main::<vaccel_build::Build>()
}
