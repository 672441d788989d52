// SPDX-License-Identifier: Apache-2.0
//! Runs of real scripts.

use crate::support::{Project, assert_ended, run};
use artifact::Outcome;
use std::fs;
use std::time::{Duration, Instant};
use testbed::tools;

const TAP: &str = "\
echo 'TAP version 14'
echo 1..4
hello World
echo 'ok 1 - greet'
echo 'Segmentation fault'
echo 'not ok 2 - crash'
echo '  ---'
echo '  status: 139'
echo '  ...'
echo 'ok 3 - download # SKIP no network'
hello again
echo 'ok 4 - greet again'
exit 1
";

#[test]
fn a_script_without_an_interpreter_is_run_by_the_one_its_name_asks_for() {
    let project = Project::new("");
    std::fs::remove_dir_all(project.path("scripts")).unwrap();
    let python = "import subprocess, sys\nprint('TAP version 14')\nsubprocess.run(['hello', sys.argv[1]], check=True)\n\
                  print('ok 1 - from python')\nprint('1..1')\n";
    // Neither executable nor with a first line that names Python.
    project.write("run-examples.py", python);
    run(&mut project.step()).ended(0);
    assert_eq!(project.results().trim(), "Pass from python");
    project.write("examples", "echo\n");
    let said = run(project.step().arg("--script=examples")).ended(2);
    assert!(said.text.contains("names no interpreter"), "{}", said.text);
}

