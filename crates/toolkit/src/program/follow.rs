// SPDX-License-Identifier: Apache-2.0
//! Following a running program: its output, its time, its end.

use super::output::Output;
use super::{Finished, Program, RunError, TAIL_LINES, failed};
use crate::command::Command;
use crate::scrub::{CommandFiles, random_token};
use crate::{Runner, signals};
use rustix::process::{Pid, Signal, kill_process_group};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long output that is still on its way may take after the program ended.
const DRAIN: Duration = Duration::from_secs(2);

impl Program<'_> {
    /// Runs it to its end with its output shown live.
    pub fn run(mut self, runner: &Runner) -> Result<Finished, RunError> {
        let guard = Guard::close(runner, self.repository_code).map_err(|source| self.not_started(source))?;
        let result = self.follow(runner);
        guard.open(runner).map_err(|source| self.not_started(source))?;
        result
    }

    fn follow(&mut self, runner: &Runner) -> Result<Finished, RunError> {
        let watch = signals::Watch::start().map_err(|source| self.not_started(source))?;
        let log = match &self.log {
            Some(path) => Some(File::create(path).map_err(|source| RunError::Start {
                program: format!("{} with its log in {}", self.path.display(), path.display()),
                source,
            })?),
            None => None,
        };
        let started = Instant::now();
        let (reader, writer) = io::pipe().map_err(|source| self.not_started(source))?;
        let expression = self.expression().stdin_null().stderr_to_stdout().stdout_file(writer).unchecked();
        let handle = expression.start().map_err(|source| self.not_started(source))?;
        drop(expression); // it holds the writing end of the pipe
        let group = handle.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        let chunks = read_chunks(reader);
        let mut output = Output {
            runner,
            log,
            observer: self.observer.take(),
            limit: self.limit,
            tail: VecDeque::with_capacity(TAIL_LINES),
            begun: Vec::new(),
            size: 0,
        };
        let mut ending = Ending::new(group, self.timeout.map(|time| started + time));
        let mut exited: Option<Instant> = None;
        loop {
            match chunks.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => output.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.anew.is_some_and(Cell::take) {
                ending.begin_anew(self.timeout.map(|time| Instant::now() + time));
            }
            ending.advance(&watch);
            if exited.is_none() && handle.try_wait().map_err(|source| self.not_started(source))?.is_some() {
                exited = Some(Instant::now());
                // What the program left behind must not hold us, nor go on behind our back.
                ending.signal(Signal::KILL);
            }
            if exited.is_some_and(|at| at.elapsed() > DRAIN) {
                break;
            }
        }
        let status = loop {
            // The output is closed, but the program may go on without it.
            if let Some(output) =
                handle.wait_timeout(Duration::from_millis(50)).map_err(|source| self.not_started(source))?
            {
                break output.status;
            }
            ending.advance(&watch);
        };
        ending.signal(Signal::KILL);
        let (program, tail) = (self.name(), output.finish());
        match (ending.reason, failed(status)) {
            (Some(reason), _) => Err(reason.into_error(program, self.timeout, tail)),
            (None, Some(exit)) => Err(RunError::Failed { program, exit, tail }),
            (None, None) => Ok(Finished { duration: started.elapsed(), log_tail: tail }),
        }
    }
}

fn read_chunks(mut reader: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(16);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            match reader.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
                Ok(count) if sender.send(buffer.get(..count).unwrap_or_default().to_vec()).is_err() => return,
                Ok(_) => {}
            }
        }
    });
    receiver
}

/// Why a program was made to end.
pub enum Reason {
    TimeOut,
    Cancelled(i32),
}

impl Reason {
    /// The error for it; `timeout` is the time the program had.
    pub fn into_error(self, program: String, timeout: Option<Duration>, tail: Vec<String>) -> RunError {
        match self {
            Self::TimeOut => RunError::TimedOut { program, after: timeout.unwrap_or_default(), tail },
            Self::Cancelled(signal) => RunError::Cancelled { program, signal: signals::name(signal) },
        }
    }
}

/// When and how the process group is made to end.
pub struct Ending {
    group: Option<Pid>,
    deadline: Option<Instant>,
    pub reason: Option<Reason>,
    kill_at: Option<Instant>,
}

impl Ending {
    pub fn new(group: Option<Pid>, deadline: Option<Instant>) -> Self {
        Self { group, deadline, reason: None, kill_at: None }
    }

    /// Another deadline, unless it is ending already.
    pub fn begin_anew(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Ends the group if its time is over or we were asked to end; to be called again and again.
    pub fn advance(&mut self, watch: &signals::Watch) {
        let now = Instant::now();
        if self.reason.is_none() {
            if let Some(number) = watch.received() {
                self.reason = Some(Reason::Cancelled(number));
                self.signal(Signal::from_named_raw(number).unwrap_or(Signal::TERM));
            } else if self.deadline.is_some_and(|deadline| now >= deadline) {
                self.reason = Some(Reason::TimeOut);
                self.signal(Signal::TERM);
            }
            self.kill_at = self.reason.as_ref().map(|_| now + GRACE);
        }
        if self.kill_at.is_some_and(|at| now >= at) {
            self.signal(Signal::KILL);
        }
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // A group that has ended already is what we want.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Runner {
    /// Does work that runs code of the repository with [`Program::collect`]: what is printed
    /// meanwhile is not read as commands, and what the code does to the runner's command files is undone.
    pub fn guarded<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let guard = Guard::close(self, true)?;
        let result = work();
        guard.open(self)?;
        Ok(result)
    }
}

/// While closed, output is not read as commands, and the command files are remembered.
struct Guard(Option<(String, CommandFiles)>);

impl Guard {
    fn close(runner: &Runner, repository_code: bool) -> io::Result<Self> {
        if !repository_code || !runner.is_github() {
            return Ok(Self(None));
        }
        let marker = random_token().map_err(io::Error::other)?;
        runner.command(&Command::new("stop-commands", &marker));
        Ok(Self(Some((marker, CommandFiles::remember(runner)))))
    }

    fn open(self, runner: &Runner) -> io::Result<()> {
        let Some((marker, files)) = self.0 else { return Ok(()) };
        runner.raw(format!("::{marker}::\n").as_bytes());
        files.put_back(runner)
    }
}
