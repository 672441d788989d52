// SPDX-License-Identifier: Apache-2.0
//! `store`: what whoever runs a store does to it.
//!
//! Each command is one file; what it does to a store is done by `registry::maintain`.

mod branches;
mod check;
mod clean;
mod list;
mod promote;
mod rebuild;
mod withdraw;

use artifact::{PackageName, RefName, Version};
use registry::{BasePath, PublicKeys, RegistryError, SigningKey, StoreArgs, Trust, Without, maintain};
use serde::Serialize;
use std::path::PathBuf;
use toolkit::{Failure, List, Result, ResultExt, Runner, Secret};

/// The action.
pub struct Store;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Command {
    /// Packages, releases, branches, targets and sizes.
    List,
    /// Whether all that is named is there, and is what it is named as.
    Verify,
    /// What can be brought back is brought back.
    Repair,
    /// A release is passed over by requirements.
    Yank,
    /// And no longer.
    Unyank,
    /// What is closed, unnamed or unfinished is removed.
    Gc,
    /// A version is copied to another place, byte by byte.
    Promote,
    /// The index is made again from what is listed.
    Reindex,
}

/// Inputs of the action.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is done: list, verify, repair, yank, unyank, gc, promote or reindex; on a command line the first word.
    #[arg(long, value_enum)]
    command: Command,
    /// The package; absent, every package below base-path.
    #[arg(long)]
    package: Option<PackageName>,
    /// The release that is yanked, unyanked or promoted.
    #[arg(long)]
    version: Option<Version>,
    /// The branch that is promoted.
    #[arg(long = "ref")]
    git_ref: Option<RefName>,
    /// Why a release is yanked; whoever fetches it reads this.
    #[arg(long)]
    reason: Option<String>,
    /// Whether verify and repair hash every object instead of comparing sizes.
    #[arg(long, default_value_t = false)]
    deep: bool,
    /// Whether gc removes what it finds; otherwise it lists it.
    #[arg(long, default_value_t = false)]
    delete: bool,
    /// How long gc leaves alone what nothing names, since somebody may be reading it: `14d`.
    #[arg(long, default_value = "14d")]
    grace: registry::Days,
    /// The branches that exist, for gc: all others are closed.
    #[arg(long)]
    branches: Option<List>,
    /// A git repository, by address or path, whose branches exist, instead of branches.
    #[arg(long)]
    git: Option<String>,
    /// Base path that a version is promoted to.
    #[arg(long)]
    to_base_path: Option<BasePath>,
    /// Bucket that it is promoted to; absent, the same one.
    #[arg(long)]
    to_bucket: Option<String>,
    /// Store that it is promoted to; absent, the same one.
    #[arg(long)]
    to_endpoint_url: Option<registry::Endpoint>,
    /// Public keys of minisign, any of which fits: what is read must be signed.
    #[arg(long)]
    public_key: Option<PublicKeys>,
    /// Further ones that are good for branches and indexes only.
    #[arg(long)]
    branch_public_key: Option<PublicKeys>,
    /// Secret key of minisign, without a password, that signs what is written.
    #[arg(long)]
    signing_key: Option<Secret>,
    #[command(flatten)]
    store: StoreArgs,
    /// Print the result as JSON.
    #[arg(long, default_value_t = false, help_heading = toolkit::CLI_ONLY)]
    json: bool,
    /// A file that gets the result as JSON.
    #[arg(long)]
    report_path: Option<PathBuf>,
}

toolkit::outputs! {
    /// Outputs of the action.
    pub struct Outputs {
        /// How many problems remain, of verify and repair.
        pub problems: Option<usize>,
        /// How many keys were removed, or would be, by gc.
        pub removed: Option<usize>,
        /// The file with the result as JSON.
        pub report: Option<PathBuf>,
    }
}

