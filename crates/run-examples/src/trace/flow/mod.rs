// SPDX-License-Identifier: Apache-2.0
//! From the trace of one shell to how its commands ended. A trace says what a shell starts, and the exit status of what
//! was before; which command that was, in which process, and whether the script looks at it, is found out here.
//! What cannot be found out is unknown, and never taken for success.

mod extras;
mod processes;

pub use extras::Extra;

use super::line::{Failure, Line, State};
use crate::recorder::Ending;
use crate::shell::{Command, Context, Place, Script};
use std::collections::HashSet;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Well, or in a way that the script expects; then what there is to say of it.
    Passed(Option<String>),
    /// Not well.
    Failed(String),
    /// Nobody knows; why.
    Unknown(&'static str),
}

/// Why an exit status is unknown.
const PIPE: &str =
    "its exit status is unknown: it runs in front of a pipe, where this shell does not report one (bash does)";
const SUBSTITUTION: &str =
    "its exit status is unknown: it runs in a command substitution that is part of a command; assign it to a variable";
const BACKGROUND: &str =
    "its exit status is unknown: it runs in the background; end with `wait` and its number, such as `wait $!`";
const LOST: &str = "its exit status is unknown: it runs in a subshell that does not report one";
const NO_STATE: &str = "its exit status is unknown: the script sets PS4, which would show it";

/// What a shell reports for a program that a closed pipe ended.
const SIGPIPE: i32 = 141;

/// How a shell ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Its exit status and those of its last pipeline, if it reported them.
    pub reported: Option<(i32, Vec<i32>)>,
    /// How the script ended; nothing for a shell that the script started.
    pub ending: Option<Ending>,
}

/// What one shell did.
pub struct Flow<'a> {
    lines: &'a [(&'a Line, &'a State)],
    failures: Vec<&'a Failure>,
    end: End,
    script: &'a Script,
    /// For each line, whether it is in a subshell, and the line before in its process or that started it.
    inner: Vec<bool>,
    before: Vec<Option<usize>>,
    /// The process of each line, made up where the shell does not say it.
    process: Vec<i64>,
    /// What the shell put into the background.
    jobs: HashSet<i32>,
    /// The command of the script that each line is, as far as it is known.
    written: Vec<Option<usize>>,
}

impl<'a> Flow<'a> {
    /// The lines of one shell in their order, and the failures that bash reported of it.
    pub fn new(lines: &'a [(&'a Line, &'a State)], failures: Vec<&'a Failure>, end: End, script: &'a Script) -> Self {
        let count = lines.len();
        let mut flow = Self {
            lines,
            failures,
            end,
            script,
            inner: vec![false; count],
            before: vec![None; count],
            process: vec![0; count],
            written: vec![None; count],
            jobs: lines.iter().filter_map(|(_, state)| state.background).collect(),
        };
        flow.find_commands();
        flow.find_processes();
        flow
    }

