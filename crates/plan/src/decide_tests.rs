// SPDX-License-Identifier: Apache-2.0
//! The table of the design, row by row.

use super::*;

fn built_in() -> Runners {
    Runners::parse("runners.toml", include_str!("../../../.github/runners.toml")).unwrap()
}

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn request() -> Request {
    Request {
        runner: "base".into(),
        jobs_runner: None,
        archs: vec![Arch::X86_64, Arch::Aarch64],
        build_types: vec![BuildType::Debug, BuildType::Release],
        release: None,
        has_store: true,
        has_credentials: true,
    }
}

fn pull_request(fork: bool, action: &str, label: Option<&str>, labels: &[&str]) -> Trigger {
    Trigger::PullRequest(PullRequest {
        action: action.into(),
        label: label.map(str::to_owned),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        fork,
        retargeted: false,
        base_sha: None,
        head_ref: "feat/x".into(),
        head_sha: SHA.into(),
    })
}

fn branch(name: &str) -> Trigger {
    Trigger::Branch { name: name.into(), default_branch: "main".into(), sha: Some(SHA.into()) }
}

fn tag(name: &str) -> Trigger {
    Trigger::Tag { name: name.into(), sha: Some(SHA.into()) }
}

fn manual(git_ref: &str) -> Trigger {
    Trigger::Manual { git_ref: git_ref.into(), sha: SHA.into() }
}

