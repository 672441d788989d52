// SPDX-License-Identifier: Apache-2.0
//! The `vaccel-stage-artifacts` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    toolkit::main::<vaccel_stage_artifacts::StageArtifacts>()
}
