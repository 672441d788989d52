// SPDX-License-Identifier: Apache-2.0
//! Several programs at the same time, and no more than are allowed.

use crate::Scene;
use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

/// Two linters that wait for each other, but not for ever.
fn scene() -> Scene {
    let mut settings = "[lint]\nlinters = ['one', 'two']\n".to_owned();
    for name in ["one", "two"] {
        write!(
            settings,
            "[lint.linter.{name}]\ncategory = 'code'\nhomepage = 'x'\nfiles.globs = ['*.txt']\nread.format = 'diff'\n\
             run = {{ program = 'lint-{name}', args = ['{{files}}'], version = [] }}\n"
        )
        .unwrap();
    }
    let scene = Scene::with(&settings);
    for (own, other) in [("one", "two"), ("two", "one")] {
        let (own_file, other_file) = (scene.out(own), scene.out(other));
        let script = format!(
            "echo > {}\nfor try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n\
             [ ! -e {} ] || exit 0\nsleep 0.1\ndone\nexit 3\n",
            own_file.display(),
            other_file.display()
        );
        scene.program(&format!("lint-{own}"), &script);
    }
    scene.write("a.txt", "x\n");
    scene
}

#[test]
fn two_jobs_run_at_the_same_time() {
    let told = scene().laptop(&["--jobs", "2"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(told.output("linters"), "one,two");
}

#[test]
fn one_job_runs_after_the_other() {
    let told = scene().laptop(&["--jobs", "1"]);
    assert_eq!((told.code, told.output("errors")), (Some(1), "1"), "the first waited in vain: {told:?}");
}

#[test]
fn who_is_asked_to_end_ends_the_programs_too() {
    let scene = Scene::new();
    scene.write("a.txt", "x\n");
    let (started, survived) = (scene.out("started"), scene.out("survived"));
    let script = format!("echo > {}; sleep 3; echo > {}", started.display(), survived.display());
    scene.program("lint-grep", &script);
    let child = scene.command(&scene.root(), &[], &[]).spawn().unwrap();
    let begin = Instant::now();
    while !started.exists() && begin.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("lint-grep was stopped by SIGTERM"), "{told}");
    std::thread::sleep(Duration::from_millis(3100).saturating_sub(begin.elapsed()));
    assert!(!survived.exists(), "the program went on");
}
