// SPDX-License-Identifier: Apache-2.0
//! Events that nobody sent: what a person tries out where the sources are checked out.

use crate::{Args, Surroundings};
use artifact::Version;
use serde_json::json;
use std::path::Path;
use toolkit::event::Event;
use toolkit::git::Repository;
use toolkit::{Failure, Program, Result, RunError, Tool};

const GIT: Tool = Tool { program: "git", provided_by: "the Debian package git" };

/// An event of the given name about what is checked out, unless the arguments say otherwise.
pub fn event(name: &str, args: &Args) -> Result<(Event, Surroundings)> {
    if name.starts_with("pull_request") {
        return Err(Failure::input(format!("the event {name} has no meaning without its payload"))
            .help("name a file with the payload: --event-path"));
    }
    if let Some(git_ref) = args.git_ref.as_deref().filter(|git_ref| !git_ref.starts_with("refs/")) {
        return Err(Failure::input(format!("the ref {git_ref:?} is neither a branch nor a tag"))
            .help("write refs/heads/<branch> or refs/tags/<tag>"));
    }
    let checkout = checkout(&Repository::require(&args.source_path)?)?;
    let git_ref = args.git_ref.clone().unwrap_or(checkout.git_ref);
    let sha = args.sha.clone().unwrap_or(checkout.sha);
    let default_branch = match &args.default_branch {
        Some(branch) => branch.clone(),
        None => default_branch(&args.source_path)?,
    };
    let payload = json!({
        "ref": git_ref,
        "head_commit": { "id": sha },
        "repository": { "default_branch": default_branch },
        "merge_group": { "head_ref": git_ref, "head_sha": sha },
    });
    let surroundings = Surroundings { git_ref: Some(git_ref), sha: Some(sha) };
    Ok((Event { name: name.to_owned(), payload }, surroundings))
}

/// What is checked out.
pub struct Checkout {
    /// `refs/heads/…` or `refs/tags/…`.
    pub git_ref: String,
    /// The commit.
    pub sha: String,
}

/// Reads what is checked out: a branch, else the highest release tag on the commit, else the bare commit.
pub fn checkout(repository: &Repository) -> Result<Checkout> {
    let sha = repository.head()?;
    let git_ref = match repository.branch()? {
        Some(branch) => format!("refs/heads/{branch}"),
        None => release_tag(repository)?.unwrap_or_else(|| sha.clone()),
    };
    Ok(Checkout { git_ref, sha })
}

fn release_tag(repository: &Repository) -> Result<Option<String>> {
    let tags = repository.tags_at("HEAD")?;
    let releases = tags.iter().filter_map(|tag| Some((Version::from_tag(tag).ok()?, tag)));
    let highest = releases.max_by(|(a, _), (b, _)| a.semver().cmp(b.semver()));
    Ok(highest.map(|(_, tag)| format!("refs/tags/{tag}")))
}

/// The branch that `origin` calls its default; a repository without one is taken to use `main`.
fn default_branch(source: &Path) -> Result<String> {
    let question = ["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"];
    match Program::new(GIT.find()?).dir(source).args(question).capture() {
        Ok(text) => Ok(text.trim().trim_start_matches("origin/").to_owned()),
        Err(RunError::Failed { .. }) => Ok("main".to_owned()),
        Err(error) => Err(error.into()),
    }
}
