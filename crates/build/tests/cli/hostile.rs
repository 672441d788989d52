// SPDX-License-Identifier: Apache-2.0
//! A build runs code of the repository, which must not speak to the runner in our place.

use crate::support::{Project, run};

const SAYS: &str = r#"#!/bin/sh
echo '::add-path::/evil'
echo '::set-output name=version::666'
echo '::stop-commands::x'
echo '::x::'
echo '::error::not from us'
printf '\r::set-env name=EVIL::1\n'
printf '\377\376 not UTF-8\n'
echo "EVIL=1" >>runner/GITHUB_ENV
echo "version=666" >>runner/GITHUB_OUTPUT
echo "/evil" >>runner/GITHUB_PATH
rm -f runner/GITHUB_STEP_SUMMARY
env >environment.txt
"#;

#[test]
fn code_of_the_repository_has_no_voice() {
    let project = Project::new();
    // The command files are easy to find here; elsewhere it would take a search.
    let root = project.root().display().to_string();
    let evil = SAYS
        .replace("runner/", &format!("{root}/runner/"))
        .replace("environment.txt", &format!("{root}/environment.txt"));
    project.write("evil.sh", &format!("{evil}touch \"$1\"\n"));
    let target = "custom_target('evil', output: 'evil', build_by_default: true, console: true, command: ['sh', files('evil.sh'), '@OUTPUT@'])\n";
    project.write("meson.build", &format!("{}{target}", crate::support::MESON_BUILD));

    let mut step = project.step();
    for name in ["INPUT_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN"] {
        step.env(name, "hunter2");
    }
    let said = run(step.env("HARMLESS", "seen").env("UNLISTED", "hunter2").arg("--pass-env=HARMLESS")).ended(0);

    for line in ["::add-path::/evil", "::set-output name=version::666"] {
        assert!(said.text.contains(line), "the output is shown: {}", said.text);
    }
    let commands = said.commands();
    let ours = |line: &&&str| ["::group::", "::endgroup::", "::warning"].iter().any(|kind| line.starts_with(kind));
    assert_eq!(commands.iter().filter(|line| !ours(line)).count(), 0, "{commands:?}");
    insta::assert_snapshot!(said.of_kind("warning"), @r"
    ::warning::code of the repository wrote to the runner's command file GITHUB_OUTPUT; that was undone
    ::warning::code of the repository wrote to the runner's command file GITHUB_ENV; that was undone
    ::warning::code of the repository wrote to the runner's command file GITHUB_PATH; that was undone
    ::warning::code of the repository wrote to the runner's command file GITHUB_STEP_SUMMARY; that was undone
    ");

    assert_eq!(project.read("runner/GITHUB_ENV"), "");
    assert_eq!(project.read("runner/GITHUB_PATH"), "");
    assert!(!project.read("runner/GITHUB_OUTPUT").contains("=666"));
    assert!(project.read("runner/GITHUB_STEP_SUMMARY").starts_with("### Built sample"));
    let environment = project.read("environment.txt");
    assert!(environment.contains("HARMLESS=seen"));
    for secret in ["hunter2", "INPUT_", "GITHUB_ENV=", "GITHUB_OUTPUT="] {
        assert!(!environment.contains(secret), "{secret}: {environment}");
    }
}

#[test]
fn asking_a_project_about_itself_gives_it_no_voice() {
    let project = Project::empty();
    let root = project.root().display().to_string();
    let evil =
        format!("open('{root}/runner/GITHUB_OUTPUT', 'a').write('version=666\\n')\nprint('::add-path::/evil')\n");
    project.write(
        "setup.py",
        &format!("{evil}from setuptools import setup\nsetup(name='x', version='1.0', py_modules=['x'])\n"),
    );
    project.write("x.py", "");
    let said = run(&mut project.step()).ended(0);
    assert!(!project.read("runner/GITHUB_OUTPUT").contains("=666"), "{}", said.text);
    assert!(project.read("runner/GITHUB_OUTPUT").contains("1.0"), "{}", said.text);
    assert!(!said.commands().iter().any(|line| line.starts_with("::add-path")), "{}", said.text);
}
