// SPDX-License-Identifier: Apache-2.0
//! Git repositories made from `tests/fixtures`, the same at every time and for every user.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The time of the first commit, 2026-01-02T03:04:05Z; each further one comes a minute later.
const EPOCH: i64 = 1_767_323_045;

/// A repository with a work tree.
pub struct Repository {
    folder: PathBuf,
    name: String,
    commits: std::cell::Cell<i64>,
}

impl Repository {
    /// Makes `<parent>/<fixture>` from a fixture, with its files in one commit on `main`.
    pub fn from_fixture(fixture: &str, parent: &Path) -> Result<Self> {
        let source = crate::workspace_root().join("tests/fixtures").join(fixture);
        let folder = parent.join(fixture);
        copy_tree(&source, &folder).with_context(|| format!("could not copy the fixture {fixture}"))?;
        let repository = Self { folder, name: format!("nubificus/{fixture}"), commits: std::cell::Cell::new(0) };
        repository.git(&["init", "--quiet", "--initial-branch", "main"])?;
        repository.git(&["remote", "add", "origin", &format!("https://github.com/{}.git", repository.name)])?;
        repository.commit("feat: first version")?;
        Ok(repository)
    }

    /// The work tree.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `owner/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        std::fs::write(self.folder.join(path), text).with_context(|| format!("could not write {path}"))
    }

    /// Replaces a text that must be in a file.
    pub fn replace(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.folder.join(path)).with_context(|| format!("could not read {path}"))?;
        if !text.contains(from) {
            bail!("{path} does not hold {from:?}");
        }
        self.write(path, &text.replace(from, to))
    }

    /// Commits everything; gives the commit's hash.
    pub fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.head()
    }

    /// Tags the current commit.
    pub fn tag(&self, name: &str) -> Result<()> {
        self.git(&["tag", name]).map(drop)
    }

    /// Makes a branch at the current commit and checks it out.
    pub fn branch(&self, name: &str) -> Result<()> {
        self.git(&["checkout", "--quiet", "-b", name]).map(drop)
    }

    /// Checks out a branch, tag or commit.
    pub fn checkout(&self, revision: &str) -> Result<()> {
        self.git(&["checkout", "--quiet", revision]).map(drop)
    }

    /// Merges a branch into the current one.
    pub fn merge(&self, branch: &str) -> Result<String> {
        self.git(&["merge", "--quiet", "--no-ff", "--message", &format!("Merge {branch}"), branch])?;
        self.head()
    }

    /// The current commit.
    pub fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        let date = format!("{} +0000", EPOCH + 60 * self.commits.get());
        self.commits.set(self.commits.get() + 1);
        let mut command = Command::new("git");
        // In a hook, git's variables name the repository that the hook is of.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        command
            .arg("-C")
            .arg(&self.folder)
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ada Example").env(format!("GIT_{role}_EMAIL"), "ada@example.org");
        }
        let output = command.output().context("could not start git")?;
        if !output.status.success() {
            bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

pub(crate) fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, target)?;
        } else {
            // With its mode: scripts are executable.
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
