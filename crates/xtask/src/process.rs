// SPDX-License-Identifier: Apache-2.0
//! Running the developer's own tools with their output shown as it comes.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// One command of a task.
pub struct Step {
    title: String,
    command: Command,
}

impl Step {
    /// A command that runs at the root of the workspace.
    pub fn new(title: &str, program: impl Into<PathBuf>) -> Self {
        let mut command = Command::new(program.into());
        command.current_dir(testbed::workspace_root());
        Self { title: title.to_owned(), command }
    }

    /// A `cargo` command.
    pub fn cargo<S: AsRef<OsStr>>(title: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::new(title, std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)).args(arguments)
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Runs it in another folder.
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it; its failure is an error that names it.
    pub fn run(mut self) -> Result<()> {
        eprintln!("==> {}", self.title);
        let started = Instant::now();
        let status = self
            .command
            .status()
            .with_context(|| format!("could not start {}", self.command.get_program().display()))?;
        if !status.success() {
            bail!("{} failed ({status})", self.title);
        }
        eprintln!("    {} ({})", self.title, toolkit::human::duration(started.elapsed()));
        Ok(())
    }
}