    fn state(&self, index: usize) -> Option<&'a State> {
        self.lines.get(index).map(|(_, state)| *state)
    }

    fn command(&self, index: usize) -> &'a str {
        self.lines.get(index).map_or("", |(line, _)| line.command.as_str())
    }

    fn is_inner(&self, index: usize) -> bool {
        self.inner.get(index).copied().unwrap_or_default()
    }

    fn process(&self, index: usize) -> i64 {
        self.process.get(index).copied().unwrap_or_default()
    }

    /// The line that shows how this one ended: the next of its process, or the first of a process that it started.
    fn next(&self, index: usize) -> Option<usize> {
        (index + 1..self.lines.len()).find(|later| self.before.get(*later).copied().flatten() == Some(index))
    }

    /// A line and those before it in its process.
    fn chain(&self, index: usize) -> impl Iterator<Item = usize> {
        let before = |at: &usize| self.before.get(*at).copied().flatten();
        let process = self.process(index);
        std::iter::successors(Some(index), before).take_while(move |at| self.process(*at) == process)
    }

    fn next_main(&self, index: usize) -> Option<usize> {
        (index + 1..self.lines.len()).find(|later| !self.is_inner(*later))
    }

    fn failure(&self, index: usize) -> Option<&'a Failure> {
        let state = self.state(index)?;
        let process = state.bash.as_ref()?.process;
        let of_state = |failure: &&&Failure| failure.process == process && failure.count == state.count;
        // A pipeline behind it fails in the same state.
        self.failures.iter().find(|failure| of_state(failure) && can_be(&failure.command, self.command(index))).copied()
    }

    fn written(&self, index: usize) -> Option<&'a Command> {
        self.script.commands().get(self.written.get(index).copied().flatten()?)
    }

    fn context(&self, index: usize) -> Option<Context> {
        self.written(index).map(|command| command.context)
    }

    /// Whether the script looks at a failure of this line.
    fn is_observed(&self, index: usize, failed_at: usize) -> bool {
        let Some(state) = self.state(index) else { return false };
        if state.bash.is_some() && !self.script.traps_errors() {
            // Of the last command of a shell that became that command, nothing is reported.
            let is_over = !self.is_inner(index) && self.next(index).is_none() && self.end.reported.is_none();
            return self.failure(failed_at).is_none() && !is_over;
        }
        // A strict shell would have ended.
        let goes_on = if self.is_inner(index) {
            let own = self.next(index).filter(|next| self.process(*next) == self.process(index));
            own.or(self.next_main(index))
        } else {
            self.next_main(index)
        };
        if goes_on.and_then(|next| self.state(next)).is_some_and(|state| state.strict) && !self.script.traps_errors() {
            return true;
        }
        self.written(index).is_some_and(|command| self.script.observes(command))
    }

    /// How the command of a line ended, with the reason if it did not end well.
    pub fn verdict(&self, index: usize) -> Verdict {
        let Some(state) = self.state(index) else { return Verdict::Unknown(LOST) };
        if let Some(failure) = self.failure(index) {
            return failed(failure.status);
        }
        if self.lines.get(index).is_some_and(|(line, _)| line.guessed) {
            return Verdict::Unknown(LOST);
        }
        if !self.is_inner(index) {
            return match self.status_after(index) {
                Some(status) => self.judge(index, index, status),
                None => match &self.end.ending {
                    Some(Ending::Well) => Verdict::Passed(None),
                    Some(other) => Verdict::Failed(other.to_string()),
                    None => Verdict::Unknown(LOST),
                },
            };
        }
        let is_bash = state.bash.is_some();
        let context = self.context(index).unwrap_or_default();
        if let Some(job) = self.job(index) {
            return self.background(job);
        }
        if context.place == Place::Background && context.substituted.is_none() {
            return Verdict::Unknown(BACKGROUND);
        }
        if let Some(next) = self.next(index).filter(|next| self.process(*next) == self.process(index)) {
            let status = self.state(next).map_or(0, |state| state.status);
            return self.judge(index, index, status);
        }
        // Of a function, what calls it is in front of the pipe.
        let around = |place| self.chain(index).any(|at| self.context(at).is_some_and(|context| context.place == place));
        match (context.substituted, is_bash) {
            (Some(_), _) if context.place == Place::BeforePipe => {
                let well = self.substitution(index).is_some_and(|(status, _)| status == 0);
                if well && self.script.pipefail() { Verdict::Passed(None) } else { Verdict::Unknown(PIPE) }
            }
            (Some(_), true) | (Some(true), false) => match self.substitution(index) {
                Some((status, assignment)) => self.judge(index, assignment, status),
                None => Verdict::Unknown(SUBSTITUTION),
            },
            (Some(false), false) => Verdict::Unknown(SUBSTITUTION),
            (None, true) => self.piped(index),
            (None, false) if around(Place::BeforePipe) => Verdict::Unknown(PIPE),
            (None, false) if around(Place::Background) => Verdict::Unknown(BACKGROUND),
            (None, false) if self.written(index).is_none() => Verdict::Unknown(LOST),
            (None, false) => match self.group_status(index) {
                Some(status) => self.judge(index, index, status),
                None => Verdict::Unknown(LOST),
            },
        }
    }

    /// The exit status of a command of the shell itself.
    fn status_after(&self, index: usize) -> Option<i32> {
        let Some(next) = self.next(index) else { return self.last_status() };
        let state = self.state(next)?;
        // `!` and conditions hide it, but not from bash.
        let single = state.bash.as_ref().filter(|bash| bash.pipe.len() == 1 && !self.is_inner(next));
        Some(single.and_then(|bash| bash.pipe.first().copied()).filter(|_| state.status == 0).unwrap_or(state.status))
    }

    fn last_status(&self) -> Option<i32> {
        let reported = self.end.reported.as_ref().map(|(status, _)| *status);
        match &self.end.ending {
            Some(Ending::Otherwise(_)) => None,
            Some(Ending::Well) => reported.or(Some(0)),
            Some(Ending::Status(status)) => reported.or(Some(*status)),
            None => reported,
        }
    }

    fn judge(&self, index: usize, failed_at: usize, status: i32) -> Verdict {
        match status {
            0 => Verdict::Passed(None),
            126 | 127 => failed(status),
            _ if self.is_observed(index, failed_at) => looked_at(status),
            _ => failed(status),
        }
    }

    /// The exit status of the substitution that a line is the end of, and the line of the command that it is part of.
    fn substitution(&self, index: usize) -> Option<(i32, usize)> {
        let main = self.next_main(index)?;
        let state = self.state(main)?;
        if state.bash.is_some() {
            // The next substitution of the same command would show it already.
            let next = (index + 1..main).find(|later| self.process(*later) != self.process(index)).unwrap_or(main);
            return Some((self.state(next)?.status, main));
        }
        let is_later = |at: &usize| {
            let context = self.context(*at).unwrap_or_default();
            self.process(*at) != self.process(index)
                && context.substituted.is_some()
                && context.place != Place::BeforePipe
        };
        // Only the last one's exit status is kept.
        if (index + 1..main).any(|at| is_later(&at)) {
            return None;
        }
        Some((self.status_after(main)?, main))
    }

    /// The exit status of the pipeline or subshell that a line is the end of: the shell shows it in what comes next.
    fn group_status(&self, index: usize) -> Option<i32> {
        let main = self.next_main(index);
        let written = |at: usize| self.written.get(at).copied().flatten();
        let next = (index + 1..main.unwrap_or(self.lines.len())).find(|later| {
            let is_late = self.context(*later).is_some_and(|context| context.place == Place::BeforePipe)
                && written(*later) < written(index);
            self.process(*later) != self.process(index) && !is_late
        });
        match next.or(main) {
            Some(next) => self.state(next).map(|state| state.status),
            None => self.last_status(),
        }
    }

    /// A part of a pipeline, or a subshell, in bash.
    fn piped(&self, index: usize) -> Verdict {
        let main = self.next_main(index);
        let since = (0..index).rev().find(|earlier| !self.is_inner(*earlier)).map_or(0, |main| main + 1);
        let until = main.unwrap_or(self.lines.len());
        // What began in the same state of the shell is one pipeline, or several that ended as the one before.
        let start = |at: usize| {
            let first = (since..=at).find(|earlier| self.process(*earlier) == self.process(at)).unwrap_or(at);
            self.state(first).and_then(|state| state.bash.as_ref()).map(|bash| &bash.pipe)
        };
        let own = start(index);
        let mut processes = Vec::new();
        let mut after = None;
        for at in since..until {
            if self.job(at).is_some() || self.context(at).is_some_and(|context| context.substituted.is_some()) {
                continue;
            }
            if start(at) == own {
                if !processes.contains(&self.process(at)) {
                    processes.push(self.process(at));
                }
            } else if self.process(at) > self.process(index) {
                after = after.or(Some(at));
            }
        }
        let (status, pipe) = match after.or(main).and_then(|line| self.state(line)) {
            Some(state) => (state.status, state.bash.as_ref().map(|bash| bash.pipe.clone()).unwrap_or_default()),
            None => match &self.end.reported {
                Some(reported) => reported.clone(),
                None => return Verdict::Unknown(PIPE),
            },
        };
        let is_part = |at: usize| {
            let place = self.context(at).map(|context| context.place);
            matches!(place, Some(Place::BeforePipe | Place::EndOfPipe))
        };
        if pipe.len() < 2 && self.chain(index).any(is_part) {
            // Something else came in between.
            return Verdict::Unknown(PIPE);
        }
        if pipe.iter().all(|status| *status == 0) {
            return Verdict::Passed(None);
        }
        processes.sort_unstable();
        let place = processes.iter().position(|process| *process == self.process(index)).unwrap_or_default();
        if pipe.is_empty() || processes.len() % pipe.len() != 0 {
            return Verdict::Unknown(PIPE);
        }
        let place = place % pipe.len();
        let is_last = place + 1 == pipe.len();
        let unseen = self.pipeline_failure(index).is_some();
        match pipe.get(place).copied().unwrap_or_default() {
            0 => Verdict::Passed(None),
            SIGPIPE if !is_last => Verdict::Passed(Some("was ended by SIGPIPE, since nobody read on".to_owned())),
            found @ (126 | 127) => failed(found),
            found if is_last && !unseen => looked_at(found),
            // With pipefail, the script has seen it.
            found if !unseen && status != 0 && pipe.last() == Some(&0) => looked_at(found),
            found => failed(found),
        }
    }

    /// The failure that bash reported of the pipeline that a line is part of.
    fn pipeline_failure(&self, index: usize) -> Option<&'a Failure> {
        let before = (0..index).rev().find(|earlier| !self.is_inner(*earlier));
        let count = before.and_then(|main| self.state(main)).map_or(0, |state| state.count);
        let next = self.next_main(index).and_then(|main| self.state(main)).map_or(u64::MAX, |state| state.count);
        let shell = self.state(index)?.shell;
        // A pipeline may be written in several lines; each part knows its own.
        let parts = |failure: &&Failure| {
            let line = |at: usize| self.state(at).and_then(|state| Some(state.bash.as_ref()?.line));
            let gap = before.map_or(0, |main| main + 1)..self.next_main(index).unwrap_or(self.lines.len());
            line(index) == Some(failure.line)
                || gap.into_iter().any(|at| {
                    line(at) == Some(failure.line)
                        && self.pipeline(at).is_some()
                        && self.pipeline(at) == self.pipeline(index)
                })
        };
        let is_it =
            |failure: &&&Failure| failure.process == shell && (count..next).contains(&failure.count) && parts(failure);
        self.failures.iter().find(is_it).copied()
    }

    /// The first part of the pipeline that a line belongs to, as it is written.
    fn pipeline(&self, index: usize) -> Option<usize> {
        self.pipeline_of(self.written.get(index).copied().flatten()?)
    }

    fn pipeline_of(&self, at: usize) -> Option<usize> {
        let place = |at: usize| self.script.commands().get(at).map(|command| command.context.place);
        let is_part = |at: &usize| place(*at) == Some(Place::BeforePipe);
        match place(at)? {
            Place::BeforePipe | Place::EndOfPipe => Some((0..at).rev().take_while(is_part).last().unwrap_or(at)),
            _ => None,
        }
    }

    /// The number of the process in the background that a line belongs to.
    fn job(&self, index: usize) -> Option<i32> {
        let state = self.state(index)?;
        if let Some(bash) = &state.bash {
            return self.jobs.contains(&bash.process).then_some(bash.process);
        }
        let context = self.context(index)?;
        if !self.is_inner(index) || context.place != Place::Background {
            return None;
        }
        // The next one that the shell put into the background after what this one knew.
        let known: HashSet<_> = (0..=index)
            .filter_map(|earlier| self.state(earlier))
            .filter(|earlier| earlier.count < state.count || earlier.background == state.background)
            .map(|earlier| earlier.background)
            .collect();
        let all = self.lines.iter().map(|(_, state)| state.background);
        all.filter(|background| !known.contains(background)).flatten().next()
    }

    /// How what was in the background ended, as far as the script asks.
    fn background(&self, job: i32) -> Verdict {
        let number = job.to_string();
        let mentions = |index: &usize, program: &str| {
            let mut words = self.command(*index).split_whitespace();
            words.next() == Some(program) && words.any(|word| word.trim_matches('\'') == number)
        };
        let lines = || 0..self.lines.len();
        let ended = lines().filter(|index| mentions(index, "kill") && !self.command(*index).contains(" -0 "));
        let ended = ended.into_iter().any(|index| self.status_after(index) == Some(0));
        let waits = lines().find(|index| mentions(index, "wait"));
        // `wait` has the exit status of the last one that it is asked about.
        let is_last = |index: &usize| self.command(*index).trim_end_matches('\'').ends_with(&number);
        match waits.filter(is_last).and_then(|index| Some((index, self.status_after(index)?))) {
            Some((_, 0)) => Verdict::Passed(None),
            // The script asked for that.
            Some((_, 129 | 130 | 137 | 143)) | None if ended => {
                Verdict::Passed(Some("ran in the background until the script ended it".to_owned()))
            }
            Some((index, status)) => self.judge(index, index, status),
            None => Verdict::Unknown(BACKGROUND),
        }
    }
}

/// What is said of a command whose shell has another `PS4`.
pub fn without_state() -> Verdict {
    Verdict::Unknown(NO_STATE)
}

fn failed(status: i32) -> Verdict {
    Verdict::Failed(Ending::Status(status).to_string())
}

fn looked_at(status: i32) -> Verdict {
    Verdict::Passed(Some(format!("{}, which the script takes care of", Ending::Status(status))))
}

/// Whether a command as it is written can be what a trace shows.
fn can_be(written: &str, traced: &str) -> bool {
    Script::parse(written).is_some_and(|script| !script.positions(traced).is_empty())
}
