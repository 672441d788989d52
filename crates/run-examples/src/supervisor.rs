// SPDX-License-Identifier: Apache-2.0
//! Watching over everything that examples start: processes that their parents left become our
//! children, so they can be found, named and ended, wherever they went.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, set_child_subreaper, waitpid};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::HashSet;
use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long what an example started may go on after it, before it counts as left behind.
const GRACE: Duration = Duration::from_millis(100);

/// While it lives, orphans are ours and signals are noted.
pub struct Supervisor {
    signals: &'static Signals,
    markers: AtomicUsize,
}

/// SIGINT and SIGTERM.
struct Signals {
    idle: Arc<AtomicBool>,
    received: Arc<AtomicBool>,
    /// How many supervisors live.
    users: Mutex<usize>,
}

impl Signals {
    fn get() -> io::Result<&'static Self> {
        static SIGNALS: OnceLock<Signals> = OnceLock::new();
        /// Two at once would both be registered.
        static FIRST: Mutex<()> = Mutex::new(());
        let _first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signals) = SIGNALS.get() {
            return Ok(signals);
        }
        let signals = Self { idle: Arc::new(AtomicBool::new(true)), received: Arc::default(), users: Mutex::default() };
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&signals.idle))?;
            signal_hook::flag::register(signal, Arc::clone(&signals.received))?;
        }
        Ok(SIGNALS.get_or_init(|| signals))
    }
}

/// A process that nobody but us is responsible for.
struct Orphan {
    pid: Pid,
    group: i32,
    zombie: bool,
}

impl Supervisor {
    /// The variable by which what an example started is recognised.
    pub const MARKER: &str = "VACCEL_CI_EXAMPLE";

    /// Begins to watch.
    pub fn start() -> io::Result<Self> {
        let signals = Signals::get()?;
        let mut users = signals.users.lock().unwrap_or_else(PoisonError::into_inner);
        *users += 1;
        signals.idle.store(false, Ordering::SeqCst);
        // Where the kernel cannot, only what stays in an example's process group is found.
        let _ = set_child_subreaper(Some(rustix::process::getpid()));
        Ok(Self { signals, markers: AtomicUsize::new(0) })
    }

    /// Whether we were asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.signals.received.load(Ordering::SeqCst)
    }

    /// A value for the variable that nothing else has.
    pub fn marker(&self) -> String {
        let number = self.markers.fetch_add(1, Ordering::Relaxed);
        format!("{}-{:p}-{number}", std::process::id(), std::ptr::from_ref(self))
    }

    /// Starts a process that somebody waits for.
    pub fn spawn(command: &mut Command) -> io::Result<Child> {
        // Under the lock, so that it is never taken for an orphan.
        let mut known = leaders();
        let child = command.spawn()?;
        known.insert(i32::try_from(child.id()).unwrap_or(-1));
        Ok(child)
    }

    /// A process that was waited for.
    pub fn forget(leader: Pid) {
        leaders().remove(&leader.as_raw_nonzero().get());
    }

    /// Ends what is left of an example, and names it. Its leader has exited and was not reaped. Where the example was
    /// `stopped`, what was stopped with it is not left behind, even if it has not ended yet.
    pub fn end_leftovers(leader: Pid, marker: &str, stopped: bool) -> Vec<String> {
        let until = Instant::now() + if stopped { Duration::ZERO } else { GRACE };
        let mut alive = Self::orphans_of(leader, marker);
        while !alive.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
            alive = Self::orphans_of(leader, marker);
        }
        let left = alive.iter().filter(|orphan| !stopped || orphan.group != leader.as_raw_nonzero().get());
        let names = left.map(|orphan| command_line(orphan.pid)).filter(|name| !name.is_empty()).collect();
        let _ = kill_process_group(leader, Signal::KILL);
        end(alive, || Self::orphans_of(leader, marker));
        names
    }

    /// The children that this process has.
    pub fn children() -> HashSet<i32> {
        Self::living().into_iter().map(|orphan| orphan.pid.as_raw_nonzero().get()).collect()
    }

    /// Ends what is left when nothing of ours runs any more, and names it; what is just about to end is not left.
    /// `before` is what was there before we began.
    pub fn end_everything(before: &HashSet<i32>) -> Vec<String> {
        let ours = |orphan: &Orphan| !before.contains(&orphan.pid.as_raw_nonzero().get());
        let living = || Self::living().into_iter().filter(ours).collect();
        let until = Instant::now() + GRACE;
        let mut alive: Vec<_> = living();
        while !alive.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
            alive = living();
        }
        let names = alive.iter().map(|orphan| command_line(orphan.pid)).filter(|name| !name.is_empty()).collect();
        end(alive, living);
        names
    }

    /// Living orphans of one example.
    fn orphans_of(leader: Pid, marker: &str) -> Vec<Orphan> {
        let assignment = format!("{}={marker}", Self::MARKER);
        let mine = |orphan: &Orphan| {
            orphan.group == leader.as_raw_nonzero().get() || has_variable(orphan.pid, assignment.as_bytes())
        };
        Self::living().into_iter().filter(mine).collect()
    }

    /// Living orphans; dead ones are buried.
    fn living() -> Vec<Orphan> {
        let (dead, alive): (Vec<_>, Vec<_>) = Self::orphans().into_iter().partition(|orphan| orphan.zombie);
        for orphan in dead {
            let _ = waitpid(Some(orphan.pid), WaitOptions::NOHANG);
        }
        alive
    }

    fn orphans() -> Vec<Orphan> {
        let known = leaders();
        let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
        let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        let numbers: Vec<i32> = lists.flat_map(|list| numbers(&list)).filter(|pid| !known.contains(pid)).collect();
        drop(known);
        numbers.into_iter().filter_map(orphan).collect()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let mut users = self.signals.users.lock().unwrap_or_else(PoisonError::into_inner);
        *users -= 1;
        if *users == 0 {
            self.signals.idle.store(true, Ordering::SeqCst);
            let _ = set_child_subreaper(None);
        }
    }
}

/// Ends processes until there are no more; what is killed may leave children of its own.
fn end(mut alive: Vec<Orphan>, look: impl Fn() -> Vec<Orphan>) {
    for _ in 0..50 {
        if alive.is_empty() {
            return;
        }
        for orphan in &alive {
            let _ = kill_process(orphan.pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(1));
        alive = look();
    }
}

/// Processes that somebody waits for; one list, because all supervisors have the same children.
fn leaders() -> MutexGuard<'static, HashSet<i32>> {
    static LEADERS: LazyLock<Mutex<HashSet<i32>>> = LazyLock::new(Mutex::default);
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn numbers(list: &str) -> Vec<i32> {
    list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// What `/proc` says of a child: `pid (name) state parent group …`; the name may hold anything.
fn orphan(number: i32) -> Option<Orphan> {
    let stat = std::fs::read(format!("/proc/{number}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let zombie = matches!(fields.next()?, "Z" | "X");
    let group = fields.nth(1)?.parse().ok()?;
    Some(Orphan { pid: Pid::from_raw(number)?, group, zombie })
}

/// Whether a process has a variable. One that is just being replaced by another program has none for a moment, and is
/// asked again.
fn has_variable(pid: Pid, assignment: &[u8]) -> bool {
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

/// The command line for a reader; empty for a process that is gone.
fn command_line(pid: Pid) -> String {
    let words = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let line = words.split('\0').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}
