// SPDX-License-Identifier: Apache-2.0
//! What pages show can be copied: every YAML block names actions, workflows, inputs and secrets that exist.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use toolkit::Definition;
use xtask::workflow::{Call, Job, Step, Workflow};

const OURS: &str = "nubificus/vaccel-ci/";

/// A YAML block and where it begins.
struct Block {
    place: String,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let root = testbed::workspace_root();
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for folder in ["crates", "actions"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let page = if path.is_dir() { path.join("README.md") } else { path };
            if page.extension().is_some_and(|extension| extension == "md") && page.is_file() {
                pages.push(page);
            }
        }
    }
    pages
}

fn blocks() -> Vec<Block> {
    let root = testbed::workspace_root();
    let mut blocks = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let name = page.strip_prefix(&root).unwrap_or(&page).display().to_string();
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (&mut open, line.trim_start()) {
                (None, "```yaml" | "```yml") => {
                    open = Some(Block { place: format!("{name}:{}", number + 1), text: String::new() });
                }
                (Some(_), "```") => blocks.extend(open.take()),
                (Some(block), _) => block.text.extend([line, "\n"]),
                _ => {}
            }
        }
        assert!(open.is_none(), "{name}: a block does not end");
    }
    blocks
}

/// What a job passes to one of our reusable workflows.
fn check_call(place: &str, job: &Job, interface: &Call) {
    for (name, value) in &job.with {
        let input = interface.inputs.get(name).unwrap_or_else(|| panic!("{place}: there is no input {name}"));
        let is_expression = value.as_str().is_some_and(|text| text.contains("${{"));
        let fits = match input.kind.as_str() {
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            _ => value.is_string(),
        };
        assert!(is_expression || fits, "{place}: {name} is a {}, not {value}", input.kind);
    }
    let missing = interface.inputs.iter().find(|(name, input)| input.required && !job.with.contains_key(*name));
    assert!(missing.is_none(), "{place}: {missing:?} is required");
    match &job.secrets {
        None => {}
        Some(Value::String(word)) => assert_eq!(word, "inherit", "{place}"),
        Some(secrets) => {
            for name in secrets.as_object().unwrap().keys() {
                assert!(interface.secrets.contains_key(name), "{place}: there is no secret {name}");
            }
        }
    }
}

fn check_step(place: &str, step: &Step, actions: &[Definition]) {
    let Some(rest) = step.uses.as_deref().and_then(|uses| uses.strip_prefix(OURS)) else { return };
    let (name, _) = rest.strip_prefix("actions/").and_then(|rest| rest.split_once('@')).unwrap();
    let action = actions.iter().find(|action| action.name == name);
    let action = action.unwrap_or_else(|| panic!("{place}: there is no action {name}"));
    for input in step.with.keys() {
        assert!(action.inputs.iter().any(|known| known.name == *input), "{place}: {name} has no input {input}");
    }
    for input in action.inputs.iter().filter(|input| input.required) {
        assert!(step.with.contains_key(&input.name), "{place}: {name} needs {}", input.name);
    }
}

/// The real act reads it with the schema of workflows.
fn check_schema(block: &Block, act: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workflow.yml");
    std::fs::write(&file, &block.text).unwrap();
    let output = Command::new(act)
        .args(["--validate", "--strict", "--workflows"])
        .arg(&file)
        .env("ACT_DISABLE_VERSION_CHECK", "1")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{}: {said}", block.place);
}

#[test]
fn every_yaml_block_can_be_copied() {
    let actions = xtask::generate::definitions();
    let tools = testbed::tools::ensure(&|_| ()).unwrap();
    let (mut workflows, mut steps) = (0, 0);
    for block in blocks() {
        let place = &block.place;
        if !block.text.contains("jobs:") {
            let list: Vec<Step> =
                serde_saphyr::from_str(&block.text).unwrap_or_else(|error| panic!("{place}: {error}"));
            for step in &list {
                check_step(place, step, &actions);
                steps += 1;
            }
            continue;
        }
        check_schema(&block, &tools.bin("act"));
        let workflow = Workflow::parse(&block.text).unwrap_or_else(|error| panic!("{place}: {error:#}"));
        for job in workflow.jobs.values() {
            if let Some(rest) = job.uses.as_deref().and_then(|uses| uses.strip_prefix(OURS)) {
                let (file, _) = rest.strip_prefix(".github/workflows/").and_then(|rest| rest.split_once('@')).unwrap();
                check_call(place, job, Workflow::read(file).unwrap().call().unwrap());
            }
            for step in &job.steps {
                check_step(place, step, &actions);
            }
        }
        workflows += 1;
    }
    // One per action, README's, and those of the guide.
    assert!(workflows >= 6 && steps >= actions.len(), "{workflows} workflows, {steps} steps");
}

/// A workflow of the guide differs from that of another repository in its inputs only, so that nobody misses a part.
#[test]
fn the_guide_has_an_example_for_each_kind_of_repository() {
    let guide = std::fs::read_to_string(testbed::workspace_root().join("crates/MIGRATING.md")).unwrap();
    for package in ["vaccel-torch", "vaccel", "vaccel-python", "vaccel-go"] {
        assert!(guide.contains(&format!("      package: {package}\n")), "{package}");
    }
    assert!(guide.contains("package: [vaccel-rpc-agent, vaccel-rpc-client]"));
}
