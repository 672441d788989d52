// SPDX-License-Identifier: Apache-2.0
//! The one decision: from trigger, request and runners to what runs and what is published.

use crate::{PullRequest, Trigger};
use artifact::runners::{NoRunner, PATH, Runners};
use artifact::{Arch, BuildType, Commit, CommitError, Matrix, RefName, RefNameError, Target, Version};
use std::collections::BTreeSet;
use toolkit::Failure;

/// Lets the code of a fork run, for the commit that it is put on.
const OK_TO_TEST: &str = "ok-to-test";
/// Publishes a pull request's branch.
const OK_TO_UPLOAD: &str = "ok-to-upload";
/// Lets a pull request be worse than the default branch.
const OK_TO_DIFFER: &str = "ok-to-differ";
/// What can happen to a pull request without a change of what is built from it.
const IDLE: [&str; 14] = [
    "assigned",
    "unassigned",
    "review_requested",
    "review_request_removed",
    "milestoned",
    "demilestoned",
    "locked",
    "unlocked",
    "auto_merge_enabled",
    "auto_merge_disabled",
    "enqueued",
    "dequeued",
    "converted_to_draft",
    "closed",
];

/// What the caller wants.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tag of the runners.
    pub runner: String,
    /// Label of the runner for the jobs beside the builds; `None` for the registry's first of the tag `base`.
    pub jobs_runner: Option<String>,
    /// Architectures.
    pub archs: Vec<Arch>,
    /// Build types.
    pub build_types: Vec<BuildType>,
    /// Whether pushes and manual runs publish; `None` leaves it to the event.
    pub release: Option<bool>,
    /// Whether the store's address is there.
    pub has_store: bool,
    /// Whether the store's credentials are there.
    pub has_credentials: bool,
}

