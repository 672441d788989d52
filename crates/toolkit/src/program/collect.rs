// SPDX-License-Identifier: Apache-2.0
//! Collecting what a program says, byte for byte, for somebody who reads it.

use super::follow::Ending;
use super::{Exit, Program, RunError, TAIL_LINES, failed};
use crate::signals;
use rustix::process::{Pid, Signal};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long output that is still on its way may take after the program ended.
const DRAIN: Duration = Duration::from_secs(2);

/// What a program said, and how it ended.
#[derive(Clone, Debug)]
pub struct Collected {
    /// How it ended; `Exit::Code(0)` if well.
    pub exit: Exit,
    /// Its standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// Its standard error, up to the limit.
    pub stderr: Vec<u8>,
    /// Whether it said more than the limit on one of them.
    pub truncated: bool,
    /// Wall-clock time from start to end.
    pub duration: Duration,
}

impl Program<'_> {
    /// Runs it silently to its end, whatever that is, and gives what it said: at most `limit` bytes
    /// of each stream. Several may run at the same time. What belongs to the runner is not guarded;
    /// that is for [`crate::Runner::guarded`].
    pub fn collect(self, limit: u64) -> Result<Collected, RunError> {
        let watch = signals::Watch::start().map_err(|source| self.not_started(source))?;
        let started = Instant::now();
        let (stdout, out) = io::pipe().map_err(|source| self.not_started(source))?;
        let (stderr, err) = io::pipe().map_err(|source| self.not_started(source))?;
        let expression = match &self.stdin {
            Some(path) => self.expression().stdin_path(path),
            None => self.expression().stdin_null(),
        };
        let expression = expression.stdout_file(out).stderr_file(err).unchecked();
        let handle = expression.start().map_err(|source| self.not_started(source))?;
        drop(expression); // it holds the writing ends of the pipes
        let (stdout, stderr) = (read_all(stdout, limit), read_all(stderr, limit));
        let group = handle.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        let mut ending = Ending::new(group, self.timeout.map(|time| started + time));
        let status = loop {
            let ended = handle.wait_timeout(Duration::from_millis(50)).map_err(|source| self.not_started(source))?;
            if let Some(output) = ended {
                break output.status;
            }
            ending.advance(&watch);
        };
        let duration = started.elapsed();
        // What the program left behind must not hold us, nor go on behind our back.
        ending.signal(Signal::KILL);
        let (stdout, more_stdout) = stdout.recv_timeout(DRAIN).unwrap_or((Vec::new(), true));
        let (stderr, more_stderr) = stderr.recv_timeout(DRAIN).unwrap_or((Vec::new(), true));
        if let Some(reason) = ending.reason {
            let text = String::from_utf8_lossy(&stderr);
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            let tail = lines.into_iter().rev().take(TAIL_LINES).rev().collect();
            return Err(reason.into_error(self.name(), self.timeout, tail));
        }
        let exit = failed(status).unwrap_or(Exit::Code(0));
        Ok(Collected { exit, stdout, stderr, truncated: more_stdout || more_stderr, duration })
    }
}

/// Reads to the end, keeps what is below the limit, and says whether there was more.
fn read_all(mut reader: impl Read + Send + 'static, limit: u64) -> Receiver<(Vec<u8>, bool)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let complete = reader.by_ref().take(limit).read_to_end(&mut kept).is_ok();
        // The program must be able to go on.
        let more = io::copy(&mut reader, &mut io::sink()).unwrap_or(1);
        let _ = sender.send((kept, !complete || more > 0));
    });
    receiver
}
