// SPDX-License-Identifier: Apache-2.0
//! Collecting what a program says, byte for byte, for somebody who reads it.

use super::{End, Exit, Program, RunError, Stream, TAIL_LINES};
use std::time::Duration;

/// How much of each stream of a small tool is kept; more is an error.
const CAPTURED: u64 = 256 * 1024 * 1024;

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

/// How a program went that somebody observed.
#[derive(Clone, Debug)]
pub struct Observed {
    /// How it ended.
    pub end: End,
    /// Wall-clock time from start to end.
    pub duration: Duration,
    /// What it left behind, which was terminated.
    pub leftovers: Vec<String>,
}

/// The beginning of a stream.
#[derive(Default)]
struct Beginning {
    bytes: Vec<u8>,
    more: bool,
}

impl Beginning {
    fn take(&mut self, bytes: &[u8], limit: u64) {
        let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(self.bytes.len());
        self.more |= bytes.len() > room;
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl Program<'_> {
    /// Runs it to its end, whatever that is; `sink` gets what it writes. Several may run at the same time. What
    /// belongs to the runner is not guarded; that is for [`crate::Runner::guarded`].
    pub fn observe(self, sink: impl FnMut(Stream, &[u8])) -> Result<Observed, RunError> {
        let over = self.execute(false, sink)?;
        Ok(Observed { end: over.end, duration: over.duration, leftovers: over.leftovers })
    }

    /// The same, silently; gives what it said: at most `limit` bytes of each stream.
    pub fn collect(self, limit: u64) -> Result<Collected, RunError> {
        let (mut stdout, mut stderr) = (Beginning::default(), Beginning::default());
        let mut over = self.execute(false, |stream, bytes| match stream {
            Stream::Out => stdout.take(bytes, limit),
            Stream::Err => stderr.take(bytes, limit),
        })?;
        over.remember_leftovers();
        let (exit, duration) = over.exit(self.name(), tail(&stderr.bytes))?;
        let truncated = stdout.more || stderr.more;
        Ok(Collected { exit, stdout: stdout.bytes, stderr: stderr.bytes, truncated, duration })
    }

    /// Runs it silently and returns its standard output. If it fails, the last lines of both streams are the cause
    /// of the error: nobody has seen them.
    pub fn capture(self) -> Result<String, RunError> {
        let program = self.name();
        let collected = self.collect(CAPTURED)?;
        match collected.exit {
            Exit::Code(0) if collected.truncated => Err(RunError::Verbose { program }),
            Exit::Code(0) => Ok(String::from_utf8_lossy(&collected.stdout).into_owned()),
            // Tools that write their errors to standard output are not rare.
            exit => {
                let both = [tail(&collected.stdout), tail(&collected.stderr)].concat();
                let last = both.get(both.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().to_vec();
                Err(RunError::captured(program, exit, last))
            }
        }
    }
}

/// The last lines of an output.
fn tail(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().to_vec()
}
