// SPDX-License-Identifier: Apache-2.0
//! One supervisor for all code of a repository: whatever such code starts becomes our child when its own parent
//! ends, so it can be found, named and terminated, whatever session, process group or namespace it went to.
//!
//! All sessions share one state, because they share the children of this process.

mod processes;

use crate::signals::Watch;
use processes::Child;
pub(crate) use processes::innermost;
use rustix::process::{
    DumpableBehavior, Pid, Signal, getpgrp, kill_process, kill_process_group, set_child_subreaper,
    set_dumpable_behavior,
};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a process may go on after the program that started it, before it counts as left behind.
const GRACE: Duration = Duration::from_millis(100);
/// How long terminating everything may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The variable by which what a program started is recognised.
const MARKER: &str = "VACCEL_CI_PROCESS";

#[derive(Default)]
struct State {
    /// How many sessions are open.
    sessions: usize,
    /// Processes that somebody waits for.
    leaders: HashSet<i32>,
    /// Children of this process that are older than the first session.
    before: HashSet<i32>,
    /// Whether every child of this process was started by a [`crate::Program`].
    owns_children: bool,
    /// Whether this process was made the reaper of its descendants.
    reaps: bool,
    /// What was left behind and terminated, until somebody reports it.
    left: Vec<String>,
}

fn state() -> MutexGuard<'static, State> {
    static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Protects the process of an action from the code that it will run: its environment, memory and open files are
/// closed to other processes of the same user, and each of its children is known.
pub(crate) fn protect_process() {
    // Where the kernel refuses, there is nothing else to try; what is promised then is in SECURITY.md.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    state().owns_children = true;
}

/// Whether no session was ever opened.
pub(crate) fn is_unused() -> bool {
    !state().reaps
}

/// Processes that could not be terminated.
#[derive(Debug, thiserror::Error)]
#[error("failed to terminate processes that code of the repository left behind: {}", .0.join(", "))]
pub struct Survivors(pub Vec<String>);

/// A session: while one is open, processes whose parents ended are ours, and signals are noted. When the last one
/// ends, everything that code of the repository left is terminated.
pub struct Supervisor {
    watch: Watch,
    open: bool,
}

impl Supervisor {
    /// Opens a session.
    pub fn start() -> io::Result<Self> {
        let watch = Watch::start()?;
        let mut state = state();
        if !state.reaps {
            // Where the kernel cannot, only what stays in a program's process group is found.
            let _ = set_child_subreaper(Some(rustix::process::getpid()));
            state.reaps = true;
        }
        if state.sessions == 0 {
            state.before =
                if state.owns_children { HashSet::new() } else { processes::children().into_iter().collect() };
        }
        state.sessions += 1;
        Ok(Self { watch, open: true })
    }

    /// Whether we were asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.watch.received().is_some()
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Terminates what is left, if no program runs any more; names it, and what was left since the last call.
    pub fn sweep(&self) -> Result<Vec<String>, Survivors> {
        if !state().leaders.is_empty() {
            return Ok(Vec::new());
        }
        let swept = sweep()?;
        let mut left = std::mem::take(&mut state().left);
        left.extend(swept);
        Ok(left)
    }

    /// Ends the session, with a [`Self::sweep`] if it is the last one.
    pub fn finish(mut self) -> Result<Vec<String>, Survivors> {
        // Another one may be using what has just left its parent.
        let is_last = state().sessions == 1;
        let swept = if is_last { self.sweep() } else { Ok(Vec::new()) };
        self.close();
        swept
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            state().sessions -= 1;
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if self.open {
            if state().sessions == 1 {
                let _ = self.sweep().map(remember);
            }
            self.close();
        }
    }
}

/// Keeps names for the next [`Supervisor::sweep`].
pub(crate) fn remember(names: Vec<String>) {
    state().left.extend(names);
}

/// A process that we wait for: it is never taken for one that was left behind.
pub(crate) struct Leader {
    pub pid: Pid,
    /// The value of [`MARKER`] in its environment.
    marker: Option<String>,
}

impl Leader {
    /// Starts it; code of a repository is marked, so that its descendants are recognised.
    pub fn spawn(command: &mut Command, repository_code: bool) -> io::Result<(std::process::Child, Self)> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let marker =
            repository_code.then(|| format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        if let Some(marker) = &marker {
            command.env(MARKER, marker);
        }
        // Under the lock, so that it is never taken for an orphan.
        let mut state = state();
        let child = if repository_code { spawn_without_rights(command)? } else { command.spawn()? };
        let number = i32::try_from(child.id()).map_err(io::Error::other)?;
        let pid = Pid::from_raw(number).ok_or_else(|| io::Error::other("the process has no number"))?;
        state.leaders.insert(number);
        Ok((child, Self { pid, marker }))
    }

    /// Signals its whole process group; one that has ended already is fine.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }

