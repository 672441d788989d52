// SPDX-License-Identifier: Apache-2.0
//! Annotations: messages that GitHub shows beside the lines they speak of.

use crate::command::Command;
use crate::text::visible;
use std::fmt;

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Fails nothing by itself, but names a fault.
    Error,
    /// Deserves attention.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// A message with an optional place and heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How grave it is.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// The heading, one line.
    pub title: Option<String>,
    /// Path relative to the repository, line and column, both counted from 1.
    pub place: Option<(String, u32, Option<u32>)>,
}

impl Annotation {
    fn new(level: Level, message: impl Into<String>) -> Self {
        Self { level, message: message.into(), title: None, place: None }
    }

    /// An error.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Level::Error, message)
    }

    /// A warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Level::Warning, message)
    }

    /// A notice.
    pub fn notice(message: impl Into<String>) -> Self {
        Self::new(Level::Notice, message)
    }

    /// Sets the place: a path relative to the repository, a line and a column from 1.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: u32, column: Option<u32>) -> Self {
        self.place = Some((file.into(), line, column));
        self
    }

    /// Sets the heading.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The workflow command for it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.level.name(), visible(&self.message));
        if let Some((file, line, column)) = &self.place {
            command = command.property("file", file).property("line", line.to_string());
            if let Some(column) = column {
                command = command.property("col", column.to_string());
            }
        }
        command.property("title", visible(self.title.as_deref().unwrap_or_default()))
    }
}

/// As a compiler prints it: `file:line:column: level: message`.
impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, line, column)) = &self.place {
            write!(f, "{}:{line}:", visible(file))?;
            if let Some(column) = column {
                write!(f, "{column}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}: {}", self.level.name(), visible(&self.message))
    }
}
