// SPDX-License-Identifier: Apache-2.0
//! What is looked at beside the build: valgrind, coverage, compilers called through a cache.

use crate::support::{MESON_BUILD, Project, run, with_cargo};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Loses the memory it takes in `lose`, which is called with an argument only.
const LEAKY: &str = "\
#include <stdlib.h>
static void *kept;
void lose(void);
void lose(void)
{
    kept = malloc(7);
    kept = NULL;
}
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        lose();
    return 0;
}
";

const SUPPRESSION: &str = "{\n   known\n   Memcheck:Leak\n   fun:malloc\n   fun:lose\n   ...\n}\n";

fn project(tests: &str) -> Project {
    let project = Project::new();
    project.write("meson.build", &format!("{MESON_BUILD}exe = executable('t', 'src/t.c')\n{tests}"));
    project.write("src/t.c", LEAKY);
    project
}

#[test]
fn leaks_are_failures_under_valgrind_unless_suppressed() {
    let project = project("test('clean', exe)\ntest('leaky', exe, args: ['x'])\n");
    run(project.step().arg("--test=run")).ended(0);
    let said = run(project.step().args(["--test=valgrind", "--build-type=debug"])).ended(1);
    assert!(said.of_kind("error").contains("Test failed::sample:leaky: valgrind found errors"), "{}", said.text);
    assert!(said.text.contains("definitely lost") && said.text.contains("1 of 2 tests failed"), "{}", said.text);

    project.write("tests/known leaks.supp", SUPPRESSION);
    let said = run(project.step().args(["--test=valgrind", "--build-type=debug"])).ended(0);
    assert!(said.text.contains("valgrind's suppressions: ") && !said.text.contains("definitely lost"), "{}", said.text);
    project.write(".github/vaccel-ci.toml", "[valgrind]\nsuppressions = []\n");
    run(project.step().args(["--test=valgrind", "--build-type=debug"])).ended(1);
    project.write(".github/vaccel-ci.toml", "[valgrind]\nsuppressions = ['nowhere.supp']\n");
    let said = run(project.command().args(["--test=valgrind", "--build-type=debug"])).ended(2);
    assert!(said.text.contains("the suppression file nowhere.supp does not exist"), "{}", said.text);
}

#[test]
fn coverage_is_a_report_and_a_table() {
    let project = project("test('short', exe)\n");
    // Not the project's own: counted nowhere.
    project.write("subprojects/other/meson.build", "project('other', 'c')\ntest('o', executable('o', 'o.c'))\n");
    project.write("subprojects/other/o.c", "int main(void) { return 0; }\n");
    project.write("meson.build", &format!("{}subproject('other')\n", project.read("meson.build")));
    let measured = || {
        run(project.step().args(["--test=run", "--coverage", "--build-type=debug"])).ended(0);
        let summary = project.read("runner/GITHUB_STEP_SUMMARY");
        summary.split_once("#### Coverage").unwrap().1.to_owned()
    };
    let first = measured();
    insta::assert_snapshot!(first, @r"
    : 30.0 % of 10 lines

    | File | Reached | Lines |
    | --- | --- | --- |
    | `src/t.c` | 37.5 % | 3 of 8 |
    | `src/run.c` | 0.0 % | 0 of 1 |
    | `src/sample.c` | 0.0 % | 0 of 1 |
    ");
    assert_eq!(measured(), first, "nothing of the first run is counted again");
    let report = project.read("build/vaccel-build-coverage.xml");
    assert!(report.contains("filename=\"src/t.c\"") && report.contains("<line number=\"6\" hits=\"0\""), "{report}");
    assert!(project.read("runner/GITHUB_OUTPUT").contains("vaccel-build-coverage.xml"));
    // What was built to be measured is not what is published.
    let said = run(project.command().arg("--build-type=debug")).ended(0);
    assert!(said.text.contains("| set up again |"), "{}", said.text);
}

/// A program called sccache, which notes that it was called.
fn with_cache(project: &Project) -> std::ffi::OsString {
    let log = project.path("calls");
    project.write(
        "bin/sccache",
        &format!("#!/bin/sh\n[ \"$1\" = --version ] && exit\necho \"$@\" >>{}\nexec \"$@\"\n", log.display()),
    );
    fs::set_permissions(project.path("bin/sccache"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = project.path("bin").into_os_string();
    path.push(":");
    path.push(crate::support::tools_path());
    path
}

#[test]
fn a_cache_is_used_when_it_is_there_and_never_when_off() {
    let project = Project::new();
    let path = with_cache(&project);
    let calls = |arguments: &[&str], cc: Option<&str>| {
        let _ = fs::remove_file(project.path("calls"));
        for folder in ["build", "install"] {
            let _ = fs::remove_dir_all(project.path(folder));
        }
        let mut step = project.step();
        if let Some(cc) = cc {
            step.env("CC", cc);
        }
        let said = run(step.env("PATH", &path).args(arguments)).ended(0);
        let calls = fs::read_to_string(project.path("calls")).unwrap_or_default();
        (calls.lines().filter(|line| line.contains(" -c ")).count() >= 2, said.text)
    };
    let (used, text) = calls(&[], None);
    assert!(used && text.contains("compilers are called through sccache"), "{text}");
    assert!(calls(&[], Some("gcc")).0);
    let foreign = if artifact::Arch::host() == Some(artifact::Arch::Aarch64) { "x86_64" } else { "aarch64" };
    assert!(calls(&["--arch", foreign], None).0);
    for cc in [None, Some("gcc"), Some("sccache gcc")] {
        let (used, text) = calls(&["--compiler-cache=off"], cc);
        assert!(!used && !text.contains("compilers are called through"), "{cc:?}: {text}");
    }
    // The folder is set up for what is wanted now.
    let said = run(project.step().env("PATH", &path)).ended(0);
    assert!(project.read("runner/GITHUB_STEP_SUMMARY").contains("| set up again |"), "{}", said.text);
}

#[test]
fn rustc_is_called_through_sccache_and_never_when_off() {
    let project = Project::empty();
    project.write("Cargo.toml", "[package]\nname = \"t\"\nversion = \"0.1.0\"\n\n[workspace]\n");
    project.write("src/main.rs", "fn main() {}\n");
    let path = with_cache(&project);
    let calls = |arguments: &[&str], wrapper: &str| {
        let _ = fs::remove_file(project.path("calls"));
        for folder in ["build", "install"] {
            let _ = fs::remove_dir_all(project.path(folder));
        }
        let mut command = project.command();
        if !wrapper.is_empty() {
            command.env("RUSTC_WRAPPER", wrapper);
        }
        run(with_cargo(command.env("PATH", &path).args(arguments))).ended(0);
        fs::read_to_string(project.path("calls")).unwrap_or_default().contains("--crate-name t ")
    };
    assert!(calls(&[], ""));
    assert!(!calls(&[], "env"), "the caller's wrapper");
    assert!(!calls(&["--compiler-cache=off"], ""));
    assert!(!calls(&["--compiler-cache=off"], "sccache"));
}
