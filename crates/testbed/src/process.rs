// SPDX-License-Identifier: Apache-2.0
//! Processes that end with us, however we end, and leave nothing behind.
//!
//! A shell watches a pipe that only we hold open. When it closes — we ended, were interrupted or
//! killed — the shell ends what it started, first asking, then not. When the program ends by
//! itself, what it left running is ended too.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

const WATCH: &str = include_str!("watch.sh");

/// A process, with all that it starts, that ends when this is dropped.
pub struct Guarded {
    child: Child,
    /// Closing it ends the process.
    lifeline: Option<ChildStdin>,
}

impl Guarded {
    /// Starts a program in a process group of its own.
    ///
    /// `grace` is how long it may take to end after it was asked to, in whole seconds; `scratch`
    /// is removed after it was ended. `prepare` gives the command its arguments, environment,
    /// folder and output.
    pub fn spawn(
        program: &Path,
        grace: Duration,
        scratch: &[PathBuf],
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let scratch: Vec<_> = scratch.iter().map(|path| path.as_os_str()).collect();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WATCH, "watch", &crate::random()?, &grace.as_secs().to_string()])
            .arg(scratch.join(OsStr::new("\n")))
            .arg(program);
        prepare(&mut command);
        command.stdin(Stdio::piped()).process_group(0);
        let mut child = command.spawn().context("could not start /bin/sh")?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("could not wait for a process")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait().context("could not look at a process")?.is_none())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Until everything is ended and removed.
        let _ = self.child.wait();
    }
}
