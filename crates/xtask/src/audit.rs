// SPDX-License-Identifier: Apache-2.0
//! `audit`: everything that reads the project without running it.

use crate::generate;
use crate::process::Step;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::tools::{self, LINT};

/// How many of the last commits have their messages looked at.
const COMMITS: usize = 20;

/// Runs every check; the first that fails ends it.
pub fn run() -> Result<()> {
    eprintln!("==> Generated files");
    generate::run(&generate::Args { check: true })?;
    lint()?;

    let tools = tools::ensure(&|line| eprintln!("    {line}"))?;
    let root = testbed::workspace_root();
    let workflows = find(&root.join(".github/workflows"), &is_yaml)?;
    let fixtures: Vec<_> =
        find(&root.join("tests/fixtures"), &is_yaml)?.into_iter().filter(|p| is_workflow(p)).collect();
    for workflow in workflows.iter().chain(&fixtures) {
        let name = workflow.strip_prefix(&root).unwrap_or(workflow).display();
        // act would ask its makers for a newer version.
        let act = Step::new(&format!("Workflows: act, {name}"), tools.bin("act")).env("ACT_DISABLE_VERSION_CHECK", "1");
        act.args(["--validate", "--strict", "--workflows"]).args([workflow]).run()?;
    }
    Ok(())
}

/// Our own action on our own repository, as `.github/vaccel-ci.toml` says: every category, no finding.
fn lint() -> Result<()> {
    let progress = |line: &str| eprintln!("    {line}");
    tools::require(&[LINT], &progress)?;
    let mut path = tools::ensure_node(&progress)?.into_os_string();
    path.push(":");
    path.push(tools::ensure(&progress)?.path());
    Step::cargo("Build lint", ["build", "--quiet", "--package", "vaccel-lint"]).run()?;
    let lint = Step::new("Lint", testbed::executables().join("vaccel-lint")).env("PATH", path);
    lint.args(base().map(|base| format!("--base={base}"))).run()
}

/// The commit before the last ones, or the first that there is.
fn base() -> Option<String> {
    let count = (COMMITS + 1).to_string();
    let output = Command::new("git")
        .current_dir(testbed::workspace_root())
        .args(["rev-list", "--first-parent", "--max-count", &count, "HEAD"])
        .output()
        .ok()?;
    let commits = String::from_utf8(output.stdout).ok()?;
    commits.lines().last().map(str::to_owned)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml")
}

fn is_workflow(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with(".github/workflows"))
}

/// The files below a folder that are wanted, in a fixed order.
fn find(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry.with_context(|| format!("could not list {}", folder.display()))?.path();
        if path.is_dir() {
            found.extend(find(&path, wanted)?);
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
