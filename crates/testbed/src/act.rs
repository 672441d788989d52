// SPDX-License-Identifier: Apache-2.0
//! The real act, in host mode and offline: the repository's workflows run with our actions from
//! this tree, and with stand-ins for what GitHub's servers provide.

mod log;

use crate::event::Event;
use crate::process::Guarded;
use crate::repository::copy_tree;
use crate::tools::Tools;
use anyhow::{Context, Result};
use artifact::runners::{self, Runners};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What our repository is called in `uses:`.
const OURS: &str = "nubificus/vaccel-ci";
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

/// See there.
const SHELL: &str = include_str!("act/shell.sh");
/// What act dies of when jobs that start together look up a local repository at once: its cache is a map without a lock
/// (act 0.2.89, `LocalRepositoryCache.Fetch`). That says nothing of the run, which is therefore made again.
const RACE: &str = "fatal error: concurrent map";
/// How often.
const ATTEMPTS: usize = 4;
/// How long act may take to end its jobs.
const GRACE: Duration = Duration::from_secs(3);
/// Beginnings of variables that steps must not see: they are of what surrounds us, not of the run.
const FOREIGN: [&str; 7] = ["GITHUB_", "INPUT_", "AWS_", "ACTIONS_", "VACCEL_", "GIT_", "ACT_"];

/// A run of act that is being prepared.
pub struct Act<'a> {
    tools: &'a Tools,
    repository: PathBuf,
    ours: PathBuf,
    revisions: BTreeMap<String, PathBuf>,
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
    /// The jobs' summaries, in Markdown.
    pub summaries: BTreeMap<String, String>,
}

