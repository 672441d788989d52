// SPDX-License-Identifier: Apache-2.0
//! The executable as jobs use it: a record in each, a verdict at the end.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

const HOSTILE: &str = "feat/`x`|<img-src=x>](https://evil)@team";

fn plan(changes: Value) -> Value {
    let target = |arch: &str, build_type: &str| json!({ "arch": arch, "build_type": build_type, "runs_on": "base", "runner_arch": "amd64", "tag": "base", "context": "network" });
    let mut plan = json!({
        "schema": 1,
        "package": "vaccel-torch",
        "proceed": true,
        "reason": "push to the default branch main: built and published",
        "publish": true,
        "immutable": false,
        "decides": true,
        "jobs_runner": "base-2204-amd64",
        "ref": "main",
        "sha": "0123456789abcdef0123456789abcdef01234567",
        "version": "0.3.0",
        "matrix": { "include": [target("x86_64", "debug"), target("x86_64", "release"), target("aarch64", "release")] },
    });
    plan.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    plan
}

fn needs(plan: &str, lint: &str, build: &str, publish: &str) -> Value {
    let job = |result: &str| json!({ "result": result, "outputs": { "x": "y" } });
    json!({ "plan": job(plan), "lint": job(lint), "build": job(build), "publish": job(publish) })
}

fn job(target: Option<(&str, &str)>, name: &str, steps: &[(&str, &str, &str)]) -> Value {
    let steps: Vec<_> = steps
        .iter()
        .map(|(name, action, outcome)| json!({ "name": name, "action": action, "outcome": outcome }))
        .collect();
    let mut record =
        json!({ "schema": 1, "job": name, "page": "https://github.com/o/r/actions/runs/7/job/9", "steps": steps });
    if let Some((arch, build_type)) = target {
        record["arch"] = arch.into();
        record["build_type"] = build_type.into();
    }
    record
}

fn build(target: (&str, &str), outcomes: [&str; 4]) -> Value {
    let names =
        [("build", "build"), ("examples", "run-examples"), ("valgrind", "run-examples"), ("stage", "stage-artifacts")];
    let steps: Vec<_> = names.iter().zip(outcomes).map(|((name, action), outcome)| (*name, *action, outcome)).collect();
    job(Some(target), "build", &steps)
}

/// Status, what was printed and the job summary.
fn report(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let summary = folder.join("summary.md");
    fs::write(&summary, "").unwrap();
    let output = Command::new(assert_cmd::cargo::cargo_bin!("vaccel-report"))
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", folder.join("output"))
        .env("RUNNER_TEMP", folder)
        .args(arguments)
        .output()
        .unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), printed, fs::read_to_string(summary).unwrap())
}

/// A job's record, made by the executable as in the job, with the errors that its steps left.
fn keep(folder: &Path, name: &str, record: &Value, failures: &[(&str, &str)]) {
    let file = folder.join("vaccel-ci-failures.jsonl");
    let lines =
        failures.iter().map(|(action, message)| json!({ "action": action, "message": message }).to_string() + "\n");
    fs::write(&file, lines.collect::<String>()).unwrap();
    let (status, printed, _) = report(folder, &[&format!("--record={record}")]);
    assert_eq!(status, Some(0), "{printed}");
    let output = fs::read_to_string(folder.join("output")).unwrap();
    fs::remove_file(folder.join("output")).unwrap();
    fs::remove_file(file).unwrap();
    let path = output.lines().nth(1).unwrap();
    fs::create_dir_all(folder.join("reports")).unwrap();
    fs::rename(path, folder.join("reports").join(name)).unwrap();
}

fn verdict(folder: &Path, plan: &Value, needs: &Value) -> (Option<i32>, String, String) {
    report(folder, &[&format!("--plan={plan}"), &format!("--needs={needs}")])
}

#[test]
fn what_was_planned_and_succeeded_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let good = ["success", "success", "skipped", "success"];
    for (name, target) in [("a", ("x86_64", "debug")), ("b", ("x86_64", "release")), ("c", ("aarch64", "release"))] {
        keep(folder.path(), name, &build(target, good), &[]);
    }
    let (status, printed, summary) =
        verdict(folder.path(), &plan(json!({})), &needs("success", "success", "success", "success"));
    assert_eq!(status, Some(0), "{printed}");
    insta::assert_snapshot!(summary);
    let output = fs::read_to_string(folder.path().join("output")).unwrap();
    assert!(output.contains("verified") && output.contains("true"), "{output}");
}

