// SPDX-License-Identifier: Apache-2.0
//! `reproduce`: builds a bundle again from its provenance, under other circumstances, and compares.
//!
//! [`run`] reads as the steps. What differs and why is found by [`compare`], which knows archives and
//! ELF files and starts nothing.

pub mod compare;
mod rebuild;
mod run;
mod statement;
mod unpack;

use std::path::PathBuf;
use toolkit::{Action, List, Result, Runner};

/// The action.
pub struct Reproduce;

/// The inputs. Paths are relative to the working directory.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Folder of the bundle, with its provenance.
    #[arg(long, default_value = "dist")]
    pub bundle: PathBuf,
    /// Folder of another build of it, to compare with instead of building again.
    #[arg(long)]
    pub against: Option<PathBuf>,
    /// Repository that has the commit: a folder, or an address; absent, the one that the provenance names.
    #[arg(long)]
    pub source: Option<String>,
    /// Folders of fetched packages that it is built against.
    #[arg(long)]
    pub pkgconfig_prefix: Option<List>,
    /// Minutes that the build may take.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub timeout: u64,
    /// File that receives the result, an in-toto statement.
    #[arg(long, default_value = "reproduction.json")]
    pub statement_path: PathBuf,
    /// A published version, fetched first: `<package>@<version>`.
    #[arg(help_heading = toolkit::CLI_ONLY)]
    pub release: Option<String>,
    /// How to fetch it, after `--`: options of vaccel-fetch such as --endpoint-url.
    #[arg(last = true, help_heading = toolkit::CLI_ONLY)]
    pub fetch_options: Vec<String>,
}

toolkit::outputs! {
    /// The result.
    pub struct Outputs {
        /// Whether every file that was compared is the same.
        pub reproduced: bool,
        /// Number of files that were compared.
        pub compared: usize,
        /// The files that differ, one per line.
        pub different: Vec<String>,
        /// The statement.
        pub statement: PathBuf,
    }
}

impl Action for Reproduce {
    const NAME: &'static str = "reproduce";
    const TITLE: &'static str = "Reproduce";
    const DESCRIPTION: &'static str =
        "Builds a bundle again from its provenance, under other circumstances, and compares every byte.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        run::run(&args, runner)
    }
}
