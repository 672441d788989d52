// SPDX-License-Identifier: Apache-2.0
//! Running programs: one way for all actions.
//!
//! A program runs in a process group of its own, its output is shown live and kept, it ends with
//! its time or with us, and code of a repository neither speaks to the runner nor sees secrets nor
//! leaves anything running.

mod collect;
mod find;
mod follow;
mod output;
mod running;

pub use collect::{Collected, Observed};
pub use running::{End, Stream};

use crate::environment::repository_environment;
use crate::runner::GuardError;
use crate::{Failure, Result, Survivors, signals};
use output::Limit;
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// How many lines of output an error carries.
const TAIL_LINES: usize = 20;

/// A program that must be on `PATH`, and what brings it.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The executable's name.
    pub program: &'static str,
    /// What brings it, for the reader: "the Debian package git".
    pub provided_by: &'static str,
}

/// Where a program is, if it is on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    which::which(name).ok()
}

impl Tool {
    /// Where it is.
    pub fn find(&self) -> Result<PathBuf> {
        which::which(self.program).map_err(|_| {
            Failure::work(format!("{} was not found on PATH", self.program))
                .title(format!("{} is missing", self.program))
                .help(format!("install {}", self.provided_by))
        })
    }
}

/// How a program ended other than well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this exit status.
    Code(i32),
    /// By this signal, named (`SIGSEGV`).
    Signal(String),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with exit status {code}"),
            Self::Signal(signal) => write!(f, "was killed by {signal}"),
        }
    }
}

/// A program that ended well.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Wall-clock time from start to end.
    pub duration: Duration,
    /// The last lines of its output.
    pub log_tail: Vec<String>,
}

/// Why a program did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such program.
    #[error("{program} was not found")]
    NotFound {
        /// The program.
        program: String,
    },
    /// It could not be started or followed.
    #[error("could not run {program}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with a status other than 0, or by a signal.
    #[error("{program} {exit}")]
    Failed {
        /// The program.
        program: String,
        /// How.
        exit: Exit,
        /// The last lines of its output.
        tail: Vec<String>,
        /// The same as a cause of this error, if the output was not shown when it came.
        #[source]
        unseen: Option<Unseen>,
    },
    /// It took too long; its process group was ended.
    #[error("{program} was stopped because it ran longer than {}", crate::human::duration(*after))]
    TimedOut {
        /// The program.
        program: String,
        /// The time it had.
        after: Duration,
        /// The last lines of its output.
        tail: Vec<String>,
        /// The command line of what it was waiting for.
        running: String,
    },
    /// It wrote more than anybody reads.
    #[error("{program} wrote more output than is read")]
    Verbose {
        /// The program.
        program: String,
    },
    /// Code of the repository could have put it in place.
    #[error("{program} was found only in {}, where code of the repository can write", folder.display())]
    Writable {
        /// The program.
        program: String,
        /// The folder.
        folder: PathBuf,
    },
    /// What it started goes on.
    #[error(transparent)]
    Survivors(#[from] Survivors),
    /// The runner could not be kept apart from it.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// We were asked to end, and passed that on.
    #[error("{program} was stopped by {signal}")]
    Cancelled {
        /// The program.
        program: String,
        /// The signal.
        signal: String,
    },
}

/// The last lines of output that nobody has seen yet.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unseen(String);

impl RunError {
    /// That of a program whose output was captured.
    pub fn captured(program: impl Into<String>, exit: Exit, tail: Vec<String>) -> Self {
        let text = tail.join("\n");
        let text = text.trim_matches('\n');
        let unseen = (!text.trim().is_empty()).then(|| Unseen(text.to_owned()));
        Self::Failed { program: program.into(), exit, tail, unseen }
    }

    /// The last lines of the program's output.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Failed { tail, .. } | Self::TimedOut { tail, .. } => tail,
            _ => &[],
        }
    }
}

/// What a line is for people, if it is anything.
pub type Render = fn(&str) -> Option<String>;

type LineObserver<'a> = Box<dyn FnMut(Stream, &str) + 'a>;

