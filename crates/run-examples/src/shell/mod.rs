// SPDX-License-Identifier: Apache-2.0
//! What can be known of a shell script without running it: its commands, and whether it looks at their exit statuses.
//!
//! A trace shows commands after their expansion and, in many shells, without a line number. The script says where
//! a command is, and whether it is a condition, in front of a pipe or in the background.

mod lexer;
mod parse;

use lexer::{UNKNOWN, Word};
use std::path::Path;
use toolkit::{Failure, Result, ResultExt};

/// A script that a shell runs.
#[derive(Clone, Debug, Default)]
pub struct Script {
    commands: Vec<Command>,
    /// Options behind the interpreter in the first line.
    options: String,
    speaks_tap: bool,
}

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The line that it begins in.
    pub line: u32,
    assignments: Vec<Word>,
    words: Vec<Word>,
    /// Whether standard error is redirected.
    stderr: bool,
    /// The function that it is in.
    pub function: Option<String>,
    /// What becomes of its exit status.
    pub context: Context,
}

/// What becomes of the exit status of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The script looks at it: a condition, `||`, `&&`, `!`.
    pub observed: bool,
    /// Where the command is.
    pub place: Place,
    /// It is in a command substitution; whether an assignment has its exit status.
    pub substituted: Option<bool>,
    /// It is between parentheses.
    pub enclosed: bool,
}

impl Context {
    /// Whether it runs in a process of its own in every shell that has no options for that.
    pub fn is_inner(self) -> bool {
        self.place != Place::Alone || self.substituted.is_some() || self.enclosed
    }
}

/// Where a command is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// By itself.
    #[default]
    Alone,
    /// In front of a pipe.
    BeforePipe,
    /// Behind the last pipe.
    EndOfPipe,
    /// Followed by `&`.
    Background,
}

/// A place from which on the trace does not show what a script does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// The line.
    pub line: u32,
    /// What the script does there.
    pub what: &'static str,
}

const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"];

impl Script {
    /// Reads a file. One that holds no command is an error; nothing is known of one that no shell runs.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("failed to read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text);
        let script = if crate::script::is_for_shell(file) { Self::parse(&text) } else { None };
        let is_empty = match &script {
            Some(script) => script.is_empty(),
            None => text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')),
        };
        if is_empty {
            return Err(Failure::input(format!("the script {} is empty", file.display()))
                .help("write a command for each example, or name another script with the input `script`"));
        }
        Ok(script.unwrap_or_default())
    }

    /// The script, if its first line names a shell, or no interpreter.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('\0') {
            return None;
        }
        let mut options = String::new();
        if let Some(interpreter) = text.lines().next().and_then(|line| line.strip_prefix("#!")) {
            let mut words = interpreter.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
            words.find(|word| SHELLS.contains(word))?;
            options = words.collect::<Vec<_>>().join(" ");
        }
        let speaks_tap = text.contains("TAP version ") || text.contains("1..");
        Some(Self { commands: parse::commands(text), options, speaks_tap })
    }

    /// The commands in the order in which they are written.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Whether it traces what it does.
    pub fn traces(&self) -> bool {
        sets(self.options.split_whitespace(), '-', 'x', "xtrace")
            || self.commands.iter().any(|command| {
                command.switches('-', 'x', "xtrace")
                    || SHELLS.contains(&command.program()) && command.options().any(|word| has(word, '-', 'x'))
            })
    }

    /// Whether it looks like one that writes TAP.
    pub fn speaks_tap(&self) -> bool {
        self.speaks_tap
    }

    /// Whether a failure in front of a pipe is one of the pipeline.
    pub fn pipefail(&self) -> bool {
        self.commands.iter().any(|command| command.switches('-', '\0', "pipefail"))
    }

    /// Whether it has an `ERR` trap of its own.
    pub fn traps_errors(&self) -> bool {
        self.commands.iter().any(|command| {
            command.program() == "trap" && command.options().any(|word| word == "ERR" || word == "DEBUG")
        })
    }

    /// The line of a command.
    pub fn line(&self, index: usize) -> Option<u32> {
        self.commands.get(index).map(|command| command.line)
    }

    /// Whether a command is more than what expansions become.
    pub fn is_named(&self, index: usize) -> bool {
        self.commands.get(index).is_some_and(|command| command.pattern().contains(|c: char| c != UNKNOWN && c != ' '))
    }

    /// The commands that a traced one can be, by its words.
    pub fn find(&self, words: &str) -> Vec<&Command> {
        self.positions(words).into_iter().filter_map(|index| self.commands.get(index)).collect()
    }

    /// The same by their places; those that are written out before those that could be anything.
    pub fn positions(&self, words: &str) -> Vec<usize> {
        let words = collapsed(words);
        let all: Vec<_> = (0..self.commands.len())
            .filter(|index| self.commands.get(*index).is_some_and(|command| matches(&command.pattern(), &words)))
            .collect();
        let is_named = |index: &&usize| {
            self.commands.get(**index).is_some_and(|command| command.program().contains(|c| c != UNKNOWN && c != '/'))
        };
        let named: Vec<_> = all.iter().filter(is_named).copied().collect();
        if named.is_empty() { all } else { named }
    }

    /// The first word of a command, if no expansion is part of it.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.commands.get(index).map(Command::program).filter(|name| !name.is_empty() && !name.contains(UNKNOWN))
    }

    /// The words of a command among those of others, whose names are given, in their order.
    pub fn pick(&self, index: usize, words: &[&str], names: &[&str]) -> Option<String> {
        let mut words = words.iter();
        let command = self.commands.get(index)?;
        let picked = command.assignments.iter().chain(&command.words).map(|word| {
            let is_it =
                |found: &&&str| matches(&word.pattern, found) && (word.pattern == **found || !names.contains(*found));
            words.by_ref().find(is_it).copied()
        });
        Some(picked.collect::<Option<Vec<_>>>()?.join(" "))
    }

    /// Whether the script looks at the exit status of a command, as far as that is written down: it does so in all
    /// places where the command can be, or where the function is called that holds it.
    pub fn observes(&self, command: &Command) -> bool {
        command.context.observed
            || command.function.as_ref().is_some_and(|function| {
                self.commands.iter().any(|call| call.program() == function && call.context.observed)
            })
    }

    /// Where the script hides from its trace; `is_ours` knows the programs whose results matter.
    pub fn blind(&self, is_ours: impl Fn(&str) -> bool) -> Option<Blind> {
        let runs = |command: &Command| command.words.iter().any(|word| is_ours(base(&word.pattern)));
        let later = |index: usize| self.commands.iter().skip(index + 1).take_while(|command| !command.traces_again());
        let begins = self.commands.iter().position(Command::traces_again);
        let hidden = self.commands.iter().take(begins.unwrap_or_default()).find(|command| {
            let Context { observed, .. } = command.context;
            runs(command) && command.function.is_none() && !observed && !command.context.is_inner()
        });
        if let Some(command) = hidden.filter(|_| !sets(self.options.split_whitespace(), '-', 'x', "xtrace")) {
            return Some(Blind { line: command.line, what: "runs a program before its trace begins" });
        }
        for (index, command) in self.commands.iter().enumerate() {
            let what = if command.assigns("PS4") {
                "sets PS4"
            } else if command.assigns("BASH_XTRACEFD") {
                "sets BASH_XTRACEFD"
            } else if command.program() == "exec" && command.words.len() == 1 && command.stderr {
                "redirects standard error"
            } else if command.switches('+', 'x', "xtrace") {
                "switches the trace off"
            } else {
                continue;
            };
            let hides = if what == "switches the trace off" {
                later(index).any(runs)
            } else {
                self.commands.iter().skip(index + 1).any(runs)
            };
            if hides {
                return Some(Blind { line: command.line, what });
            }
        }
        None
    }

    /// Whether it holds nothing but preparations: options, variables, the end.
    pub fn is_empty(&self) -> bool {
        const PREPARATIONS: [&str; 8] = ["", "set", "export", "readonly", "unset", "shift", "exit", ":"];
        self.commands.iter().all(|command| PREPARATIONS.contains(&command.program()))
    }
}

