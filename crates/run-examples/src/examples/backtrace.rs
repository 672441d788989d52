// SPDX-License-Identifier: Apache-2.0
//! Where a program crashed: the example runs once more, under gdb.

use crate::process::{self, End, Launch};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;
use toolkit::Supervisor;

/// How long that may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How many lines of it are told.
const LINES: usize = 30;

/// Whether a program of the example crashed; a shell passes that on as 128 and the signal.
pub fn has_crashed(end: &End) -> bool {
    const CRASHES: [i32; 6] = [4, 5, 6, 7, 8, 11];
    match end {
        End::Signal(signal) => {
            ["SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV"].contains(&signal.as_str())
        }
        End::Status(status) => CRASHES.contains(&(status - 128)),
        _ => false,
    }
}

/// The backtrace, line by line; nothing if it does not crash again, or gdb may not look.
pub fn of(gdb: &Path, launch: &Launch, shell: bool, supervisor: &Supervisor) -> Vec<String> {
    let mut words: Vec<OsString> = vec![gdb.into()];
    let mut commands = vec!["set pagination off", "set debuginfod enabled off", "set startup-with-shell off"];
    if shell {
        commands.push("set follow-fork-mode child");
    }
    commands.extend(["run", "backtrace 20"]);
    words.extend(["-nx", "-batch"].map(OsString::from));
    words.extend(commands.into_iter().flat_map(|command| ["-ex".into(), command.into()]));
    words.push("--args".into());
    words.extend(launch.words.iter().cloned());
    let launch = Launch { words, timeout: launch.timeout.min(LIMIT), ..launch.clone() };
    let ended = process::run(&launch, supervisor);
    let text = String::from_utf8_lossy(&ended.tail);
    let crash = text.lines().skip_while(|line| !line.contains("received signal"));
    let mut lines: Vec<_> = crash.take(LINES).map(str::to_owned).collect();
    if !lines.is_empty() {
        lines.insert(0, "Once more under gdb:".to_owned());
    }
    lines
}
