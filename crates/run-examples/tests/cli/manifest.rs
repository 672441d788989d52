// SPDX-License-Identifier: Apache-2.0
//! Examples that a manifest describes.

use crate::support::{Project, assert_ended, run};
use std::fs;
use std::time::{Duration, Instant};

/// One example of each kind of result.
const EVERYTHING: &str = r#"
[[example]]
name = "greet"
command = ["{bin}/hello", "World"]
expect.stdout = "Hello, World!\n"

[[example]]
name = "wrong greeting"
command = ["hello", "Moon"]
expect.stdout.file = "expected/greeting.txt"

[[example]]
name = "crash"
command = "echo before; kill -KILL $$"

[[example]]
name = "hang"
command = ["sleep", "600"]
timeout = 1

[[example]]
name = "classify"
command = "echo $VACCEL_PLUGINS {plugin}"
plugins = ["torch", "tvm"]
expect.stdout.matches = ["libvaccel-torch.so torch$"]

[[example]]
name = "far"
command = ["true"]
requires = ["network", "gpu"]

[[example]]
name = "multiply"
command = "echo '3.1416 2'; echo done >out.txt"
expect.stdout.numbers = { file = "expected/numbers.txt", absolute = 1e-3 }
expect.files = [{ path = "out.txt", content = "done\n" }]
"#;

fn everything() -> Project {
    let project = Project::with_manifest(EVERYTHING);
    project.write("examples/expected/greeting.txt", "Hello, World!\n");
    project.write("examples/expected/numbers.txt", "3.14159  2.0\n");
    project.write("install/usr/lib/libvaccel-torch.so", "");
    project
}

#[test]
fn each_kind_of_result_is_told() {
    let project = everything();
    let said = run(project.step().arg("--context=network")).ended(1);
    insta::assert_snapshot!(project.plain(&said.text));
    insta::assert_snapshot!(project.plain(&project.read("runner/GITHUB_STEP_SUMMARY")));
    insta::assert_snapshot!(project.plain(&project.results()));
    let outputs = project.read("runner/GITHUB_OUTPUT");
    assert!(outputs.contains("junit"), "{outputs}");
    let junit = project.read("examples-report.xml");
    assert!(junit.contains("failures=\"3\"") && junit.contains("skipped=\"2\""), "{junit}");
}

#[test]
fn examples_run_at_once_and_are_told_in_their_order() {
    let example = |n| format!("[[example]]\nname = \"e{n}\"\ncommand = [\"sleep\", \"0.{}\"]\n", 9 - n);
    let examples: Vec<_> = (0..8).map(example).collect();
    let project = Project::with_manifest(&examples.concat());
    let started = Instant::now();
    run(project.command().arg("--jobs=8")).ended(0);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    insta::assert_snapshot!(project.results().replace('\n', ", "), @"Pass e0, Pass e1, Pass e2, Pass e3, Pass e4, Pass e5, Pass e6, Pass e7");
}

