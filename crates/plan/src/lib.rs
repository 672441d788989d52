// SPDX-License-Identifier: Apache-2.0
//! `plan`: decides what a run builds and publishes, before anything is queued.
//!
//! The decision is a pure function of the event, the inputs and the runner registry; this module
//! gathers those and tells the result. It never acts on the decision.

mod decide;
mod laptop;
mod package;
mod registry;
mod request;
mod summary;
mod trigger;
mod version;

pub use decide::{Decision, PlanError, Request, decide};
pub use trigger::{PullRequest, Surroundings, Trigger};

use artifact::PackageName;
use laptop::Checkout;
use std::path::PathBuf;
use toolkit::event::Event;
use toolkit::git::Repository;
use toolkit::{Failure, Json, List, Result, ResultExt, Runner};

/// The action.
pub struct Plan;

/// What findings of the linters lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LintMode {
    /// A bad verdict, and no publication.
    Gate,
    /// Annotations only.
    Advise,
}

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The package that is built.
    #[arg(long)]
    package: PackageName,
    /// Folder with the sources, checked out with their history.
    #[arg(long, default_value = ".")]
    source_path: PathBuf,
    /// Tag of the runners that build, of the runner registry. A JSON array of the parts of their label, without the
    /// architecture, is understood, too.
    #[arg(long, default_value = "base")]
    runner: String,
    /// Label of the runner for the jobs beside the builds; absent, the first of the tag base.
    #[arg(long)]
    jobs_runner: Option<String>,
    /// Architectures to build for: amd64, arm64, arm. A JSON array is understood, too.
    #[arg(long, default_value = "amd64")]
    runner_archs: String,
    /// Build types, under meson's names.
    #[arg(long, default_value = "debug,release")]
    build_types: List,
    /// Whether a push or a manual run publishes; absent, a push does and a manual run does not.
    #[arg(long)]
    release: Option<bool>,
    /// Whether findings of the linters fail the verdict and hold back the publication, gate, or do not, advise.
    #[arg(long, value_enum, default_value_t = LintMode::Gate)]
    lint: LintMode,
    /// Place of the package in the store; absent, what its settings say, else its name.
    #[arg(long)]
    remote_path: Option<String>,
    /// Inputs and secrets in the form of the earlier system that the caller uses; a notice names the form of today.
    #[arg(long)]
    former_inputs: Option<List>,
    /// Whether the store's address is there; a run that is to publish without it fails at once.
    #[arg(long, default_value_t = true)]
    has_store: bool,
    /// Whether the store's credentials are there; a run that is to publish without them fails at once.
    #[arg(long, default_value_t = true)]
    has_credentials: bool,
    /// A runner registry; absent, `.github/runners.toml` of the sources, else the one of vaccel-ci. For a pull request it
    /// is read from the base commit, if it is a file of the sources.
    #[arg(long)]
    runners: Option<PathBuf>,
    /// Name of the event, instead of the runner's.
    #[arg(long, help_heading = toolkit::CLI_ONLY)]
    event_name: Option<String>,
    /// Payload of that event; absent, the event is about what is checked out.
    #[arg(long, help_heading = toolkit::CLI_ONLY, requires = "event_name")]
    event_path: Option<PathBuf>,
    /// What that event is about, instead of what is checked out: refs/heads/<branch> or refs/tags/<tag>.
    #[arg(long = "ref", help_heading = toolkit::CLI_ONLY, requires = "event_name", conflicts_with = "event_path")]
    git_ref: Option<String>,
    /// Its commit, instead of the checked-out one.
    #[arg(long, help_heading = toolkit::CLI_ONLY, requires = "event_name", conflicts_with = "event_path")]
    sha: Option<String>,
    /// The repository's default branch, instead of the one of origin, or main.
    #[arg(long, help_heading = toolkit::CLI_ONLY, requires = "event_name", conflicts_with = "event_path")]
    default_branch: Option<String>,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// The whole plan, a JSON document.
        pub plan: Json<artifact::Plan>,
        /// Whether anything runs.
        pub proceed: bool,
        /// Why, in a sentence.
        pub reason: String,
        /// Whether the bundles are published.
        pub publish: bool,
        /// Whether what is published can never change.
        pub immutable: bool,
        /// The branch or release tag.
        pub r#ref: String,
        /// The commit.
        pub sha: String,
        /// The version.
        pub version: String,
        /// Whether the event changes the verdict on the commit; a label that decides nothing does not.
        pub decides: bool,
        /// The label of the runner for the jobs beside the builds.
        pub jobs_runner: String,
        /// The targets, as `<arch>/<build-type>`, one per line.
        pub targets: Vec<String>,
        /// Options of the build system that this package has of its own, one per line.
        pub options: Vec<String>,
        /// Which files of the install tree are this package's, as globs, one per line; all if there are none.
        pub files: Vec<String>,
        /// Place of the package in the store, if that is not its name.
        pub remote_path: Option<String>,
        /// The job matrix, for `fromJSON()`.
        pub matrix: Json<artifact::Matrix>,
    }
}

