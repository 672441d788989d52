// SPDX-License-Identifier: Apache-2.0
//! What `/proc` says about our children.

use crate::text::visible;
use rustix::process::{Pid, WaitOptions, waitpid};
use std::time::Duration;

/// How much of a command line a reader gets, in characters.
const SHOWN: usize = 200;

/// A child of this process.
pub struct Child {
    pub pid: Pid,
    pub group: i32,
    dead: bool,
}

/// The numbers of all children, whichever thread started them.
pub fn children() -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| numbers(&list)).collect()
}

fn numbers(list: &str) -> Vec<i32> {
    list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

impl Child {
    /// `pid (name) state parent group …`; the name may hold anything.
    pub fn read(number: i32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{number}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let dead = matches!(fields.next()?, "Z" | "X");
        let group = fields.nth(1)?.parse().ok()?;
        Some(Self { pid: Pid::from_raw(number)?, group, dead })
    }

    /// Collects the exit status of a dead one, which nobody else will.
    pub fn reap_if_dead(&self) -> bool {
        if self.dead {
            let _ = waitpid(Some(self.pid), WaitOptions::NOHANG);
        }
        self.dead
    }
}

/// The command line of the last process that a process and its children wait for; empty if it has no child.
pub fn innermost(pid: Pid) -> String {
    let child = |pid: Pid| {
        let number = pid.as_raw_nonzero();
        let list = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children")).unwrap_or_default();
        let living = |number: &i32| Child::read(*number).filter(|child| !child.dead).map(|child| child.pid);
        numbers(&list).iter().rev().find_map(living)
    };
    let mut found = None;
    // Whatever starts processes meanwhile does not keep us.
    for _ in 0..100 {
        match child(found.unwrap_or(pid)) {
            Some(next) => found = Some(next),
            None => break,
        }
    }
    found.map_or_else(String::new, command_line)
}

/// Whether a process has a variable. One that is just being replaced by another program has none for a moment, and is
/// asked again.
pub fn has_variable(pid: Pid, assignment: &[u8]) -> bool {
    let environment = || std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    let mut found = environment();
    for _ in 0..20 {
        if !found.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
        found = environment();
    }
    found.split(|byte| *byte == 0).any(|variable| variable == assignment)
}

/// The command line for a reader, or the name of a process that has none; empty for one that is gone.
pub fn command_line(pid: Pid) -> String {
    let read = |what: &str| std::fs::read(format!("/proc/{}/{what}", pid.as_raw_nonzero())).unwrap_or_default();
    let words = String::from_utf8_lossy(&read("cmdline")).into_owned();
    let line = words.split('\0').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let line = if line.is_empty() { String::from_utf8_lossy(&read("comm")).trim_end().to_owned() } else { line };
    visible(&line.replace('\n', " ")).chars().take(SHOWN).collect()
}
