// SPDX-License-Identifier: Apache-2.0
//! The git commands that tasks run; nothing of the surroundings but the user's own settings counts.

use anyhow::{Context, Result, bail};
use artifact::Commit;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A work tree.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
}

impl Git {
    /// The work tree in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command; gives what it prints, without the last line break.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String> {
        let mut command = Command::new("git");
        // In a hook, git's variables name the repository that the hook is of.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("GIT_") && !name.starts_with("GIT_AUTHOR_") && !name.starts_with("GIT_COMMITTER_") {
                command.env_remove(name);
            }
        }
        command.arg("-C").arg(&self.folder).args(arguments).env("LC_ALL", "C");
        let output = command.output().context("could not start git")?;
        if !output.status.success() {
            let words: Vec<_> = command.get_args().skip(2).map(|word| word.to_string_lossy()).collect();
            bail!("git {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// The checked-out commit.
    pub fn head(&self) -> Result<Commit> {
        Ok(self.run(["rev-parse", "--verify", "HEAD^{commit}"])?.parse()?)
    }

    /// What `git status` tells of files that differ from the commit, a line each.
    pub fn changes(&self) -> Result<Vec<String>> {
        let text = self.run(["status", "--porcelain"])?;
        Ok(text.lines().map(|line| line.trim_start().to_owned()).collect())
    }

    /// Clones the history of this work tree, without its uncommitted changes, and checks a commit out.
    pub fn clone_at(&self, folder: &Path, commit: &Commit) -> Result<Self> {
        let (from, to) = (self.folder.as_os_str(), folder.as_os_str());
        self.run([OsStr::new("clone"), "--quiet".as_ref(), "--no-checkout".as_ref(), from, to])?;
        let clone = Self::new(folder);
        clone.run(["checkout", "--quiet", "--detach", commit.as_str()])?;
        Ok(clone)
    }
}
