// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-run-examples` executable.

fn main() -> std::process::ExitCode {
    toolkit::main::<vaccel_run_examples::RunExamples>()
}
