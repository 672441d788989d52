// SPDX-License-Identifier: Apache-2.0
//! SIGINT and SIGTERM reach the running program; that needs a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Not a test by itself: what the process under test does.
#[test]
fn child() {
    if std::env::var_os("TOOLKIT_SIGNAL_CHILD").is_none() {
        return;
    }
    let script = "trap 'echo asked to end; exit 0' INT TERM; echo ready; while :; do sleep 0.05; done";
    let error = toolkit::Program::new("/bin/sh").args(["-c", script]).run(&toolkit::Runner::detect()).unwrap_err();
    eprintln!("{error}");
}

#[test]
fn signals_are_forwarded() {
    for signal in ["INT", "TERM"] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env("TOOLKIT_SIGNAL_CHILD", "1")
            .env_remove("GITHUB_ACTIONS")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == "ready"));
        Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        let rest: Vec<_> = lines.collect();
        assert!(rest.contains(&"asked to end".to_owned()), "{rest:?}");
        assert!(rest.contains(&format!("sh was stopped by SIG{signal}")), "{rest:?}");
        assert!(child.wait().unwrap().success());
    }
}
