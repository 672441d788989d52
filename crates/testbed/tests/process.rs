// SPDX-License-Identifier: Apache-2.0
//! What is started ends with the one that started it, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use testbed::process::Guarded;

/// Starts processes that are hard to end: they ignore signals, one has a session of its own. Each
/// writes its number into the folder.
const STUBBORN: &str = r#"
sleeper='trap "" HUP TERM; echo $$ >"$1.new"; mv "$1.new" "$1"; exec sleep 600'
sh -c "$sleeper" sleeper "$1/near" &
setsid sh -c "$sleeper" sleeper "$1/far" &
while [ ! -e "$1/near" ] || [ ! -e "$1/far" ]; do sleep 0.01; done
: >"$1/ready"
"#;

/// Tells the test that is run in another process which folder to use.
const FOLDER: &str = "TESTBED_TEST_FOLDER";

fn stubborn(folder: &Path, then: &str) -> Guarded {
    let scratch = folder.join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    std::fs::write(scratch.join("file"), "").unwrap();
    let process = Guarded::spawn(Path::new("sh"), Duration::ZERO, &[scratch], |command| {
        command.args(["-c", &format!("{STUBBORN}{then}"), "stubborn"]).arg(folder);
    });
    process.unwrap()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "it does not come to pass that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn assert_ended(folder: &Path) {
    for name in ["near", "far"] {
        let number = std::fs::read_to_string(folder.join(name)).unwrap();
        // A process that has ended, but was not waited for, has no command line.
        let command_line = format!("/proc/{}/cmdline", number.trim());
        until(&format!("{name} ends"), || std::fs::read(&command_line).map_or(true, |line| line.is_empty()));
    }
}

#[test]
fn dropping_it_ends_all_and_removes_the_scratch() {
    let folder = tempfile::tempdir().unwrap();
    let process = stubborn(folder.path(), "exec sleep 600");
    until("it is ready", || folder.path().join("ready").exists());
    drop(process);
    assert!(!folder.path().join("scratch").exists());
    assert_ended(folder.path());
}

#[test]
fn what_a_program_leaves_running_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = stubborn(folder.path(), "exit 7");
    assert_eq!(process.wait().unwrap().code(), Some(7));
    assert!(!process.is_running().unwrap());
    assert_ended(folder.path());
}

#[test]
fn it_ends_when_the_one_that_started_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "another_process"])
        .env(FOLDER, folder.path())
        .spawn()
        .unwrap();
    until("it is ready", || folder.path().join("ready").exists());
    other.kill().unwrap();
    other.wait().unwrap();
    until("the scratch is removed", || !folder.path().join("scratch").exists());
    assert_ended(folder.path());
}

/// No test by itself: what the test above starts and kills.
#[test]
fn another_process() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        stubborn(Path::new(&folder), "exec sleep 600").wait().unwrap();
    }
}