fn other(name: &str) -> Trigger {
    Trigger::Other { name: name.into(), git_ref: "refs/heads/main".into(), sha: SHA.into() }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table with a row per event")]
fn every_event_has_its_row() {
    const NOTHING: &str = "nothing";
    const RUNS: &str = "runs";
    const BRANCH: &str = "publishes a branch";
    const RELEASE: &str = "publishes a release";
    let cases = [
        ("a pull request", pull_request(false, "opened", None, &[]), None, RUNS, "feat/x"),
        (
            "a pull request with a foreign label",
            pull_request(false, "labeled", Some("bug"), &["bug"]),
            None,
            NOTHING,
            "feat/x",
        ),
        ("opened with ok-to-upload", pull_request(false, "opened", None, &["ok-to-upload"]), None, BRANCH, "feat/x"),
        (
            "pushed after ok-to-upload",
            pull_request(false, "synchronize", None, &["ok-to-upload"]),
            None,
            RUNS,
            "feat/x",
        ),
        (
            "another label after ok-to-upload",
            pull_request(false, "labeled", Some("ok-to-differ"), &["ok-to-upload", "ok-to-differ"]),
            None,
            RUNS,
            "feat/x",
        ),
        (
            "a label that publishes",
            pull_request(false, "labeled", Some("ok-to-upload"), &["ok-to-upload"]),
            None,
            BRANCH,
            "feat/x",
        ),
        (
            "a label that allows a difference",
            pull_request(false, "labeled", Some("ok-to-differ"), &["ok-to-differ"]),
            None,
            RUNS,
            "feat/x",
        ),
        ("a pull request cannot ask", pull_request(false, "opened", None, &[]), Some(true), RUNS, "feat/x"),
        ("a closed pull request", pull_request(false, "closed", None, &["ok-to-upload"]), None, NOTHING, "feat/x"),
        ("a fork", pull_request(true, "opened", None, &[]), None, NOTHING, "feat/x"),
        (
            "a fork gets ok-to-test",
            pull_request(true, "labeled", Some("ok-to-test"), &["ok-to-test"]),
            None,
            RUNS,
            "feat/x",
        ),
        (
            "a fork is pushed after it",
            pull_request(true, "synchronize", None, &["ok-to-test"]),
            None,
            NOTHING,
            "feat/x",
        ),
        (
            "a fork gets another label",
            pull_request(true, "labeled", Some("bug"), &["bug", "ok-to-test"]),
            None,
            NOTHING,
            "feat/x",
        ),
        (
            "a fork never publishes",
            pull_request(true, "labeled", Some("ok-to-test"), &["ok-to-test", "ok-to-upload"]),
            Some(true),
            RUNS,
            "feat/x",
        ),
        ("the default branch", branch("main"), None, BRANCH, "main"),
        ("the default branch, not asked for", branch("main"), Some(false), RUNS, "main"),
        ("another branch", branch("feat/x"), Some(true), NOTHING, "feat/x"),
        ("a release", tag("v0.7.1"), None, RELEASE, "v0.7.1"),
        ("a pre-release", tag("v0.8.0-rc.1"), None, RELEASE, "v0.8.0-rc.1"),
        ("a release, not asked for", tag("v0.7.1"), Some(false), RUNS, "v0.7.1"),
        ("another tag", tag("nightly"), Some(true), NOTHING, "nightly"),
        ("a deleted tag", Trigger::Tag { name: "v1.0.0".into(), sha: None }, None, NOTHING, "v1.0.0"),
        (
            "the merge queue",
            Trigger::MergeGroup { git_ref: "refs/heads/gh-readonly-queue/main/pr-1-x".into(), sha: SHA.into() },
            Some(true),
            RUNS,
            "gh-readonly-queue/main/pr-1-x",
        ),
        ("a manual run", manual("refs/heads/feat/x"), None, RUNS, "feat/x"),
        ("a manual run that publishes", manual("refs/heads/main"), Some(true), BRANCH, "main"),
        ("a manual run of a release", manual("refs/tags/v0.7.1"), Some(true), RELEASE, "v0.7.1"),
        ("a manual run of another tag", manual("refs/tags/nightly"), Some(true), NOTHING, "nightly"),
        ("pull_request_target", other("pull_request_target"), Some(true), NOTHING, "main"),
        ("a schedule", other("schedule"), Some(true), NOTHING, "main"),
    ];
    let runners = built_in();
    for (name, trigger, release, expected, git_ref) in cases {
        let plan = decide(&trigger, &Request { release, ..request() }, &runners).unwrap();
        let found = match (plan.proceed, plan.publish, plan.immutable) {
            (false, false, false) => NOTHING,
            (true, false, false) => RUNS,
            (true, true, false) => BRANCH,
            (true, true, true) => RELEASE,
            _ => "a contradiction",
        };
        assert_eq!(found, expected, "{name}: {}", plan.reason);
        assert_eq!(plan.git_ref.as_str(), git_ref, "{name}");
        assert_eq!(plan.matrix.include.len(), if plan.proceed { 4 } else { 0 }, "{name}");
        assert!(!plan.reason.is_empty());
    }
}

#[test]
fn an_event_that_decides_nothing_leaves_the_verdict_as_it_was() {
    let runners = built_in();
    let retargeted = |retargeted| match pull_request(true, "edited", None, &["ok-to-test"]) {
        Trigger::PullRequest(request) => Trigger::PullRequest(PullRequest { retargeted, ..request }),
        other => other,
    };
    let cases = [
        ("a fork gets another label", pull_request(true, "labeled", Some("bug"), &["bug", "ok-to-test"]), false),
        (
            "a fork gets a label of others",
            pull_request(true, "labeled", Some("ok-to-upload"), &["ok-to-upload"]),
            false,
        ),
        ("a fork gets ok-to-test", pull_request(true, "labeled", Some("ok-to-test"), &["ok-to-test"]), true),
        ("a fork is pushed", pull_request(true, "synchronize", None, &["ok-to-test"]), true),
        ("a fork loses a label", pull_request(true, "unlabeled", Some("ok-to-test"), &[]), false),
        ("another label", pull_request(false, "labeled", Some("bug"), &["bug", "ok-to-upload"]), false),
        ("ok-to-test, which is for forks", pull_request(false, "labeled", Some("ok-to-test"), &["ok-to-test"]), false),
        ("ok-to-upload", pull_request(false, "labeled", Some("ok-to-upload"), &["ok-to-upload"]), true),
        ("somebody is assigned", pull_request(false, "assigned", None, &[]), false),
        ("it is closed", pull_request(true, "closed", None, &[]), false),
        ("another title", retargeted(false), false),
        ("another base", retargeted(true), true),
        ("ready for review", pull_request(false, "ready_for_review", None, &[]), true),
        ("a branch is deleted", Trigger::Tag { name: "v1.0.0".into(), sha: None }, false),
        ("a push", branch("main"), true),
        ("another branch", branch("feat/x"), true),
        ("a schedule", other("schedule"), true),
    ];
    for (name, trigger, decides) in cases {
        let plan = decide(&trigger, &request(), &runners).unwrap();
        assert_eq!(plan.decides, decides, "{name}: {}", plan.reason);
        assert!(decides || !plan.proceed, "{name}: {}", plan.reason);
    }
}

#[test]
fn arm_is_built_on_another_machine_and_every_target_knows_what_that_has() {
    let request = Request { archs: vec![Arch::Armv7l], build_types: vec![BuildType::Release], ..request() };
    let plan = decide(&branch("main"), &request, &built_in()).unwrap();
    let target = &plan.matrix.include[0];
    assert_eq!((target.runs_on.as_str(), target.runner_arch.as_str()), ("base-2204-amd64", "arm"));
    assert_eq!(target.context, "network");
    assert_eq!(plan.jobs_runner, "base-2204-amd64");
}

#[test]
fn the_matrix_has_a_job_per_target() {
    let plan = decide(&branch("main"), &request(), &built_in()).unwrap();
    let jobs: Vec<_> = plan
        .matrix
        .include
        .iter()
        .map(|target| format!("{} {} on {}", target.arch, target.build_type, target.runs_on))
        .collect();
    assert_eq!(
        jobs,
        [
            "x86_64 debug on base-2204-amd64",
            "x86_64 release on base-2204-amd64",
            "aarch64 debug on base-2204-arm64",
            "aarch64 release on base-2204-arm64",
        ]
    );
}

#[test]
fn requests_that_cannot_be_met_are_refused() {
    let runners = built_in();
    let refused = |trigger: Trigger, request: Request| {
        let failure = decide(&trigger, &request, &runners).unwrap_err().into_failure();
        assert_eq!(failure.status(), toolkit::Status::Input);
        failure.to_string()
    };
    insta::assert_snapshot!(refused(branch("main"), Request { has_store: false, ..request() }), @r"
    this run is to publish main, and the address of the store is missing
    help: pass the inputs endpoint-url and bucket to the workflow
    ");
    insta::assert_snapshot!(refused(tag("v0.7.1"), Request { has_credentials: false, ..request() }), @r"
    this run is to publish v0.7.1, and the credentials of the store are missing
    help: pass the secrets access-key and secret-key to the workflow by name
    ");
    let upload = Trigger::PullRequest(PullRequest {
        head_ref: "v9.9.9".into(),
        ..match pull_request(false, "opened", None, &["ok-to-upload"]) {
            Trigger::PullRequest(request) => request,
            _ => unreachable!(),
        }
    });
    insta::assert_snapshot!(refused(upload, request()), @r"
    the branch v9.9.9 has the name of a release and cannot be published as a branch
    help: rename the branch, or take the label ok-to-upload away
    ");
    let twice = Request { archs: vec![Arch::X86_64, Arch::X86_64], ..request() };
    insta::assert_snapshot!(refused(branch("main"), twice), @r"
    x86_64 is in runner-archs twice
    help: name each once: two jobs would publish the same bundle
    ");
    let none = Request { build_types: Vec::new(), ..request() };
    insta::assert_snapshot!(refused(branch("main"), none), @r"
    build-types is empty
    help: leave the input out for its default, or name at least one
    ");
    insta::assert_snapshot!(refused(tag("v0.1.0-rc1"), request()), @r"
    v0.1.0-rc1 is not a valid release tag: semver and dpkg order rc1 differently
    help: delete the tag, and tag the commit v0.1.0-rc.1
    ");
    let label = Request { jobs_runner: Some("gcc-2204-amd64".into()), ..request() };
    insta::assert_snapshot!(refused(branch("main"), label), @r#"
    no runner has the label "gcc-2204-amd64"; there are base-2204-amd64, base-2204-arm64, base-dind-2204-amd64, base-dind-2204-arm64, jetson-2204-arm64, tensorflow-2204-amd64, tensorflow-2204-arm64, torch-2204-amd64, torch-2204-arm64, tvm-2204-amd64, tvm-2204-arm64, ubuntu-24.04, ubuntu-24.04-arm
    help: set plan-runner to one of them, or add the label to .github/runners.toml
    "#);
    let unknown = Request { runner: "gpu".into(), ..request() };
    insta::assert_snapshot!(refused(branch("main"), unknown), @r#"
    there are no runners with the tag "gpu"; there are base, base-dind, github, jetson, tensorflow, torch, tvm
    help: the runners that exist are listed in .github/runners.toml
    "#);
}

#[test]
fn a_missing_store_does_not_matter_where_nothing_is_published() {
    let request = Request { has_store: false, has_credentials: false, ..request() };
    let runners = built_in();
    assert!(decide(&pull_request(false, "opened", None, &[]), &request, &runners).is_ok());
}

#[test]
fn only_a_tag_gives_its_version() {
    let runners = built_in();
    let release = |trigger: Trigger| {
        let plan = decide(&trigger, &Request { release: Some(false), ..request() }, &runners).unwrap();
        plan.release.map(|version| version.to_string())
    };
    assert_eq!(release(tag("v0.7.1")).as_deref(), Some("0.7.1"));
    assert_eq!(release(manual("refs/tags/v0.7.1")).as_deref(), Some("0.7.1"));
    assert_eq!(release(tag("nightly")), None);
    assert_eq!(release(manual("refs/heads/v0.7.1")), None);
    assert_eq!(release(branch("main")), None);
}
