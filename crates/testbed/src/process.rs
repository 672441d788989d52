//! Processes that end with us, however we end.
//!
//! A shell watches a pipe that only we hold open. When it closes — we ended, were interrupted or
//! killed — the shell ends its process group, first asking, then not.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

const WATCH: &str = r#"
exec 3<&0
( cat <&3; trap '' TERM; kill -TERM 0; sleep "$GRACE"; rm -rf "$SCRATCH"; kill -KILL 0 ) >/dev/null 2>&1 &
watcher=$!
"$@" </dev/null 3<&- &
wait $!
status=$?
kill -KILL "$watcher"
exit "$status"
"#;

/// A process, with all that it starts, that ends when this is dropped.
pub struct Guarded {
    child: Child,
    /// Closing it ends the process.
    lifeline: Option<ChildStdin>,
}

/// A program to run under guard.
pub struct Guard {
    command: Command,
}

impl Guard {
    /// The program, as found on `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WATCH, "watch"]).arg(program).env("GRACE", "3").env("SCRATCH", "");
        Self { command }
    }

    /// A folder that is removed when the process has been ended.
    #[must_use]
    pub fn scratch(mut self, folder: &std::path::Path) -> Self {
        self.command.env("SCRATCH", folder);
        self
    }

    /// How long the process may take to end after it was asked to, in whole seconds.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.command.env("GRACE", grace.as_secs().to_string());
        self
    }

    /// Changes the command: arguments, environment, folder, output.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Command)) -> Self {
        change(&mut self.command);
        self
    }

    /// Starts it in a process group of its own.
    pub fn spawn(mut self) -> Result<Guarded> {
        self.command.stdin(Stdio::piped()).process_group(0);
        let mut child = self.command.spawn().context("could not start /bin/sh")?;
        let lifeline = child.stdin.take();
        Ok(Guarded { child, lifeline })
    }
}

impl Guarded {
    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().context("could not wait for a process")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.child.wait();
    }
}