impl<'a> Act<'a> {
    /// A run of a repository's workflows for an event.
    pub fn new(tools: &'a Tools, repository: impl Into<PathBuf>, event: Event) -> Self {
        Self {
            tools,
            repository: repository.into(),
            ours: crate::workspace_root(),
            revisions: BTreeMap::new(),
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

    /// Runs with the committed executables in `dist/` of this checkout of ours, and without cargo.
    #[must_use]
    pub fn from_dist(mut self, checkout: impl Into<PathBuf>) -> Self {
        self.ours = checkout.into();
        self.executables = None;
        self
    }

    /// What one revision of ours is; the others are the checkout that everything comes from.
    #[must_use]
    pub fn revision(mut self, revision: &str, checkout: impl Into<PathBuf>) -> Self {
        self.revisions.insert(revision.to_owned(), checkout.into());
        self
    }

    /// Runs act; `sink` is told each line as it comes.
    pub fn run(self, sink: &mut dyn FnMut(&str)) -> Result<Outcome> {
        let mut outcome = self.attempt(sink)?;
        for _ in 1..ATTEMPTS {
            if !outcome.log.contains(RACE) {
                break;
            }
            outcome = self.attempt(sink)?;
        }
        Ok(outcome)
    }

    fn attempt(&self, sink: &mut dyn FnMut(&str)) -> Result<Outcome> {
        let scratch = tempfile::Builder::new().prefix("act-").tempdir().context("could not make a folder")?;
        let folder = scratch.path();
        let published = publish(&self.ours, &folder.join("vaccel-ci"))?;
        let revisions = self.revisions.iter().map(|(revision, checkout)| {
            Ok((revision.clone(), publish(checkout, &folder.join("vaccel-ci-revisions").join(revision))?))
        });
        let local = self.prepare(folder, &published, &revisions.collect::<Result<_>>()?)?;
        let labels = self.labels()?;
        let (output, writer) = std::io::pipe().context("could not make a pipe")?;
        let errors = writer.try_clone().context("could not make a pipe")?;
        let path = self.path(folder)?;
        let mut process = Guarded::spawn(&self.tools.bin("act"), GRACE, &[folder.to_owned()], |command| {
            command
                .arg(self.event.name)
                .args(["--pull=false", "--action-offline-mode", "--no-cache-server", "--no-skip-checkout"])
                .arg("--directory")
                .arg(&self.repository)
                .args(labels.iter().flat_map(|label| ["--platform".to_owned(), format!("{label}=-self-hosted")]))
                .current_dir(folder)
                .stdout(writer)
                .stderr(errors);
            for (option, file) in FILES {
                command.arg(option).arg(folder.join(file));
            }
            for (reference, local) in &local {
                command.args(["--local-repository", &format!("{reference}={}", local.display())]);
            }
            if let Some(workflow) = &self.workflow {
                command.arg("--workflows").arg(self.repository.join(".github/workflows").join(workflow));
            }
            for (name, _) in std::env::vars_os() {
                if FOREIGN.iter().any(|beginning| name.to_string_lossy().starts_with(beginning)) {
                    command.env_remove(name);
                }
            }
            command
                .env("HOME", folder)
                .env("XDG_CACHE_HOME", folder.join("cache"))
                .env("TMPDIR", folder)
                .env("PATH", path)
                // It would ask its makers.
                .env("ACT_DISABLE_VERSION_CHECK", "1");
        })?;
        let mut log = String::new();
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("could not read what act prints")?;
            let line = String::from_utf8_lossy(&line);
            sink(&line);
            log.push_str(&line);
            log.push('\n');
        }
        let success = process.wait()?.success();
        let jobs = log::read(&log);
        Ok(Outcome { success, log, jobs: jobs.results, summaries: jobs.summaries })
    }

    /// Every label that a plan can ask for: those of our registry, and of the repository's own.
    fn labels(&self) -> Result<BTreeSet<String>> {
        let mut labels = BTreeSet::new();
        for folder in [&crate::workspace_root(), &self.repository] {
            let path = folder.join(runners::PATH);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let registry = Runners::parse(&path.display().to_string(), &text)?;
            labels.extend(registry.tags.into_values().flat_map(|tag| tag.labels.into_values()));
        }
        Ok(labels)
    }

    /// A `PATH` with the tools in front, and before them shells that tell all that a step printed.
    fn path(&self, folder: &Path) -> Result<OsString> {
        let shells = folder.join("shells");
        std::fs::create_dir_all(&shells).context("could not make the folder of shells")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        for name in ["sh", "bash"] {
            let Some(real) = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
            else {
                continue;
            };
            let shell = shells.join(name);
            std::fs::write(&shell, SHELL.replace("@shell@", &real.display().to_string()))
                .and_then(|()| std::fs::set_permissions(&shell, std::fs::Permissions::from_mode(0o755)))
                .with_context(|| format!("could not write {}", shell.display()))?;
        }
        let path = self.tools.path();
        let folders = std::env::split_paths(&path).filter(|folder| {
            // Whoever uses a release has no Rust.
            self.executables.is_some() || !folder.join("cargo").exists() || folder.join("sh").exists()
        });
        std::env::join_paths(std::iter::once(shells).chain(folders)).context("a folder of PATH has a colon")
    }

    /// Writes act's files; gives the folders that take the place of repositories.
    fn prepare(
        &self,
        folder: &Path,
        published: &Path,
        revisions: &BTreeMap<String, PathBuf>,
    ) -> Result<BTreeMap<String, PathBuf>> {
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
        for root in [&self.ours, &self.repository].into_iter().chain(revisions.values()) {
            references.extend(references_in(&root.join(".github/workflows"))?);
        }
        let stand_ins = crate::workspace_root().join("tests/act");
        let local = |reference: String| {
            let (name, revision) = reference.split_once('@')?;
            if name == OURS || name.strip_prefix(OURS).is_some_and(|path| path.starts_with('/')) {
                let checkout = revisions.get(revision).map_or(published, PathBuf::as_path);
                return Some((format!("{OURS}@{revision}"), checkout.to_owned()));
            }
            let name = name.strip_prefix("actions/")?;
            let folder = STAND_INS.contains(&name).then(|| stand_ins.join(name))?;
            Some((reference, folder))
        };
        Ok(references.into_iter().filter_map(local).collect())
    }
}

/// Copies what callers need of a checkout of ours: act copies a local repository for every action,
/// and `target/` must not be in it.
fn publish(checkout: &Path, to: &Path) -> Result<PathBuf> {
    for part in PUBLISHED {
        copy_tree(&checkout.join(part), &to.join(part)).with_context(|| format!("could not copy {part}"))?;
    }
    Ok(to.to_owned())
}

fn lines(values: &BTreeMap<String, String>) -> String {
    values.iter().fold(String::new(), |text, (name, value)| text + name + "=" + value + "\n")
}

/// What the workflows in a folder use: `owner/name[/path]@ref`.
fn references_in(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry.with_context(|| format!("could not list {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
            found.extend(references(&text).map(str::to_owned));
        }
    }
    Ok(found)
}

fn references(workflow: &str) -> impl Iterator<Item = &str> {
    let uses = workflow.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("uses:"));
    uses.filter_map(|text| text.split_whitespace().next()).map(|text| text.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    #[test]
    fn references_are_found_wherever_they_stand() {
        let workflow = "jobs:\n  a:\n    uses: o/r/.github/workflows/w.yml@main\n  b:\n    steps:\n      - uses: \"o/a@v1\"\n      # uses: o/comment@v1\n      - name: x\n        uses: o/b/path@0123 # v2\n";
        let found: Vec<_> = super::references(workflow).collect();
        assert_eq!(found, ["o/r/.github/workflows/w.yml@main", "o/a@v1", "o/b/path@0123"]);
    }
}
