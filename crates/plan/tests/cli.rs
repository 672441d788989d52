// SPDX-License-Identifier: Apache-2.0
//! The executable, as a step of a workflow and on a laptop.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A git repository, and an event that speaks of it.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// `v0.3.0`, and one commit after it.
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.commit("feat: begin");
        scene.git(&["tag", "v0.3.0"]);
        scene.commit("feat: go on");
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.folder.path())
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// On a laptop, with nothing of our environment.
    fn laptop(&self, arguments: &[&str]) -> Output {
        command(&self.path()).args(["--package", "plugin-hello"]).args(arguments).output().unwrap()
    }

    /// As a step; gives its outputs too.
    fn step(&self, event: &str, payload: &Value, inputs: &[(&str, &str)]) -> (Output, String) {
        let runner = tempfile::tempdir().unwrap();
        let file = |name: &str| runner.path().join(name);
        fs::write(file("event.json"), payload.to_string()).unwrap();
        let mut command = command(&self.path());
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_EVENT_PATH", file("event.json"))
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_SHA", self.head())
            .env("INPUT_PACKAGE", "plugin-hello")
            .env("INPUT_RELEASE", "");
        for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            fs::write(file(name), "").unwrap();
            command.env(name, file(name));
        }
        for (name, value) in inputs {
            command.env(format!("INPUT_{name}"), value);
        }
        let output = command.output().unwrap();
        let told = fs::read_to_string(file("GITHUB_OUTPUT")).unwrap()
            + &fs::read_to_string(file("GITHUB_STEP_SUMMARY")).unwrap();
        (output, told)
    }

    fn push(&self) -> Value {
        push("refs/heads/main", &self.head())
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("vaccel-plan"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder);
    command
}

fn push(git_ref: &str, sha: &str) -> Value {
    json!({ "ref": git_ref, "head_commit": { "id": sha }, "repository": { "default_branch": "main" } })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a refused run says, without what differs from run to run.
fn refused(scene: &Scene, output: &Output) -> String {
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    said.replace(&scene.path().display().to_string(), "<sources>").replace(&scene.head(), "<head>")
}

fn value<'a>(told: &'a str, output: &str) -> &'a str {
    let mut lines = told.lines().skip_while(|line| !line.starts_with(&format!("{output}<<")));
    lines.next();
    lines.next().unwrap_or_else(|| panic!("there is no output {output} in {told}"))
}

