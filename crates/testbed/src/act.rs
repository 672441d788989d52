//! The real act, in host mode and offline: the repository's workflows run with our actions from
//! this tree, and with stand-ins for what GitHub's servers provide.

use crate::event::Event;
use crate::process::Guard;
use crate::repository::copy_tree;
use crate::tools::Tools;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// What our repository is called in `uses:`.
const OURS: &str = "nubificus/vaccel-ci@main";
/// What callers need of it.
const PUBLISHED: [&str; 3] = ["actions", ".github/workflows", "dist"];
/// Actions of GitHub that have a stand-in in `tests/act`.
const STAND_INS: [&str; 3] = ["checkout", "upload-artifact", "download-artifact"];

/// Files that we hand to act, and the options that name them.
const FILES: [(&str, &str); 4] = [
    ("--eventpath", "event.json"),
    ("--secret-file", "secrets"),
    ("--var-file", "variables"),
    ("--env-file", "environment"),
];

/// A run of act that is being prepared.
pub struct Act<'a> {
    tools: &'a Tools,
    repository: PathBuf,
    ours: PathBuf,
    executables: Option<PathBuf>,
    workflow: Option<String>,
    event: Event,
    secrets: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether every job succeeded.
    pub success: bool,
    /// Everything that was printed; act prints job summaries too.
    pub log: String,
    /// The jobs that ran, and whether they succeeded.
    pub jobs: BTreeMap<String, bool>,
}

impl<'a> Act<'a> {
    /// A run of a repository's workflows for an event.
    pub fn new(tools: &'a Tools, repository: impl Into<PathBuf>, event: Event) -> Self {
        Self {
            tools,
            repository: repository.into(),
            ours: crate::workspace_root(),
            executables: Some(crate::executables()),
            workflow: None,
            event,
            secrets: BTreeMap::new(),
            variables: BTreeMap::new(),
        }
    }

    /// Runs one workflow file of `.github/workflows` only.
    #[must_use]
    pub fn workflow(mut self, file: &str) -> Self {
        self.workflow = Some(file.to_owned());
        self
    }

    /// Sets a secret.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets a configuration variable (`vars`).
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs with the committed executables in `dist/` of this checkout of ours.
    #[must_use]
    pub fn from_dist(mut self, checkout: impl Into<PathBuf>) -> Self {
        self.ours = checkout.into();
        self.executables = None;
        self
    }