/// What a command found or did.
pub(crate) struct Answer {
    /// For programs.
    pub json: serde_json::Value,
    /// For people, on a terminal.
    pub text: String,
    /// For the job summary, in Markdown.
    pub summary: String,
    /// Problems that remain.
    pub problems: Option<usize>,
    /// Keys that were removed, or would be.
    pub removed: Option<usize>,
}

impl Answer {
    pub fn new(value: &impl Serialize, text: String, summary: String) -> Result<Self> {
        let json = serde_json::to_value(value).context("failed to write the result as JSON")?;
        Ok(Self { json, text, summary, problems: None, removed: None })
    }
}

/// What every command works with.
pub(crate) struct Scene<'a> {
    pub args: &'a Args,
    pub runner: &'a Runner,
    pub store: registry::Store,
    pub base: BasePath,
    pub packages: Vec<PackageName>,
    pub signing_key: Option<SigningKey>,
}

impl Scene<'_> {
    /// The package of a command that is about one.
    pub fn package(&self) -> Result<&PackageName> {
        let missing = || Failure::input("package is missing").help("give the package that this is about");
        self.args.package.as_ref().ok_or_else(missing)
    }
}

impl toolkit::Action for Store {
    const NAME: &'static str = "store";
    const TITLE: &'static str = "Store";
    const DESCRIPTION: &'static str =
        "Keeps a store: lists, verifies, repairs, withdraws, cleans up and copies what is published.";
    type Args = Args;
    type Outputs = Outputs;

    fn run(args: Args, runner: &Runner) -> Result<Outputs> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("failed to start the runtime")?.block_on(run(&args, runner))
    }
}

async fn run(args: &Args, runner: &Runner) -> Result<Outputs> {
    let writes = match args.command {
        Command::List | Command::Verify | Command::Promote => false,
        Command::Gc => args.delete,
        Command::Repair | Command::Yank | Command::Unyank | Command::Reindex => true,
    };
    let who = if writes { Without::DefaultChain } else { Without::Anonymous };
    let trust = Trust {
        keys: args.public_key.clone().map(|keys| keys.0).unwrap_or_default(),
        branch_keys: args.branch_public_key.clone().map(|keys| keys.0).unwrap_or_default(),
        ..Trust::default()
    };
    let store = args.store.connect(who, runner).await?.trusting(trust);
    let signing_key = match &args.signing_key {
        Some(secret) => Some(secret.expose().parse::<SigningKey>().input("signing-key is not usable")?),
        None => None,
    };
    let base = args.store.base_path();
    let packages = match &args.package {
        Some(package) => vec![package.clone()],
        None => maintain::packages(&store, &base).await.map_err(RegistryError::into_failure)?,
    };
    let scene = Scene { args, runner, store, base, packages, signing_key };
    let answer = match args.command {
        Command::List => list::run(&scene).await?,
        Command::Verify => check::verify(&scene).await?,
        Command::Repair => check::repair(&scene).await?,
        Command::Yank => withdraw::yank(&scene).await?,
        Command::Unyank => withdraw::unyank(&scene).await?,
        Command::Gc => clean::run(&scene).await?,
        Command::Promote => promote::run(&scene).await?,
        Command::Reindex => rebuild::run(&scene).await?,
    };
    let json = serde_json::to_string_pretty(&answer.json).context("failed to write the result as JSON")?;
    if args.json {
        runner.print(&json);
    } else if runner.is_github() {
        runner.info(&answer.text);
    } else {
        runner.print(&answer.text);
    }
    if runner.is_github() {
        runner.summary(&answer.summary)?;
    }
    if let Some(path) = &args.report_path {
        std::fs::write(path, json + "\n").with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(count) = answer.problems.filter(|count| *count > 0) {
        let what = if count == 1 { "problem" } else { "problems" };
        return Err(Failure::work(format!("the store has {count} {what}"))
            .help("`vaccel-store repair` brings back what can be; publish the rest again"));
    }
    Ok(Outputs { problems: answer.problems, removed: answer.removed, report: args.report_path.clone() })
}