#[test]
fn a_push_is_planned_with_every_output() {
    let scene = Scene::new();
    let (output, told) = scene.step("push", &scene.push(), &[]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(value(&told, "proceed"), "true");
    assert_eq!(value(&told, "publish"), "true");
    assert_eq!(value(&told, "immutable"), "false");
    assert_eq!(value(&told, "ref"), "main");
    assert_eq!(value(&told, "sha"), scene.head());
    assert_eq!(value(&told, "version"), format!("0.3.1-dev.1+g{}", &scene.head()[..8]));
    let matrix: Value = serde_json::from_str(value(&told, "matrix")).unwrap();
    assert_eq!(matrix["include"][1]["runs_on"], "base-2204-amd64");
    let plan: artifact::Plan = serde_json::from_str(value(&told, "plan")).unwrap();
    assert_eq!(plan.matrix.include.len(), 2);
    assert!(told.contains("## Plan for `plugin-hello`"), "{told}");
}

#[test]
fn a_tag_has_its_own_version_and_a_file_wins_over_git() {
    let scene = Scene::new();
    scene.write(".version", "5.0.0-rc.1\n");
    let (_, told) = scene.step("push", &scene.push(), &[]);
    assert_eq!(value(&told, "version"), "5.0.0-rc.1");
    let (_, told) = scene.step("push", &push("refs/tags/v0.4.0", &scene.head()), &[]);
    assert_eq!(value(&told, "version"), "0.4.0");
    assert_eq!(value(&told, "immutable"), "true");
}

#[test]
fn what_does_not_run_succeeds_and_says_why() {
    let scene = Scene::new();
    scene.write(".version", "nonsense\n");
    let (output, told) = scene.step("pull_request_target", &json!({}), &[]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!(value(&told, "proceed"), "false");
    assert_eq!(value(&told, "matrix"), r#"{"include":[]}"#);
    insta::assert_snapshot!(value(&told, "reason"), @"pull_request_target runs with secrets beside code that nobody vouched for; use pull_request");
}

#[test]
fn without_an_event_a_laptop_plans_what_is_checked_out() {
    let scene = Scene::new();
    let output = scene.laptop(&["--build-types", "release", "--runner-archs", "x86_64,arm64"]);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("manual run of main: built, not published"), "{said}");
    assert!(!said.contains("::"), "{said}");

    scene.git(&["checkout", "--quiet", "v0.3.0"]);
    let output = scene.laptop(&["--release"]);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("manual run of release v0.3.0: built and published"), "{said}");
}

#[test]
fn an_event_can_be_tried_out_on_a_laptop() {
    let scene = Scene::new();
    scene.write("event.json", r#"{ "ref": "refs/heads/main" }"#);
    let output = scene.laptop(&["--event-name", "workflow_dispatch", "--event-path", "event.json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = scene.laptop(&["--event-path", "event.json"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_event_without_a_payload_is_about_what_is_checked_out() {
    let scene = Scene::new();
    let cases: [(&str, &[&str], &str); 7] = [
        ("a push", &["push"], "push to the default branch main: built and published"),
        ("of a release", &["push", "--ref=refs/tags/v0.4.0"], "release v0.4.0: built and published"),
        ("of another branch", &["push", "--ref=refs/heads/x"], "x is not the default branch main; open a pull request"),
        (
            "of another default branch",
            &["push", "--ref=refs/heads/trunk", "--default-branch=trunk"],
            "push to the default branch trunk: built and published",
        ),
        ("a merge queue", &["merge_group"], "merge queue: built, not published"),
        ("a manual run", &["workflow_dispatch", "--release"], "manual run of main: built and published"),
        ("a schedule", &["schedule"], "the event schedule builds nothing"),
    ];
    for (name, arguments, reason) in cases {
        let output = scene.laptop(&[&["--event-name"], arguments].concat());
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success() && said.contains(reason), "{name}: {said}");
    }
    scene.git(&["update-ref", "refs/remotes/origin/trunk", "HEAD"]);
    scene.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]);
    let output = scene.laptop(&["--event-name=push"]);
    assert!(text(&output.stdout).contains("main is not the default branch trunk"), "{}", text(&output.stdout));
}

#[test]
fn an_event_that_cannot_be_made_up_is_refused() {
    let scene = Scene::new();
    let cases: [(&str, &[&str]); 5] = [
        ("a pull request without its payload", &["--event-name=pull_request"]),
        ("neither a branch nor a tag", &["--event-name=push", "--ref=main"]),
        ("no commit", &["--event-name=push", "--sha=abc"]),
        ("no such payload", &["--event-name=push", "--event-path=nowhere.json"]),
        ("a ref of no event", &["--ref=refs/heads/main"]),
    ];
    let mut said = String::new();
    for (name, arguments) in cases {
        writeln!(said, "{name}:\n{}", refused(&scene, &scene.laptop(arguments))).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn the_highest_release_behind_a_commit_counts() {
    const COMMIT: &str = "commit";
    let cases: [(&str, &[&str], &str); 9] = [
        ("of several, after them", &["tag v0.9.0", "tag v1.0.1", "tag v1.0.0", COMMIT], "1.0.2-dev.1"),
        (
            "an annotated candidate beside its release",
            &["tag --annotate --message=x v1.0.0-rc.1", "tag v1.0.0", COMMIT],
            "1.0.1-dev.1",
        ),
        (
            "an annotated release beside its candidate",
            &["tag --annotate --message=x v1.0.0", "tag v1.0.0-rc.2", COMMIT],
            "1.0.1-dev.1",
        ),
        ("ten after nine", &["tag v0.9.0", COMMIT, "tag v0.10.0", COMMIT], "0.10.1-dev.1"),
        ("a higher one further behind", &["tag v1.0.0", COMMIT, "tag v0.9.1", COMMIT], "1.0.1-dev.2"),
        (
            "one that a merge brought",
            &[
                "tag v0.9.0",
                "checkout --quiet -b fix",
                COMMIT,
                "tag v0.9.1",
                "checkout --quiet main",
                COMMIT,
                "merge --quiet --no-ff --message=x fix",
            ],
            "0.9.2-dev.2",
        ),
        (
            "not one on a branch beside",
            &["tag v0.9.0", "checkout --quiet -b next", COMMIT, "tag v1.0.0", "checkout --quiet main", COMMIT],
            "0.9.1-dev.1",
        ),
        ("others are passed over", &["tag v1.0.0", "tag v2", "tag v3.0", "tag nightly", COMMIT], "1.0.1-dev.1"),
        ("a candidate as it should be spelled", &["tag v1.0.0-rc9", "tag v1.0.0-rc10", COMMIT], "1.0.0-rc.10.dev.1"),
    ];
    for (name, history, expected) in cases {
        let scene = Scene { folder: tempfile::tempdir().unwrap() };
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        scene.commit("feat: begin");
        for (step, command) in history.iter().enumerate() {
            match *command {
                // Each differs, or two of one second would be the same.
                COMMIT => scene.commit(&format!("feat: {step}")),
                command => drop(scene.git(&command.split(' ').collect::<Vec<_>>())),
            }
        }
        let (output, told) = scene.step("push", &scene.push(), &[]);
        assert!(output.status.success(), "{name}: {}", text(&output.stdout));
        assert_eq!(value(&told, "version").split('+').next(), Some(expected), "{name}");
    }
}

#[test]
fn a_pull_request_does_not_choose_its_runners() {
    let scene = Scene::new();
    let registry = |label: &str| {
        format!("label = '{label}-{{tag}}-{{arch}}'\n[tags.base]\nmeaning = 'x'\narchitectures = ['amd64']\n")
    };
    let request = |base: &str| {
        json!({
            "action": "synchronize",
            "repository": { "full_name": "nubificus/x" },
            "pull_request": {
                "labels": [],
                "head": { "ref": "feat/x", "sha": scene.head(), "repo": { "full_name": "nubificus/x" } },
                "base": { "sha": base },
            },
        })
    };
    let without = scene.head();
    scene.write(".github/runners.toml", &registry("trusted"));
    scene.git(&["add", "--all"]);
    scene.commit("ci: own runners");
    let with = scene.head();
    scene.write(".github/runners.toml", &registry("evil"));
    scene.git(&["add", "--all"]);
    scene.commit("ci: other runners");
    let matrix = |base: &str, inputs: &[(&str, &str)]| {
        let (output, told) = scene.step("pull_request", &request(base), inputs);
        assert!(output.status.success(), "{}", text(&output.stdout));
        assert_eq!(
            value(&told, "jobs-runner"),
            serde_json::from_str::<Value>(value(&told, "matrix")).unwrap()["include"][0]["runs_on"]
        );
        value(&told, "jobs-runner").to_owned()
    };
    assert_eq!(matrix(&with, &[]), "trusted-base-amd64");
    assert_eq!(matrix(&with, &[("RUNNERS", ".github/runners.toml")]), "trusted-base-amd64");
    assert_eq!(matrix(&without, &[]), "base-2204-amd64");
    let (_, told) = scene.step("push", &scene.push(), &[]);
    assert_eq!(value(&told, "jobs-runner"), "evil-base-amd64");

    let mut said = String::new();
    let mut nameless = request("");
    nameless["pull_request"]["base"] = json!({});
    let cases = [
        ("the base has no such file", request(&without), vec![("RUNNERS", ".github/runners.toml")]),
        ("the base is not there", request(&"1".repeat(40)), vec![]),
        ("no base is named", nameless, vec![]),
    ];
    for (name, payload, inputs) in cases {
        let (output, _) = scene.step("pull_request", &payload, &inputs);
        writeln!(said, "{name}:\n{}", refused(&scene, &output)).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_registry_of_the_repository_wins_and_the_input_wins_over_it() {
    let scene = Scene::new();
    let registry = |label: &str| {
        format!("label = '{label}-{{tag}}-{{arch}}'\n[tags.base]\nmeaning = 'x'\narchitectures = ['amd64']\n")
    };
    scene.write(".github/runners.toml", &registry("own"));
    let (_, told) = scene.step("push", &scene.push(), &[]);
    assert!(value(&told, "matrix").contains("own-base-amd64"), "{told}");
    scene.write("other.toml", &registry("other"));
    let (_, told) = scene.step("push", &scene.push(), &[("RUNNERS", "other.toml")]);
    assert!(value(&told, "matrix").contains("other-base-amd64"), "{told}");
}

#[test]
fn the_forms_of_the_earlier_system_are_understood_with_a_notice() {
    let scene = Scene::new();
    let inputs = [
        ("RUNNER", r#"["base", "dind", "2204"]"#),
        ("RUNNER_ARCHS", r#"["amd64", "arm64", "arm"]"#),
        ("BUILD_TYPES", "release"),
        ("REMOTE_PATH", "plugins/hello"),
        ("FORMER_INPUTS", ", upload-subpath,\n AWS_ACCESS_KEY, ,"),
    ];
    let (output, told) = scene.step("push", &scene.push(), &inputs);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}");
    let matrix: Value = serde_json::from_str(value(&told, "matrix")).unwrap();
    let labels: Vec<_> =
        matrix["include"].as_array().unwrap().iter().map(|row| row["runs_on"].as_str().unwrap()).collect();
    assert_eq!(labels, ["base-dind-2204-amd64", "base-dind-2204-arm64", "base-dind-2204-amd64"]);
    assert_eq!(value(&told, "remote-path"), "plugins/hello");
    let notices: Vec<_> = said.lines().filter(|line| line.starts_with("::notice")).collect();
    insta::assert_snapshot!(notices.join("\n"));

    let (_, told) = scene.step("push", &scene.push(), &[("RUNNER", "torch"), ("RUNNER_ARCHS", "arm64")]);
    assert!(value(&told, "matrix").contains("torch-2204-arm64"), "{told}");
}

/// Inputs of a step by their names.
type Inputs = &'static [(&'static str, &'static str)];

#[test]
fn a_package_of_several_has_settings_and_a_place_of_its_own() {
    let scene = Scene::new();
    let settings = "[package.plugin-hello]\noptions = ['a=1', 'b=2']\nfiles = ['usr/bin/*']\n[package.plugin-other]\nremote-path = 'other'\n";
    scene.write(".github/vaccel-ci.toml", settings);
    let (output, told) = scene.step("push", &scene.push(), &[]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert_eq!((value(&told, "options"), value(&told, "files")), ("a=1", "usr/bin/*"));
    let (_, told) = scene.step("push", &scene.push(), &[("PACKAGE", "plugin-other")]);
    assert_eq!(value(&told, "remote-path"), "other");
    let mut said = String::new();
    let cases: [(&str, &str, Inputs); 5] = [
        ("another package", settings, &[("PACKAGE", "plugin-third")]),
        ("one place by the input", settings, &[("REMOTE_PATH", "other/")]),
        (
            "one place by the settings",
            "[package.plugin-hello]\n[package.plugin-x]\nremote-path = 'plugin-hello'\n",
            &[],
        ),
        ("an unknown key", "[package.plugin-hello]\noption = 'x'\n", &[]),
        ("not a name", "[package.'Hello World']\n", &[]),
    ];
    for (name, settings, inputs) in cases {
        scene.write(".github/vaccel-ci.toml", settings);
        let (output, _) = scene.step("push", &scene.push(), inputs);
        writeln!(said, "{name}:\n{}", refused(&scene, &output)).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn bad_input_is_refused_with_one_error() {
    let scene = Scene::new();
    let cases = [
        ("an unknown architecture", vec![("RUNNER_ARCHS", "amd64,riscv64")]),
        ("an array that does not end", vec![("RUNNER", r#"["base""#)]),
        ("an array of numbers", vec![("RUNNER_ARCHS", "[1]")]),
        ("an empty array", vec![("RUNNER_ARCHS", "[]")]),
        ("an object", vec![("RUNNER_ARCHS", r#"{"amd64": "x86_64"}"#)]),
        ("parts of no label", vec![("RUNNER", r#"["gcc", "2204"]"#)]),
        ("an unknown name in an array", vec![("RUNNER_ARCHS", r#"["amd64", "mips"]"#)]),
        ("an unknown build type", vec![("BUILD_TYPES", "fast")]),
        ("an unknown runner", vec![("RUNNER", "gpu")]),
        ("an architecture that is not offered", vec![("RUNNER", "torch"), ("RUNNER_ARCHS", "arm")]),
        ("a registry with a mistake", vec![("RUNNERS", "arm.toml")]),
        ("a label that no runner has", vec![("JOBS_RUNNER", "gcc-2204-amd64")]),
        ("the same architecture under two names", vec![("RUNNER_ARCHS", "amd64,x86_64")]),
        ("the same build type twice", vec![("BUILD_TYPES", "debug,debug")]),
        ("neither gate nor advise", vec![("LINT", "gat")]),
        ("no boolean", vec![("RELEASE", "yes")]),
        ("no package name", vec![("PACKAGE", "Hello World")]),
        ("no registry", vec![("RUNNERS", "nowhere.toml")]),
        ("no address", vec![("HAS_STORE", "false")]),
        ("no credentials", vec![("HAS_CREDENTIALS", "false")]),
        ("no sources", vec![("SOURCE_PATH", "nowhere")]),
    ];
    scene.write("arm.toml", "label = '{tag}-{arch}'\n[tags.base]\nmeaning = 'x'\narchitectures = ['amd64', 'mips']\n");
    let mut said = String::new();
    for (name, inputs) in cases {
        let (output, told) = scene.step("push", &scene.push(), &inputs);
        assert!(!told.contains("proceed"), "{name}");
        writeln!(said, "{name}:\n{}", refused(&scene, &output)).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn bad_events_are_refused_with_one_error() {
    let scene = Scene::new();
    let nowhere = "f".repeat(40);
    let pull_request = json!({
        "action": "opened",
        "repository": { "full_name": "nubificus/x" },
        "pull_request": { "labels": [], "head": { "ref": "feat/x", "repo": { "full_name": "nubificus/x" } } },
    });
    let mut publishes = pull_request.clone();
    publishes["pull_request"]["head"]["sha"] = scene.head().into();
    publishes["pull_request"]["head"]["ref"] = "v1.2.3".into();
    publishes["pull_request"]["labels"] = json!([{ "name": "ok-to-upload" }]);
    let cases = [
        ("a pull request without a commit", "pull_request", pull_request),
        ("a branch that passes for a release", "pull_request", publishes),
        ("a tag that dpkg orders otherwise", "push", push("refs/tags/v0.1.0-rc1", &scene.head())),
        ("a push without a ref", "push", json!({})),
        ("a checkout of something else", "push", push("refs/heads/main", &nowhere)),
    ];
    let mut said = String::new();
    for (name, event, payload) in cases {
        let (output, _) = scene.step(event, &payload, &[]);
        writeln!(said, "{name}:\n{}", refused(&scene, &output)).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_shallow_checkout_is_told_how_to_get_its_history() {
    let full = Scene::new();
    let shallow = Scene { folder: tempfile::tempdir().unwrap() };
    shallow.git(&["clone", "--quiet", "--depth=1", &format!("file://{}", full.path().display()), "."]);
    let (output, _) = shallow.step("push", &shallow.push(), &[]);
    insta::assert_snapshot!(refused(&shallow, &output), @"::error title=Plan::the checkout has no history, so the version cannot be computed%0Ahelp: check out with `fetch-depth: 0`, or keep a .version file in the sources");
    shallow.write(".version", "1.0.0");
    let (output, _) = shallow.step("push", &shallow.push(), &[]);
    assert!(output.status.success());
}
