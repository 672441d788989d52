// SPDX-License-Identifier: Apache-2.0
//! An executable run as a step: what it says, and which of that a runner would obey.

use std::process::{Command, Output};

/// What an executable said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Standard output, then standard error, without the lines that stop commands and let them go on.
    pub text: String,
    /// The commands that a runner would obey.
    obeyed: Vec<String>,
}

/// Runs it to its end.
///
/// # Panics
/// If it cannot be started.
#[track_caller]
pub fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("could not run {command:?}: {error}"));
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Said::new(status.code(), &text)
}

/// What a runner reads from a file of outputs, as `name=value`; the lines of a value stand with `|` between them.
pub fn outputs(file: &str) -> Vec<String> {
    let mut lines = file.lines();
    let mut found = Vec::new();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.push(format!("{name}={}", value.join("|")));
    }
    found
}

impl Said {
    /// Itself, if it ended with this exit status.
    ///
    /// # Panics
    /// With what it said, if it did not.
    #[allow(clippy::return_self_not_must_use, reason = "it is an assertion first of all")]
    #[track_caller]
    pub fn ended(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.text);
        self
    }

    fn new(status: Option<i32>, log: &str) -> Self {
        let mut stopped: Option<String> = None;
        let (mut text, mut obeyed) = (String::with_capacity(log.len()), Vec::new());
        for whole in log.split_inclusive('\n') {
            let line = whole.trim_start().trim_end_matches(['\n', '\r']);
            match (&stopped, line.strip_prefix("::stop-commands::")) {
                (Some(marker), _) if line == marker => stopped = None,
                (None, Some(token)) => stopped = Some(format!("::{token}::")),
                _ => {
                    text.push_str(whole);
                    if stopped.is_none() && line.starts_with("::") {
                        obeyed.push(line.to_owned());
                    }
                }
            }
        }
        Self { status, text, obeyed }
    }

    /// The workflow commands that a runner would obey.
    pub fn commands(&self) -> Vec<&str> {
        self.obeyed.iter().map(String::as_str).collect()
    }

    /// The commands of one kind, one a line.
    pub fn of_kind(&self, kind: &str) -> String {
        let prefix = format!("::{kind}");
        self.commands().into_iter().filter(|line| line.starts_with(&prefix)).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_values_of_one_line_or_more() {
        assert_eq!(outputs("a<<x\n1\nx\nb<<y\n2\n3\ny\nc<<z\nz\n"), ["a=1", "b=2|3", "c="]);
    }

    #[test]
    fn what_stands_between_the_markers_is_no_command() {
        let text = "a\n::warning::one\n::stop-commands::x\n::warning::two\n::y::\n::x::\n  ::error::three\n";
        let said = Said::new(Some(0), text);
        assert_eq!(said.commands(), ["::warning::one", "::error::three"]);
        assert_eq!(said.of_kind("warning"), "::warning::one");
        assert_eq!(said.text, "a\n::warning::one\n::warning::two\n::y::\n  ::error::three\n");
    }
}
