// SPDX-License-Identifier: Apache-2.0
//! What started the run, read from GitHub's payloads.
//! Source: <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use serde_json::Value;
use toolkit::event::Event;

/// A pull request, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// `opened`, `synchronize`, `labeled`, …
    pub action: String,
    /// The label that was put on just now, for `labeled`.
    pub label: Option<String>,
    /// All labels.
    pub labels: Vec<String>,
    /// Whether it comes from another repository.
    pub fork: bool,
    /// Whether another branch became its base.
    pub retargeted: bool,
    /// The commit of the base branch.
    pub base_sha: Option<String>,
    /// The branch.
    pub head_ref: String,
    /// The commit.
    pub head_sha: String,
}

impl PullRequest {
    /// Whether a label was put on this commit: just now, or when the pull request was opened. What is pushed later needs
    /// it again.
    pub fn vouched_for(&self, label: &str) -> bool {
        match self.action.as_str() {
            "labeled" => self.label.as_deref() == Some(label),
            "opened" => self.labels.iter().any(|name| name == label),
            _ => false,
        }
    }
}

/// What started the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A pull request changed.
    PullRequest(PullRequest),
    /// A branch was pushed.
    Branch {
        /// Its name.
        name: String,
        /// The repository's default branch.
        default_branch: String,
        /// The commit; `None` if the branch was deleted.
        sha: Option<String>,
    },
    /// A tag was pushed.
    Tag {
        /// Its name.
        name: String,
        /// The commit; `None` if the tag was deleted.
        sha: Option<String>,
    },
    /// A merge queue asks.
    MergeGroup {
        /// The queue's branch.
        git_ref: String,
        /// The commit.
        sha: String,
    },
    /// Somebody asks.
    Manual {
        /// `refs/heads/…` or `refs/tags/…`.
        git_ref: String,
        /// The commit.
        sha: String,
    },
    /// Anything else.
    Other {
        /// The event.
        name: String,
        /// `refs/…`.
        git_ref: String,
        /// The commit.
        sha: String,
    },
}

/// What the runner says beside the payload.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `GITHUB_REF`.
    pub git_ref: Option<String>,
    /// `GITHUB_SHA`.
    pub sha: Option<String>,
}

/// A field that should be in a payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing")]
pub struct Missing(&'static str);

impl Trigger {
    /// Reads an event.
    pub fn of(event: &Event, surroundings: &Surroundings) -> Result<Self, Missing> {
        let text = |pointer: &'static str| text(&event.payload, pointer).ok_or(Missing(pointer));
        let sha = || surroundings.sha.clone().ok_or(Missing("GITHUB_SHA"));
        let git_ref = || surroundings.git_ref.clone().ok_or(Missing("GITHUB_REF"));
        Ok(match event.name.as_str() {
            "pull_request" => Self::PullRequest(pull_request(&event.payload)?),
            "push" => push(&event.payload, surroundings)?,
            "merge_group" => {
                Self::MergeGroup { git_ref: text("/merge_group/head_ref")?, sha: text("/merge_group/head_sha")? }
            }
            "workflow_dispatch" => Self::Manual { git_ref: text("/ref")?, sha: sha()? },
            name => Self::Other { name: name.to_owned(), git_ref: git_ref()?, sha: sha()? },
        })
    }
}

fn text(payload: &Value, pointer: &str) -> Option<String> {
    payload.pointer(pointer)?.as_str().map(str::to_owned)
}

fn pull_request(payload: &Value) -> Result<PullRequest, Missing> {
    let field = |pointer: &'static str| text(payload, pointer).ok_or(Missing(pointer));
    let labels =
        payload.pointer("/pull_request/labels").and_then(Value::as_array).ok_or(Missing("/pull_request/labels"))?;
    // The head repository is null when a fork was deleted; that is a fork all the same.
    let head = text(payload, "/pull_request/head/repo/full_name");
    Ok(PullRequest {
        action: field("/action")?,
        label: text(payload, "/label/name"),
        labels: labels.iter().filter_map(|label| text(label, "/name")).collect(),
        fork: head != Some(field("/repository/full_name")?),
        retargeted: payload.pointer("/changes/base").is_some(),
        base_sha: text(payload, "/pull_request/base/sha"),
        head_ref: field("/pull_request/head/ref")?,
        head_sha: field("/pull_request/head/sha")?,
    })
}

fn push(payload: &Value, surroundings: &Surroundings) -> Result<Trigger, Missing> {
    let field = |pointer: &'static str| text(payload, pointer).ok_or(Missing(pointer));
    let git_ref = field("/ref")?;
    let deleted = payload.pointer("/deleted").and_then(Value::as_bool).unwrap_or(false);
    // `after` of an annotated tag is the tag object, not the commit.
    let commit = || text(payload, "/head_commit/id").or_else(|| surroundings.sha.clone());
    let sha = if deleted { None } else { Some(commit().map_or_else(|| field("/after"), Ok)?) };
    Ok(match git_ref.strip_prefix("refs/tags/") {
        Some(name) => Trigger::Tag { name: name.to_owned(), sha },
        None => Trigger::Branch {
            name: git_ref.strip_prefix("refs/heads/").unwrap_or(&git_ref).to_owned(),
            default_branch: field("/repository/default_branch")?,
            sha,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn trigger(name: &str, payload: Value) -> Result<Trigger, Missing> {
        let surroundings = Surroundings { git_ref: Some("refs/heads/main".into()), sha: Some("f".repeat(40)) };
        Trigger::of(&Event { name: name.into(), payload }, &surroundings)
    }

    #[test]
    fn payloads_become_triggers() {
        let pull_request = json!({
            "action": "labeled",
            "label": { "name": "ok-to-test" },
            "repository": { "full_name": "nubificus/x" },
            "pull_request": {
                "labels": [{ "name": "a" }, { "name": "ok-to-test" }],
                "head": { "ref": "feat/x", "sha": "1", "repo": { "full_name": "someone/x" } },
            },
        });
        let Trigger::PullRequest(request) = trigger("pull_request", pull_request.clone()).unwrap() else { panic!() };
        assert!(request.fork);
        assert_eq!(request.labels, ["a", "ok-to-test"]);
        assert_eq!(request.label.as_deref(), Some("ok-to-test"));

        let mut deleted_fork = pull_request;
        deleted_fork["pull_request"]["head"]["repo"] = Value::Null;
        assert!(matches!(
            trigger("pull_request", deleted_fork),
            Ok(Trigger::PullRequest(PullRequest { fork: true, .. }))
        ));

        let annotated = json!({ "ref": "refs/tags/v1.0.0", "after": "object", "head_commit": { "id": "commit" } });
        assert_eq!(trigger("push", annotated), Ok(Trigger::Tag { name: "v1.0.0".into(), sha: Some("commit".into()) }));
        let bare = json!({ "ref": "refs/tags/v1.0.0", "after": "object" });
        assert_eq!(trigger("push", bare), Ok(Trigger::Tag { name: "v1.0.0".into(), sha: Some("f".repeat(40)) }));
        let deleted = json!({ "ref": "refs/heads/x", "deleted": true, "repository": { "default_branch": "main" } });
        assert!(matches!(trigger("push", deleted), Ok(Trigger::Branch { sha: None, .. })));
        assert!(matches!(trigger("schedule", json!({})), Ok(Trigger::Other { .. })));
        assert_eq!(trigger("push", json!({})), Err(Missing("/ref")));
    }
}
