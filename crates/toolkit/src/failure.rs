// SPDX-License-Identifier: Apache-2.0
//! The error of an action: what failed, why, what to do next, and the exit status.
//!
//! Like `anyhow::Error` it takes any error through `?` and therefore does not implement
//! [`std::error::Error`] itself. Libraries keep typed errors; this is for the outermost layer.

use std::error::Error as StdError;
use std::fmt;

/// The result of an action's step.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Which of the two kinds of failure the caller sees as the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The work failed: exit status 1.
    Work,
    /// The inputs are wrong: exit status 2.
    Input,
}

impl Status {
    /// The exit status of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Work => 1,
            Self::Input => 2,
        }
    }
}

/// What failed, its causes, and the next step.
#[derive(Clone)]
pub struct Failure {
    status: Status,
    title: Option<String>,
    /// Outermost first; never empty.
    messages: Vec<String>,
    help: Option<String>,
}

impl Failure {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, title: None, messages: vec![message.into()], help: None }
    }

    /// The work failed (exit status 1).
    pub fn work(message: impl Into<String>) -> Self {
        Self::new(Status::Work, message)
    }

    /// An input is wrong (exit status 2).
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Status::Input, message)
    }

    /// Adds the next step for the reader.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the heading of the annotation; the default names the action.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Appends an error and its sources as the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Failure>) -> Self {
        let cause = cause.into();
        self.messages.extend(cause.messages);
        self.help = self.help.or(cause.help);
        self
    }

    /// Puts what was being attempted in front of the failure.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        self.messages.insert(0, message.into());
        self
    }

    /// Makes it a failure of the inputs.
    #[must_use]
    pub fn as_input(mut self) -> Self {
        self.status = Status::Input;
        self
    }

    /// Work or input.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The heading that was set, if any.
    pub fn get_title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The next step that was set, if any.
    pub fn get_help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The message and its causes, outermost first.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }
}

/// The message, one line per cause, and the help: what a person reads.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut messages = self.messages.iter();
        if let Some(first) = messages.next() {
            f.write_str(first)?;
        }
        for cause in messages {
            write!(f, "\n  caused by: {}", cause.replace('\n', "\n    "))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failure = Self::work(error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let message = cause.to_string();
            // Many errors repeat their source in their own text; once is enough.
            if !failure.messages.iter().any(|said| said.contains(&message)) {
                failure.messages.push(message);
            }
            source = cause.source();
        }
        failure
    }
}

/// Adds to the failure side of a result.
pub trait ResultExt<T> {
    /// Says what was being attempted.
    fn context(self, message: impl Into<String>) -> Result<T>;
    /// Says what was being attempted, computed only on failure.
    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T>;
    /// Says which input is wrong, and makes the exit status 2.
    fn input(self, message: impl Into<String>) -> Result<T>;
    /// Says what the reader can do.
    fn help(self, help: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<Failure>> ResultExt<T> for std::result::Result<T, E> {
    fn context(self, message: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().context(message))
    }

    fn with_context<M: Into<String>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().context(message()))
    }

    fn input(self, message: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().context(message).as_input())
    }

    fn help(self, help: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<u8> {
        Ok(text.parse::<u8>()?)
    }

    #[test]
    fn a_failure_reads_as_message_causes_and_help() {
        let failure = parse("many").context("could not read --jobs").help("give a number").unwrap_err();
        insta::assert_snapshot!(failure, @r"
        could not read --jobs
          caused by: invalid digit found in string
        help: give a number
        ");
        assert_eq!(failure.status().code(), 1);
    }

    #[test]
    fn an_input_failure_has_status_two_whatever_caused_it() {
        assert_eq!(parse("many").input("--jobs").unwrap_err().status().code(), 2);
    }
}
