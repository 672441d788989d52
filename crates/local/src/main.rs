// SPDX-License-Identifier: Apache-2.0
//! Actions that work on files of this machine, as one executable: a third of each is the same
//! command line, settings and patterns. The name that it is started by says which action it is.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let started = std::env::args_os().next().unwrap_or_default();
    match Path::new(&started).file_name().and_then(OsStr::to_str) {
        Some("vaccel-lint") => toolkit::main::<vaccel_lint::Lint>(),
        Some("vaccel-run-examples") => toolkit::main::<vaccel_run_examples::RunExamples>(),
        Some("vaccel-stage-artifacts") => toolkit::main::<vaccel_stage_artifacts::StageArtifacts>(),
        _ => {
            eprintln!(
                "error: this is vaccel-lint, vaccel-run-examples and vaccel-stage-artifacts; start it by one of these names"
            );
            ExitCode::from(2)
        }
    }
}