#[test]
fn each_test_point_is_told_and_one_that_fails_does_not_hide_the_others() {
    let project = Project::new(TAP);
    let said = run(&mut project.step()).ended(1);
    insta::assert_snapshot!(project.results(), @r"
    Pass greet
    Fail crash: ended with exit status 139: a program was killed by SIGSEGV
    Skip download: no network
    Pass greet again
    ");
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error title=Example failed::crash: ended with exit status 139: a program was killed by SIGSEGV
    ::error title=Run examples::1 of 4 examples failed: crash
    ");
    insta::assert_snapshot!(project.plain(&project.read("runner/GITHUB_STEP_SUMMARY")), @r"
    ### Examples of hello on <arch>: 2 passed, 1 failed, 1 skipped

    | Example | Result | Time |
    | --- | --- | --- |
    | greet | passed | 0 ms |
    | crash | **failed**: ended with exit status 139: a program was killed by SIGSEGV | 0 ms |
    | download | skipped: no network | 0 ms |
    | greet again | passed | 0 ms |

    - 1 of 4 examples was skipped: no network \(1\)

    <details><summary>The last lines of crash</summary>

    ```text
    Segmentation fault
    ```

    </details>
    ");
    let outputs = project.read("runner/GITHUB_OUTPUT");
    for value in ["passed", "\n2\n", "failed", "\n1\n", "skipped", "report"] {
        assert!(outputs.contains(value), "{value}: {outputs}");
    }
}

#[test]
fn a_person_reads_a_story() {
    let project = Project::new("hello you\n");
    let said = run(&mut project.command()).ended(0);
    insta::assert_snapshot!(project.plain(&said.text), @r"
    passed       1
    failed       0
    skipped      0
    unknown      0
    not-run      0
    regressions  0
    tree-sha256  1557d99bfa5d46fef345f666d8b6beb9eec21bb2f740da55f33189255c15c3a6
    report       <project>/examples-report.json
    junit        <project>/examples-report.xml
    ==> Run the examples of hello with <project>/scripts/run-examples.sh
    Hello, you!
    passed 0 ms  run-examples.sh

    ### Examples of hello on <arch>: 1 passed

    | Example | Result | Time |
    | --- | --- | --- |
    | run-examples.sh | passed | 0 ms |
    ");
}

#[test]
fn the_script_finds_what_it_expects() {
    let script = "\
set -e
echo \"arguments: $*\"
[ \"$(command -v hello)\" = \"$PWD/install/usr/bin/hello\" ] && echo 'the tree is on PATH'
[ \"$(pkg-config --variable=prefix hello)\" -ef install/usr ] && echo 'pkg-config leads into the tree'
case $LD_LIBRARY_PATH in \"$PWD/install/usr/lib\"*) echo 'so does the library path' ;; esac
[ -d \"$PWD/dep/lib\" ] && case $LD_LIBRARY_PATH in *:\"$PWD/dep/lib\") echo 'dependencies come next' ;; esac
[ \"$(stat -c %a \"$XDG_RUNTIME_DIR\")\" = 700 ] && echo 'the runtime folder is private'
[ \"$HOME\" != /home/caller ] && touch \"$HOME/x\" && echo 'home is a scratch folder'
touch \"$TMPDIR/x\"
echo \"terminal: $TERM, inherited: $VACCEL_LOG_LEVEL\"
dirname \"$XDG_RUNTIME_DIR\" >scratch
";
    let project = Project::new(script);
    fs::create_dir_all(project.path("dep/lib")).unwrap();
    let mut command = project.command();
    command
        .args(["--valgrind=false", "--pkgconfig-prefix=dep"])
        .env("HOME", "/home/caller")
        .env("VACCEL_LOG_LEVEL", "4");
    let said = run(&mut command).ended(0);
    let (_, output) = said.text.split_once("run-examples.sh\n").unwrap();
    insta::assert_snapshot!(output.split_once("passed").unwrap().0.trim(), @r"
    arguments: hello 0
    the tree is on PATH
    pkg-config leads into the tree
    so does the library path
    dependencies come next
    the runtime folder is private
    home is a scratch folder
    terminal: xterm, inherited: 4
    ");
    assert!(!fs::exists(project.read("scratch").trim()).unwrap(), "the scratch folders are gone");
}

#[test]
fn the_caller_s_choices_are_taken() {
    let project = Project::new("exit 1\n");
    project.program("ci/mine", "#!/bin/sh\necho \"$1 $2\"\n");
    fs::rename(project.path("install"), project.path("tree")).unwrap();
    fs::rename(project.path("tree/usr"), project.path("tree/opt")).unwrap();
    let said = run(project.command().args([
        "--script=ci/mine",
        "--destdir=tree",
        "--prefix=/opt",
        "--report-path=out/r.json",
    ]))
    .ended(0);
    assert!(said.text.contains("hello 0"), "{}", said.text);
    assert!(project.path("out/r.json").is_file());
}

#[test]
fn what_need_not_run_under_valgrind_is_named_in_the_settings() {
    tools::require(&[tools::BASE], &|_| ()).unwrap();
    let project = Project::new("set -x\nhello World\nhello Moon\n");
    let said = run(project.step().arg("--valgrind")).ended(1);
    insta::assert_snapshot!(said.of_kind("error"), @r"
    ::error title=Example failed::hello World: not run under valgrind
    ::error title=Example failed::hello Moon: not run under valgrind
    ::error title=Run examples::2 of 2 examples failed: hello World, hello Moon
    ");
    project.write(".github/vaccel-ci.toml", "[run-examples]\nwithout-valgrind = [\"hello W*\", \"* Moon\"]\n");
    let said = run(project.step().arg("--valgrind")).ended(0);
    insta::assert_snapshot!(project.results(), @r"
    Pass hello World: not run under valgrind
    Pass hello Moon: not run under valgrind
    ");
    let summary = project.read("runner/GITHUB_STEP_SUMMARY");
    assert!(summary.contains("Examples of hello, 0 of 2 under valgrind, on"), "{summary}{}", said.text);
    project.write(".github/vaccel-ci.toml", "[run-examples]\nwithout-valgrind = [\"a**b\"]\n");
    let said = run(project.command().arg("--valgrind")).ended(2);
    insta::assert_snapshot!(project.plain(&said.text), @r#"
    error: "a**b" is not a valid glob: recursive wildcards must form a single path component
    help: correct run-examples.without-valgrind in <project>/.github/vaccel-ci.toml
    "#);
}

#[test]
fn valgrind_must_be_there() {
    let project = Project::new("true\n");
    let said = run(project.command().env("PATH", project.path("install")).arg("--valgrind")).ended(1);
    insta::assert_snapshot!(said.text, @r"
    error: valgrind was not found on PATH
    help: install the Debian package valgrind
    ");
}

#[test]
fn a_script_that_fails_is_one_failed_example() {
    let cases = [("echo broken\nexit 3\n", "Fail"), ("hello\n", "Pass"), ("kill -SEGV $$\n", "Fail")];
    let told: Vec<_> = cases
        .map(|(script, outcome)| {
            let project = Project::new(script);
            run(&mut project.command()).ended(i32::from(outcome == "Fail"));
            project.results()
        })
        .into();
    insta::assert_snapshot!(told.join("\n"), @r"
    Fail run-examples.sh: ended with exit status 3
    Pass run-examples.sh
    Fail run-examples.sh: was killed by SIGSEGV
    ");
}

#[test]
fn a_plan_that_is_not_kept_is_a_failure() {
    let project = Project::new("echo 'TAP version 13'\necho 1..3\necho ok 1 - one\nkill -KILL $$\n");
    run(&mut project.command()).ended(1);
    insta::assert_snapshot!(project.results(), @r"
    Pass one
    Fail run-examples.sh: was killed by SIGKILL; 3 test points were planned and 1 reported
    ");
}

#[test]
fn a_script_that_hangs_is_ended_with_everything_it_started() {
    let script = "\
echo 'TAP version 14'
echo 1..2
echo 'ok 1 - quick'
(trap '' TERM; sleep 600 & echo $! >grandchild; wait) &
echo $$ >child
sleep 600
";
    let project = Project::new(script);
    let started = Instant::now();
    let said = run(project.step().arg("--timeout=1")).ended(1);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    insta::assert_snapshot!(project.plain(&project.results()), @r"
    Pass quick
    Fail run-examples.sh: timed out after 0 ms in line 5: sleep 600; 2 test points were planned and 1 reported
    ");
    assert!(said.of_kind("error").contains("timed out after 1 s"), "{}", said.text);
    for process in ["child", "grandchild"] {
        assert_ended(&project.read(process));
    }
}

#[test]
fn output_that_is_not_text_is_survived() {
    let project = Project::new(
        "echo 'TAP version 14'\nprintf '\\377\\376\\0\\n'\nprintf 'not ok 1 - \\377\\033[31m\\n'\necho 1..1\n",
    );
    run(&mut project.step()).ended(1);
    assert_eq!(project.report().count(Outcome::Fail), 1);
    insta::assert_snapshot!(project.results(), @"Fail �");
}

#[test]
fn a_script_that_writes_without_end_is_bounded_and_said_so() {
    let project =
        Project::new("echo begin\nyes \"$(printf '\\377%090d' 0)\" | head -c 20000000\necho; echo end\nexit 3\n");
    let said = run(&mut project.step()).ended(1);
    insta::assert_snapshot!(project.plain(&project.read("runner/GITHUB_STEP_SUMMARY")).replace(&"0".repeat(80), "…"));
    assert_eq!(project.report().notes.len(), 1);
    assert!(said.of_kind("warning").contains("the script wrote 20.0 MB of output"), "{}", said.of_kind("warning"));
    let lines: Vec<_> = said.text.lines().collect();
    let cut = lines.iter().position(|line| *line == "(more than 16.0 MB of output; the rest is not shown)").unwrap();
    assert_eq!(lines[cut + 1], "(20.0 MB of output; its last lines:)");
    assert!(lines[cut + 2..cut + 23].contains(&"end") && said.text.len() < 22_000_000, "{}", said.text.len());
}

#[test]
fn code_of_the_repository_has_no_voice() {
    let script = "\
echo '::add-path::/evil'
echo '::set-output name=passed::666'
echo '::stop-commands::x'
echo '::x::'
echo 'EVIL=1' >>runner/GITHUB_ENV
echo 'passed=666' >>runner/GITHUB_OUTPUT
echo '/evil' >>runner/GITHUB_PATH
echo 'evil' >runner/GITHUB_STEP_SUMMARY
env >environment.txt
echo 'TAP version 14'
echo '::add-path::/evil'
echo 'not ok 1 - ::add-path::/evil'
echo 1..1
";
    let project = Project::new(script);
    let mut step = project.step();
    for name in ["INPUT_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN"] {
        step.env(name, "hunter2");
    }
    let said = run(&mut step).ended(1);
    let kinds = ["::group::", "::endgroup::", "::warning::", "::error title="];
    let foreign: Vec<_> =
        said.commands().into_iter().filter(|line| !kinds.iter().any(|kind| line.starts_with(kind))).collect();
    assert!(foreign.is_empty(), "{foreign:?}\n{}", said.text);
    assert_eq!(project.read("runner/GITHUB_ENV"), "");
    assert_eq!(project.read("runner/GITHUB_PATH"), "");
    assert!(!project.read("runner/GITHUB_OUTPUT").contains("=666"));
    assert!(project.read("runner/GITHUB_STEP_SUMMARY").starts_with("### Examples of hello"));
    let environment = project.read("environment.txt");
    for secret in ["hunter2", "INPUT_", "GITHUB_ENV=", "GITHUB_OUTPUT="] {
        assert!(!environment.contains(secret), "{secret}: {environment}");
    }
}

#[test]
fn traced_commands_of_the_tree_are_examples() {
    let told = ["#!/bin/sh", "#!/bin/bash"].map(|shell| {
        let project = Project::new("");
        project.program("install/usr/bin/broken", "#!/bin/sh\necho \"no $1\"\nexit 3\n");
        let script = "set -x\nhello World\nbroken a\nout=$(hello again)\ninstall/usr/bin/hello World\necho done\n";
        project.program("scripts/run-examples.sh", &format!("{shell}\n{script}"));
        let said = run(&mut project.step()).ended(1);
        assert!(said.text.contains("::group::The last lines of broken a\nno a\n::endgroup::"), "{}", said.text);
        let strict = script.replace("set -x", "set -ex").replace("broken a", "broken a || true\nbroken b");
        project.program("scripts/run-examples.sh", &format!("{shell}\n{strict}"));
        let lax = project.results();
        run(&mut project.step()).ended(1);
        format!("{lax}\n\n{}", project.results())
    });
    assert_eq!(told[0], told[1]);
    insta::assert_snapshot!(told[0], @r"
    Pass hello World
    Fail broken a: ended with exit status 3
    Pass hello again
    Pass hello World (2)

    Pass hello World
    Pass broken a: ended with exit status 3, which the script takes care of
    Fail broken b: ended with exit status 3
    ");
}

#[test]
fn a_filter_leaves_examples_out_of_the_report() {
    let project = Project::new(TAP);
    run(project.command().arg("--filter=greet*")).ended(0);
    insta::assert_snapshot!(project.results(), @r"
    Pass greet
    Pass greet again
    ");
    let said = run(project.command().arg("--filter=x*")).ended(2);
    assert!(said.text.contains("help: there are greet, crash, download, greet again"), "{}", said.text);
}

#[test]
fn a_script_leaves_nothing_behind() {
    let project = Project::new(
        "setsid sleep 619 >/dev/null 2>&1 &\necho $! >pid\nuntil [ \"$(tr '\\0' ' ' </proc/$!/cmdline)\" = 'sleep 619 ' ]; do sleep 0.01; done\n",
    );
    let said = run(&mut project.step()).ended(0);
    insta::assert_snapshot!(said.of_kind("warning"), @r"
    ::warning::the script left processes behind, which were ended: sleep 619
    ::warning::files outside of the scratch folders: pid (new)
    ");
    assert_eq!(project.report().leftovers, ["pid (new)"]);
    assert_eq!(project.report().notes, ["the script left processes behind, which were ended: sleep 619"]);
    assert_ended(&project.read("pid"));
}

#[test]
fn a_filter_hides_nothing_that_is_wrong_with_the_script() {
    let cases = [
        ("echo 1..3; echo ok 1 - a; echo ok 2 - b", 1, "run-examples.sh: 3 test points were planned and 2 reported"),
        ("echo 1..2; echo ok 1 - a; kill -SEGV $$", 1, "run-examples.sh: was killed by SIGSEGV"),
        ("echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1", 0, ""),
    ];
    for (script, status, told) in cases {
        let project = Project::new(script);
        let said = run(project.step().arg("--filter=a")).ended(status);
        assert!(said.of_kind("error").contains(told), "{script}: {}", said.text);
    }
    let said = run(Project::new("echo 1..1; echo ok 1 - a").step().arg("--filter=z")).ended(2);
    assert!(said.of_kind("error").contains("matches no example"), "{}", said.text);
}

#[test]
fn the_time_is_that_of_an_example() {
    let points = "for n in 1 2 3 4; do sleep 0.4; echo ok $n - p; done";
    run(Project::new(&format!("echo 1..4; {points}")).step().arg("--timeout=1")).ended(0);
    let said = run(Project::new(&format!("echo 1..5; {points}; sleep 60")).step().arg("--timeout=1")).ended(1);
    assert!(said.of_kind("error").contains("timed out after 1 s"), "{}", said.of_kind("error"));
}

#[test]
fn that_nothing_makes_sense_here_is_an_error_unless_it_may_be() {
    for script in ["echo '1..0 # SKIP no gpu'", "echo 1..1; echo 'ok 1 - a # SKIP no gpu'"] {
        let project = Project::new(script);
        let said = run(&mut project.step()).ended(2);
        assert!(said.of_kind("error").contains("none of the examples ran here: no gpu"), "{}", said.text);
        run(project.step().arg("--allow-empty")).ended(0);
    }
}