    /// Terminates what is left of it, and names that. It has exited and was not reaped. If it was `stopped`, what was
    /// stopped with it is not left behind, even if it has not ended yet.
    pub fn end_leftovers(&self, stopped: bool) -> Vec<String> {
        let mine = || self.descendants();
        let alive = wait(mine, if stopped { Duration::ZERO } else { GRACE });
        let left = alive.iter().filter(|child| !stopped || child.group != self.pid.as_raw_nonzero().get());
        let names = named(left);
        self.signal(Signal::KILL);
        // What resists is found again by the sweep, which reports it.
        end(alive, mine);
        names.into_values().collect()
    }

    /// Living processes in its group, or marked as its own.
    fn descendants(&self) -> Vec<Child> {
        let group = self.pid.as_raw_nonzero().get();
        let assignment = self.marker.as_ref().map(|marker| format!("{MARKER}={marker}"));
        let marked = |child: &Child| {
            assignment.as_ref().is_some_and(|assignment| processes::has_variable(child.pid, assignment.as_bytes()))
        };
        orphans().into_iter().filter(|child| child.group == group || marked(child)).collect()
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        state().leaders.remove(&self.pid.as_raw_nonzero().get());
    }
}

/// What lets root look into a process that is not dumpable: tracing, profiling, and what loads code into the kernel or
/// reads its memory. `SYS_ADMIN` counts as profiling. User namespaces still give all of it inside of them.
const INTRUSIVE: [CapabilitySet; 6] = [
    CapabilitySet::SYS_PTRACE,
    CapabilitySet::PERFMON,
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::BPF,
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
];

/// Starts a program without these rights, which only root has. They belong to threads: one of its own gives them up.
fn spawn_without_rights(command: &mut Command) -> io::Result<std::process::Child> {
    if !rustix::process::geteuid().is_root() {
        return command.spawn();
    }
    std::thread::scope(|scope| {
        let spawn = || {
            for right in INTRUSIVE {
                // Without the right to give one up there is nothing to give up.
                let _ = remove_capability_from_bounding_set(right);
            }
            command.spawn()
        };
        scope.spawn(spawn).join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts programs failed")))
    })
}

/// Living children that nobody waits for; dead ones are reaped.
fn orphans() -> Vec<Child> {
    let state = state();
    let known = |number: &i32| state.leaders.contains(number) || state.before.contains(number);
    let numbers: Vec<_> = processes::children().into_iter().filter(|number| !known(number)).collect();
    // The library's own tests start programs by other means, too; those stay in our process group.
    let foreign = if state.owns_children { None } else { Some(getpgrp().as_raw_nonzero().get()) };
    drop(state);
    let children = numbers.into_iter().filter_map(Child::read).filter(|child| foreign != Some(child.group));
    children.filter(|child| !child.reap_if_dead()).collect()
}

/// Terminates every process that nobody waits for, and names those.
fn sweep() -> Result<Vec<String>, Survivors> {
    let alive = wait(orphans, GRACE);
    let mut names = named(&alive);
    if !end(alive, orphans) {
        let survivors = named(&orphans());
        if !survivors.is_empty() {
            return Err(Survivors(survivors.into_values().collect()));
        }
    }
    names.retain(|_, name| !name.is_empty());
    Ok(names.into_values().collect())
}

/// What is alive after this time; returns early when nothing is.
fn wait(look: impl Fn() -> Vec<Child>, time: Duration) -> Vec<Child> {
    let until = Instant::now() + time;
    let mut alive = look();
    while !alive.is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(2));
        alive = look();
    }
    alive
}

/// Command lines by number; a process that is gone has none.
fn named<'a>(children: impl IntoIterator<Item = &'a Child>) -> BTreeMap<i32, String> {
    let pairs =
        children.into_iter().map(|child| (child.pid.as_raw_nonzero().get(), processes::command_line(child.pid)));
    pairs.filter(|(_, name)| !name.is_empty()).collect()
}

/// Kills processes until there are no more; what is killed leaves its children to us. Groups first, because a group
/// cannot fork while it is killed. Returns whether that succeeded.
fn end(mut alive: Vec<Child>, look: impl Fn() -> Vec<Child>) -> bool {
    let until = Instant::now() + LIMIT;
    let own = getpgrp().as_raw_nonzero().get();
    let mut empty = 0;
    // A process can move between the lists of our threads while they are read, so nothing has to be found twice.
    while empty < 2 {
        for child in &alive {
            if let Some(group) = Pid::from_raw(child.group).filter(|_| child.group != own) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = kill_process(child.pid, Signal::KILL);
        }
        if Instant::now() >= until {
            return false;
        }
        if !alive.is_empty() {
            std::thread::sleep(Duration::from_micros(500));
        }
        alive = look();
        empty = if alive.is_empty() { empty + 1 } else { 0 };
    }
    true
}
