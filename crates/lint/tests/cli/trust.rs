// SPDX-License-Identifier: Apache-2.0
//! Configuration that runs programs: in a pull request, that of the base commit.

use crate::{GREP, Scene};

/// A linter that runs what its configuration says.
const RUNS: &str = r#"
[lint]
linters = ["runs"]
[lint.linter.runs]
category = "code"
homepage = "https://example.org"
files.globs = ["*.txt"]
run = { program = "lint-runs", args = ["--config", "{config}", "{files}"], executes-configuration = true, configuration = ["runs.conf"], without-configuration = ["--isolated"] }
read = { format = "regex", pattern = '^(?P<message>.*)$', severities = { "*" = "notice" } }
fix.args = ["--fix", "{files}"]
"#;

const RUNS_SCRIPT: &str = r#"
[ "$1" != --version ] || exit
echo "arguments: $1"
[ "$1" != --config ] || cat "$2"
"#;

fn scene() -> Scene {
    let scene = Scene::with(RUNS);
    scene.program("lint-runs", RUNS_SCRIPT);
    scene.write("a.txt", "fine\n");
    scene
}

#[test]
fn a_changed_configuration_is_taken_from_the_base() {
    let scene = scene();
    scene.write("runs.conf", "trusted\n");
    let base = scene.commit();
    scene.write("runs.conf", "evil\n");
    scene.write("a.txt", "changed\n");
    scene.commit();
    let (patch, called) = (scene.out("lint.patch"), scene.out("called"));
    scene.program("lint-runs", &format!("echo \"$1\" >> {}\n{RUNS_SCRIPT}", called.display()));
    let told = scene.pull_request(&base, &["--patch-path", patch.to_str().unwrap()]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("trusted") && !told.out.contains("evil"), "{told:?}");
    // Neither for its version nor for its fixes is it called where it finds the other one.
    assert_eq!(std::fs::read_to_string(called).unwrap(), "--config\n");
    // A person works with what is there.
    let told = scene.laptop(&[]);
    assert!(told.story.contains("evil"), "{told:?}");
}

#[test]
fn an_unchanged_configuration_is_used_where_it_is() {
    let scene = scene();
    scene.write("runs.conf", "trusted\n");
    let base = scene.commit();
    scene.write("a.txt", "changed\n");
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert!(told.out.contains("trusted"), "{told:?}");
}

#[test]
fn a_new_configuration_is_switched_off() {
    let scene = scene();
    let base = scene.commit();
    scene.write("runs.conf", "evil\n");
    scene.write("a.txt", "changed\n");
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert!(told.out.contains("arguments: --isolated") && !told.out.contains("evil"), "{told:?}");
}

#[test]
fn a_linter_that_cannot_be_kept_from_it_does_not_run() {
    let scene = scene();
    let settings = RUNS.replace(", without-configuration = [\"--isolated\"]", "");
    scene.write(".github/vaccel-ci.toml", &settings);
    let base = scene.commit();
    scene.write("runs.conf", "evil\n");
    scene.write("a.txt", "changed\n");
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(
        told.out.contains("::warning") && told.out.contains("runs did not run: the pull request changes runs.conf"),
        "{told:?}"
    );
    assert!(!told.out.contains("arguments:"), "{told:?}");
    assert_eq!((scene.written("linters"), scene.written("not-run")), (String::new(), "runs".to_owned()));
    assert!(told.out.contains("1 of 1 linter did not do its work"), "{told:?}");
}

#[test]
fn definitions_of_linters_are_those_of_the_base() {
    let scene = Scene::new();
    scene.write("a.txt", "fine\n");
    let base = scene.commit();
    let ran = scene.out("ran");
    scene.program("evil", &format!("echo x > {}", ran.display()));
    scene.write(".github/vaccel-ci.toml", &GREP.replace("lint-grep", "evil"));
    scene.write("a.txt", "BAD\n");
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("::notice file=.github/vaccel-ci.toml"), "{told:?}");
    assert!(!ran.exists());
}

#[test]
fn a_pull_request_can_add_a_linter_and_mend_the_settings() {
    for before in ["", "[lint\n", "[lint.linter.grep]\nhomepage = 1\n"] {
        let scene = Scene::with(before);
        let base = scene.commit();
        scene.write(".github/vaccel-ci.toml", GREP);
        scene.write("a.txt", "BAD\n");
        scene.commit();
        let told = scene.pull_request(&base, &["--missing", "warn"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.out.contains("::notice file=.github/vaccel-ci.toml"), "{told:?}");
    }
    // What it adds is judged nevertheless.
    let scene = Scene::with("");
    let base = scene.commit();
    scene.write(".github/vaccel-ci.toml", &GREP.replace("homepage", "homepge"));
    scene.commit();
    let told = scene.pull_request(&base, &[]);
    assert_eq!(told.code, Some(2), "{told:?}");
    assert!(told.out.contains(".github/vaccel-ci.toml:6: lint.linter.grep.homepge: unknown field"), "{told:?}");
}

#[test]
fn a_pull_request_without_a_base_is_refused() {
    let scene = Scene::new();
    scene.commit();
    let told = scene.pull_request("", &["--changed-only", "false"]);
    assert_eq!(told.code, Some(2), "{told:?}");
    assert!(told.out.contains("in a pull request the base commit must be known"), "{told:?}");
}
