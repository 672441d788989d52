// SPDX-License-Identifier: Apache-2.0
//! Failures of commands that are no examples. They fail the example before them.

use super::{Flow, Verdict, can_be};
use crate::recorder::Ending;
use crate::shell::Place;
use crate::trace::line::Failure;

/// A failure of a command that is no example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The line of the trace, by its index, after which it happened.
    pub after: usize,
    /// The command.
    pub command: String,
    /// The command, its line and its exit status.
    pub text: String,
}

/// Programs whose exit status 1 is an answer, which what is behind the pipe is about.
const ANSWERS: [&str; 14] = [
    "cmp", "comm", "diff", "egrep", "expr", "fgrep", "grep", "pgrep", "pidof", "rg", "test", "timeout", "which",
    "zgrep",
];
/// Commands of bash whose status is a value.
const VALUES: [&str; 4] = ["((", "let ", "read ", "mapfile "];
impl Flow<'_> {
    /// The failures of commands that are no examples, and at which nobody looks.
    pub fn extras(&self, is_example: impl Fn(usize) -> bool) -> Vec<Extra> {
        let is_bash = self.state(0).is_some_and(|state| state.bash.is_some()) && !self.script.traps_errors();
        let mut extras = if is_bash { self.reported(&is_example) } else { self.deduced(&is_example) };
        extras.extend((0..self.lines.len()).filter(|index| is_bash && !is_example(*index)).filter_map(|index| {
            let last = self.next(index).is_none_or(|next| self.process(next) != self.process(index));
            let context = self.context(index).unwrap_or_default();
            let before_pipe = context.place == Place::BeforePipe && context.substituted.is_none();
            let Verdict::Failed(how) = self.verdict(index) else { return None };
            let program = self.command(index).split_whitespace().next().unwrap_or_default();
            let answers = ANSWERS.contains(&program) && how.ends_with(" 1");
            (self.is_inner(index) && last && before_pipe && !answers && self.failure(index).is_none()).then(|| Extra {
                after: index,
                command: self.command(index).to_owned(),
                text: format!("`{}` {how}", self.command(index)),
            })
        }));
        extras
    }

    fn last_of_process(&self, index: usize) -> usize {
        (index..self.lines.len()).rev().find(|at| self.process(*at) == self.process(index)).unwrap_or(index)
    }

    fn has_failed(&self, index: usize) -> bool {
        !matches!(self.verdict(index), Verdict::Passed(_))
    }

    /// Whether a line waits for an example, whose verdict that is.
    fn waits_for(&self, index: usize, is_example: impl Fn(usize) -> bool) -> bool {
        let mut words = self.command(index).split_whitespace();
        let is_job = |word: &str| {
            let job = word.trim_matches('\'').parse().ok();
            job.is_some() && (0..self.lines.len()).any(|line| is_example(line) && self.job(line) == job)
        };
        words.next() == Some("wait") && words.any(is_job)
    }

    /// Whether a failure of `wait` is what the script wanted with `kill`.
    fn is_wanted(&self, command: &str, status: i32) -> bool {
        let kills = || (0..self.lines.len()).filter(|index| self.command(*index).starts_with("kill "));
        command.starts_with("wait")
            && matches!(status, 129 | 130 | 137 | 143)
            && kills().any(|index| self.status_after(index) == Some(0))
    }

    fn reported(&self, is_example: impl Fn(usize) -> bool) -> Vec<Extra> {
        let extra = |failure: &&Failure| {
            let line = |index: &usize| {
                self.state(*index).is_some_and(|state| {
                    state.count == failure.count
                        && state.bash.as_ref().is_some_and(|bash| bash.process == failure.process)
                })
            };
            let own = (0..self.lines.len()).find(line);
            let value = VALUES.iter().any(|value| failure.command.starts_with(value)) && failure.status == 1;
            let is_one = |at: usize| {
                let line = self.state(at).and_then(|state| state.bash.as_ref()).map(|bash| bash.line);
                let is_it = line == Some(failure.line) || own == Some(at);
                is_example(at) && is_it && can_be(&failure.command, self.command(at)) && self.has_failed(at)
            };
            let own = own.filter(|own| can_be(&failure.command, self.command(*own)));
            let begin = self.state(0).and_then(|state| state.bash.as_ref()).map_or(0, |bash| bash.line);
            let is_before = failure.count == 0 && failure.line < begin;
            if is_before
                || value
                || (0..self.lines.len()).any(is_one)
                || self.is_wanted(&failure.command, failure.status)
                || own.is_some_and(|own| self.waits_for(own, &is_example))
            {
                return None;
            }
            let started = |index: &usize| {
                !self.is_inner(*index) && self.state(*index).is_some_and(|state| state.count > failure.count)
            };
            let inner = own.filter(|own| self.is_inner(*own)).map(|own| self.last_of_process(own));
            let after = inner.unwrap_or_else(|| {
                let until = (0..self.lines.len()).find(started).unwrap_or(self.lines.len());
                let of_line = |at: &usize| {
                    let bash = self.state(*at).and_then(|state| state.bash.as_ref());
                    bash.is_some_and(|bash| bash.line == failure.line)
                };
                let mut gap = (0..until).rev().take_while(|at| self.is_inner(*at));
                gap.find(of_line).map_or(until.saturating_sub(1), |at| self.last_of_process(at))
            });
            // A function fails with its last command, and is reported by the same name.
            let example = (0..=after).rev().find(|at| is_example(*at));
            if example.is_some_and(|at| can_be(&failure.command, self.command(at)) && self.has_failed(at)) {
                return None;
            }
            let status = Ending::Status(failure.status);
            let text = format!("`{}` in line {} {status}", failure.command.trim(), failure.line);
            Some(Extra { after, command: failure.command.clone(), text })
        };
        self.failures.iter().filter_map(extra).collect()
    }

    fn deduced(&self, is_example: impl Fn(usize) -> bool) -> Vec<Extra> {
        let extra = |index: usize| {
            let command = self.written(index)?;
            let context = command.context;
            let status = if self.is_inner(index) {
                if context.place != Place::EndOfPipe || context.substituted.is_some() {
                    return None;
                }
                self.group_status(index)?
            } else {
                self.next(index).and_then(|next| self.state(next))?.status
            };
            let strict = self.state(index)?.strict;
            let value = VALUES.iter().any(|value| self.command(index).starts_with(value.trim())) && status == 1;
            let wanted = self.is_wanted(self.command(index), status)
                || self.script.observes(command)
                || (status != 0 && self.waits_for(index, &is_example));
            (status != 0 && !strict && !value && !wanted && !is_example(index)).then(|| {
                let (line, command) = (command.line, self.command(index).to_owned());
                let text = format!("`{command}` in line {line} {}", Ending::Status(status));
                let after = if self.is_inner(index) { self.last_of_process(index) } else { index };
                Extra { after, command, text }
            })
        };
        (0..self.lines.len()).filter_map(extra).collect()
    }
}