    /// Runs act; `sink` is told each line as it comes.
    pub fn run(self, sink: &mut dyn FnMut(&str)) -> Result<Outcome> {
        let scratch = tempfile::Builder::new().prefix("act-").tempdir().context("could not make a folder")?;
        let folder = scratch.path();
        let published = folder.join("vaccel-ci");
        for part in PUBLISHED {
            // act copies a local repository for every action; `target/` must not be in it.
            copy_tree(&self.ours.join(part), &published.join(part))
                .with_context(|| format!("could not copy {part}"))?;
        }
        let stand_ins = self.prepare(folder)?;
        let (output, writer) = std::io::pipe().context("could not make a pipe")?;
        let errors = writer.try_clone().context("could not make a pipe")?;
        let mut process = Guard::new(self.tools.bin("act"))
            .scratch(folder)
            .with(|command| {
                command
                    .arg(self.event.name)
                    .args(["--pull=false", "--action-offline-mode", "--no-cache-server", "--no-skip-checkout"])
                    .arg("--directory")
                    .arg(&self.repository)
                    .args(labels().flat_map(|label| ["--platform".to_owned(), format!("{label}=-self-hosted")]))
                    .args(["--local-repository", &format!("{OURS}={}", published.display())])
                    .current_dir(folder)
                    .env("HOME", folder)
                    .env("XDG_CACHE_HOME", folder.join("cache"))
                    .env("TMPDIR", folder)
                    .env("PATH", self.tools.path())
                    .stdout(writer)
                    .stderr(errors);
                for (option, file) in FILES {
                    command.arg(option).arg(folder.join(file));
                }
                for (reference, stand_in) in stand_ins {
                    command.args(["--local-repository", &format!("{reference}={}", stand_in.display())]);
                }
                if let Some(workflow) = &self.workflow {
                    command.arg("--workflows").arg(self.repository.join(".github/workflows").join(workflow));
                }
                for (name, _) in std::env::vars_os() {
                    let text = name.to_string_lossy();
                    if ["GITHUB_", "INPUT_", "AWS_", "ACTIONS_", "VACCEL_"]
                        .iter()
                        .any(|prefix| text.starts_with(prefix))
                    {
                        command.env_remove(name);
                    }
                }
            })
            .spawn()?;
        let mut log = String::new();
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("could not read what act prints")?;
            let line = String::from_utf8_lossy(&line);
            sink(&line);
            log.push_str(&line);
            log.push('\n');
        }
        let success = process.wait()?.success();
        Ok(Outcome { success, jobs: jobs(&log), log })
    }

    /// Writes act's files; gives the stand-ins by the references that they replace.
    fn prepare(&self, folder: &Path) -> Result<Vec<(String, PathBuf)>> {
        let artifacts = folder.join("artifacts");
        std::fs::create_dir_all(&artifacts).context("could not make the folder of artifacts")?;
        let repository = self.repository.canonicalize().context("there is no such repository")?;
        let mut environment = BTreeMap::from([
            ("VACCEL_CI_ACT_ARTIFACTS".to_owned(), artifacts.display().to_string()),
            ("VACCEL_CI_ACT_REPOSITORY".to_owned(), repository.display().to_string()),
        ]);
        if let Some(executables) = &self.executables {
            environment.insert("VACCEL_CI_BIN".to_owned(), executables.display().to_string());
        }
        let files = [
            ("event.json", self.event.payload.to_string()),
            ("secrets", lines(&self.secrets)),
            ("variables", lines(&self.variables)),
            ("environment", lines(&environment)),
        ];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).with_context(|| format!("could not write {name}"))?;
        }
        let mut references = BTreeSet::new();
        for root in [&self.ours, &self.repository] {
            references.extend(references_in(&root.join(".github/workflows"))?);
        }
        let stand_ins = crate::workspace_root().join("tests/act");
        let stand_in = |reference: String| {
            let name = reference.strip_prefix("actions/")?.split('@').next()?;
            let folder = STAND_INS.contains(&name).then(|| stand_ins.join(name))?;
            Some((reference, folder))
        };
        Ok(references.into_iter().filter_map(stand_in).collect())
    }
}

/// Every label that a plan can ask for, and that of our own workflow.
fn labels() -> impl Iterator<Item = String> {
    let tags = ["base", "base-dind", "torch", "tensorflow", "tvm", "jetson"];
    let architectures = ["amd64", "arm64", "arm"];
    let ours = tags.into_iter().flat_map(move |tag| architectures.map(|arch| format!("{tag}-2204-{arch}")));
    ours.chain(["ubuntu-24.04".to_owned()])
}

fn lines(values: &BTreeMap<String, String>) -> String {
    values.iter().fold(String::new(), |text, (name, value)| text + name + "=" + value + "\n")
}

/// What the workflows in a folder use: `owner/name[/path]@ref`.
fn references_in(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let text = std::fs::read_to_string(entry?.path()).context("could not read a workflow")?;
        let uses = text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses:"));
        found.extend(uses.filter_map(|reference| reference.split_whitespace().next()).map(str::to_owned));
    }
    Ok(found)
}

/// `[workflow/job] 🏁  Job succeeded`, as act prints it.
fn jobs(log: &str) -> BTreeMap<String, bool> {
    let result = |line: &str| {
        let (job, rest) = line.strip_prefix('[')?.split_once(']')?;
        let name = job.rsplit('/').next().unwrap_or(job).trim();
        Some((name.to_owned(), rest.trim_start().strip_prefix('🏁')?.trim() == "Job succeeded"))
    };
    log.lines().filter_map(result).collect()
}
