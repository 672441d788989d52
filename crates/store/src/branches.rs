// SPDX-License-Identifier: Apache-2.0
//! Which branches exist.

use crate::Args;
use artifact::RefName;
use std::collections::BTreeSet;
use toolkit::{Failure, Program, Result, ResultExt, Tool};

const GIT: Tool = Tool { program: "git", provided_by: "the Debian package git, or give branches" };

/// The branches that were given, or those of a repository. Without either nobody knows which are closed.
pub fn open(args: &Args) -> Result<BTreeSet<RefName>> {
    if let Some(branches) = args.branches.as_deref().filter(|branches| !branches.is_empty()) {
        let parse = |name: &String| name.parse::<RefName>().input("branches is not usable");
        return branches.iter().map(parse).collect();
    }
    let Some(repository) = &args.git else {
        return Err(Failure::input("gc needs a list of branches, and none is given")
            .help("give branches, such as main,feat/x, or git, the address of the repository"));
    };
    let output = Program::new(GIT.find()?)
        .args(["ls-remote", "--heads", "--", repository])
        .env("GIT_TERMINAL_PROMPT", "0")
        .capture()
        .with_context(|| format!("failed to list the branches of {repository}"))?;
    let names = output.lines().filter_map(|line| line.split_once("refs/heads/").map(|(_, name)| name));
    let branches: BTreeSet<RefName> = names.filter_map(|name| name.parse().ok()).collect();
    if branches.is_empty() {
        return Err(
            Failure::work(format!("the repository {repository} has no branch")).help("check git; nothing was removed")
        );
    }
    Ok(branches)
}
