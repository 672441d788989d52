// SPDX-License-Identifier: Apache-2.0
//! Developer tasks: `cargo xtask <task>`.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use xtask::{act, audit, bench, ci, demo, dist, fuzz, generate, release, s3, test};

/// Developer tasks of vaccel-ci.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The main job, end to end, on this machine: plan, build, examples, publication, use.
    Demo(demo::Args),
    /// Every test: unit, integration, end to end under act.
    Test(test::Args),
    /// What the project's own CI runs: the audit, then every test.
    Ci,
    /// Format, clippy, generated files, workflows.
    Audit,
    /// Write `actions/*/action.yml`, the reference pages, the workflows that wrap another, and the JSON Schemas.
    Generate(generate::Args),
    /// Build the executables of a release for every architecture, byte for byte the same everywhere.
    Dist(dist::Args),
    /// Make a release: the version, the changelog, the executables, and a tag with pinned references.
    Release(release::Args),
    /// Measure ours against a named peer, and fail where a goal is missed.
    Bench(bench::Args),
    /// Feed damaged input to everything that actions read.
    Fuzz(::fuzz::run::Args),
    /// Run a repository's workflow under act, with our actions from this tree.
    Act(act::Args),
    /// Run a local S3 server until it is interrupted.
    S3,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Demo(args) => demo::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Ci => ci::run(),
        Task::Audit => audit::run(),
        Task::Generate(args) => generate::run(&args),
        Task::Dist(args) => dist::run(&args),
        Task::Release(args) => release::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Act(args) => act::run(args),
        Task::S3 => s3::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
