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

use crate::dist::{self, Selection};
use crate::generate;
use anyhow::{Context, Result, bail};
use artifact::Arch;
use measure::Comparison;
use std::path::PathBuf;

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
    /// The start of every executable, and of `plan` against that of an action in JavaScript.
    Startup,
}

impl Subject {
    /// The actions that are measured.
    fn actions(self) -> Vec<&'static str> {
        match self {
            Self::Registry => vec!["upload", "fetch"],
            Self::Build => vec!["build"],
            Self::RunExamples => vec!["run-examples"],
            Self::Lint => vec!["lint"],
            Self::Stage => vec!["stage-artifacts"],
            Self::Startup => generate::definitions().iter().map(|action| action.name).collect(),
        }
    }
}

/// Builds the executables as they are for a release, measures, and prints a table.
pub fn run(args: &Args) -> Result<()> {
    let tools = testbed::tools::ensure(&|line| eprintln!("{line}"))?;
    let actions = args.subject.actions();
    let executables = executables(&actions)?;
    let comparisons = match args.subject {
        Subject::Registry => registry::run(&tools, &executables, args.rounds)?,
        Subject::Build => build::run(&tools, &executables, args.rounds)?,
        Subject::RunExamples => examples::run(&executables, args.rounds)?,
        Subject::Lint => lint::run(&tools, &executables, args.rounds)?,
        Subject::Stage => stage::run(&executables, args.rounds)?,
        Subject::Startup => startup::run(&executables, &actions, args.rounds)?,
    };
    println!("{}", measure::table(&comparisons));
    let missed: Vec<_> = comparisons.iter().filter(|comparison| !comparison.is_met()).map(Comparison::name).collect();
    if missed.is_empty() { Ok(()) } else { bail!("goals missed: {}", missed.join(", ")) }
}

/// The folder with the executables of these actions, for this machine.
fn executables(actions: &[&str]) -> Result<PathBuf> {
    let arch = Arch::host().context("there are no executables for this machine")?;
    let root = testbed::workspace_root();
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    let (target, out) = (root.join("target/dist"), root.join("target/bench/dist"));
    dist::compile(&root, &target, std::env::vars_os(), &Selection { actions, archs: vec![arch] }, &out)?;
    Ok(out.join(arch.as_str()))
}
