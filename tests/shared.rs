// SPDX-License-Identifier: Apache-2.0
//! Executables that several actions share: each action keeps its own name and help.

use std::os::unix::fs::symlink;
use std::process::Command;

use anyhow::{Result, ensure};

#[test]
fn each_action_has_its_own_help() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cases = [
        ("vaccel-local", "vaccel-lint", "--linters"),
        ("vaccel-local", "vaccel-run-examples", "--script"),
        ("vaccel-local", "vaccel-stage-artifacts", "--formats"),
        ("vaccel-local", "vaccel-report", "--needs"),
        ("vaccel-network", "vaccel-upload", "--dist-path"),
        ("vaccel-network", "vaccel-fetch", "--local-path"),
        ("vaccel-network", "vaccel-store", "--grace"),
    ];
    for (executable, name, flag) in cases {
        let path = folder.path().join(name);
        symlink(testbed::executables().join(executable), &path)?;
        let output = Command::new(path).arg("--help").env_remove("GITHUB_ACTIONS").output()?;
        let help = String::from_utf8(output.stdout)?;
        ensure!(output.status.success() && help.contains(&format!("Usage: {name} ")) && help.contains(flag), "{help}");
    }
    for executable in ["vaccel-local", "vaccel-network"] {
        let output = Command::new(testbed::executables().join(executable)).arg("--help").output()?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2) && said.contains("; start it by one of these names"), "{said}");
    }
    Ok(())
}
