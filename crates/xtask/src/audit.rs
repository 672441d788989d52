//! `audit`: everything that reads the project without running it.

use crate::generate;
use crate::process::Step;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Runs every check; the first that fails ends it.
pub fn run() -> Result<()> {
    Step::cargo("Format", ["fmt", "--all", "--check"]).run()?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "--deny", "warnings"];
    Step::cargo("Clippy", clippy).run()?;
    eprintln!("==> Generated files");
    generate::run(&generate::Args { check: true })?;

    let tools = testbed::tools::ensure(&|line| eprintln!("    {line}"))?;
    let root = testbed::workspace_root();
    let own = vec![root.join("dist/run"), root.join(".ci/run")];
    let folders = ["tests/fixtures", "crates/testbed/src"].map(|folder| find(&root.join(folder), &is_script));
    let scripts = folders.into_iter().try_fold(own, |scripts, found| anyhow::Ok([scripts, found?].concat()))?;
    Step::new("Shell scripts: shellcheck", tools.bin("shellcheck")).args(&scripts).run()?;
    let shfmt = Step::new("Shell scripts: shfmt", tools.bin("shfmt"));
    shfmt.args(["--diff", "--indent", "2"]).args(&scripts).run()?;

    let workflows = find(&root.join(".github/workflows"), &is_yaml)?;
    let fixtures: Vec<_> =
        find(&root.join("tests/fixtures"), &is_yaml)?.into_iter().filter(|p| is_workflow(p)).collect();
    let actions = [find(&root.join("actions"), &is_yaml)?, find(&root.join("tests/act"), &is_yaml)?].concat();
    let zizmor = Step::new("Workflows: zizmor", tools.bin("zizmor"));
    zizmor.args(["--pedantic", "--offline", "--quiet"]).args(&workflows).args(&fixtures).args(&actions).run()?;
    for workflow in workflows.iter().chain(&fixtures) {
        let name = workflow.strip_prefix(&root).unwrap_or(workflow).display();
        // act would ask its makers for a newer version.
        let act = Step::new(&format!("Workflows: act, {name}"), tools.bin("act")).env("ACT_DISABLE_VERSION_CHECK", "1");
        act.args(["--validate", "--strict", "--workflows"]).args([workflow]).run()?;
    }
    let schema =
        |title: &str, schema: &str| Step::new(title, tools.bin("check-jsonschema")).args(["--builtin-schema", schema]);
    schema("Workflows: JSON schema", "vendor.github-workflows").args(&workflows).args(&fixtures).run()?;
    schema("Actions: JSON schema", "vendor.github-actions").args(&actions).run()
}

fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sh")
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
