// SPDX-License-Identifier: Apache-2.0
//! Python projects, built with setuptools.

use crate::support::{Project, files_below, run};
use artifact::{Arch, BuildRecord, Sha256};
use std::fs;

const PYPROJECT: &str = r#"
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "my-binding"
version = "0.5.0"
scripts = { greet = "my_binding:greet" }

[tool.setuptools]
packages = ["my_binding"]
"#;

const TESTS: &str = "\
import my_binding
import pytest

def test_value():
    assert my_binding.value() == 42

def test_comes_from_the_wheel():
    assert '/site/' in my_binding.__file__

@pytest.mark.skip(reason='slow')
def test_later():
    pass
";

fn project() -> Project {
    let project = Project::empty();
    project.write("pyproject.toml", PYPROJECT);
    project.write("my_binding/__init__.py", "def value():\n    return 42\n\ndef greet():\n    print(value())\n");
    project.write("tests/test_value.py", TESTS);
    project.write("README", "x");
    project
}

/// The same with a part in C, which says where it was compiled.
fn with_extension() -> Project {
    let project = project();
    project.write(
        "setup.py",
        "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('my_binding.fast', ['fast.c'], extra_compile_args=['-g'])])\n",
    );
    project.write(
        "fast.c",
        "#include <Python.h>\nstatic struct PyModuleDef module = { PyModuleDef_HEAD_INIT, \"fast\", __FILE__, -1, 0 };\n\
         PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }\n",
    );
    project
}

#[test]
fn a_package_becomes_a_wheel_and_a_source_archive() {
    let project = project();
    let before = files_below(&project.root());
    let said = run(project.step().arg("--test=run")).ended(0);
    let dist = files_below(&project.path("build/dist"));
    let ends = |end: &str| dist.iter().filter(|name| name.ends_with(end)).count();
    assert_eq!((dist.len(), ends("-0.5.0-py3-none-any.whl"), ends("-0.5.0.tar.gz")), (2, 1, 1), "{dist:?}");
    let installed = files_below(&project.path("install/usr/lib/python3/dist-packages"));
    assert!(installed.contains(&"my_binding/__init__.py".to_owned()), "{installed:?}");
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    assert!(summary.contains("Built my-binding 0.5.0 "), "{summary}");
    assert!(summary.contains("Tests: 2 passed, 1 skipped\n") && summary.contains("skipped: slow"), "{}", said.text);
    let report = project.read("build/vaccel-build-tests.xml");
    assert!(report.contains("tests=\"3\""), "{report}");
    let record = BuildRecord::parse(project.read("build/vaccel-build.json").as_bytes()).unwrap();
    assert!(record.compiler.starts_with("CPython 3.") && record.backend.starts_with("build "), "{record:?}");

    // The source tree is as it was, and a module that is gone is gone from the next wheel.
    let ours = ["build/", "install/", "runner/"];
    let after: Vec<_> =
        files_below(&project.root()).into_iter().filter(|file| !ours.iter().any(|our| file.starts_with(our))).collect();
    assert_eq!(after, before);
    fs::remove_file(project.path("tests/test_value.py")).unwrap();
    let said = run(project.step().args(["--test=run", "--options=editable_mode=strict", "--jobs=2"])).ended(0);
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    assert!(summary.contains("The project has none."), "{}", said.text);
}

#[test]
fn failed_tests_and_builds_are_told() {
    let project = project();
    project.write("tests/test_value.py", "def test_bad():\n    assert 1 == 2\n");
    let said = run(project.step().arg("--test=run")).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error title=Test failed::tests.test_value::test_bad: assert 1 == 2
    ::error title=Build::1 of 1 test failed%0Ahelp: their output is in the log above
    ");
    project.write("tests/test_value.py", "import nowhere\n");
    let said = run(project.step().arg("--test=run")).ended(1);
    assert!(said.of_kind("error").contains("Test failed::tests.test_value: collection failure"), "{}", said.text);
    assert!(!project.path("install").exists());

    project.write("pyproject.toml", &PYPROJECT.replace("setuptools>=61", "setuptools>=61\", \"no-such-thing"));
    let said = run(project.step().arg("--test=run")).ended(1);
    let error = said.of_kind("error");
    assert!(error.contains("the package could not be built%0AERROR ") && error.contains("dependencies"), "{error}");
    assert!(error.contains("help: install what the project is built with: pip install "), "{error}");
    assert!(error.ends_with("'setuptools>=61' 'no-such-thing'"), "{error}");
    project.write("pyproject.toml", &PYPROJECT.replace("0.5.0", "not a version"));
    let said = run(&mut project.step()).ended(1);
    assert!(said.of_kind("error").contains("the project could not be read"), "{}", said.text);
    project.write("pyproject.toml", "[build-system");
    let said = run(&mut project.command()).ended(2);
    assert!(said.text.contains("pyproject.toml:"), "{}", said.text);
}

#[test]
fn compiled_parts_are_warned_about_and_built_for_this_machine() {
    let project = with_extension();
    project.write("fast.c", &format!("{}static int unused;\n", project.read("fast.c")));
    let said = run(project.step().env("CFLAGS", "-Wall")).ended(0);
    insta::assert_snapshot!(said.of_kind("warning"), @"::warning file=fast.c,line=4,col=12,title=-Wunused-variable::‘unused’ defined but not used");
    let foreign = if Arch::host() == Some(Arch::Aarch64) { "x86_64" } else { "aarch64" };
    let said = run(project.step().args(["--arch", foreign])).ended(1);
    assert!(said.text.contains("compiled parts, which are built for this machine only"), "{}", said.text);
}

#[test]
fn a_package_without_compiled_parts_is_for_every_machine() {
    let project = project();
    for arch in Arch::ALL {
        run(project.step().args(["--arch", arch.as_str()])).ended(0);
        assert!(project.path("build/dist/my_binding-0.5.0-py3-none-any.whl").is_file(), "{arch}");
    }
}

#[test]
fn equal_sources_give_equal_archives_wherever_they_lie() {
    let digests = |build_path: &str| {
        let project = with_extension();
        run(project.command().env("SOURCE_DATE_EPOCH", "1700000000").args(["--build-path", build_path])).ended(0);
        let dist = project.path(build_path).join("dist");
        let digest = |name: String| (Sha256::of(&fs::read(dist.join(&name)).unwrap()).to_string(), name);
        files_below(&dist).into_iter().map(digest).collect::<Vec<_>>()
    };
    assert_eq!(digests("build"), digests("out/of/the/way"));
}

#[test]
fn what_python_cannot_do_here_is_said() {
    let project = project();
    for (arguments, says) in [
        (&["--test=run", "--coverage"][..], "there is no coverage report for projects built with Python"),
        (&["--test=valgrind"], "tests of projects built with Python do not run under valgrind here"),
        (&["--coverage"], "coverage is what tests reach, and none are to run"),
    ] {
        let said = run(project.command().args(arguments)).ended(2);
        assert!(said.text.contains(says), "{}", said.text);
    }
    // A Python without the module.
    project.write("bin/python3", "#!/bin/sh\ncase $2 in *pytest) exit 1 ;; esac\n");
    let bin = project.path("bin/python3");
    fs::set_permissions(bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    let said = run(project.command().env("PATH", path).arg("--test=run")).ended(1);
    assert!(said.text.contains("Python's module pytest was not found"), "{}", said.text);
}
