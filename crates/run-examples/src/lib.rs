//! The `run-examples` action: a repository's own script exercises the install tree.
//!
//! The script is called as it always was, `<script> <package> <0 or 1 for valgrind>`, and finds
//! what it expects around it. Where it speaks TAP, each test point is an example with a name, a
//! result and a time; otherwise the whole script is one example.

mod environment;
pub mod recorder;
mod report;
mod run;
mod script;
pub mod tap;

use artifact::PackageName;
use std::path::PathBuf;
use toolkit::{Action, List, Result, Runner};

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
    /// Prefix that the tree was built for.
    #[arg(long, default_value = "/usr")]
    pub prefix: PathBuf,
    /// Folder of the source tree; the script runs in it.
    #[arg(long, default_value = ".")]
    pub source_path: PathBuf,
    /// The script, relative to source-path; without it, `run-examples.sh` or `run_examples.sh`, in scripts/ or at the top.
    #[arg(long)]
    pub script: Option<PathBuf>,
    /// Ask the script to run the examples under valgrind.
    #[arg(long, default_value_t = false)]
    pub valgrind: bool,
    /// Seconds that the script may take, with everything it starts.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Folders of fetched dependencies, separated by commas or line breaks, for the search paths.
    #[arg(long)]
    pub pkgconfig_prefix: Option<List>,
    /// File that receives the results as JSON, also when examples fail.
    #[arg(long, default_value = "examples-report.json")]
    pub report_path: PathBuf,
}

toolkit::outputs! {
    /// What came of the examples; also set when some failed.
    pub struct Outputs {
        /// Number of examples that passed.
        pub passed: usize,
        /// Number of examples that failed.
        pub failed: usize,
        /// Number of examples that were skipped.
        pub skipped: usize,
        /// File with the results as JSON.
        pub report: PathBuf,
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
