// SPDX-License-Identifier: Apache-2.0
//! `report`: the verdict on a run, and the summary that explains it.
//!
//! The verdict is a pure function of the plan and the results of the jobs; what jobs recorded explains it and never
//! changes it.

mod records;
mod summary;
mod verdict;

pub use verdict::{JobResult, Jobs, Verdict};

use artifact::Plan;
use std::path::PathBuf;
use toolkit::{Failure, Result, ResultExt, Runner};

/// The action.
pub struct Report;

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The results of the jobs: GitHub's context `needs` as JSON, with plan, lint, build and publish. A verdict is made.
    #[arg(long, conflicts_with = "record", required_unless_present = "record")]
    needs: Option<String>,
    /// The plan: the output `plan` of the action of that name; absent if no plan was made.
    #[arg(long)]
    plan: Option<String>,
    /// Folder with what the jobs recorded, one folder each.
    #[arg(long, default_value = "reports")]
    reports_path: PathBuf,
    /// In a job that a verdict is made of later: the outcomes of its steps, a JSON document. They are kept together with
    /// the errors of our actions.
    #[arg(long)]
    record: Option<String>,
}

toolkit::outputs! {
    /// Outputs of the action; also set when the verdict is bad.
    pub struct Outputs {
        /// Whether the commit is verified; empty if the event decides nothing.
        pub verified: Option<bool>,
        /// The verdict in a sentence.
        pub reason: Option<String>,
        /// The folder with the record.
        pub path: Option<PathBuf>,
    }
}

impl toolkit::Action for Report {
    const NAME: &'static str = "report";
    const TITLE: &'static str = "Verdict";
    const DESCRIPTION: &'static str =
        "Says what became of a run, target by target, and fails unless all that was planned succeeded.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        match (&args.record, &args.needs) {
            (Some(record), _) => {
                let path = Some(records::keep(record, runner)?);
                Ok(Outputs { verified: None, reason: None, path })
            }
            (None, needs) => verdict(&args, needs.as_deref().unwrap_or_default(), runner),
        }
    }
}

fn verdict(args: &Args, needs: &str, runner: &Runner) -> Result<Outputs> {
    let plan: Option<Plan> = match &args.plan {
        Some(text) => Some(serde_json::from_str(text).input("plan is not a valid plan")?),
        None => None,
    };
    let jobs = Jobs::parse(needs).input("needs is not a valid context")?;
    let records = records::read(&args.reports_path, runner);
    let verdict = Verdict::of(plan.as_ref(), jobs, &records);
    runner.summary(&summary::render(plan.as_ref(), jobs, &records, &verdict))?;
    let outputs = Outputs { verified: verdict.verified, reason: Some(verdict.reason.clone()), path: None };
    if verdict.verified != Some(false) {
        runner.info(&verdict.reason);
        return Ok(outputs);
    }
    runner.outputs(&outputs)?;
    let failure = Failure::work(format!("not verified: {}", verdict.reason));
    Err(verdict.first.into_iter().fold(failure, |failure, cause| failure.because(Failure::work(cause))))
}
