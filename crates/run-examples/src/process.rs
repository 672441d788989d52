// SPDX-License-Identifier: Apache-2.0
//! Running one example: its output in bounded memory, its end in bounded time, and nothing of it
//! left behind.
//!
//! Several run at once, and nothing that they write reaches the log by itself; that is why they do
//! not run the way in which the script runs.

use crate::supervisor::Supervisor;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How much of a stream is kept for verification.
pub const KEPT: usize = 4 * 1024 * 1024;
/// How much of the end of both streams together is kept for the reader.
const TAIL: usize = 16 * 1024;
/// How long an example may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long output that is still on its way may take after the example ended.
const DRAIN: Duration = Duration::from_secs(1);
/// How often cancellation is looked for.
const POLL: Duration = Duration::from_millis(50);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Where it runs.
    pub folder: PathBuf,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With an exit status.
    Status(i32),
    /// By a signal, named.
    Signal(String),
    /// Its time was up.
    TimedOut(Duration),
    /// We were asked to end.
    Cancelled,
    /// It never began; why.
    NotStarted(String),
}

/// What is known of a stream.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    /// Its beginning.
    pub bytes: Vec<u8>,
    /// How long it was.
    pub size: u64,
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub end: End,
    /// After how long.
    pub duration: Duration,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// The end of both, in the order in which it came.
    pub tail: Vec<u8>,
    /// Processes that had to be ended afterwards.
    pub leftovers: Vec<String>,
}

impl Captured {
    fn take(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        let room = KEPT.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether only its beginning was kept.
    pub fn is_cut(&self) -> bool {
        self.size > self.bytes.len() as u64
    }
}

enum Event {
    Output { error: bool, bytes: Vec<u8> },
    Exited,
}

/// Runs it to its end.
pub fn run(launch: &Launch, supervisor: &Supervisor) -> Ended {
    let started = Instant::now();
    let mut ended = Ended {
        end: End::Cancelled,
        duration: Duration::ZERO,
        stdout: Captured::default(),
        stderr: Captured::default(),
        tail: Vec::new(),
        leftovers: Vec::new(),
    };
    if supervisor.is_cancelled() {
        return ended;
    }
    match start(launch, supervisor) {
        Ok(mut running) => running.follow(launch.timeout, started, supervisor, &mut ended),
        Err(reason) => ended.end = End::NotStarted(reason),
    }
    ended
}

struct Running {
    child: Child,
    group: Pid,
    marker: String,
    events: Receiver<Event>,
}

fn start(launch: &Launch, supervisor: &Supervisor) -> Result<Running, String> {
    let (program, arguments) = launch.words.split_first().ok_or("the command is empty")?;
    let marker = supervisor.marker();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&launch.folder).process_group(0);
    command.env_clear().envs(launch.environment.iter().map(|(name, value)| (name, value)));
    command.env(Supervisor::MARKER, &marker);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Supervisor::spawn(&mut command)
        .map_err(|error| format!("{} could not be started: {error}", program.to_string_lossy()))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("the process has no number")?;
    let (sender, events) = sync_channel(16);
    if let Some(stdout) = child.stdout.take() {
        read(stdout, false, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        read(stderr, true, sender.clone());
    }
    std::thread::spawn(move || {
        // Not reaped yet, so that its number stays its own until nothing of its group is left.
        let _ = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let _ = sender.send(Event::Exited);
    });
    Ok(Running { child, group, marker, events })
}

fn read(mut stream: impl Read + Send + 'static, error: bool, sender: SyncSender<Event>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(Event::Output { error, bytes: buffer[..count].to_vec() }).is_err() {
                return;
            }
        }
    });
}

