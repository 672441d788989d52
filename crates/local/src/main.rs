// SPDX-License-Identifier: Apache-2.0
//! Actions that work on files of this machine, as one executable: a third of each is the same
//! command line, settings and patterns. The name that it is started by says which action it is.

use std::process::ExitCode;
use toolkit::Action;
use vaccel_fleet::{Doctor, Fleet};
use vaccel_lint::Lint;
use vaccel_report::Report;
use vaccel_reproduce::Reproduce;
use vaccel_run_examples::RunExamples;
use vaccel_stage_artifacts::StageArtifacts;

fn main() -> ExitCode {
    toolkit::main_by_name(&[
        (Doctor::NAME, toolkit::main::<Doctor>),
        (Fleet::NAME, vaccel_fleet::main),
        (Lint::NAME, toolkit::main::<Lint>),
        (RunExamples::NAME, toolkit::main::<RunExamples>),
        (Report::NAME, toolkit::main::<Report>),
        (StageArtifacts::NAME, toolkit::main::<StageArtifacts>),
        (Reproduce::NAME, toolkit::main::<Reproduce>),
    ])
}
