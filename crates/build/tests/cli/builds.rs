// SPDX-License-Identifier: Apache-2.0
//! Builds of a real project with the real tools.

use crate::support::{Project, SAMPLE_C, files_below, run};
use artifact::BuildRecord;
use std::fs;
use std::path::Path;

#[test]
fn a_project_becomes_an_install_tree() {
    let project = Project::new();
    let said = run(project.step().args(["--options=warning_level=3"])).ended(0);

    assert_eq!(
        files_below(&project.path("install")),
        [
            "usr/bin/sample-run",
            "usr/lib/x86_64-linux-gnu/libsample.so",
            "usr/lib/x86_64-linux-gnu/libsample.so.1",
            "usr/lib/x86_64-linux-gnu/libsample.so.1.2.3",
            "usr/lib/x86_64-linux-gnu/pkgconfig/sample.pc",
        ]
        .map(|name| name.replace("x86_64-linux-gnu", artifact::Arch::host().unwrap().multiarch()))
    );
    let pc = fs::read_to_string(project.path("install").join(&files_below(&project.path("install"))[4])).unwrap();
    assert!(pc.starts_with("prefix=${pcfiledir}"), "{pc}");

    let record = BuildRecord::parse(project.read("build/vaccel-build.json").as_bytes()).unwrap();
    assert!(record.compiler.starts_with("gcc ") && record.backend.starts_with("meson "), "{record:?}");
    assert_eq!((record.version.as_str(), record.options.as_slice()), ("1.2.3", &["warning_level=3".to_owned()][..]));

    let outputs = project.plain(&project.read("runner/GITHUB_OUTPUT"));
    let outputs: Vec<_> = outputs.lines().filter(|line| !line.contains("ghadelimiter")).collect();
    for value in ["<project>/install", "<project>/build", "1.2.3", "gcc 0.0.0"] {
        assert!(outputs.contains(&value), "{value}: {outputs:?}");
    }
    insta::assert_snapshot!(project.plain(&project.read("runner/GITHUB_STEP_SUMMARY")), @r"
    ### Built sample 1.2.3 for <arch>, release

    |  |  |
    | --- | --- |
    | Compiler | gcc 0.0.0 |
    | Build system | meson 0.0.0 |
    | Options | `warning_level=3` |
    | Installed | 5 files, 0 kB, below `/usr` |

    | Step | Time | Result |
    | --- | --- | --- |
    | Configure | 0 ms | set up |
    | Compile | 0 ms | done |
    | Install | 0 ms | 5 files, 0 kB |
    ");
    assert!(!said.text.contains("::error"), "{}", said.text);
}

#[test]
fn a_second_run_does_only_what_changed() {
    let project = Project::new();
    let build = |arguments: &[&str], note: &str| {
        let said = run(project.command().args(arguments)).ended(0);
        let row = said.text.lines().find(|line| line.starts_with("| Configure |")).unwrap().to_owned();
        assert!(row.ends_with(&format!("| {note} |")), "{row}");
        said.text
    };
    build(&["--options=werror=false,c_args=-DA"], "set up");
    let text = build(&["--options=werror=false,c_args=-DA"], "nothing changed");
    assert!(text.contains("ninja: no work to do"), "{text}");
    build(&["--options=werror=false,c_args=-DB"], "options changed");
    assert!(project.read("build/compile_commands.json").contains(" -DB "));
    build(&["--options=werror=false"], "set up again");
    assert!(!project.read("build/compile_commands.json").contains(" -DB "));
    build(&["--options=werror=false", "--build-type=debug"], "set up again");
    // What was installed before is not there any more.
    project.write("meson.build", "project('sample', 'c')\nexecutable('other', 'src/run.c', install: true)\n");
    build(&["--options=werror=false", "--build-type=debug"], "nothing changed");
    assert_eq!(files_below(&project.path("install")), ["usr/bin/other"]);
}

#[test]
fn warnings_are_annotated_and_counted() {
    let project = Project::new();
    project.write("src/sample.c", &format!("{SAMPLE_C}static int unused;\n"));
    let said = run(&mut project.step()).ended(0);
    insta::assert_snapshot!(said.of_kind("warning"), @"::warning file=src/sample.c,line=3,col=12,title=-Wunused-variable::‘unused’ defined but not used");
    assert!(project.read("runner/GITHUB_OUTPUT").contains("warnings"));
    // Only with werror the same is an error.
    let said = run(project.step().arg("--werror")).ended(1);
    assert!(
        said.text.contains("::error file=src/sample.c,line=3,col=12,title=-Werror=unused-variable::"),
        "{}",
        said.text
    );
}

#[test]
fn a_compile_error_is_annotated_before_the_final_error() {
    let project = Project::new();
    project.write("src/sample.c", "int sample(void)\n{\n  return 1\n}\n");
    let said = run(&mut project.step()).ended(1);
    insta::assert_snapshot!(project.plain(&said.of_kind("error")), @r"
    ::error file=src/sample.c,line=3,col=11,title=Compiler error::expected ‘;’ before ‘}’ token
    ::error title=Build::compilation failed%0Asrc/sample.c:3:11: error: expected ‘;’ before ‘}’ token%0A  caused by: ninja ended with exit status 1
    ");
    insta::assert_snapshot!(project.plain(&project.read("runner/GITHUB_STEP_SUMMARY")), @r"
    ### Build failed: sample 1.2.3, <arch>, release

    |  |  |
    | --- | --- |
    | Compiler | gcc 0.0.0 |
    | Build system | meson 0.0.0 |

    | Step | Time | Result |
    | --- | --- | --- |
    | Configure | 0 ms | set up |
    | Compile | 0 ms | failed |

    #### 1 error

    |  | Place | Message |
    | --- | --- | --- |
    | **error** | `src/sample.c:3:11` | expected ‘;’ before ‘\}’ token |
    ");
    assert!(!project.path("install").exists());
    assert!(!project.path("build/vaccel-build.json").exists());
}