impl Running {
    fn follow(&mut self, timeout: Duration, started: Instant, supervisor: &Supervisor, ended: &mut Ended) {
        let mut tail = VecDeque::new();
        let mut reason = None;
        let mut kill_at = None;
        let mut exited: Option<Instant> = None;
        loop {
            match self.events.recv_timeout(POLL.min(timeout)) {
                Ok(Event::Output { error, bytes }) => {
                    let stream = if error { &mut ended.stderr } else { &mut ended.stdout };
                    stream.take(&bytes);
                    tail.extend(bytes);
                    tail.drain(..tail.len().saturating_sub(TAIL));
                }
                Ok(Event::Exited) => {
                    exited = Some(Instant::now());
                    ended.duration = started.elapsed();
                    ended.leftovers = Supervisor::end_leftovers(self.group, &self.marker, reason.is_some());
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if exited.is_some_and(|at| at.elapsed() > DRAIN) {
                break;
            }
            if exited.is_none() && reason.is_none() {
                if supervisor.is_cancelled() {
                    reason = Some(End::Cancelled);
                } else if started.elapsed() >= timeout {
                    reason = Some(End::TimedOut(timeout));
                }
                if reason.is_some() {
                    let _ = kill_process_group(self.group, Signal::TERM);
                    kill_at = Some(Instant::now() + GRACE);
                }
            }
            if exited.is_none() && kill_at.is_some_and(|at| Instant::now() >= at) {
                let _ = kill_process_group(self.group, Signal::KILL);
            }
        }
        let status = self.child.wait();
        Supervisor::forget(self.group);
        ended.tail = tail.into();
        ended.end = match (reason, status) {
            (Some(reason), _) => reason,
            (None, Ok(status)) => end(status),
            (None, Err(error)) => End::NotStarted(format!("it could not be waited for: {error}")),
        };
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Status(code),
        (None, signal) => End::Signal(signal_name(signal.unwrap_or(0))),
    }
}

fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(text: &str, timeout: Duration) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        let launch = Launch {
            words: ["/bin/sh", "-c", text].map(OsString::from).to_vec(),
            folder: folder.path().into(),
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            timeout,
        };
        run(&launch, &Supervisor::start().unwrap())
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn streams_are_kept_apart_and_together() {
        let ended = sh("echo out; sleep 0.05; echo err >&2; exit 3", LONG);
        assert_eq!(ended.end, End::Status(3));
        assert_eq!((&*ended.stdout.bytes, &*ended.stderr.bytes), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(ended.tail, b"out\nerr\n");
        assert!(ended.duration >= Duration::from_millis(50), "{:?}", ended.duration);
    }

    #[test]
    fn a_death_is_named() {
        assert_eq!(sh("kill -ABRT $$", LONG).end, End::Signal("SIGABRT".into()));
    }

    #[test]
    fn what_cannot_start_says_so() {
        let launch =
            Launch { words: vec!["/nowhere/x".into()], folder: "/".into(), environment: Vec::new(), timeout: LONG };
        let End::NotStarted(reason) = run(&launch, &Supervisor::start().unwrap()).end else { panic!() };
        insta::assert_snapshot!(reason, @"/nowhere/x could not be started: No such file or directory (os error 2)");
    }

    #[test]
    fn endless_output_is_bounded() {
        let ended = sh("head -c 50000000 /dev/zero", LONG);
        assert_eq!((ended.stdout.size, ended.stdout.bytes.len(), ended.tail.len()), (50_000_000, KEPT, TAIL));
        assert!(ended.stdout.is_cut() && !ended.stderr.is_cut());
    }

    #[test]
    fn a_hung_one_ends_in_time() {
        let started = Instant::now();
        let ended = sh("trap '' TERM; setsid sleep 600 & sleep 601 & sleep 602; sleep 603", Duration::from_millis(500));
        assert_eq!(ended.end, End::TimedOut(Duration::from_millis(500)));
        assert_eq!(ended.leftovers, ["sleep 600"], "only what left the group is left behind");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    #[test]
    fn what_is_left_behind_is_ended_and_named() {
        let ended = sh("setsid sleep 611 >/dev/null 2>&1 & sleep 612 & echo $!", LONG);
        assert_eq!(ended.end, End::Status(0));
        let mut leftovers = ended.leftovers.clone();
        leftovers.sort();
        assert_eq!(leftovers, ["sleep 611", "sleep 612"]);
        assert!(sh("sleep 0.01 &", LONG).leftovers.is_empty(), "what ends at once is not left behind");
    }
}
