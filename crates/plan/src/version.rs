// SPDX-License-Identifier: Apache-2.0
//! The version of what is built.

use crate::Decision;
use artifact::{GitState, Version};
use std::path::Path;
use toolkit::git::Repository;
use toolkit::{Failure, Result, ResultExt};

/// A release tag's own version; else `.version` of the sources, else git's.
pub fn of(source: &Path, decision: &Decision) -> Result<Version> {
    match &decision.release {
        Some(version) => Ok(version.clone()),
        None if decision.proceed => of_sources(source, decision),
        // Where nothing runs, a version that cannot be told must not hide the reason.
        None => of_sources(source, decision).or_else(|_| Ok("0.0.0".parse()?)),
    }
}

fn of_sources(source: &Path, decision: &Decision) -> Result<Version> {
    let file = source.join(".version");
    if file.is_file() {
        let text = std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        let version: Version = text.trim().parse().input(format!("{} does not hold a version", file.display()))?;
        return match version.respelled() {
            Some(right) => Err(Failure::input(format!(
                "{} holds {version}, which semver and dpkg order differently",
                file.display()
            ))
            .help(format!("write {right}"))),
            None => Ok(version),
        };
    }
    let repository = Repository::require(source)?;
    let head = repository.head()?;
    if head != decision.sha.as_str() {
        return Err(Failure::input(format!("the checkout is at {head}, and the event is about {}", decision.sha))
            .help(
                "check out the commit of the event: `ref: ${{ github.event.pull_request.head.sha || github.sha }}`",
            ));
    }
    if repository.is_shallow()? {
        return Err(Failure::input("the checkout has no history, so the version cannot be computed")
            .help("check out with `fetch-depth: 0`, or keep a .version file in the sources"));
    }
    let state = GitState {
        exact_tags: repository.tags_at("HEAD")?,
        describe: repository.describe(Version::of_tag)?,
        commits: repository.commit_count()?,
        commit: head,
        dirty: repository.is_dirty()?,
    };
    Ok(Version::from_git(&state)?)
}
