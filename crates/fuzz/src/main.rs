// SPDX-License-Identifier: Apache-2.0
//! The process that reads damaged input; `cargo xtask fuzz` starts and watches it.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Reads damaged input until something breaks.
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: fuzz::run::Args,
    /// Where the number of the case is written before it is read.
    #[arg(long)]
    progress: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match fuzz::run::work(&cli.args, cli.progress) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
