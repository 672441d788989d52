// SPDX-License-Identifier: Apache-2.0
//! `act`: a repository's workflows on this machine, with our actions from this tree.

use crate::process::Step;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;
use testbed::act::Act;
use testbed::event::{self, Event, PullRequest};
use testbed::s3::Server;

/// Arguments of `cargo xtask act`.
#[derive(clap::Args)]
pub struct Args {
    /// The event to run: of the commit that is checked out.
    #[arg(value_enum)]
    event: Kind,
    /// The repository.
    #[arg(long, default_value = ".")]
    repository: PathBuf,
    /// One workflow file of its `.github/workflows`; default, all of them.
    #[arg(long)]
    workflow: Option<String>,
    /// Labels of the pull request, separated by commas.
    #[arg(long, value_delimiter = ',')]
    label: Vec<String>,
    /// A secret, `NAME=value`; the local store's are set already.
    #[arg(long)]
    secret: Vec<String>,
    /// A configuration variable, `NAME=value`; the local store's are set already.
    #[arg(long)]
    variable: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// A pull request from a branch of the repository.
    PullRequest,
    /// A push of the branch or, if it is checked out, the tag.
    Push,
    /// A manual run.
    WorkflowDispatch,
}

/// Builds the executables, starts a store, and runs act.
pub fn run(args: Args) -> Result<()> {
    let tools = testbed::tools::ensure(&|line| eprintln!("{line}"))?;
    Step::cargo("Build the executables", ["build", "--workspace", "--bins"]).run()?;
    let server = Server::start_public(&tools)?;
    let mut act = Act::new(&tools, &args.repository, event(&args)?)
        .variable("S3_ENDPOINT", &server.endpoint())
        .variable("S3_BUCKET", Server::BUCKET)
        .secret("S3_ACCESS_KEY", server.access_key())
        .secret("S3_SECRET_KEY", server.secret_key());
    for (name, value) in pairs(&args.variable)? {
        act = act.variable(name, value);
    }
    for (name, value) in pairs(&args.secret)? {
        act = act.secret(name, value);
    }
    if let Some(workflow) = &args.workflow {
        act = act.workflow(workflow);
    }
    let outcome = act.run(&mut |line| println!("{line}"))?;
    if !outcome.success {
        let failed: Vec<_> = outcome.jobs.iter().filter(|(_, ok)| !**ok).map(|(job, _)| job.as_str()).collect();
        bail!("the run failed: {}", failed.join(", "));
    }
    Ok(())
}

fn pairs(texts: &[String]) -> Result<Vec<(&str, &str)>> {
    texts.iter().map(|text| text.split_once('=').with_context(|| format!("{text:?} is not NAME=value"))).collect()
}

fn event(args: &Args) -> Result<Event> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&args.repository).args(arguments).output();
        let output = output.context("could not start git")?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let sha = git(&["rev-parse", "HEAD"])?;
    if sha.is_empty() {
        bail!("{} is no git repository with a commit", args.repository.display());
    }
    let name = git(&["remote", "get-url", "origin"])?;
    let name = name.trim_end_matches(".git").rsplit(['/', ':']).take(2).collect::<Vec<_>>();
    let name = match name.as_slice() {
        [name, owner] => format!("{owner}/{name}"),
        _ => "local/repository".to_owned(),
    };
    let branch = git(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    let git_ref = match branch.as_str() {
        "" => format!("refs/tags/{}", git(&["describe", "--tags", "--exact-match"])?),
        branch => format!("refs/heads/{branch}"),
    };
    let base = match git(&["rev-parse", "--quiet", "--verify", "origin/main"])? {
        none if none.is_empty() => git(&["rev-parse", "--quiet", "--verify", "main"])?,
        base => base,
    };
    Ok(match args.event {
        Kind::Push => event::push(&name, &git_ref, &sha),
        Kind::WorkflowDispatch => event::workflow_dispatch(&name, &git_ref, serde_json::json!({})),
        Kind::PullRequest => PullRequest {
            repository: &name,
            head_repository: &name,
            branch: &branch,
            sha: &sha,
            action: "synchronize",
            labels: &args.label.iter().map(String::as_str).collect::<Vec<_>>(),
            label: None,
        }
        .event_on(&base),
    })
}
