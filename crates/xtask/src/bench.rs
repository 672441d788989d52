// SPDX-License-Identifier: Apache-2.0
//! `bench`: how fast we are, as ratios against a named peer measured in the same run.
//!
//! Medians of several rounds, in which ours and the peer take turns; a goal that is missed is an
//! error, so that a change which costs too much is noticed.

mod build;
mod examples;
mod lint;
mod measure;
mod registry;
mod stage;
mod startup;

use crate::process::Step;
use anyhow::{Result, bail};
use measure::Comparison;

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Args {
    /// What to measure.
    #[arg(value_enum)]
    subject: Subject,
    /// How many rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Subject {
    /// `upload` and `fetch` against `s5cmd`.
    Registry,
    /// `build` against the same meson commands.
    Build,
    /// `run-examples` against the script alone.
    RunExamples,
    /// `lint` against the same tools, one after the other.
    Lint,
    /// `stage-artifacts` against strip, dpkg-deb, tar and sha256sum.
    Stage,
    /// The start of an executable against that of an action in JavaScript.
    Startup,
}

impl Subject {
    /// What is measured, as packages of the workspace.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Registry => &["vaccel-upload", "vaccel-fetch"],
            Self::Build => &["vaccel-build"],
            Self::RunExamples => &["vaccel-run-examples"],
            Self::Lint => &["vaccel-lint"],
            Self::Stage => &["vaccel-stage-artifacts"],
            // It is built as it is for a release.
            Self::Startup => &[],
        }
    }
}

/// Builds the executables as they ship, measures, and prints a table.
pub fn run(args: &Args) -> Result<()> {
    let tools = testbed::tools::ensure(&|line| eprintln!("{line}"))?;
    let packages: Vec<_> = args.subject.packages().iter().flat_map(|package| ["--package", package]).collect();
    if !packages.is_empty() {
        let build = ["build", "--release", "--bins"].into_iter().chain(packages);
        Step::cargo("Build the executables for release", build).run()?;
    }
    let executables = testbed::executables().with_file_name("release");
    let comparisons = match args.subject {
        Subject::Registry => registry::run(&tools, &executables, args.rounds)?,
        Subject::Build => build::run(&tools, &executables, args.rounds)?,
        Subject::RunExamples => examples::run(&executables, args.rounds)?,
        Subject::Lint => lint::run(&tools, &executables, args.rounds)?,
        Subject::Stage => stage::run(&executables, args.rounds)?,
        Subject::Startup => startup::run(args.rounds)?,
    };
    println!("{}", measure::table(&comparisons));
    let missed: Vec<_> = comparisons.iter().filter(|comparison| !comparison.is_met()).map(Comparison::name).collect();
    if missed.is_empty() { Ok(()) } else { bail!("goals missed: {}", missed.join(", ")) }
}