#[test]
fn a_filter_chooses() {
    let project = everything();
    run(project.command().args(["--filter=class*"])).ended(0);
    insta::assert_snapshot!(project.results(), @r"
    Pass classify [torch]
    Skip classify [tvm]: needs plugin:tvm
    ");
    assert_eq!(project.report().examples[0].plugin.as_deref(), Some("torch"));
}

#[test]
fn each_example_has_folders_of_its_own() {
    let manifest = r#"
[[example]]
name = "one"
command = "pwd >>{source}/seen; touch x; echo $HOME $XDG_RUNTIME_DIR >>{source}/seen; stat -c %a $XDG_RUNTIME_DIR"
expect.stdout = "700\n"
repeat = 2

[[example]]
name = "two"
command = "test ! -e x; env"
env = { COLOUR = "{share}/red", LD_LIBRARY_PATH = "{lib}" }
expect.stdout.matches = ["^COLOUR=.*/install/usr/share/red$", "^LD_LIBRARY_PATH=.*/install/usr/lib$", "^GITHUB_ACTIONS=true"]
expect.stdout.lacks = ["hunter2", "INPUT_", "GITHUB_ENV="]
"#;
    let project = Project::with_manifest(manifest);
    project.write("seen", "");
    let mut step = project.step();
    for name in ["INPUT_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"] {
        step.env(name, "hunter2");
    }
    let said = run(&mut step).ended(0);
    let seen = project.read("seen");
    let folders: Vec<_> = seen.split_whitespace().collect();
    assert_eq!(folders.len(), 6, "{seen}");
    for (index, folder) in folders.iter().enumerate() {
        assert!(!folders[..index].contains(folder) && !fs::exists(folder).unwrap(), "{folder}");
    }
    assert!(said.text.contains("::warning::files outside of the scratch folders: seen (changed)"), "{}", said.text);
    assert_eq!(project.report().leftovers, ["seen (changed)"]);
}

#[test]
fn what_is_left_behind_is_told_and_ended() {
    let project = Project::with_manifest(
        "[[example]]\nname = \"a\"\ncommand = \"setsid sleep 617 >/dev/null 2>&1 & echo $! >{source}/pid\"\n",
    );
    project.write("pid", "");
    let said = run(&mut project.step()).ended(0);
    insta::assert_snapshot!(said.of_kind("warning"), @r"
    ::warning::a left processes behind, which were ended: sleep 617
    ::warning::files outside of the scratch folders: pid (changed)
    ");
    assert_eq!(project.report().examples[0].leftovers, ["sleep 617"]);
    assert_ended(&project.read("pid"));
}

#[test]
fn what_hides_from_its_example_is_found_at_the_end() {
    let project = Project::with_manifest(
        "[[example]]\nname = \"a\"\ncommand = \"env -i setsid sleep 619 >/dev/null 2>&1 & echo $! >{tmp}/pid; sleep 0.2\"\n",
    );
    let said = run(&mut project.step()).ended(0);
    assert_eq!(said.of_kind("warning"), "::warning::examples left processes behind, which were ended: sleep 619");
    assert_eq!(project.report().notes, ["examples left processes behind, which were ended: sleep 619"]);
}

#[test]
fn what_is_too_large_for_a_golden_file_is_not_written() {
    let project = Project::with_manifest(
        "[[example]]\nname = \"a\"\ncommand = \"yes | head -c 20000000\"\nexpect.stdout.file = \"golden\"\n",
    );
    let said = run(project.command().arg("--bless")).ended(1);
    assert!(
        said.text.contains("examples/golden was not written: 20.0 MB are too much for a golden file"),
        "{}",
        said.text
    );
    assert!(!project.path("examples/golden").exists());
}

#[test]
fn endless_output_is_bounded_and_text_need_not_be_utf_8() {
    let manifest = "[[example]]\nname = \"much\"\ncommand = \"yes | head -c 60000000; exit 1\"\n\
        [[example]]\nname = \"bytes\"\ncommand = \"printf '\\\\377\\\\000::add-path::/evil\\\\n::add-path::/evil\\\\n'; exit 1\"\n";
    let project = Project::with_manifest(manifest);
    let said = run(&mut project.step()).ended(1);
    assert!(said.text.len() < 5000 && said.text.contains("(the end of 60.0 MB of output)"), "{}", said.text);
    assert!(!said.of_kind("add-path").contains("evil"), "{}", said.text);
}

#[test]
fn golden_files_are_written_on_demand_only() {
    let project = everything();
    fs::remove_file(project.path("examples/expected/numbers.txt")).unwrap();
    let said = run(project.command().args(["--context=network", "--filter=*t*"])).ended(2);
    insta::assert_snapshot!(project.plain(said.text.trim()), @r"
    error: <project>/examples/expected/numbers.txt does not exist, with which multiply is compared
    help: vaccel-run-examples --bless writes it from what the example says now; look at it, and commit it
    ");
    let said = run(project.step().arg("--bless")).ended(2);
    insta::assert_snapshot!(said.of_kind("error"), @"::error title=Run examples::golden files are not written where nobody looks at them%0Ahelp: run with --bless on your own machine, look at what changed, and commit it");
    let elsewhere = run(project.command().env("CI", "true").arg("--bless")).ended(2);
    assert!(elsewhere.text.contains("golden files are not written where nobody looks at them"), "{}", elsewhere.text);
    let said = run(project.command().args(["--bless", "--filter={wrong*,mul*}"])).status;
    assert_eq!(said, Some(2), "alternatives are no globs");
    run(project.command().args(["--bless", "--filter=[wm][ru][ol]*"])).ended(0);
    assert_eq!(project.read("examples/expected/greeting.txt"), "Hello, Moon!\n");
    assert_eq!(project.read("examples/expected/numbers.txt"), "3.1416 2\n");
    assert_eq!(project.report().leftovers, [""; 0]);
}

#[test]
fn command_files_are_not_for_examples() {
    let manifest = "[[example]]\nname = \"evil\"\ncommand = \"echo EVIL=1 >>{source}/runner/GITHUB_ENV; rm {source}/runner/GITHUB_OUTPUT\"\n";
    let project = Project::with_manifest(manifest);
    let said = run(&mut project.step()).ended(0);
    assert_eq!(project.read("runner/GITHUB_ENV"), "");
    assert!(project.read("runner/GITHUB_OUTPUT").contains("passed"));
    assert!(said.of_kind("warning").contains("GITHUB_ENV; that was undone"), "{}", said.text);
}

#[test]
fn valgrind_watches_each_example() {
    let manifest = "[[example]]\nname = \"clean\"\ncommand = [\"hello\", \"x\"]\n[[example]]\nname = \"leak\"\ncommand = [\"hello\", \"leak\"]\n";
    let project = Project::with_manifest(manifest);
    // Stands for valgrind: finds an error wherever "leak" is an argument.
    project.program(
        "bin/valgrind",
        "#!/bin/sh\nlog=$(echo \"${1#--log-file=}\" | sed \"s/%p/$$/\"); shift\nwhile [ \"${1#--}\" != \"$1\" ]; do shift; done\n\
         case $* in *leak*) n=1 ;; *) n=0 ;; esac\nprintf '==1== 8 bytes are lost\\n==1== ERROR SUMMARY: %s errors from 1\\n' $n >\"$log\"\n\"$@\"\n",
    );
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let said = run(project.command().env("PATH", path).arg("--valgrind")).ended(1);
    insta::assert_snapshot!(project.results(), @r"
    Pass clean
    Fail leak: valgrind found 1 error
    ");
    assert!(project.report().valgrind && said.text.contains("\n8 bytes are lost"), "{}", said.text);
}

#[test]
fn cancelling_ends_everything() {
    let project = Project::with_manifest(
        "[[example]]\nname = \"a\"\ncommand = \"setsid sleep 621 & echo $! >{source}/pid; sleep 621\"\n[[example]]\nname = \"b\"\ncommand = \"true\"\n",
    );
    let mut child = project.command().stderr(std::process::Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while !project.path("pid").exists() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(50));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_ended(&project.read("pid"));
}
