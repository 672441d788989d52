// SPDX-License-Identifier: Apache-2.0
//! Python projects, built with setuptools.

use crate::support::{Project, files_below, path_without, run};
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

/// A project that is built with what this machine has, which is quick.
fn project() -> Project {
    let project = isolated();
    project.write(".github/vaccel-ci.toml", "[build]\nisolated = false\n");
    project
}

/// The same, built with what it declares.
fn isolated() -> Project {
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
        (&["--test=valgrind"][..], "tests of projects built with Python do not run under valgrind here"),
        (&["--coverage"], "coverage is what tests reach, and none are to run"),
    ] {
        let said = run(project.command().args(arguments)).ended(2);
        assert!(said.text.contains(says), "{}", said.text);
    }
    // A Python without the module; what it said is shown.
    project.write("bin/python3", "#!/bin/sh\ncase $2 in *pytest) echo no such module; exit 1 ;; esac\n");
    let bin = project.path("bin/python3");
    fs::set_permissions(bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    let said = run(project.command().env("PATH", path).arg("--test=run")).ended(1);
    assert!(said.text.contains("Python's module pytest was not found"), "{}", said.text);
    assert!(said.text.contains("caused by: no such module"), "{}", said.text);
}

#[test]
fn an_isolated_build_installs_what_the_project_declares() {
    let project = isolated();
    let declared = PYPROJECT.replace("setuptools>=61", "setuptools>=61\", \"toml-sort==0.23.1");
    project.write(
        "pyproject.toml",
        &declared.replace("version = \"0.5.0\"", "version = \"0.5.0\"\ndependencies = [\"tomli\"]"),
    );
    project.write("setup.py", "import toml_sort\nfrom setuptools import setup\nsetup()\n");
    project.write(
        "my_binding/__init__.py",
        "import tomli\ndef value():\n    return 42\n\ndef greet():\n    print(value())\n",
    );
    project.write(".github/vaccel-ci.toml", "[build]\npip = ['pytest-timeout', '-r more.txt']\n");
    project.write("more.txt", "iniconfig\n");
    project.write("tests/test_more.py", "import pytest_timeout\nimport iniconfig\ndef test_more():\n    pass\n");
    // Neither the front end nor pytest has to be on the machine.
    let path = path_without(&project, &["pytest", "pyproject-build"]);
    let said = run(project.step().env("PATH", &path).args(["--test=run", "--coverage"])).ended(0);
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    assert!(summary.contains("Tests: 3 passed, 1 skipped\n"), "{}", said.text);
    assert!(summary.contains("| `my_binding/__init__.py` | 80.0 % | 4 of 5 |"), "{summary}");
    let report = project.read("build/vaccel-build-coverage.xml");
    assert!(report.contains(&format!("<source>{}</source>", project.root().display())), "{report}");
    // The environment is kept for the next build.
    let said = run(project.command().env("PATH", &path)).ended(0);
    assert!(said.text.contains("| kept what is installed |"), "{}", said.text);

    project.write("pyproject.toml", &PYPROJECT.replace("setuptools>=61", "no-such-requirement-of-anybody"));
    let said = run(project.step().env("PATH", &path)).ended(2);
    let error = said.of_kind("error");
    assert!(
        error.contains("failed to install what the project is built with (build, no-such-requirement-of-anybody"),
        "{error}"
    );
    assert!(error.contains("No matching distribution found") && error.contains("help: correct `requires`"), "{error}");
    project.write(".github/vaccel-ci.toml", "[build]\npip = ['--index-url=https://example.org']\n");
    let said = run(&mut project.command()).ended(2);
    assert!(said.text.contains("is not a valid requirement"), "{}", said.text);
}

#[test]
fn metadata_is_read_in_the_environment_of_the_build() {
    // Like a binding that asks for the core while its metadata is read.
    let project = project();
    project.write(
        "dep/opt/vaccel/lib/pkgconfig/vaccel.pc",
        "prefix=${pcfiledir}/../..\nName: vaccel\nDescription: d\nVersion: 0.7.1\n",
    );
    project.write(
        "pyproject.toml",
        "[build-system]\nrequires = ['setuptools>=61']\nbuild-backend = 'setuptools.build_meta'\n",
    );
    project.write(
        "setup.py",
        "import subprocess\nfrom setuptools import setup\n\
         version = subprocess.run(['pkg-config', '--modversion', 'vaccel'], check=True, capture_output=True, text=True).stdout\n\
         setup(name='my-binding', version=version.strip(), packages=['my_binding'])\n",
    );
    run(project.step().arg("--pkgconfig-prefix=dep")).ended(0);
    assert!(project.path("build/dist/my_binding-0.7.1-py3-none-any.whl").is_file());
    // Without the core, what setup.py ended with is shown.
    let said = run(&mut project.step()).ended(1);
    let error = said.of_kind("error");
    assert!(error.contains("Command '['pkg-config', '--modversion', 'vaccel']' returned non-zero"), "{error}");
}

#[test]
fn another_interpreter_s_wheel_is_refused() {
    let project = project();
    project.write("setup.cfg", "[bdist_wheel]\npython_tag = cp27\n");
    let said = run(&mut project.step()).ended(1);
    let error = said.of_kind("error");
    assert!(
        error.contains("my_binding-0.5.0-cp27-none-any.whl is a wheel for another interpreter than CPython 3."),
        "{}",
        said.text
    );
    assert!(!project.path("build/dist").exists() && !project.path("install").exists());
    project.write("setup.cfg", "");
    project.write(
        "pyproject.toml",
        &PYPROJECT.replace("version = \"0.5.0\"", "version = \"0.5.0\"\nrequires-python = \">=3.99\""),
    );
    let said = run(&mut project.step()).ended(2);
    assert!(said.text.contains("the project needs Python >=3.99, and this is CPython 3."), "{}", said.text);
}

#[test]
fn modules_go_where_the_prefix_is_searched() {
    let project = project();
    for (prefix, folder) in
        [("/usr", "usr/lib/python3/"), ("/usr/local", "usr/local/lib/python3."), ("/opt/x", "opt/x/lib/python3/")]
    {
        run(project.command().args(["--prefix", prefix])).ended(0);
        let files = files_below(&project.path("install"));
        assert!(files.iter().all(|file| file.starts_with(folder) && file.contains("/dist-packages/")), "{files:?}");
    }
}
