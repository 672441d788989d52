// SPDX-License-Identifier: Apache-2.0
//! Which runner registry counts: the one that is asked for, the repository's, else that of vaccel-ci. A pull request
//! does not choose its runners, so what the repository has is then read from the base commit.

use crate::{Args, PullRequest, Trigger};
use artifact::runners::{PATH, Runners, RunnersError};
use std::path::{Path, PathBuf};
use toolkit::git::Repository;
use toolkit::{Failure, Result, ResultExt, check_toml};

/// The registry of vaccel-ci, for repositories that have none.
const BUILT_IN: &str = include_str!("../../../.github/runners.toml");

/// Reads the registry.
pub fn load(args: &Args, trigger: &Trigger) -> Result<Runners> {
    let path = args.runners.clone().unwrap_or_else(|| args.source_path.join(PATH));
    let text = match (trigger, inside(&args.source_path, &path)?) {
        (Trigger::PullRequest(request), Some(inner)) => at_base(&args.source_path, request, &inner, path.is_file())?,
        _ if path.is_file() || args.runners.is_some() => Some(
            std::fs::read_to_string(&path).input(format!("failed to read the runner registry {}", path.display()))?,
        ),
        _ => None,
    };
    match text {
        Some(text) => {
            check_toml(&text).map_err(|error| Failure::input(format!("{}:{}: {error}", path.display(), error.line)))?;
            Runners::parse(&path.display().to_string(), &text).map_err(failure)
        }
        None if args.runners.is_some() => {
            Err(Failure::input(format!("the base commit has no runner registry {}", path.display()))
                .help("merge the registry first; a pull request is planned with that of its base"))
        }
        None => Runners::parse(PATH, BUILT_IN).map_err(failure),
    }
}

fn failure(error: RunnersError) -> Failure {
    Failure::from(error).context("failed to read the runner registry").as_input()
}

/// The path from the top of the sources, if it is a file of theirs.
fn inside(source: &Path, path: &Path) -> Result<Option<PathBuf>> {
    let absolute = |path: &Path| -> Result<PathBuf> {
        let path = std::path::absolute(path)?;
        // A folder that is there may be named through a link.
        Ok(match (path.parent().and_then(|folder| folder.canonicalize().ok()), path.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => path,
        })
    };
    let source = source.canonicalize()?;
    Ok(absolute(path)?.strip_prefix(&source).ok().map(Path::to_owned))
}

fn at_base(source: &Path, request: &PullRequest, path: &Path, is_there: bool) -> Result<Option<String>> {
    let Some(base) = &request.base_sha else {
        // Without a base nothing says that somebody has read the file.
        return if is_there {
            Err(Failure::input("the event names no base commit, so the runner registry cannot be read from it")
                .help("hand over GitHub's payload as it is: /pull_request/base/sha is missing"))
        } else {
            Ok(None)
        };
    };
    let Some(repository) = Repository::open(source)? else { return Ok(None) };
    let file = format!("./{}", path.display());
    repository
        .file_at(base, &file)
        .map_err(|failure| failure.context("failed to read the runner registry of the base commit").as_input())
}
