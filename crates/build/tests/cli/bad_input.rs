// SPDX-License-Identifier: Apache-2.0
//! What is wrong gets one clear error: exit status 2 for inputs, 1 for work.

use crate::support::{Project, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The error of a run with these arguments, which must end with this status.
fn error(project: &Project, arguments: &[&str], status: i32) -> String {
    let said = run(project.command().args(arguments)).ended(status);
    let (_, error) = said.text.rsplit_once("error: ").unwrap();
    assert_eq!(
        said.text.matches("\nerror: ").count() + usize::from(said.text.starts_with("error: ")),
        1,
        "{}",
        said.text
    );
    project.plain(error.trim())
}

#[test]
fn inputs_that_are_no_values() {
    let project = Project::new();
    let cases: [(&str, &[&str]); 8] = [
        ("unknown build type", &["--build-type=fast"]),
        ("unknown boolean", &["--werror=yes"]),
        ("unknown test mode", &["--test=all"]),
        ("negative jobs", &["--jobs=-1"]),
        ("option without a value", &["--options=examples"]),
        ("option with a line break", &["--options=examples=enabled\ndisabled"]),
        ("option with an input of its own", &["--options=buildtype=debug"]),
        ("relative prefix", &["--prefix=usr"]),
    ];
    let told: Vec<_> =
        cases.iter().map(|(name, arguments)| format!("# {name}\n{}", error(&project, arguments, 2))).collect();
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    # unknown build type
    invalid value 'fast' for '--build-type <BUILD_TYPE>': unknown build type "fast"; there are plain, debug, debugoptimized, release and minsize
    help: see --help, or the action's README

    # unknown boolean
    invalid value 'yes' for '--werror[=<true|false>]'
      [possible values: true, false]
    help: see --help, or the action's README

    # unknown test mode
    invalid value 'all' for '--test <TEST>'
      [possible values: none, run, valgrind]
    help: see --help, or the action's README

    # negative jobs
    invalid value '-1' for '--jobs <JOBS>': -1 is not in 0..=4294967295
    help: see --help, or the action's README

    # option without a value
    invalid value 'examples' for '--options <OPTIONS>': the option `examples` has no value; options are written `name=value`
    help: see --help, or the action's README

    # option with a line break
    invalid value 'examples=enabled
    disabled' for '--options <OPTIONS>': the option `disabled` has no value; options are written `name=value`
    help: see --help, or the action's README

    # option with an input of its own
    the option `buildtype` has an input of its own
    help: set build-type instead

    # relative prefix
    the prefix `usr` is not an absolute path
    help: for instance /usr
    "#);
    assert!(!project.path("build").exists(), "nothing was begun");
}

#[test]
fn folders_that_do_not_fit() {
    let project = Project::new();
    project.write("empty/README", "");
    project.write("home/thesis", "");
    let cases: [(&str, &[&str]); 8] = [
        ("no source", &["--source-path=nowhere"]),
        ("source is a file", &["--source-path=meson.build"]),
        ("no build system", &["--source-path=empty"]),
        ("build in the source", &["--build-path=."]),
        ("install over the source", &["--destdir=."]),
        ("install over the build", &["--build-path=x/y", "--destdir=x"]),
        ("install over something else", &["--destdir=home"]),
        ("no dependency", &["--pkgconfig-prefix=nowhere"]),
    ];
    let told: Vec<_> =
        cases.iter().map(|(name, arguments)| format!("# {name}\n{}", error(&project, arguments, 2))).collect();
    insta::assert_snapshot!(told.join("\n\n"), @r"
    # no source
    the source tree <project>/nowhere does not exist
    help: check the repository out first, or correct source-path

    # source is a file
    the source tree <project>/meson.build is not a folder

    # no build system
    no build system known here can build <project>/empty
    help: looked for .github/vaccel-ci.toml with a `command` in its section [build] (script), pyproject.toml with a section [build-system] or setup.py (Python), meson.build (Meson), Cargo.toml (Cargo), go.mod (Go); correct source-path if it is elsewhere

    # build in the source
    the build folder <project> holds the source tree
    help: choose a folder of its own for build-path

    # install over the source
    the install tree <project> would replace the source tree or the build
    help: choose a folder of its own for destdir

    # install over the build
    the install tree <project>/x would replace the source tree or the build
    help: choose a folder of its own for destdir

    # install over something else
    the install tree <project>/home exists already and this build did not make it
    help: remove it, or choose another destdir

    # no dependency
    the dependency folder <project>/nowhere does not exist
    help: fetch the dependency first, or take the folder out of pkgconfig-prefix
    ");
    assert!(project.path("home/thesis").exists() && project.path("src").exists());
}

#[test]
fn a_build_folder_of_somebody_else_is_left_alone() {
    let project = Project::new();
    project.write("build/meson-private/coredata.dat", "");
    insta::assert_snapshot!(error(&project, &[], 2), @r"
    <project>/build was set up by something else
    help: remove it, or choose another build-path; its options are not known here
    ");
    assert_eq!(crate::support::files_below(&project.path("build")), ["meson-private/coredata.dat"]);
}

#[test]
fn missing_tools_are_named_with_what_brings_them() {
    let project = Project::new();
    let mut told = Vec::new();
    for name in ["meson", "ninja", "cc", "pkg-config"] {
        let mut command = project.command();
        command.env("PATH", project.path("bin"));
        if name == "pkg-config" {
            project.write("dep/lib/pkgconfig/dep.pc", "");
            command.arg("--pkgconfig-prefix=dep");
        }
        let said = run(&mut command).ended(1);
        assert!(said.text.contains(&format!("{name} was not found")), "{}", said.text);
        told.push(said.text);
        project.write(&format!("bin/{name}"), "#!/bin/sh\n");
        fs::set_permissions(project.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    insta::assert_snapshot!(told.concat(), @r"
    error: meson was not found on PATH
    help: install the Debian package meson, or `pip install meson`
    error: ninja was not found on PATH
    help: install the Debian package ninja-build, or `pip install ninja`
    error: cc was not found on PATH
    help: install the Debian package gcc (or clang, and set CC=clang)
    error: pkg-config was not found on PATH
    help: install the Debian package pkgconf
    ");
}

#[test]
fn what_the_settings_list_is_checked() {
    let project = Project::new();
    let root = project.path("apt").display().to_string();
    for folder in ["apt/lists/partial", "apt/archives/partial"] {
        fs::create_dir_all(project.path(folder)).unwrap();
    }
    let places = format!("Dir::State::lists \"{root}/lists\";\nDir::Cache \"{root}\";\n");
    project.write(
        "apt.conf",
        &format!("{places}Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"/dev/null\";\n"),
    );
    let cases = [
        ("apt = ['-oDir=/']", "`-oDir=/` in `apt` of [build] is not a valid package"),
        ("apt = ['no-such-package-of-debian']", "no-such-package-of-debian"),
        ("aptt = []", "unknown field `aptt`"),
    ];
    for (line, says) in cases {
        project.write(".github/vaccel-ci.toml", &format!("[build]\n{line}\n"));
        // Without lists of packages nothing is known, and nothing is asked for.
        let said = run(project.command().env("APT_CONFIG", project.path("apt.conf"))).ended(2);
        assert!(said.text.contains(says), "{}", said.text);
        assert!(!project.path("build").exists(), "{}", said.text);
    }
    // What is installed already takes nothing; and a list alone makes no script of the project.
    project.write(".github/vaccel-ci.toml", "[build]\napt = ['dpkg', 'libc6:target']\n");
    let said = run(&mut project.command()).ended(0);
    assert!(said.text.contains("| Build system | meson "), "{}", said.text);
}

#[test]
fn a_submodule_that_was_not_checked_out_is_named() {
    let project = Project::new();
    project.write(
        ".gitmodules",
        "[submodule \"scripts/meson\"]\n\tpath = scripts/common\n\turl = https://example.org/x\n",
    );
    fs::create_dir_all(project.path("scripts/common")).unwrap();
    // The first thing that the build does is to call what is in there.
    project.write(
        "meson.build",
        "project('x', version: run_command('scripts/common/version.sh', check: true).stdout())\n",
    );
    insta::assert_snapshot!(error(&project, &[], 2), @r"
    the folder of the submodule scripts/common is empty in <project>
    help: run `git submodule update --init --recursive`; in a workflow, check out with `submodules: recursive`, and with a token if the submodule is private. One that no build needs has `update = none` in .gitmodules
    ");
    assert!(!project.path("build").exists());
    project.write("scripts/common/version.sh", "#!/bin/sh\necho 1.2.3\n");
    let script = project.path("scripts/common/version.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    run(&mut project.command()).ended(0);
}

#[test]
fn what_meson_refuses_is_an_error_of_its_own() {
    let project = Project::new();
    insta::assert_snapshot!(error(&project, &["--options=no_such_option=1"], 1), @r#"
    Unknown option: "no_such_option".
      caused by: meson ended with exit status 1
    help: the project has no options of its own; Meson's own are listed by `meson configure`
    "#);
    project.write("meson_options.txt", "option('speed', type: 'combo', choices: ['low', 'high'])\noption('docs', type: 'boolean')\noption('name', type: 'string')\n");
    insta::assert_snapshot!(error(&project, &["--options=no_such_option=1"], 1), @r#"
    Unknown option: "no_such_option".
      caused by: meson ended with exit status 1
    help: the project has the options speed (low or high), docs (true or false), name (string); Meson's own are listed by `meson configure`
    "#);
    // The folder is usable afterwards.
    run(&mut project.command()).ended(0);
    project.write("meson.build", "project('sample'\n");
    let said = run(&mut project.step()).ended(1);
    insta::assert_snapshot!(project.plain(&said.of_kind("error")), @r"
    ::error file=meson.build,line=1,col=18,title=Build system error::Expecting rparen got eof.
    ::error title=Build::the project could not be configured%0Ameson.build:1:18: error: Expecting rparen got eof.%0A  caused by: ninja ended with exit status 1
    ");
}
