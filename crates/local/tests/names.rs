// SPDX-License-Identifier: Apache-2.0
//! The name decides.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn each_name_has_its_own_help() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| {
        let path = folder.path().join(name);
        symlink(env!("CARGO_BIN_EXE_vaccel-local"), &path).unwrap();
        let output = Command::new(path).arg("--help").env_remove("GITHUB_ACTIONS").output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    for (name, flag) in
        [("vaccel-lint", "--linters"), ("vaccel-run-examples", "--script"), ("vaccel-stage-artifacts", "--formats")]
    {
        let (status, help) = start(name);
        assert_eq!(status, Some(0), "{help}");
        assert!(help.contains(&format!("Usage: {name} ")) && help.contains(flag), "{help}");
    }
    let (status, help) = start("other");
    assert_eq!(status, Some(2));
    assert!(help.ends_with("start it by one of these names\n"), "{help}");
}
