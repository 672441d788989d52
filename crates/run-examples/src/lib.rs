// SPDX-License-Identifier: Apache-2.0
//! The `run-examples` action: a repository's own examples exercise the install tree.
//!
//! They are described in one of two ways. A script is called as it always was, `<script> <package>
//! <0 or 1 for valgrind>`, and finds what it expects around it; where it speaks TAP, each test
//! point is an example. A manifest, `examples.toml`, describes each example by itself: what it
//! needs, and what it must do.

mod baseline;
mod choice;
pub mod context;
mod core_dump;
mod environment;
mod examples;
mod from_manifest;
mod from_script;
mod junit;
pub mod manifest;
mod names;
mod normal;
mod placeholder;
mod process;
pub mod recorder;
mod report;
mod run;
mod script;
mod shell;
mod subject_tree;
pub mod tap;
pub mod trace;
mod verify;
mod watch;

use artifact::{Arch, PackageName, Sha256};
use baseline::Factor;
use std::path::PathBuf;
use toolkit::{Action, List, PassEnv, Result, Runner};

/// The action.
pub struct RunExamples;

/// The inputs. Paths are relative to the working directory.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Package that the examples belong to; the script's first argument.
    #[arg(long)]
    pub package: PackageName,
    /// Folder that holds the install tree.
    #[arg(long, default_value = "install")]
    pub destdir: PathBuf,
    /// Digest that the install tree must have: the output tree-sha256 of build.
    #[arg(long)]
    pub tree_sha256: Option<Sha256>,
    /// Prefix that the tree was built for.
    #[arg(long, default_value = "/usr")]
    pub prefix: PathBuf,
    /// Folder of the source tree; the script runs in it.
    #[arg(long, default_value = ".")]
    pub source_path: PathBuf,
    /// The script, relative to source-path; without it, `run-examples.sh` or `run_examples.sh`, in scripts/ or at the top.
    #[arg(long)]
    pub script: Option<PathBuf>,
    /// The manifest, relative to source-path; without it, and without a script, `run-examples.manifest` of
    /// `.github/vaccel-ci.toml`, or `examples/examples.toml` if it is there.
    #[arg(long)]
    pub manifest: Option<PathBuf>,
    /// Architecture of the install tree; another one than this machine's needs qemu-user.
    #[arg(long)]
    pub arch: Option<Arch>,
    /// What this machine has, like `network`, `gpu` or `plugin:torch`; its architecture, its tag and the plugins of
    /// the install tree are added.
    #[arg(long)]
    pub context: Option<List>,
    /// Tag of the runner, like `base` or `torch`, for the context.
    #[arg(long)]
    pub runner: Option<String>,
    /// Only the examples whose names match this glob.
    #[arg(long)]
    pub filter: Option<String>,
    /// Succeed even if no example at all can run here.
    #[arg(long, default_value_t = false)]
    pub allow_empty: bool,
    /// Run the examples under valgrind. A script is asked to, and what it does not run under valgrind fails, unless
    /// `run-examples.without-valgrind` of `.github/vaccel-ci.toml` allows it.
    #[arg(long, default_value_t = false)]
    pub valgrind: bool,
    /// Seconds after which an example is stopped, with everything that it started.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// How many examples of a manifest run at once.
    #[arg(long, default_value_t = 1, value_parser = jobs)]
    pub jobs: usize,
    /// How often each example of a manifest runs that does not say; its time is the median.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeat: u32,
    /// Reports of an earlier run, separated by commas or line breaks, of which the one that fits is compared: `<path>`,
    /// or `<path>=<sha256>` as the output verified of fetch has it.
    #[arg(long)]
    pub baseline: Option<List>,
    /// From which factor on an example counts as slower than in the baseline.
    #[arg(long, default_value_t = Factor(1.5))]
    pub slowdown: Factor,
    /// Milliseconds by which an example may be slower in any case.
    #[arg(long, default_value_t = 50)]
    pub slowdown_floor: u64,
    /// How bad it is to be worse than the baseline, like `slowdown=error,output=ignore`; failed, skipped, disappeared
    /// and output are errors otherwise, slowdown is a warning.
    #[arg(long)]
    pub regression_levels: Option<List>,
    /// Write the golden files from what the examples say now.
    #[arg(long, default_value_t = false, help_heading = toolkit::CLI_ONLY)]
    pub bless: bool,
    /// Folders of fetched dependencies, separated by commas or line breaks, for the search paths.
    #[arg(long)]
    pub pkgconfig_prefix: Option<List>,
    /// File that receives the results as JSON, also when examples fail; `JUnit` XML goes beside it.
    #[arg(long, default_value = "examples-report.json")]
    pub report_path: PathBuf,
    /// Environment variables that code of the repository may see besides the usual ones, separated by commas or line
    /// breaks; `MODEL_*` names all that begin so. Names that look like credentials are refused.
    #[arg(long)]
    pub pass_env: Option<PassEnv>,
}

toolkit::outputs! {
    /// The results; also set when examples failed.
    pub struct Outputs {
        /// Number of examples that passed.
        pub passed: usize,
        /// Number of examples that failed.
        pub failed: usize,
        /// Number of examples that were skipped.
        pub skipped: usize,
        /// Number of examples that ran and of which nobody can say how they ended.
        pub unknown: usize,
        /// Number of examples that did not run, because the script stopped before.
        pub not_run: u64,
        /// Number of examples that are worse than in the baseline.
        pub regressions: usize,
        /// Digest of the install tree that they ran against, before and after.
        pub tree_sha256: String,
        /// File with the results as JSON.
        pub report: PathBuf,
        /// File with the results as `JUnit` XML.
        pub junit: PathBuf,
    }
}

impl Action for RunExamples {
    const NAME: &'static str = "run-examples";
    const TITLE: &'static str = "Run examples";
    const DESCRIPTION: &'static str = "Run a repository's examples against an install tree and report each of them.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        run::run(args, runner)
    }
}

fn jobs(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=256) => Ok(jobs),
        _ => Err("not a number from 1 to 256".to_owned()),
    }
}

/// The JSON Schema of `examples.toml`.
#[cfg(feature = "schemars")]
pub fn manifest_schema() -> schemars::Schema {
    schemars::schema_for!(manifest::Manifest)
}
