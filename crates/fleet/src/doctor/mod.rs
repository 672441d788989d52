// SPDX-License-Identifier: Apache-2.0
//! `doctor`: whether this machine is what a tag of the registry says.

mod check;
mod machine;
mod report;
mod version;

use crate::registry_file::RegistryFile;
use artifact::Arch;
use artifact::runners::{self, Runners};
use std::path::PathBuf;
use toolkit::{Failure, Json, Result, ResultExt, Runner};

/// The action.
pub struct Doctor;

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tag that the machine should be like; absent, `VACCEL_RUNNER_TAG`, which our images set.
    #[arg(long)]
    tag: Option<String>,
    /// The registry; absent, `.github/runners.toml` here, else the one of vaccel-ci.
    #[arg(long)]
    runners: Option<PathBuf>,
    /// The least free space of the working folder, such as `10GiB`.
    #[arg(long, default_value = "5GiB")]
    free_disk: runners::Bytes,
    /// Where the whole result is written as JSON.
    #[arg(long)]
    report_path: Option<PathBuf>,
    /// Skip what only a running node has: binfmt, Docker, the GPU, free disk and the age of the runner.
    #[arg(long, default_value_t = false)]
    in_image: bool,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// Whether everything was found.
        pub healthy: bool,
        /// The whole result, a JSON document.
        pub report: Json<report::Report>,
    }
}

impl toolkit::Action for Doctor {
    const NAME: &'static str = "doctor";
    const TITLE: &'static str = "Doctor";
    const DESCRIPTION: &'static str =
        "Checks that the runner is what its tag says: tools, capabilities, disk and clock.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        let registry = registry(args.runners.as_deref())?;
        let tag = args.tag.clone().or_else(|| runner.env("VACCEL_RUNNER_TAG"));
        let tag =
            tag.ok_or_else(|| Failure::input("tag is missing").help("name the tag that this machine should be like"))?;
        let entry = registry.tag(&tag).map_err(|error| Failure::from(error).as_input())?;
        let arch = Arch::host().ok_or_else(|| Failure::work("this machine's architecture is not one of ours"))?;
        if !entry.labels.contains_key(&arch) {
            let places: Vec<_> = entry.labels.keys().map(|arch| arch.runner()).collect();
            return Err(Failure::work(format!(
                "the tag {tag} has no runners on {}, only on {}",
                arch.runner(),
                places.join(", ")
            )));
        }
        let things = check::things(&registry, entry, arch, &args);
        let report = report::Report::of(&tag, arch, check::all(things, &args, runner));
        if let Some(path) = &args.report_path {
            let text = serde_json::to_string_pretty(&report)? + "\n";
            std::fs::write(path, text).context(format!("failed to write {}", path.display()))?;
        }
        runner.info(&report.text());
        runner.summary(&report.markdown())?;
        match report.failures() {
            0 => Ok(Outputs { healthy: true, report: Json(report) }),
            _ => Err(Failure::work(report.headline())
                .title("Runner")
                .help("rebuild the image of the tag, or correct what `provides` says in the registry")),
        }
    }
}

/// The registry of vaccel-ci, for machines that have none at hand.
const BUILT_IN: &str = include_str!("../../../../.github/runners.toml");

fn registry(path: Option<&std::path::Path>) -> Result<Runners> {
    let here = std::path::Path::new(runners::PATH);
    match path.or_else(|| here.is_file().then_some(here)) {
        Some(path) => Ok(RegistryFile::read(path, None)?.runners),
        None => Runners::parse("the runner registry of vaccel-ci", BUILT_IN).map_err(|e| Failure::from(e).as_input()),
    }
}
