// SPDX-License-Identifier: Apache-2.0
//! `generate`: writes what follows from the definitions of the actions and documents.

use crate::{action_page, action_yml, wrappers};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use toolkit::{Definition, definition};

/// Arguments of `cargo xtask generate`.
#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; fail if a file differs from what would be written.
    #[arg(long)]
    pub check: bool,
}

/// Every action, in the order of the pipeline.
pub fn definitions() -> Vec<Definition> {
    vec![
        definition::<vaccel_plan::Plan>(),
        definition::<vaccel_lint::Lint>(),
        definition::<vaccel_build::Build>(),
        definition::<vaccel_run_examples::RunExamples>(),
        definition::<vaccel_stage_artifacts::StageArtifacts>(),
        definition::<vaccel_upload::Upload>(),
        definition::<vaccel_fetch::Fetch>(),
        definition::<vaccel_report::Report>(),
        definition::<vaccel_store::Store>(),
        definition::<vaccel_fleet::Fleet>(),
        definition::<vaccel_fleet::Doctor>(),
        definition::<vaccel_reproduce::Reproduce>(),
    ]
}

/// Path below the root and text of every generated file.
fn files() -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for action in definitions() {
        let folder = Path::new("actions").join(action.name);
        files.push((folder.join("action.yml"), action_yml::render(&action)));
        files.push((folder.join("README.md"), action_page::render(&action)));
    }
    for (name, text) in wrappers::files()? {
        files.push((Path::new(".github/workflows").join(name), text));
    }
    let documents = artifact::schema::all()
        .into_iter()
        .map(|(name, schema)| (Path::new("crates/artifact/schema").join(name), schema));
    let manifest = vaccel_run_examples::manifest_schema().to_value();
    let manifest = (PathBuf::from("crates/run-examples/schema/examples-toml.schema.json"), manifest);
    for (path, schema) in documents.chain([manifest]) {
        let text = serde_json::to_string_pretty(&schema).context("a schema is not JSON")?;
        files.push((path, format!("{text}\n")));
    }
    Ok(files)
}

/// Writes or checks the files.
pub fn run(args: &Args) -> Result<()> {
    let root = testbed::workspace_root();
    let files = files()?;
    let mut different = unexpected(&root, &files)?;
    for (path, text) in &files {
        let target = root.join(path);
        if std::fs::read_to_string(&target).is_ok_and(|found| found == *text) {
            continue;
        }
        different.push(path.clone());
        if !args.check {
            let folder = target.parent().context("a generated file has a folder")?;
            std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
            std::fs::write(&target, text).with_context(|| format!("could not write {}", target.display()))?;
        }
    }
    let list: Vec<_> = different.iter().map(|path| path.display().to_string()).collect();
    if args.check && !list.is_empty() {
        bail!("not what `cargo xtask generate` writes: {}; run it and commit the result", list.join(", "));
    }
    println!("generate: {} files, {} changed", files.len(), list.len());
    Ok(())
}

/// Folders of actions that no longer exist.
fn unexpected(root: &Path, files: &[(PathBuf, String)]) -> Result<Vec<PathBuf>> {
    let actions = root.join("actions");
    if !actions.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&actions).context("could not list actions/")? {
        let folder = Path::new("actions").join(entry.context("could not list actions/")?.file_name());
        if !files.iter().any(|(path, _)| path.starts_with(&folder)) {
            found.push(folder);
        }
    }
    Ok(found)
}
