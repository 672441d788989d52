// SPDX-License-Identifier: Apache-2.0
//! Runs that are compared with an earlier one.

use crate::support::{Project, run};
use artifact::RegressionKind::{Disappeared, Failed, Output, Skipped};
use std::fs;

const MANIFEST: &str = r#"
[[example]]
name = "greet"
command = ["hello", "World"]
[[example]]
name = "talk"
command = "echo $PWD; cat {share}/words"
[[example]]
name = "work"
command = "true"
[[example]]
name = "far"
command = "true"
[[example]]
name = "gone"
command = "true"
"#;

fn project() -> Project {
    let project = Project::with_manifest(MANIFEST);
    project.write("install/usr/share/words", "one two\n");
    run(project.command().arg("--report-path=baseline.json")).ended(0);
    // Whatever the machine has to do meanwhile, it took as long as this.
    let times = regex_lite::Regex::new(r#""duration_ms": \d+"#).unwrap();
    let baseline = times.replace_all(&project.read("baseline.json"), r#""duration_ms": 10"#).into_owned();
    project.write("baseline.json", &baseline);
    project
}

fn changed() -> Project {
    let project = project();
    let manifest = project.read("examples/examples.toml").replace("\"gone\"", "\"new\"");
    let manifest = manifest.replace("name = \"far\"", "name = \"far\"\nrequires = [\"gpu\"]");
    project.write("examples/examples.toml", &manifest);
    project.write("install/usr/share/words", "one three\n");
    project.program("install/usr/bin/hello", "#!/bin/sh\nexit 3\n");
    project
}

#[test]
fn the_same_again_is_no_regression() {
    let project = project();
    let said = run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=60000"])).ended(0);
    assert_eq!(said.of_kind("error"), "", "{}", said.text);
    assert!(project.report().regressions.is_empty());
}

#[test]
fn what_is_worse_is_told_and_fails() {
    let project = changed();
    let said = run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=60000"])).ended(1);
    insta::assert_snapshot!(project.plain(&said.of_kind("error")));
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    let table = summary.split("<details>").next().unwrap();
    // Times are left out: they are never the same.
    let table =
        regex_lite::Regex::new(r"[0-9.]+ m?s \|").unwrap().replace_all(table, "|").replace("passed before", "before");
    insta::assert_snapshot!(project.plain(&table));
    let kinds: Vec<_> = project.report().regressions.into_iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [Failed, Output, Skipped, Disappeared]);
    assert!(project.read("runner/GITHUB_OUTPUT").contains("regressions<<"));
}

#[test]
fn how_bad_that_is_can_be_chosen() {
    let project = changed();
    project.program("install/usr/bin/hello", "#!/bin/sh\necho \"Hello, $1!\"\n");
    let levels = "--regression-levels=skipped=warning,output=ignore,disappeared=warning";
    let said = run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=60000", levels])).ended(0);
    insta::assert_snapshot!(project.plain(&said.of_kind("warning")));
    let said =
        run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=60000", "--filter=greet"])).ended(0);
    assert_eq!(said.of_kind("warning"), "", "{}", said.text);
}

#[test]
fn slower_is_a_warning() {
    let project = project();
    let manifest = project
        .read("examples/examples.toml")
        .replace("\"work\"\ncommand = \"true\"", "\"work\"\ncommand = \"sleep 0.3\"\nrepeat = 3");
    project.write("examples/examples.toml", &manifest);
    let said = run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=200"])).ended(0);
    assert!(
        said.of_kind("warning").starts_with("::warning title=Worse than the baseline::work: it took 10 ms, and now 3"),
        "{}",
        said.text
    );
    run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=200", "--slowdown=100"])).ended(0);
    assert!(project.report().regressions.is_empty());
}

#[test]
fn a_baseline_without_times_is_told() {
    let project = project();
    let timeless = project.read("baseline.json").replace("\"duration_ms\": 10", "\"duration_ms\": 0");
    project.write("baseline.json", &timeless);
    run(project.step().args(["--baseline=baseline.json", "--slowdown-floor=0"])).ended(0);
    insta::assert_snapshot!(project.report().notes.join("\n"), @"the baseline tells no times, so slowdowns were not looked for");
    assert!(project.read("runner/GITHUB_STEP_SUMMARY").contains("- the baseline tells no times"));
}

#[test]
fn a_planted_report_is_no_baseline() {
    let project = changed();
    let fetched = project.read("baseline.json");
    let digest = artifact::Sha256::of(fetched.as_bytes());
    let given = format!("--baseline=published/plain.json={digest}");
    project.write("published/plain.json", &fetched);
    // The build puts a report beside it in which nothing ever passed.
    let planted = fetched.replace("\"pass\"", "\"fail\"");
    project.write("published/a.json", &planted);
    run(project.step().args([&given, "--slowdown-floor=60000"])).ended(1);
    assert_eq!(project.report().regressions.len(), 4);
    // It cannot replace it either, nor take it away.
    project.write("published/plain.json", &planted);
    let said = run(project.step().arg(&given)).ended(2);
    assert!(said.text.contains("the baseline published/plain.json has the digest"), "{}", said.text);
    fs::remove_file(project.path("published/plain.json")).unwrap();
    run(project.step().arg(&given)).ended(2);
    run(project.step().arg("--baseline=published")).ended(2);
}

#[test]
fn output_of_a_script_is_compared_too() {
    let tap = "printf 'TAP version 14\\n1..2\\n'\nhello World\necho ok - a\ndate\nmktemp\necho ok - b\n";
    let cases = [("TAP", tap), ("trace", "set -x\nhello World\ndate\nmktemp\n"), ("neither", "mktemp\nhello World\n")];
    let told = cases.map(|(name, script)| {
        let project = Project::new(&format!("export LC_ALL=C\ndate() {{ command date +%T; }}\n{script}"));
        run(project.command().arg("--report-path=baseline.json")).ended(0);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        run(project.step().arg("--baseline=baseline.json")).ended(0);
        project.program("install/usr/bin/hello", "#!/bin/sh\necho \"Good bye, $1!\"\n");
        let said = run(project.step().arg("--baseline=baseline.json")).ended(1);
        format!("{name}: {}", said.of_kind("error title=Worse"))
    });
    insta::assert_snapshot!(told.join("\n"), @r"
    TAP: ::error title=Worse than the baseline::a: its output is another one
    trace: ::error title=Worse than the baseline::hello World: its output is another one
    neither: ::error title=Worse than the baseline::run-examples.sh: its output is another one
    ");
}

#[test]
fn test_points_of_a_script_are_compared_too() {
    let project = Project::new("printf 'TAP version 14\\n1..2\\nok - a\\nok - b\\n'\n");
    run(project.command().arg("--report-path=baseline.json")).ended(0);
    project.program(
        "scripts/run-examples.sh",
        "#!/bin/sh\nprintf 'TAP version 14\\n1..1\\nok - a # SKIP no network\\n'\n",
    );
    let said = run(project.step().arg("--baseline=baseline.json")).ended(1);
    insta::assert_snapshot!(said.of_kind("error"));
}
