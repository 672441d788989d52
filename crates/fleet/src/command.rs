// SPDX-License-Identifier: Apache-2.0
//! The action `fleet`: writes, compares or shows the files of the fleet; and the command line of both actions.

use crate::doctor::Doctor;
use crate::images::{self, Images};
use crate::output;
use crate::registry_file::RegistryFile;
use crate::render;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use toolkit::{Failure, Result, Runner};

/// The action.
pub struct Fleet;

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The registry of runners.
    #[arg(long, default_value = artifact::runners::PATH)]
    runners: PathBuf,
    /// What differs at this site: addresses, remotes and sizes. What is rendered with it must not be committed.
    #[arg(long)]
    site: Option<PathBuf>,
    /// The folder that the files are in.
    #[arg(long, default_value = "fleet")]
    output: PathBuf,
    /// Write nothing; fail if a file differs from what would be written.
    #[arg(long, default_value_t = false, conflicts_with = "diff")]
    check: bool,
    /// Write nothing; show what would change.
    #[arg(long, default_value_t = false, help_heading = toolkit::CLI_ONLY)]
    diff: bool,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// Whether a file was written, or would be.
        pub changed: bool,
    }
}

impl toolkit::Action for Fleet {
    const NAME: &'static str = "fleet";
    const TITLE: &'static str = "Fleet";
    const DESCRIPTION: &'static str =
        "Renders the runner fleet from one file: scale sets, virtual machines, images, and the page of commands.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        let registry = RegistryFile::read(&args.runners, args.site.as_deref())?;
        let images = Images::read(&args.output.join(images::FILE))?;
        let input = render::Input {
            runners: &registry.runners,
            text: &registry.text,
            images: &images,
            private: args.site.is_some(),
        };
        let files = render::render(&input)
            .map_err(|message| Failure::input(format!("{}: {message}", args.runners.display())))?;
        let changes = output::changes(&args.output, &files)?;
        let differs = !changes.is_empty();
        if args.diff {
            runner.info(output::diff(&changes).trim_end());
            return Ok(Outputs { changed: differs });
        }
        runner.info(output::list(&changes).trim_end());
        if args.check && differs {
            let message = format!("{} is not what the registry says", args.output.display());
            return Err(Failure::work(message).help("run `vaccel-fleet render` and commit the result"));
        }
        if !args.check {
            output::write(&args.output, &changes)?;
        }
        runner.info(&format!("{}: {} files, {} changed", args.output.display(), files.len(), changes.len()));
        Ok(Outputs { changed: differs })
    }
}

/// The whole `main` of `vaccel-fleet`: `render` and `doctor`. As an action, which has no arguments, it renders.
pub fn main() -> ExitCode {
    let runner = Runner::detect();
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let command = arguments.get(1).and_then(|argument| argument.to_str()).unwrap_or_default().to_owned();
    match command.as_str() {
        "render" | "doctor" => {
            arguments.remove(1);
            if command == "render" {
                toolkit::main_with::<Fleet>(&runner, arguments)
            } else {
                toolkit::main_with::<Doctor>(&runner, arguments)
            }
        }
        "" if !runner.is_github() => {
            runner.fail(
                "Fleet",
                &Failure::input("a command is missing")
                    .help("start it as `vaccel-fleet render` or `vaccel-fleet doctor`, with --help for more"),
            );
            ExitCode::from(2)
        }
        _ => toolkit::main_with::<Fleet>(&runner, arguments),
    }
}
