// SPDX-License-Identifier: Apache-2.0
//! Go modules.

use crate::support::{Project, files_below, path_without, run};
use artifact::{Arch, BuildRecord};
use std::process::Command;

const TESTS: &str = "\
package lib

import \"testing\"

func TestGood(t *testing.T) {
\tif One(true) != 1 {
\t\tt.Fatal(\"no\")
\t}
}

func TestLater(t *testing.T) { t.Skip(\"slow\") }
";

fn project() -> Project {
    testbed::tools::require(&[testbed::tools::GO], &|progress| eprintln!("{progress}")).unwrap();
    let project = Project::empty();
    project.write("go.mod", "module example.org/me/my-tool/v2\n\ngo 1.19\n");
    project.write(
        "cmd/greet/main.go",
        "package main\n\nimport \"example.org/me/my-tool/v2/lib\"\n\nfunc main() { println(lib.One(true)) }\n",
    );
    project.write(
        "lib/lib.go",
        "package lib\n\n// One is one.\nfunc One(one bool) int {\n\tif one {\n\t\treturn 1\n\t}\n\treturn 2\n}\n",
    );
    project.write("lib/lib_test.go", TESTS);
    project
}

/// Go keeps what it built in the home folder; that serves all tests.
fn with_cache(command: &mut Command) -> &mut Command {
    command.env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go"))
}

/// A module that calls a C library by way of pkg-config, and the library, built for a prefix and an architecture.
fn with_c(prefix: &str, arch: Arch) -> Project {
    let project = project();
    project.write("dep/meson.build", "project('dep', 'c', version: '1.0')\nl = shared_library('dep', 'dep.c', install: true)\ninstall_headers('dep.h')\nimport('pkgconfig').generate(l, name: 'dep', description: 'd')\n");
    project.write("dep/dep.c", "int seven(void);\nint seven(void) { return 7; }\n");
    project.write("dep/dep.h", "int seven(void);\n");
    let arguments = ["--source-path=dep", "--build-path=dep-build", "--destdir=fetched", "--prefix", prefix];
    run(project.command().args(arguments).args(["--arch", arch.as_str()])).ended(0);
    std::fs::remove_dir_all(project.path("dep")).unwrap();
    project.write("lib/c.go", "package lib\n\n/*\n#cgo pkg-config: dep\n#include <dep.h>\n*/\nimport \"C\"\n\n// Seven is seven.\nfunc Seven() int { return int(C.seven()) }\n");
    project.write("lib/c_test.go", "package lib\n\nimport \"testing\"\n\nfunc TestSeven(t *testing.T) {\n\tif Seven() != 7 {\n\t\tt.Fatal(\"no\")\n\t}\n}\n");
    project
}

#[test]
fn programs_are_installed_and_tests_are_results() {
    let project = project();
    let said = run(with_cache(project.step().args(["--test=run", "--coverage"]))).ended(0);
    assert_eq!(files_below(&project.path("install")), ["usr/bin/greet"]);
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    assert!(summary.contains("Built my-tool ") && summary.contains("Tests: 1 passed, 1 skipped\n"), "{summary}");
    assert!(
        summary.contains("skipped: lib\\_test.go:11: slow") || summary.contains("skipped: lib_test.go:11: slow"),
        "{summary}"
    );
    assert!(summary.contains("| `lib/lib.go` | 80.0 % | 4 of 5 |"), "{summary}");
    assert!(!said.text.contains("\"Action\"") && said.text.contains("--- PASS: TestGood"), "{}", said.text);
    let report = project.read("build/vaccel-build-tests.xml");
    assert!(report.contains("example.org/me/my-tool/v2/lib::TestGood"), "{report}");
    let record = BuildRecord::parse(project.read("build/vaccel-build.json").as_bytes()).unwrap();
    assert!(record.compiler.starts_with("go 1."), "{record:?}");
}

#[test]
fn every_architecture_is_built_and_tested_against_fetched_c_libraries() {
    for (arch, prefix, machine) in
        [(Arch::X86_64, "/usr/local", 62), (Arch::Aarch64, "/usr", 183), (Arch::Armv7l, "/opt/vaccel", 40)]
    {
        let project = with_c(prefix, arch);
        let arguments = ["--pkgconfig-prefix=fetched", "--test=run", "--arch", arch.as_str()];
        let said = run(with_cache(project.step().args(arguments))).ended(0);
        let bytes = std::fs::read(project.path("install/usr/bin/greet")).unwrap();
        assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), machine, "{arch}");
        assert!(
            project.read("runner/GITHUB_STEP_SUMMARY").contains("Tests: 2 passed, 1 skipped"),
            "{arch}: {}",
            said.text
        );
    }
}

#[test]
fn equal_sources_give_equal_programs_wherever_they_lie() {
    let digest = |build_path: &str, name: &str| {
        let project = with_c("/usr", Arch::host().unwrap());
        // Headers leave their paths in what is compiled, too.
        let elsewhere = tempfile::tempdir().unwrap();
        let fetched = elsewhere.path().join(name);
        std::fs::rename(project.path("fetched"), &fetched).unwrap();
        let arguments = ["--build-path", build_path, "--pkgconfig-prefix", fetched.to_str().unwrap()];
        run(with_cache(project.command().args(arguments))).ended(0);
        artifact::Sha256::of(&std::fs::read(project.path("install/usr/bin/greet")).unwrap()).to_string()
    };
    assert_eq!(digest("build", "a"), digest("out/of/the/way", "elsewhere"));
}

#[test]
fn a_module_without_programs_is_tested_and_installs_nothing() {
    let project = project();
    std::fs::remove_dir_all(project.path("cmd")).unwrap();
    let said = run(with_cache(project.command().arg("--test=run"))).ended(0);
    assert!(said.text.contains("the module has no program") && said.text.contains("Tests: 1 passed"), "{}", said.text);
    assert!(project.path("install").is_dir() && files_below(&project.path("install")).is_empty());
}

#[test]
fn what_fails_is_named() {
    let project = project();
    project.write("lib/lib_test.go", &TESTS.replace("!= 1", "!= 2"));
    let said = run(with_cache(project.step().arg("--test=run"))).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error title=Test failed::example.org/me/my-tool/v2/lib::TestGood: lib_test.go:7: no
    ::error title=Build::1 of 2 tests failed%0Ahelp: their output is in the log above
    ");
    project.write("lib/lib_test.go", &TESTS.replace("One(true)", "Two(true)"));
    let said = run(with_cache(project.step().arg("--test=run"))).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error title=Test failed::example.org/me/my-tool/v2/lib: build failed
    ::error file=lib/lib_test.go,line=6,col=5,title=Compiler error::undefined: Two
    ::error title=Build::1 of 1 test failed%0Ahelp: their output is in the log above
    ");
    project.write("lib/lib.go", "package lib\n\nfunc One(b bool) int { return x }\n");
    let said = run(with_cache(&mut project.step())).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error file=lib/lib.go,line=3,col=31,title=Compiler error::undefined: x
    ::error title=Build::compilation failed%0Alib/lib.go:3:31: error: undefined: x%0A  caused by: go ended with exit status 2
    ");
    assert!(!project.path("install").exists());
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let project = project();
    project.write("cmd2/greet/main.go", "package main\n\nfunc main() {}\n");
    let cases: [(&[&str], &str); 4] = [
        (&["--options=colour=red"], "go has no option `colour`"),
        (&["--test=valgrind"], "tests of projects built with Go do not run under valgrind here"),
        (&[], "would both be the program greet"),
        (&["--options=packages=./nowhere"], "go could not read the project"),
    ];
    for (arguments, says) in cases {
        let said = run(with_cache(project.command().args(arguments)));
        assert!(said.text.contains(says), "{}", said.text);
        assert!(!project.path("install").exists());
    }
    run(with_cache(project.command().arg("--options=packages=./cmd/..."))).ended(0);
    // Newer than any Go that there is, which none can fetch.
    project.write("go.mod", "module example.org/m\n\ngo 1.999.0\n");
    let said = run(with_cache(project.command().env("GOTOOLCHAIN", "local"))).ended(1);
    assert!(said.text.contains("the module needs Go 1.999.0, and the installed Go is 1."), "{}", said.text);
    let path = path_without(&project, &["go"]);
    let said = run(project.command().env("PATH", path)).ended(1);
    assert!(said.text.contains("go was not found on PATH"), "{}", said.text);
}