impl Command {
    /// The word that names the program, or nothing.
    fn program(&self) -> &str {
        self.words.first().map_or("", |word| &word.pattern)
    }

    /// Whether it calls a function.
    pub fn calls(&self, function: &str) -> bool {
        self.program() == function
    }

    fn options(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.pattern.as_str())
    }

    /// As it is written, on one line.
    pub fn source(&self) -> String {
        self.assignments.iter().chain(&self.words).map(|word| collapsed(&word.source)).collect::<Vec<_>>().join(" ")
    }

    /// Its words, without their quotes.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.pattern.as_str())
    }

    fn pattern(&self) -> String {
        let words = self.assignments.iter().chain(&self.words).map(|word| word.pattern.as_str());
        collapsed(&words.collect::<Vec<_>>().join(" "))
    }

    /// Whether it is `set -x`, `set -o xtrace` or the like.
    fn switches(&self, sign: char, letter: char, name: &str) -> bool {
        self.program() == "set" && sets(self.options(), sign, letter, name)
    }

    fn traces_again(&self) -> bool {
        self.switches('-', 'x', "xtrace")
    }

    fn assigns(&self, name: &str) -> bool {
        let declares = ["export", "declare", "typeset", "local", "readonly"].contains(&self.program());
        let variables = self.words.iter().skip(1).filter(|_| declares);
        let is_it = |word: &Word| word.source.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        self.assignments.iter().filter(|_| self.words.is_empty()).chain(variables).any(is_it)
    }
}

fn sets<'a>(options: impl Iterator<Item = &'a str>, sign: char, letter: char, name: &str) -> bool {
    let options: Vec<_> = options.collect();
    let named = |pair: &[&str]| {
        pair.first().is_some_and(|option| has(option, sign, 'o')) && pair.get(1).is_some_and(|found| *found == name)
    };
    options.iter().any(|option| has(option, sign, letter)) || options.windows(2).any(named)
}

/// Whether an option like `-eux` holds a letter.
fn has(option: &str, sign: char, letter: char) -> bool {
    option.strip_prefix(sign).is_some_and(|letters| !letters.starts_with(sign) && letters.contains(letter))
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text is what a pattern can become.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split(UNKNOWN).map(str::trim).peekable();
    let Some(first) = pieces.next() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
