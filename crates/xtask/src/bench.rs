//! `bench`: how fast we are, as ratios against a named peer measured in the same run.
//!
//! Medians of several rounds, in which ours and the peer take turns; a goal that is missed is an
//! error, so that a change which costs too much is noticed.

mod build;
mod examples;
mod measure;
mod registry;

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
}

/// Builds the executables as they ship, measures, and prints a table.
pub fn run(args: &Args) -> Result<()> {
    let tools = testbed::tools::ensure(&|line| eprintln!("{line}"))?;
    Step::cargo("Build the executables for release", ["build", "--release", "--workspace", "--bins"]).run()?;
    let executables = testbed::executables().with_file_name("release");
    let comparisons = match args.subject {
        Subject::Registry => registry::run(&tools, &executables, args.rounds)?,
        Subject::Build => build::run(&tools, &executables, args.rounds)?,
        Subject::RunExamples => examples::run(&executables, args.rounds)?,
    };
    println!("{}", measure::table(&comparisons));
    let missed: Vec<_> = comparisons.iter().filter(|comparison| !comparison.is_met()).map(Comparison::name).collect();
    if missed.is_empty() { Ok(()) } else { bail!("goals missed: {}", missed.join(", ")) }
}
