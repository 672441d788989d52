// SPDX-License-Identifier: Apache-2.0
//! One running program: its streams, its time, its end, and what it leaves behind.

use super::{Exit, Program, RunError, failed};
use crate::signals;
use crate::supervisor::{Leader, Supervisor, innermost, remember};
use rustix::process::{Signal, WaitId, WaitIdOptions, waitid};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long a program may take to end after it was asked to.
pub const GRACE: Duration = Duration::from_secs(5);
/// How long output that is still on its way may take after the program ended.
const DRAIN: Duration = Duration::from_secs(2);
/// How often time and signals are looked at.
const POLL: Duration = Duration::from_millis(50);
/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a program ended, or was made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Exit(Exit),
    /// It took longer than this.
    TimedOut(Duration),
    /// We were asked to end, by this signal, named.
    Cancelled(String),
}

/// A program that is over.
#[derive(Debug)]
pub struct Over {
    pub end: End,
    pub duration: Duration,
    /// What it left behind, which was terminated.
    pub leftovers: Vec<String>,
    /// What it was waiting for when its time was over.
    pub running: String,
}

impl Over {
    /// An error unless it ended by itself.
    pub fn exit(self, program: String, tail: Vec<String>) -> Result<(Exit, Duration), RunError> {
        match self.end {
            End::Exit(exit) => Ok((exit, self.duration)),
            End::TimedOut(after) => Err(RunError::TimedOut { program, after, tail, running: self.running }),
            End::Cancelled(signal) => Err(RunError::Cancelled { program, signal }),
        }
    }
}

enum Event {
    Output(Stream, Vec<u8>),
    Exited,
}

/// Programs of ours need signals only; code of a repository needs all of the supervisor.
enum Session {
    Watch(signals::Watch),
    Supervisor(Supervisor),
}

impl Session {
    fn watch(&self) -> &signals::Watch {
        match self {
            Self::Watch(watch) => watch,
            Self::Supervisor(supervisor) => supervisor.watch(),
        }
    }
}

impl Program<'_> {
    /// Runs it to its end; `sink` gets what it writes, both streams as one if they are `merged`.
    pub(super) fn execute(&self, merged: bool, mut sink: impl FnMut(Stream, &[u8])) -> Result<Over, RunError> {
        let failed = |source| self.not_started(source);
        let session = if self.repository_code {
            Session::Supervisor(Supervisor::start().map_err(failed)?)
        } else {
            Session::Watch(signals::Watch::start().map_err(failed)?)
        };
        let started = Instant::now();
        let mut running = self.start(merged)?;
        let mut over = running.follow(self, started, session.watch(), &mut sink).map_err(failed)?;
        drop(running);
        if let Session::Supervisor(supervisor) = session {
            over.leftovers.extend(supervisor.finish()?);
        }
        Ok(over)
    }

    fn start(&self, merged: bool) -> Result<Running, RunError> {
        let failed = |source| self.not_started(source);
        let mut command = self.command()?;
        let stdin = match &self.stdin {
            Some(path) => Stdio::from(File::open(path).map_err(failed)?),
            None => Stdio::null(),
        };
        let (stdout, out) = io::pipe().map_err(failed)?;
        command.stdin(stdin);
        let stderr = if merged {
            command.stderr(out.try_clone().map_err(failed)?);
            None
        } else {
            let (stderr, err) = io::pipe().map_err(failed)?;
            command.stderr(err);
            Some(stderr)
        };
        command.stdout(out);
        let (child, leader) = Leader::spawn(&mut command, self.repository_code).map_err(failed)?;
        drop(command); // it holds the writing ends of the pipes
        let (sender, events) = sync_channel(16);
        read(stdout, Stream::Out, sender.clone());
        if let Some(stderr) = stderr {
            read(stderr, Stream::Err, sender.clone());
        }
        let pid = leader.pid;
        std::thread::spawn(move || {
            // Not reaped yet, so that its number stays its own until nothing of its group is left.
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            let _ = sender.send(Event::Exited);
        });
        Ok(Running { child, leader, events })
    }
}

fn read(mut stream: impl Read + Send + 'static, name: Stream, sender: SyncSender<Event>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            match stream.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    if sender.send(Event::Output(name, bytes)).is_err() {
                        return;
                    }
                }
            }
        }
    });
}

struct Running {
    child: Child,
    leader: Leader,
    events: Receiver<Event>,
}

impl Running {
    fn follow(
        &mut self,
        program: &Program<'_>,
        started: Instant,
        watch: &signals::Watch,
        sink: &mut dyn FnMut(Stream, &[u8]),
    ) -> io::Result<Over> {
        let mut deadline = program.timeout.map(|time| started + time);
        let mut reason = None;
        let mut kill_at: Option<Instant> = None;
        let mut exited: Option<Instant> = None;
        let (mut duration, mut leftovers, mut busy) = (Duration::ZERO, Vec::new(), String::new());
        loop {
            match self.events.recv_timeout(POLL.min(program.timeout.unwrap_or(POLL))) {
                Ok(Event::Output(stream, bytes)) => sink(stream, &bytes),
                Ok(Event::Exited) => {
                    exited = Some(Instant::now());
                    duration = started.elapsed();
                    // What the program left behind must not hold us, nor go on behind our back.
                    leftovers = self.leader.end_leftovers(reason.is_some());
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if exited.is_some_and(|at| now - at > DRAIN) {
                break;
            }
            if program.anew.is_some_and(Cell::take) {
                deadline = program.timeout.map(|time| now + time);
            }
            if exited.is_some() {
                continue;
            }
            if reason.is_none() {
                let stop = if let Some(number) = watch.received() {
                    Some((End::Cancelled(signals::name(number)), Signal::from_named_raw(number)))
                } else if deadline.is_some_and(|deadline| now >= deadline) {
                    busy = innermost(self.leader.pid);
                    Some((End::TimedOut(program.timeout.unwrap_or_default()), None))
                } else {
                    None
                };
                if let Some((end, signal)) = stop {
                    self.leader.signal(signal.unwrap_or(Signal::TERM));
                    // A stopped process hears only what continues it.
                    self.leader.signal(Signal::CONT);
                    reason = Some(end);
                    kill_at = Some(now + program.grace);
                }
            }
            if kill_at.is_some_and(|at| now >= at) {
                self.leader.signal(Signal::KILL);
            }
        }
        let status = self.child.wait()?;
        let end = reason.unwrap_or_else(|| End::Exit(failed(status).unwrap_or(Exit::Code(0))));
        Ok(Over { end, duration, leftovers, running: busy })
    }
}

impl Over {
    /// Keeps what was left behind for the report of the step.
    pub fn remember_leftovers(&mut self) {
        remember(std::mem::take(&mut self.leftovers));
    }
}
