// SPDX-License-Identifier: Apache-2.0
//! The commit that a change is compared with. What an event asks for is a pure decision; finding it
//! asks git.

use crate::git::Git;
use serde_json::Value;
use toolkit::event::Event;
use toolkit::{Failure, Result};

/// Where a change began: the nearest common ancestor of `HEAD` and what it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The full hash.
    pub commit: String,
}

/// What an event compares its change with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This commit, which must be in the repository.
    Commit(String),
    /// The first of these revisions that is in the repository.
    FirstOf(Vec<String>),
}

/// Whether an event is about a pull request: nobody has approved its commits yet.
pub fn is_pull_request(event: &Event) -> bool {
    ["pull_request", "pull_request_target"].contains(&event.name.as_str())
        || text(&event.payload, "/pull_request/base/sha").is_some()
}

/// What an event asks for. A push is compared with the head before it; where that is gone or was never there (a forced
/// push, a new branch, a tag), and for events without a change of their own, with the default branch.
pub fn of_event(event: &Event) -> Option<Wanted> {
    let payload = &event.payload;
    if is_pull_request(event) {
        return text(payload, "/pull_request/base/sha").map(|sha| Wanted::Commit(sha.to_owned()));
    }
    if event.name == "merge_group" {
        return text(payload, "/merge_group/base_sha").map(|sha| Wanted::Commit(sha.to_owned()));
    }
    let is_push = event.name == "push";
    let before = text(payload, "/before").filter(|sha| is_push && sha.bytes().any(|byte| byte != b'0'));
    let is_forced = payload.pointer("/forced") == Some(&Value::Bool(true));
    let default = text(payload, "/repository/default_branch");
    let pushes_default =
        is_push && default.is_some_and(|name| text(payload, "/ref") == Some(&format!("refs/heads/{name}")));
    let mut revisions = Vec::new();
    if !is_forced {
        revisions.extend(before.map(str::to_owned));
    }
    if !pushes_default {
        let named =
            default.into_iter().flat_map(|name| ["refs/remotes/origin/", "refs/heads/"].map(|at| at.to_owned() + name));
        revisions.extend(named.chain(["refs/remotes/origin/HEAD".to_owned()]));
    }
    if is_push {
        if is_forced {
            revisions.extend(before.map(str::to_owned));
        }
        // The commits of the push, the oldest first: what came before it is no longer named elsewhere.
        revisions.extend(text(payload, "/commits/0/id").map(|id| format!("{id}^")));
    }
    Some(Wanted::FirstOf(revisions))
}

fn text<'a>(payload: &'a Value, pointer: &str) -> Option<&'a str> {
    payload.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Finds where the change began; `None` if there is nothing to compare with.
pub fn find(git: &Git, wanted: &Wanted) -> Result<Option<Base>> {
    let revisions = match wanted {
        Wanted::Commit(revision) => return merge_base(git, revision).map(Some),
        Wanted::FirstOf(revisions) => revisions,
    };
    for revision in revisions {
        if let Some(commit) = resolved(git, revision)?
            && let Some(base) = ancestor(git, &commit)?
        {
            return Ok(Some(base));
        }
    }
    if git.is_shallow()? {
        return Err(missing("there is no commit to compare with in the repository, which is a shallow clone"));
    }
    Ok(None)
}

/// The nearest common ancestor of `HEAD` and a revision.
pub fn merge_base(git: &Git, revision: &str) -> Result<Base> {
    if revision.starts_with('-') {
        return Err(Failure::input(format!("{revision:?} is not a valid commit")).help("correct base"));
    }
    let Some(commit) = resolved(git, revision)? else {
        return Err(missing(&format!("the base commit {revision} is not in the repository")));
    };
    ancestor(git, &commit)?.ok_or_else(|| {
        missing(&format!("the base commit {revision} has no ancestor in common with HEAD in the repository"))
    })
}

fn missing(what: &str) -> Failure {
    Failure::work(what.to_owned())
        .title("the base commit is missing")
        .help("check out with `fetch-depth: 0`, which fetches the whole history")
}

fn resolved(git: &Git, revision: &str) -> Result<Option<String>> {
    let commit = format!("{revision}^{{commit}}");
    git.answer_line(&["rev-parse", "--quiet", "--verify", "--end-of-options", &commit])
}

fn ancestor(git: &Git, commit: &str) -> Result<Option<Base>> {
    Ok(git.answer_line(&["merge-base", "HEAD", commit])?.map(|commit| Base { commit }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ZEROS: &str = "0000000000000000000000000000000000000000";

    fn first_of(revisions: &[&str]) -> Wanted {
        Wanted::FirstOf(revisions.iter().map(|&revision| revision.to_owned()).collect())
    }

    #[test]
    fn events_name_what_they_are_compared_with() {
        let of_base = || Some(Wanted::Commit("b".to_owned()));
        let first_of = |revisions: &[&str]| Some(first_of(revisions));
        let main = ["refs/remotes/origin/main", "refs/heads/main", "refs/remotes/origin/HEAD"];
        let repository = json!({ "default_branch": "main" });
        let cases = [
            ("pull_request", json!({"pull_request": {"base": {"sha": "b"}}}), of_base()),
            ("pull_request_review", json!({"pull_request": {"base": {"sha": "b"}}}), of_base()),
            ("pull_request", json!({}), None),
            ("merge_group", json!({"merge_group": {"base_sha": "b", "head_sha": "h"}}), of_base()),
            (
                "push",
                json!({"before": "b", "ref": "refs/heads/main", "repository": repository, "commits": [{"id": "c"}]}),
                first_of(&["b", "c^"]),
            ),
            (
                "push",
                json!({"before": "b", "ref": "refs/heads/topic", "repository": repository}),
                first_of(&["b", main[0], main[1], main[2]]),
            ),
            (
                "push",
                json!({"before": "b", "forced": true, "ref": "refs/heads/topic", "repository": repository}),
                first_of(&[main[0], main[1], main[2], "b"]),
            ),
            (
                "push",
                json!({"before": "b", "forced": true, "ref": "refs/heads/main", "repository": repository, "commits": [{"id": "c"}]}),
                first_of(&["b", "c^"]),
            ),
            ("push", json!({"before": ZEROS, "ref": "refs/heads/main", "repository": repository}), first_of(&[])),
            ("push", json!({"before": ZEROS, "ref": "refs/heads/topic", "repository": repository}), first_of(&main)),
            ("push", json!({"before": ZEROS, "ref": "refs/tags/v1.0.0", "repository": repository}), first_of(&main)),
            ("workflow_dispatch", json!({"ref": "refs/heads/main", "repository": repository}), first_of(&main)),
            ("schedule", json!({"repository": repository}), first_of(&main)),
            ("schedule", json!({}), first_of(&["refs/remotes/origin/HEAD"])),
        ];
        for (name, payload, expected) in cases {
            let event = Event { name: name.to_owned(), payload };
            assert_eq!(of_event(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn whoever_comments_on_a_pull_request_is_in_it() {
        for (name, expected) in [("pull_request", true), ("pull_request_target", true), ("push", false)] {
            let event = Event { name: name.to_owned(), payload: json!({}) };
            assert_eq!(is_pull_request(&event), expected, "{name}");
        }
        let payload = json!({"pull_request": {"base": {"sha": "b"}}});
        assert!(is_pull_request(&Event { name: "pull_request_review".to_owned(), payload }));
    }
}