impl toolkit::Action for Plan {
    const NAME: &'static str = "plan";
    const TITLE: &'static str = "Plan";
    const DESCRIPTION: &'static str =
        "Decides, from the event and the labels, what runs on which runners and whether it is published.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        if !args.source_path.is_dir() {
            return Err(Failure::input(format!("there is no folder {}", args.source_path.display()))
                .help("check the sources out first, or correct source-path"));
        }
        let trigger = trigger(&args, runner)?;
        let runners = registry::load(&args, &trigger)?;
        let request = request::read(&args, &runners, runner)?;
        let package = package::settings(&args)?;
        let decision = decide(&trigger, &request, &runners).map_err(PlanError::into_failure)?;
        let version = version::of(&args.source_path, &decision)?;
        let plan = artifact::Plan {
            schema: artifact::Plan::SCHEMA,
            package: args.package,
            proceed: decision.proceed,
            reason: decision.reason,
            publish: decision.publish,
            immutable: decision.immutable,
            decides: decision.decides,
            jobs_runner: decision.jobs_runner,
            git_ref: decision.git_ref,
            sha: decision.sha,
            version,
            options: package.options.clone(),
            files: package.files.clone(),
            remote_path: package.remote_path.clone(),
            matrix: decision.matrix,
        };
        runner.summary(&summary::render(&plan))?;
        Ok(Outputs {
            proceed: plan.proceed,
            reason: plan.reason.clone(),
            publish: plan.publish,
            immutable: plan.immutable,
            decides: plan.decides,
            jobs_runner: plan.jobs_runner.clone(),
            r#ref: plan.git_ref.to_string(),
            sha: plan.sha.to_string(),
            version: plan.version.to_string(),
            targets: plan.matrix.include.iter().map(|row| format!("{}/{}", row.arch, row.build_type)).collect(),
            options: package.options,
            files: package.files,
            remote_path: package.remote_path,
            matrix: Json(plan.matrix.clone()),
            plan: Json(plan),
        })
    }
}

fn trigger(args: &Args, runner: &Runner) -> Result<Trigger> {
    let (event, surroundings) = event(args, runner)?;
    Trigger::of(&event, &surroundings).input(format!("the payload of the event {} is not usable", event.name))
}

/// The event and what stands beside it: from the command line, from the runner, or made up on a laptop.
fn event(args: &Args, runner: &Runner) -> Result<(Event, Surroundings)> {
    let event = match (&args.event_name, &args.event_path) {
        (Some(name), Some(path)) => Event::read(name, path).map_err(Failure::as_input)?,
        (Some(name), None) => return laptop::event(name, args),
        (None, _) if runner.env("GITHUB_EVENT_PATH").is_some() => Event::from_environment(runner)?,
        (None, _) => return laptop::event("workflow_dispatch", args),
    };
    let mut surroundings = Surroundings { git_ref: runner.env("GITHUB_REF"), sha: runner.env("GITHUB_SHA") };
    if surroundings.sha.is_none()
        && let Some(repository) = Repository::open(&args.source_path)?
    {
        // A payload that is tried out on a laptop is about what is checked out there.
        let Checkout { git_ref, sha } = laptop::checkout(&repository)?;
        surroundings = Surroundings { git_ref: surroundings.git_ref.or(Some(git_ref)), sha: Some(sha) };
    }
    Ok((event, surroundings))
}