/// What runs and what is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether anything runs.
    pub proceed: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// Whether it is published.
    pub publish: bool,
    /// Whether what is published is a release.
    pub immutable: bool,
    /// Whether the event changes the verdict on the commit.
    pub decides: bool,
    /// The label of the runner for the jobs beside the builds.
    pub jobs_runner: String,
    /// The branch or tag.
    pub git_ref: RefName,
    /// The version that the tag names; `None` for a branch, whatever it is called.
    pub release: Option<Version>,
    /// The commit.
    pub sha: Commit,
    /// The targets; none if nothing runs.
    pub matrix: Matrix,
}

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// There is no such runner.
    #[error(transparent)]
    Runners(#[from] NoRunner),
    /// There is no runner for the jobs beside the builds.
    #[error("no runner has the label {label:?}; there are {}", known.join(", "))]
    Label {
        /// The label.
        label: String,
        /// The labels that exist.
        known: Vec<String>,
    },
    /// The branch or tag has a name that cannot be published under.
    #[error(transparent)]
    Ref(#[from] RefNameError),
    /// The event names no commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The matrix would be empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Two jobs would build the same.
    #[error("{1} is in {0} twice")]
    Twice(&'static str, String),
    /// It is to be published, and nobody said where.
    #[error("this run is to publish {0}, and the address of the store is missing")]
    NoStore(RefName),
    /// It is to be published, and the store would refuse it.
    #[error("this run is to publish {0}, and the credentials of the store are missing")]
    NoCredentials(RefName),
    /// A tag that semver and dpkg order differently.
    #[error("{tag} is not a valid release tag: semver and dpkg order {written} differently")]
    Spelling {
        /// The tag.
        tag: RefName,
        /// Its pre-release.
        written: String,
        /// The version as it should be spelled.
        right: Version,
    },
    /// A branch that passes for a release.
    #[error("the branch {0} has the name of a release and cannot be published as a branch")]
    BranchAsRelease(RefName),
}

impl PlanError {
    /// As the failure of the action.
    pub fn into_failure(self) -> Failure {
        let help = match &self {
            Self::NoStore(_) => "pass the inputs endpoint-url and bucket to the workflow",
            Self::NoCredentials(_) => "pass the secrets access-key and secret-key to the workflow by name",
            Self::BranchAsRelease(_) => "rename the branch, or take the label ok-to-upload away",
            Self::Spelling { right, .. } => &format!("delete the tag, and tag the commit v{right}"),
            Self::Label { .. } => &format!("set plan-runner to one of them, or add the label to {PATH}"),
            Self::Runners(_) => &format!("the runners that exist are listed in {PATH}"),
            Self::Empty(_) => "leave the input out for its default, or name at least one",
            Self::Twice(..) => "name each once: two jobs would publish the same bundle",
            Self::Ref(_) | Self::Commit(_) => "this comes from the event; git itself would not have such a name",
        };
        Failure::from(self).help(help).as_input()
    }
}

/// What a trigger leads to, before targets and credentials are looked at.
struct Verdict {
    proceed: bool,
    publish: bool,
    decides: bool,
    reason: String,
}

impl Verdict {
    fn stop(reason: impl Into<String>) -> Self {
        Self { proceed: false, publish: false, decides: true, reason: reason.into() }
    }

    /// Nothing runs, and the verdict of an earlier run stays.
    fn ignore(reason: impl Into<String>) -> Self {
        Self { decides: false, ..Self::stop(reason) }
    }

    fn build(reason: impl Into<String>) -> Self {
        Self { proceed: true, publish: false, decides: true, reason: reason.into() }
    }

    fn publish_if(publish: bool, what: &str) -> Self {
        let then = if publish { "built and published" } else { "built, not published" };
        Self { publish, ..Self::build(format!("{what}: {then}")) }
    }
}

/// Decides.
pub fn decide(trigger: &Trigger, request: &Request, runners: &Runners) -> Result<Decision, PlanError> {
    // A request that cannot be met is told at every event, not first at the one that matters.
    let matrix = matrix(request, runners)?;
    let jobs_runner = jobs_runner(request, runners)?;
    let (verdict, git_ref, sha) = judge(trigger, request.release);
    let (git_ref, sha): (RefName, Commit) = (git_ref.parse()?, sha.parse()?);
    let is_tag = matches!(trigger, Trigger::Tag { .. })
        || matches!(trigger, Trigger::Manual { git_ref, .. } if git_ref.starts_with("refs/tags/"));
    let release = if is_tag { git_ref.release() } else { None };
    if verdict.proceed
        && let Some(version) = &release
        && let Some(right) = version.respelled()
    {
        return Err(PlanError::Spelling { written: version.semver().pre.to_string(), tag: git_ref, right });
    }
    if verdict.publish && git_ref.is_release() && !is_tag {
        return Err(PlanError::BranchAsRelease(git_ref));
    }
    if verdict.publish && !request.has_store {
        return Err(PlanError::NoStore(git_ref));
    }
    if verdict.publish && !request.has_credentials {
        return Err(PlanError::NoCredentials(git_ref));
    }
    Ok(Decision {
        proceed: verdict.proceed,
        reason: verdict.reason,
        publish: verdict.publish,
        immutable: verdict.publish && is_tag,
        decides: verdict.decides,
        jobs_runner,
        release,
        git_ref,
        sha,
        matrix: if verdict.proceed { matrix } else { Matrix::default() },
    })
}

/// The label for the jobs beside the builds: that of the plan's own runner, else the registry's choice.
fn jobs_runner(request: &Request, runners: &Runners) -> Result<String, PlanError> {
    let Some(label) = &request.jobs_runner else { return Ok(runners.default_runner()?.label) };
    let mut known: Vec<_> = runners.tags.values().flat_map(|tag| tag.labels.values().cloned()).collect();
    if known.contains(label) {
        return Ok(label.clone());
    }
    known.sort();
    known.dedup();
    Err(PlanError::Label { label: label.clone(), known })
}

/// The table of the design: one row per kind of event.
fn judge(trigger: &Trigger, release: Option<bool>) -> (Verdict, String, String) {
    const NOBODY: &str = "0000000000000000000000000000000000000000";
    match trigger {
        Trigger::PullRequest(request) => (pull_request(request), request.head_ref.clone(), request.head_sha.clone()),
        Trigger::Branch { name, sha: None, .. } | Trigger::Tag { name, sha: None } => {
            (Verdict::ignore(format!("{name} was deleted")), name.clone(), NOBODY.to_owned())
        }
        Trigger::Branch { name, default_branch, sha: Some(sha) } => {
            let verdict = if name == default_branch {
                Verdict::publish_if(release.unwrap_or(true), &format!("push to the default branch {name}"))
            } else {
                Verdict::stop(format!("{name} is not the default branch {default_branch}; open a pull request"))
            };
            (verdict, name.clone(), sha.clone())
        }
        Trigger::Tag { name, sha: Some(sha) } => {
            (tag(name, release.unwrap_or(true), "release"), name.clone(), sha.clone())
        }
        Trigger::MergeGroup { git_ref, sha } => {
            (Verdict::build("merge queue: built, not published"), short(git_ref), sha.clone())
        }
        Trigger::Manual { git_ref, sha } => {
            let publish = release.unwrap_or(false);
            let verdict = match git_ref.strip_prefix("refs/tags/") {
                Some(name) if publish => tag(name, publish, "manual run of release"),
                _ => Verdict::publish_if(publish, &format!("manual run of {}", short(git_ref))),
            };
            (verdict, short(git_ref), sha.clone())
        }
        Trigger::Other { name, git_ref, sha } => {
            let reason = match name.as_str() {
                "pull_request_target" => {
                    "pull_request_target runs with secrets beside code that nobody vouched for; use pull_request"
                        .to_owned()
                }
                name => format!("the event {name} builds nothing"),
            };
            (Verdict::stop(reason), short(git_ref), sha.clone())
        }
    }
}

fn pull_request(request: &PullRequest) -> Verdict {
    let label = request.label.as_deref().unwrap_or_default();
    let deciding: &[&str] = if request.fork { &[OK_TO_TEST] } else { &[OK_TO_UPLOAD, OK_TO_DIFFER] };
    if request.action == "labeled" && !deciding.contains(&label) {
        Verdict::ignore(format!("the label {label} decides nothing"))
    } else if request.action == "unlabeled" {
        Verdict::ignore(format!("taking the label {label} away decides nothing"))
    } else if IDLE.contains(&request.action.as_str()) || (request.action == "edited" && !request.retargeted) {
        Verdict::ignore(format!("that the pull request was {} decides nothing", request.action.replace('_', " ")))
    } else if request.fork {
        // A label vouches for the commit it was put on; what is pushed later needs it again.
        if request.action == "labeled" {
            Verdict::build(format!("pull request from a fork, whose commit has just got the label {OK_TO_TEST}"))
        } else {
            Verdict::stop(format!(
                "the pull request comes from a fork: read the commit, then put the label {OK_TO_TEST} on (again, if it is there)"
            ))
        }
    } else if request.vouched_for(OK_TO_UPLOAD) {
        Verdict::publish_if(true, &format!("pull request whose commit has just got the label {OK_TO_UPLOAD}"))
    } else if request.labels.iter().any(|name| name == OK_TO_UPLOAD) {
        Verdict::build(format!(
            "pull request: built, not published; {OK_TO_UPLOAD} was put on an earlier commit, put it on again for this one"
        ))
    } else {
        Verdict::build("pull request: built, not published")
    }
}

fn tag(name: &str, publish: bool, what: &str) -> Verdict {
    if name.parse::<RefName>().is_ok_and(|name| name.is_release()) {
        Verdict::publish_if(publish, &format!("{what} {name}"))
    } else {
        Verdict::stop(format!("the tag {name} is not a release: `v` and a semantic version"))
    }
}

fn short(git_ref: &str) -> String {
    let prefixes = ["refs/heads/", "refs/tags/", "refs/"];
    prefixes.iter().find_map(|prefix| git_ref.strip_prefix(prefix)).unwrap_or(git_ref).to_owned()
}

fn matrix(request: &Request, runners: &Runners) -> Result<Matrix, PlanError> {
    unique("runner-archs", &request.archs)?;
    unique("build-types", &request.build_types)?;
    let mut include = Vec::new();
    for arch in &request.archs {
        let runs_on = runners.runner(&request.runner, *arch)?.label;
        let context = runners.tag(&request.runner)?.capabilities.join(",");
        include.extend(request.build_types.iter().map(|build_type| Target {
            arch: *arch,
            build_type: *build_type,
            runs_on: runs_on.clone(),
            runner_arch: arch.runner().to_owned(),
            tag: request.runner.clone(),
            context: context.clone(),
        }));
    }
    Ok(Matrix { include })
}

fn unique<T: Ord + ToString>(input: &'static str, items: &[T]) -> Result<(), PlanError> {
    if items.is_empty() {
        return Err(PlanError::Empty(input));
    }
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(*item)) {
        Some(item) => Err(PlanError::Twice(input, item.to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
