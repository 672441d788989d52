// SPDX-License-Identifier: Apache-2.0
//! Running one example: its output in bounded memory, its end in bounded time, and nothing of it
//! left behind.
//!
//! Several run at once, and nothing that they write reaches the log by itself; that is why they do
//! not run the way in which the script runs.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use toolkit::{Exit, Observed, Program, Stream, Supervisor};

/// How much of a stream is kept for verification.
pub const KEPT: usize = 4 * 1024 * 1024;
/// How much of the end of both streams together is kept for the reader.
const TAIL: usize = 16 * 1024;
/// How long an example may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
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

/// Runs it to its end.
pub fn run(launch: &Launch, supervisor: &Supervisor) -> Ended {
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
    let Some((name, arguments)) = launch.words.split_first() else {
        ended.end = End::NotStarted("the command is empty".to_owned());
        return ended;
    };
    let program = Program::new(name).args(arguments).dir(&launch.folder).env_clear().repository_code();
    let program = launch.environment.iter().fold(program, |program, (name, value)| program.env(name, value));
    let mut tail = VecDeque::new();
    let observed = program.timeout(launch.timeout).grace(GRACE).observe(|stream, bytes| {
        match stream {
            Stream::Out => ended.stdout.take(bytes),
            Stream::Err => ended.stderr.take(bytes),
        }
        tail.extend(bytes);
        tail.drain(..tail.len().saturating_sub(TAIL));
    });
    ended.tail = tail.into();
    match observed {
        Ok(Observed { end, duration, leftovers }) => Ended { end: end.into(), duration, leftovers, ..ended },
        Err(error) => {
            let reason = toolkit::Failure::from(error).messages().join(": ");
            Ended { end: End::NotStarted(reason), ..ended }
        }
    }
}

impl From<toolkit::End> for End {
    fn from(end: toolkit::End) -> Self {
        match end {
            toolkit::End::Exit(Exit::Code(status)) => Self::Status(status),
            toolkit::End::Exit(Exit::Signal(signal)) => Self::Signal(signal),
            toolkit::End::TimedOut(after) => Self::TimedOut(after),
            toolkit::End::Cancelled(_) => Self::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

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
        insta::assert_snapshot!(reason, @"/nowhere/x was not found");
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
