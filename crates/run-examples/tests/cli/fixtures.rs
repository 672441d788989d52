// SPDX-License-Identifier: Apache-2.0
//! The fixtures, as the workflows use them too.

use crate::support::{Project, run};

#[test]
fn a_manifest_with_each_result() {
    let project = Project::of_fixture("examples-manifest");
    let said = run(project.step().args(["--jobs=2", "--runner=base"])).ended(1);
    insta::assert_snapshot!(project.plain(&project.results()));
    assert_eq!(said.of_kind("error title=Example failed").lines().count(), 4, "{}", said.text);
    let report = project.report();
    assert!(report.context.contains(&"plugin:noop".to_owned()) && report.context.contains(&"runner:base".to_owned()));
}

#[test]
fn a_script_that_traces() {
    let project = Project::of_fixture("examples-trace");
    run(project.step().arg("--timeout=1")).ended(1);
    insta::assert_snapshot!(project.plain(&project.results()));
}

#[test]
fn a_script_that_speaks_tap() {
    let project = Project::of_fixture("examples-tap");
    run(project.step().arg("--timeout=1")).ended(1);
    insta::assert_snapshot!(project.plain(&project.results()));
}

#[test]
fn a_fixture_that_becomes_worse() {
    let project = Project::of_fixture("examples-manifest");
    let wanted = "--filter=[grp][rei][ef]*";
    run(project.command().args([wanted, "--report-path=baseline.json"])).ended(0);
    let greet = project.read("install/usr/bin/greet").replace("exit 3", "exit 4");
    project.program("install/usr/bin/greet", &greet);
    let said = run(project.step().args([wanted, "--baseline=baseline.json"])).ended(1);
    insta::assert_snapshot!(said.of_kind("error"));
    assert_eq!(project.report().regressions.len(), 1);
}