#[test]
fn what_failed_is_said_with_its_first_reason_and_nothing_in_it_acts() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "::error::x\n<script>alert(1)</script> | [x](https://evil) @team `y` \u{1b}[31m";
    keep(folder.path(), "a", &build(("x86_64", "debug"), ["success", "success", "success", "success"]), &[]);
    keep(
        folder.path(),
        "b",
        &build(("x86_64", "release"), ["success", "failure", "skipped", "skipped"]),
        &[("fetch", "the baseline could not be fetched"), ("run-examples", hostile)],
    );
    let lint = job(None, "lint", &[("lint", "lint", "failure")]);
    keep(folder.path(), "lint", &lint, &[("lint", "2 errors")]);
    let hostile = plan(json!({ "ref": "feat/@team/<b>|`x`", "reason": HOSTILE }));
    let (status, printed, summary) =
        verdict(folder.path(), &hostile, &needs("success", "failure", "failure", "skipped"));
    assert_eq!(status, Some(1), "{printed}");
    insta::assert_snapshot!(format!("{printed}\n{summary}"));
}

#[test]
fn the_results_of_the_jobs_decide() {
    let planned = plan(json!({}));
    let unpublished = plan(json!({ "publish": false }));
    let stopped =
        plan(json!({ "proceed": false, "publish": false, "reason": "from a fork", "matrix": { "include": [] } }));
    let idle = plan(
        json!({ "proceed": false, "publish": false, "decides": false, "reason": "the label x decides nothing", "matrix": { "include": [] } }),
    );
    let cases = [
        ("all of it", &planned, needs("success", "success", "success", "success"), 0),
        ("not published", &unpublished, needs("success", "success", "success", "skipped"), 0),
        ("no linters", &unpublished, needs("success", "skipped", "success", "skipped"), 0),
        ("findings", &unpublished, needs("success", "failure", "success", "skipped"), 1),
        ("lint cancelled", &unpublished, needs("success", "cancelled", "success", "skipped"), 1),
        ("build failed", &unpublished, needs("success", "success", "failure", "skipped"), 1),
        ("build cancelled", &unpublished, needs("success", "success", "cancelled", "skipped"), 1),
        ("build skipped", &unpublished, needs("success", "success", "skipped", "skipped"), 1),
        ("publication failed", &planned, needs("success", "success", "success", "failure"), 1),
        ("publication skipped", &planned, needs("success", "failure", "success", "skipped"), 1),
        ("publication cancelled", &planned, needs("success", "success", "success", "cancelled"), 1),
        ("not vouched for", &stopped, needs("success", "skipped", "skipped", "skipped"), 1),
        ("a label that decides nothing", &idle, needs("success", "skipped", "skipped", "skipped"), 0),
        ("the plan failed", &planned, needs("failure", "skipped", "skipped", "skipped"), 1),
        ("the plan was cancelled", &planned, needs("cancelled", "skipped", "skipped", "skipped"), 1),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    for (name, plan, needs, expected) in cases {
        let (status, printed, summary) = verdict(folder.path(), plan, &needs);
        assert_eq!(status, Some(expected), "{name}: {printed}");
        let reason: Vec<_> = summary.lines().filter(|line| !line.is_empty()).take(2).collect();
        writeln!(told, "{name}: {}", reason.join(" · ")).unwrap();
    }
    let (status, _, summary) =
        report(folder.path(), &[&format!("--needs={}", needs("failure", "skipped", "skipped", "skipped"))]);
    assert_eq!(status, Some(1));
    assert!(summary.contains("no plan could be made"), "{summary}");
    insta::assert_snapshot!(told);
}

#[test]
fn records_that_cannot_be_read_explain_nothing_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("reports");
    for (name, text) in
        [("not-json", "x"), ("another", "[]"), ("future", r#"{"schema":1,"job":7}"#), ("large", &" ".repeat(300_000))]
    {
        fs::create_dir_all(reports.join(name)).unwrap();
        fs::write(reports.join(name).join("job.json"), text).unwrap();
    }
    fs::create_dir_all(reports.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", reports.join("link/job.json")).unwrap();
    let (status, printed, summary) =
        verdict(folder.path(), &plan(json!({})), &needs("success", "success", "success", "success"));
    assert_eq!(status, Some(0), "{printed}");
    assert_eq!(printed.matches("::warning").count(), 5, "{printed}");
    assert!(!summary.contains("root:"), "{summary}");
}

#[test]
fn bad_input_is_one_error() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, Vec<String>); 5] = [
        ("nothing", vec![]),
        ("both", vec!["--needs={}".into(), "--record={}".into()]),
        ("not a plan", vec!["--needs={}".into(), "--plan={}".into()]),
        ("not a context", vec!["--needs=[1]".into()]),
        ("not a record", vec!["--record={\"job\": 1}".into()]),
    ];
    let mut told = String::new();
    for (name, arguments) in cases {
        let (status, printed, _) = report(folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(status, Some(2), "{name}: {printed}");
        writeln!(told, "{name}:\n{printed}").unwrap();
    }
    insta::assert_snapshot!(told);
}