/// A program to run.
pub struct Program<'a> {
    path: PathBuf,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    environment: Vec<(OsString, Option<OsString>)>,
    whole_environment: bool,
    repository_code: bool,
    grace: Duration,
    timeout: Option<Duration>,
    log: Option<PathBuf>,
    observer: Option<LineObserver<'a>>,
    /// Whether the streams are read apart where output is shown live.
    apart: bool,
    anew: Option<&'a Cell<bool>>,
    limit: Option<Limit<'a>>,
    render: Option<Render>,
    stdin: Option<PathBuf>,
}

impl<'a> Program<'a> {
    /// A path, or a name to be found on `PATH`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            folder: None,
            environment: Vec::new(),
            whole_environment: false,
            repository_code: false,
            grace: running::GRACE,
            timeout: None,
            log: None,
            observer: None,
            apart: false,
            anew: None,
            limit: None,
            render: None,
            stdin: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// The folder to run in.
    #[must_use]
    pub fn dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Sets a variable, unless the program was given it, then or later.
    #[must_use]
    pub fn env_default(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(0, (name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes a variable.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// Nothing of our own environment is inherited: all that it sees was set here.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.whole_environment = true;
        self
    }

    /// It runs code of the repository: its environment is what such code may see, it has no voice towards the
    /// runner, neither through its output nor through the runner's files, and nothing that it starts outlives it.
    #[must_use]
    pub fn repository_code(mut self) -> Self {
        self.repository_code = true;
        self
    }

    /// Ends it, with its whole process group, after this time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long it may take to end after it was asked to.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Its time begins anew whenever this is set, for a program that does several things one after
    /// another; whoever follows its lines sets it.
    #[must_use]
    pub fn timeout_anew(mut self, anew: &'a Cell<bool>) -> Self {
        self.anew = Some(anew);
        self
    }

    /// Keeps the whole output in this file.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// Is told each line of output; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn on_line(mut self, mut observer: impl FnMut(&str) + 'a) -> Self {
        self.observer = Some(Box::new(move |_, line| observer(line)));
        self
    }

    /// The same with the stream that a line is of. The streams are read apart, so that one does not break the lines of
    /// the other; their order among each other is then approximate.
    #[must_use]
    pub fn on_line_of(mut self, observer: impl FnMut(Stream, &str) + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self.apart = true;
        self
    }

    /// Shows and logs not more of its output than this, in bytes, and the last lines; `size` is told how much
    /// there was, however the program ends. Whoever listens is told every line nevertheless.
    #[must_use]
    pub fn output_limit(mut self, bytes: u64, size: &'a Cell<u64>) -> Self {
        self.limit = Some(Limit { bytes, size });
        self
    }

    /// Shows and keeps what this makes of each line, or nothing, in place of the line; whoever listens is told the line
    /// itself. For programs that write for machines only.
    #[must_use]
    pub fn rendered(mut self, render: Render) -> Self {
        self.render = Some(render);
        self
    }

    /// What it reads from its standard input when it is collected; nothing otherwise.
    #[must_use]
    pub fn stdin(mut self, file: impl Into<PathBuf>) -> Self {
        self.stdin = Some(file.into());
        self
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    fn not_started(&self, source: io::Error) -> RunError {
        match source.kind() {
            io::ErrorKind::NotFound if self.folder.as_ref().is_none_or(|folder| folder.is_dir()) => {
                RunError::NotFound { program: self.path.display().to_string() }
            }
            _ => RunError::Start { program: self.path.display().to_string(), source },
        }
    }

    /// What is to be started, without its streams.
    fn command(&self) -> Result<Command, RunError> {
        let mut environment = match (self.whole_environment, self.repository_code) {
            (true, _) => Vec::new(),
            (false, true) => repository_environment(),
            (false, false) => std::env::vars_os().collect(),
        };
        for (name, value) in &self.environment {
            environment.retain(|(known, _)| known != name);
            environment.extend(value.clone().map(|value| (name.clone(), value)));
        }
        let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        let mut command = Command::new(find::executable(&self.path, path, !self.repository_code)?);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.args(&self.arguments).env_clear().envs(environment).process_group(0);
        Ok(command)
    }
}

fn failed(status: ExitStatus) -> Option<Exit> {
    if status.success() {
        return None;
    }
    Some(match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signals::name(signal.unwrap_or(0))),
    })
}