#[test]
fn a_failed_build_leaves_the_old_tree() {
    let project = Project::new();
    run(&mut project.command()).ended(0);
    let before = files_below(&project.path("install"));
    project.write("src/run.c", "int main(void) { return missing(); }\nint missing(void);\n");
    let said = run(&mut project.step()).ended(1);
    assert!(said.text.contains("undefined reference to `missing'"), "{}", said.text);
    assert!(said.text.contains("title=Linker error::"), "{}", said.text);
    assert_eq!(files_below(&project.path("install")), before);
    assert!(!project.path("build/vaccel-build.json").exists(), "the record of the build before");
}

#[test]
fn tests_decide_whether_there_is_a_tree() {
    let project = Project::new();
    let tests = "exe = executable('t', 'src/t.c')\ntest('good', exe)\ntest('bad', exe, args: ['x'])\ntest('none', exe, args: ['x', 'y'])\n";
    project.write("meson.build", &format!("{}{tests}", crate::support::MESON_BUILD));
    project.write(
        "src/t.c",
        "int main(int argc, char **argv) { (void)argv; return argc == 1 ? 0 : argc == 2 ? 3 : 77; }\n",
    );
    run(&mut project.command()).ended(0);
    let said = run(project.step().args(["--test=run", "--destdir=tested"])).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error title=Test failed::sample:bad: exit status 3
    ::error title=Build::1 of 3 tests failed%0Ahelp: their output is in the log above
    ");
    let summary = project.plain(&project.read("runner/GITHUB_STEP_SUMMARY"));
    insta::assert_snapshot!(summary.split_once("#### ").unwrap().1, @r"
    Tests: 1 passed, 1 failed, 1 skipped

    | Test | Result | Time |
    | --- | --- | --- |
    | sample:bad | **failed**: exit status 3 | 0 ms |
    | sample:none | skipped | 0 ms |
    | sample:good | passed | 0 ms |
    ");
    assert!(!project.path("tested").exists());
}

/// A library that depends on others, installed in a root of its own.
fn library(name: &str, code: &str, needs: &str, roots: &str) -> Project {
    let project = Project::new();
    project.write("src/sample.c", code);
    project.write(
        "meson.build",
        &format!(
            "project('{name}', 'c', version: '2.0')\n\
             l = shared_library('{name}', 'src/sample.c', dependencies: [{needs}], install: true)\n\
             import('pkgconfig').generate(l)\n"
        ),
    );
    run(project.command().arg(format!("--pkgconfig-prefix={roots}"))).ended(0);
    project
}

#[test]
fn dependencies_are_found_in_their_roots() {
    let base = library("base", "int base(void);\nint base(void) { return 1; }\n", "", "");
    let base_root = base.path("install").display().to_string();
    let code = "int base(void);\nint middle(void);\nint middle(void) { return base(); }\n";
    let middle = library("middle", code, "dependency('base')", &base_root);

    let project = Project::new();
    project.write(
        "meson.build",
        "project('app', 'c')\ne = executable('app', 'src/run.c', dependencies: dependency('middle'))\ntest('runs', e)\n",
    );
    project.write("src/run.c", "int middle(void);\nint main(void) { return middle() != 1; }\n");
    let said = run(&mut project.step()).ended(1);
    let error = "::error file=meson.build,line=2,col=50,title=Build system error::Dependency \"middle\" not found";
    assert!(said.of_kind("error").starts_with(error), "{}", said.text);
    assert!(
        said.text.contains("name it in `dependencies` of the workflow (middle@auto) or in `fetch-package`"),
        "{}",
        said.text
    );
    // What the application does not name itself comes from another root.
    let roots = format!("{},\n{base_root}", middle.path("install").display());
    run(project.command().arg("--test=run").arg(format!("--pkgconfig-prefix={roots}"))).ended(0);
}

#[test]
fn every_prefix_can_be_built_against() {
    for prefix in ["/usr", "/usr/local", "/opt/vaccel", "/home/runner/work/x/x/opt"] {
        let dependency = Project::new();
        dependency.write("src/sample.c", "int sample(void);\nint sample(void) { return 7; }\n");
        let generate = "l = shared_library('dep', 'src/sample.c', install: true)\n\
                        import('pkgconfig').generate(l, name: 'dep', description: 'd')\n";
        dependency.write("meson.build", &format!("project('dep', 'c', version: '1.0')\n{generate}"));
        run(dependency.command().args(["--prefix", prefix])).ended(0);
        // As it is fetched: somewhere else.
        let project = Project::new();
        fs::rename(dependency.path("install"), project.path("fetched")).unwrap();
        project.write(
            "meson.build",
            "project('app', 'c')\ne = executable('app', 'src/run.c', dependencies: dependency('dep'))\ntest('runs', e)\n",
        );
        project.write("src/run.c", "int sample(void);\nint main(void) { return sample() != 7; }\n");
        run(project.command().args(["--test=run", "--pkgconfig-prefix=fetched"])).ended(0);
    }
}

#[test]
fn equal_sources_give_equal_bytes_wherever_they_lie() {
    let digests = |build_path: &str, defaults: &str| {
        let project = Project::new();
        let meson = crate::support::MESON_BUILD.replace("'warning_level=2'", defaults);
        project.write("meson.build", &meson);
        run(project.command().args(["--build-type=debug", "--build-path", build_path])).ended(0);
        let install = project.path("install");
        let files = files_below(&install);
        files
            .into_iter()
            .map(|name| (artifact::Sha256::of(&fs::read(install.join(&name)).unwrap()).to_string(), name))
            .collect::<Vec<_>>()
    };
    let one = digests("build", "'warning_level=2'");
    assert_eq!(one, digests("out/of/the/way", "'warning_level=2'"));
    // A project's own default flags are kept, and do not push ours aside.
    assert_eq!(digests("build", "'c_args=-O1'"), digests("elsewhere", "'c_args=-O1'"));
    assert_ne!(one, digests("build", "'c_args=-O1'"));
}

#[test]
fn the_callers_flags_are_kept() {
    let project = Project::new();
    run(project.command().env("CFLAGS", "-DFROM_CALLER").arg("--build-type=plain")).ended(0);
    let commands = project.read("build/compile_commands.json");
    assert!(commands.contains("-DFROM_CALLER") && commands.contains("-ffile-prefix-map="), "{commands}");
}

#[test]
fn the_version_comes_from_the_tree() {
    let project = Project::new();
    project.write(".version", "4.5.6-rc.1\n");
    let said = run(&mut project.command()).ended(0);
    assert!(said.text.contains("Built sample 4.5.6-rc.1"), "{}", said.text);
    project.write(".version", "four\n");
    run(&mut project.command()).ended(2);

    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(arguments).current_dir(project.root());
        assert!(git.output().unwrap().status.success(), "{arguments:?}");
    };
    fs::remove_file(project.path(".version")).unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "meson.build", "src"]);
    git(&["commit", "--quiet", "--message=first"]);
    let said = run(&mut project.command()).ended(0);
    assert!(said.text.contains("Built sample 0.0.0-dev.1+g"), "{}", said.text);
    git(&["tag", "v0.3.0"]);
    let said = run(&mut project.command()).ended(0);
    assert!(said.text.contains("Built sample 0.3.0 "), "{}", said.text);
    git(&["commit", "--quiet", "--allow-empty", "--message=second"]);
    // Only a tag that is a version can be the base of one.
    git(&["tag", "v1.2"]);
    let said = run(&mut project.command()).ended(0);
    assert!(said.text.contains("Built sample 0.3.1-dev.1"), "{}", said.text);
}

#[test]
fn another_prefix_has_plain_library_folders() {
    let project = Project::new();
    run(project.command().args(["--prefix=/opt/sample", "--destdir=tree"])).ended(0);
    assert!(files_below(&project.path("tree")).contains(&"opt/sample/lib/libsample.so.1.2.3".to_owned()));
    assert!(!Path::new("/opt/sample").exists());
}
