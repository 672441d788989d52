// SPDX-License-Identifier: Apache-2.0
//! Build systems other than Meson, and how one is chosen.

use crate::support::{Project, files_below, run};
use artifact::{Arch, BuildRecord};

const SCRIPT: &str = r#"
[build]
command = "mkdir -p $VACCEL_CI_BUILD && ${CC:-cc} -o $VACCEL_CI_BUILD/tool tool.c"
test = "$VACCEL_CI_EMULATOR $VACCEL_CI_BUILD/tool"
install = "install -D $VACCEL_CI_BUILD/tool $VACCEL_CI_DESTDIR$VACCEL_CI_PREFIX/bin/tool; env | grep ^VACCEL_CI_ > seen"
"#;

fn script() -> Project {
    let project = Project::empty();
    project.write(".github/vaccel-ci.toml", SCRIPT);
    project.write("tool.c", "int main(void) { return 0; }\n");
    project
}

#[test]
fn a_script_builds_for_every_architecture() {
    for arch in Arch::ALL {
        let project = script();
        run(project.step().args(["--test=run", "--options=a=1,b=2", "--jobs=3", "--arch", arch.as_str()])).ended(0);
        assert_eq!(files_below(&project.path("install")), ["usr/bin/tool"]);
        let summary = project.read("runner/GITHUB_STEP_SUMMARY");
        assert!(summary.contains("Tests: 1 passed\n"), "{arch}: {summary}");
        let record = BuildRecord::parse(project.read("build/vaccel-build.json").as_bytes()).unwrap();
        assert!(record.compiler.contains("cc"), "{arch}: {record:?}");
        let seen = project.read("seen");
        let libdir = format!("VACCEL_CI_LIBDIR=lib/{}\n", arch.multiarch());
        for line in ["VACCEL_CI_OPTIONS=a=1\n", "VACCEL_CI_JOBS=3\n", "VACCEL_CI_BUILD_TYPE=release\n", &libdir] {
            assert!(seen.contains(line), "{line}: {seen}");
        }
    }
}

#[test]
fn a_script_that_fails_leaves_no_tree() {
    let project = script();
    project.write("tool.c", "int main(void) { return 4; }\n");
    let said = run(project.step().arg("--test=run")).ended(1);
    assert!(said.text.contains("exit status 4"), "{}", said.text);
    project.write("tool.c", "int main(void) { return x; }\n");
    let said = run(&mut project.step()).ended(1);
    assert!(said.of_kind("error").starts_with("::error file=tool.c,line=1,"), "{}", said.text);
    assert!(!project.path("install").exists());
}

#[test]
fn what_no_build_system_can_build_is_said() {
    let project = Project::empty();
    let said = run(&mut project.command()).ended(2);
    let text = project.plain(&said.text);
    insta::assert_snapshot!(text.trim(), @r"
    error: no build system known here can build <project>
    help: looked for .github/vaccel-ci.toml with a `command` in its section [build] (script), pyproject.toml with a section [build-system] or setup.py (Python), meson.build (Meson), Cargo.toml (Cargo), go.mod (Go); correct source-path if it is elsewhere
    ");
    for (backend, needs) in [
        ("meson", "meson.build"),
        ("cargo", "Cargo.toml"),
        ("python", "pyproject.toml"),
        ("script", ".github/vaccel-ci.toml"),
    ] {
        let said = run(project.command().args(["--backend", backend])).ended(2);
        assert!(said.text.contains(&format!("help: it needs {needs}")), "{}", said.text);
    }
    project.write("Cargo.toml", "");
    let said = run(project.command().arg("--options=colour=red")).ended(2);
    assert!(
        said.text.contains("help: there are features, no-default-features, all-features, package, target"),
        "{}",
        said.text
    );
    project.write(".github/vaccel-ci.toml", "[build]\ncommand = 'make'\n");
    let said = run(&mut project.command()).ended(2);
    assert!(said.text.contains("vaccel-ci.toml has no `install`"), "{}", said.text);
}
