// SPDX-License-Identifier: Apache-2.0
//! Event payloads, with the fields of GitHub's that matter to a plan.
//! Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use serde_json::{Value, json};

/// An event and its payload.
#[derive(Clone, Debug)]
pub struct Event {
    /// `pull_request`, `push`, `workflow_dispatch`.
    pub name: &'static str,
    /// The payload.
    pub payload: Value,
}

/// The default branch of every repository here.
pub const DEFAULT_BRANCH: &str = "main";

fn repository(full_name: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or(("nubificus", full_name));
    json!({ "name": name, "full_name": full_name, "default_branch": DEFAULT_BRANCH, "owner": { "login": owner } })
}

/// A push of a branch or tag, `refs/…`.
pub fn push(repository_name: &str, git_ref: &str, sha: &str) -> Event {
    let payload = json!({
        "ref": git_ref,
        "before": "0".repeat(40),
        "after": sha,
        "deleted": false,
        "repository": repository(repository_name),
        "head_commit": { "id": sha },
    });
    Event { name: "push", payload }
}

/// A manual run on a branch or tag, `refs/…`.
pub fn workflow_dispatch(repository_name: &str, git_ref: &str, inputs: Value) -> Event {
    let payload = json!({ "ref": git_ref, "inputs": inputs, "repository": repository(repository_name) });
    Event { name: "workflow_dispatch", payload }
}

/// A pull request to the default branch.
#[derive(Clone, Debug)]
pub struct PullRequest<'a> {
    /// The repository that it is made to.
    pub repository: &'a str,
    /// The repository that it comes from; another one is a fork.
    pub head_repository: &'a str,
    /// Its branch.
    pub branch: &'a str,
    /// Its commit.
    pub sha: &'a str,
    /// `opened`, `synchronize`, `labeled`.
    pub action: &'a str,
    /// The labels that it has.
    pub labels: &'a [&'a str],
    /// The label that was put on, for `labeled`.
    pub label: Option<&'a str>,
}

impl PullRequest<'_> {
    /// The event, with the commit that the default branch is at.
    pub fn event_on(&self, base: &str) -> Event {
        let mut event = self.event();
        event.payload["pull_request"]["base"]["sha"] = base.into();
        event
    }

    /// The event, without that commit.
    pub fn event(&self) -> Event {
        let label = |name: &str| json!({ "name": name });
        let mut payload = json!({
            "action": self.action,
            "number": 1,
            "repository": repository(self.repository),
            "pull_request": {
                "number": 1,
                "labels": self.labels.iter().map(|name| label(name)).collect::<Vec<_>>(),
                "head": { "sha": self.sha, "ref": self.branch, "repo": repository(self.head_repository) },
                "base": { "ref": DEFAULT_BRANCH, "repo": repository(self.repository) },
            },
        });
        if let Some(name) = self.label {
            payload["label"] = label(name);
        }
        Event { name: "pull_request", payload }
    }
}
