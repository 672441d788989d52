// SPDX-License-Identifier: Apache-2.0
//! The reports of the examples: what did not pass is not staged.

use crate::place::{Place, host};
use artifact::{ExampleReport, ExampleResult, Outcome};
use std::fs;

fn report(outcomes: &[Outcome], valgrind: bool) -> String {
    let example = |(index, outcome): (usize, &Outcome)| ExampleResult {
        name: format!("example-{index}"),
        outcome: *outcome,
        duration_ms: 17 * (index as u64 + 1),
        detail: None,
        plugin: None,
        output_sha256: None,
        leftovers: Vec::new(),
        under_valgrind: None,
    };
    let report = ExampleReport {
        schema: 1,
        package: "plugin-hello".parse().unwrap(),
        arch: host(),
        valgrind,
        examples: outcomes.iter().enumerate().map(example).collect(),
        not_run: 0,
        context: Vec::new(),
        tree_sha256: None,
        regressions: Vec::new(),
        leftovers: Vec::new(),
        notes: Vec::new(),
    };
    String::from_utf8(report.to_canonical_json()).unwrap()
}

#[test]
fn reports_are_staged_without_their_times() {
    let place = Place::new();
    place.write("plain.json", &report(&[Outcome::Pass, Outcome::Skip], false));
    place.write("valgrind.json", &report(&[Outcome::Pass], true));
    place.write("summary.md", "");
    let summary = place.path("summary.md");
    place
        .command()
        .args(["--examples-report=plain.json,valgrind.json", "--formats=so"])
        .envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
            ("GITHUB_REF_NAME", "v0.3.0"),
        ])
        .assert()
        .success();
    let plain = place.path("dist").join(format!("plugin-hello_0.3.0_{}_examples.json", host()));
    let staged = ExampleReport::parse(&fs::read(plain).unwrap()).unwrap();
    assert!(staged.examples.iter().all(|example| example.duration_ms == 0));
    assert!(place.path("dist").join(format!("plugin-hello_0.3.0_{}_examples_valgrind.json", host())).is_file());
    let text = fs::read_to_string(summary).unwrap();
    assert!(text.contains("2 examples passed with it."), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), 2 + 5, "{text}");
}

#[test]
fn a_failed_example_stops_everything() {
    let place = Place::new();
    place.write("report.json", &report(&[Outcome::Pass, Outcome::Fail, Outcome::Fail], false));
    let assert = place.stage(&["--examples-report=report.json"]).code(1);
    insta::assert_snapshot!("failed_example", place.story(&assert));
    assert!(!place.path("dist").exists());
}

#[test]
fn a_report_about_something_else_is_refused() {
    let place = Place::new();
    place.write("report.json", &report(&[Outcome::Pass], false).replace("plugin-hello", "plugin-other"));
    let assert = place.stage(&["--examples-report=report.json"]).code(2);
    insta::assert_snapshot!("other_report", place.story(&assert).replace(host().as_str(), "<arch>"));
    place.write("report.json", "{}");
    place.stage(&["--examples-report=report.json"]).code(2);
    place.write("report.json", &report(&[Outcome::Pass], false));
    place.stage(&["--examples-report=report.json,report.json"]).code(2);
}
