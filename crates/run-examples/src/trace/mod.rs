// SPDX-License-Identifier: Apache-2.0
//! Examples of a script that only traces what it does (`set -x`): its commands that run programs of
//! the install tree.
//!
//! `PS4` makes the shell begin each line of its trace with what it knows of the commands before. bash reports failures
//! that nobody looks at besides. How each command ended is found out when all is known.

mod flow;
mod line;
mod tangle;

pub use flow::{Extra, Verdict};
pub use line::{Event, Line, PS4, bash_env, events, is_trace};

use crate::normal::{Folders, Spoken};
use crate::recorder::{Ending, Example, TAIL_LINES, shortened};
use crate::shell::Script;
use crate::watch::Run;
use artifact::Outcome;
use flow::{End, Flow};
use line::words;
use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tangle::Tangle;

/// More examples than this are not told one by one.
const MOST: usize = 1000;
/// More commands than this are not remembered.
const MOST_LINES: usize = 20_000;
/// How much of a command is remembered, in bytes.
const LONGEST: usize = 4096;

/// Programs that start the one that is meant.
const WRAPPERS: [&str; 14] = [
    "command", "env", "exec", "gdb", "ltrace", "nice", "numactl", "stdbuf", "strace", "sudo", "taskset", "time",
    "timeout", "valgrind",
];

/// Listens to a trace.
#[derive(Debug)]
pub struct Tracer {
    source: PathBuf,
    tree: PathBuf,
    programs: HashSet<String>,
    folders: Folders,
    script: Script,
    lines: Vec<Line>,
    /// Commands that are written into each other.
    tangle: Option<Tangle>,
    /// Whether there were more.
    cut: bool,
    examples: Vec<Traced>,
    /// Whether the last example still runs.
    open: bool,
}

/// A command that is an example.
#[derive(Debug)]
struct Traced {
    name: String,
    /// Its line.
    at: usize,
    since: Instant,
    duration: Duration,
    output: VecDeque<String>,
    spoken: Spoken,
}

/// What is known of a traced script besides its trace.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What it says.
    pub script: &'a Script,
    /// What bash reported.
    pub events: &'a [Event],
    /// How it ended.
    pub ending: &'a Ending,
    /// What it ran under valgrind, if it should.
    pub watched: Option<&'a [Run]>,
    /// Why its trace does not show everything.
    pub blind: Option<&'a str>,
}

/// What a trace tells.
#[derive(Debug, Default)]
pub struct Told {
    /// The examples in the order in which they began.
    pub examples: Vec<Example>,
    /// What failed before the first of them.
    pub faults: Vec<String>,
    /// The examples that the script did not come to, as they are written.
    pub not_run: Vec<String>,
}

impl Tracer {
    /// Knows what the script says.
    #[must_use]
    pub fn with_script(mut self, script: &Script) -> Self {
        self.script = script.clone();
        self
    }

    /// For a script in this source tree, with these folders of programs in the install tree.
    pub fn new(source: &Path, tree: &Path, programs: &[PathBuf], folders: Folders) -> Self {
        let names = programs.iter().filter(|folder| folder.starts_with(tree));
        let names = names.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        Self {
            source: source.to_owned(),
            tree: tree.to_owned(),
            programs: names.filter_map(|entry| entry.file_name().into_string().ok()).collect(),
            folders,
            script: Script::default(),
            lines: Vec::new(),
            tangle: None,
            cut: false,
            examples: Vec::new(),
            open: false,
        }
    }

    /// Takes a line of output.
    pub fn line(&mut self, text: &str, now: Instant) {
        if let Some(tangle) = &mut self.tangle {
            if tangle.more(text) {
                return;
            }
            self.untangle(now);
        }
        if let Some(tangle) = Tangle::begin(text) {
            self.tangle = Some(tangle);
            return;
        }
        let Some(line) = Line::parse(text) else {
            if let Some(traced) = self.examples.last_mut().filter(|_| self.open) {
                if traced.output.len() == TAIL_LINES {
                    traced.output.pop_front();
                }
                traced.output.push_back(shortened(text));
                traced.spoken.line(text, &self.folders);
            }
            return;
        };
        self.add(line, now);
    }

    fn untangle(&mut self, now: Instant) {
        let Some(tangle) = self.tangle.take() else { return };
        let lines = tangle.untangled(&self.script, |word| self.is_ours(word));
        for line in lines {
            self.add(line, now);
        }
    }

    fn add(&mut self, mut line: Line, now: Instant) {
        self.close(now);
        if self.lines.len() >= MOST_LINES {
            self.cut = true;
            return;
        }
        line.command.truncate(line.command.floor_char_boundary(LONGEST));
        if self.examples.len() < MOST
            && let Some(name) = self.example(&line.command)
        {
            self.open = true;
            self.examples.push(Traced {
                name,
                at: self.lines.len(),
                since: now,
                duration: Duration::ZERO,
                output: VecDeque::new(),
                spoken: Spoken::default(),
            });
        }
        self.lines.push(line);
    }

    fn close(&mut self, now: Instant) {
        if let Some(traced) = self.examples.last_mut().filter(|_| std::mem::take(&mut self.open)) {
            traced.duration = now.saturating_duration_since(traced.since);
        }
    }

    /// How many examples have ended so far.
    pub fn count(&self) -> usize {
        self.examples.len() - usize::from(self.open)
    }

    /// Whether the install tree has a program of this name.
    pub fn is_program(&self, name: &str) -> bool {
        self.programs.contains(name)
    }

    /// Whether a shell traced anything.
    pub fn has_lines(&self) -> bool {
        !self.lines.is_empty() || self.tangle.is_some()
    }

    /// The last command that began, and its line in the script where that is known.
    pub fn last(&self, script: &Script) -> Option<(String, Option<u32>)> {
        let line = self.lines.last()?;
        let number = line.state.as_ref().and_then(|state| state.bash.as_ref()).map(|bash| bash.line);
        let written = || script.find(&line.command).first().map(|command| command.line);
        Some((self.folders.normalise(&shortened(&line.command)), number.or_else(written)))
    }

    /// The examples and how each ended.
    pub fn finish(mut self, known: Known<'_>, now: Instant) -> Told {
        self.untangle(now);
        self.close(now);
        let (verdicts, extras) = self.verdicts(known);
        let not_run = self.not_run(known);
        let mut told = Told { not_run, ..Told::default() };
        let mut watched: Option<Vec<_>> =
            known.watched.map(|runs| runs.iter().filter_map(|run| self.name(&run.words)).collect());
        let places: Vec<_> = self.examples.iter().map(|traced| traced.at).collect();
        for (mut traced, verdict) in std::mem::take(&mut self.examples).into_iter().zip(verdicts) {
            let (outcome, detail) = match verdict {
                Verdict::Passed(detail) => (Outcome::Pass, detail),
                Verdict::Failed(reason) => (Outcome::Fail, Some(reason)),
                Verdict::Unknown(reason) => (Outcome::Unknown, Some(reason.to_owned())),
            };
            let under_valgrind = watched.as_mut().map(|watched| {
                let place = watched.iter().position(|name| *name == traced.name);
                place.map(|place| watched.swap_remove(place)).is_some()
            });
            told.examples.push(Example {
                under_valgrind,
                duration: traced.duration,
                detail,
                output: traced.output.into(),
                digest: Some(traced.spoken.take()),
                ..Example::new(traced.name, outcome)
            });
        }
        for extra in extras {
            let words = words(&extra.command);
            let is_ours = words.first().is_some_and(|word| self.programs.contains(base(word)));
            let example = places.iter().rposition(|at| *at <= extra.after).and_then(|at| told.examples.get_mut(at));
            match example.filter(|_| !is_ours) {
                Some(example) if example.outcome != Outcome::Fail => {
                    example.outcome = Outcome::Fail;
                    example.detail = Some(format!("after it, {}", extra.text));
                }
                // The first failure explains what follows.
                Some(_) => {}
                None => told.faults.push(extra.text),
            }
        }
        if self.cut {
            told.faults.push(format!("the trace has more than {MOST_LINES} commands, and what follows is unknown"));
        }
        told
    }

    fn verdicts(&self, known: Known<'_>) -> (Vec<Verdict>, Vec<Extra>) {
        let mut verdicts: Vec<_> = self.examples.iter().map(|_| flow::without_state()).collect();
        let mut extras = Vec::new();
        let mut shells = Vec::new();
        for state in self.lines.iter().filter_map(|line| line.state.as_ref()) {
            if !shells.contains(&state.shell) {
                shells.push(state.shell);
            }
        }
        for shell in shells.iter().take(MOST) {
            let of_shell = self.lines.iter().enumerate().filter_map(|(at, line)| {
                let state = line.state.as_ref().filter(|state| state.shell == *shell)?;
                Some((at, (line, state)))
            });
            let (at, lines): (Vec<_>, Vec<_>) = of_shell.unzip();
            let failures = known.events.iter().filter_map(|event| match event {
                Event::Failure(failure) if failure.shell == *shell => Some(failure),
                _ => None,
            });
            let reported = known.events.iter().find_map(|event| match event {
                Event::Exit { shell: of, status, pipe } if of == shell => Some((*status, pipe.clone())),
                _ => None,
            });
            // Shells that the script started: it sees their exit statuses.
            let outer = (Some(shell) != shells.first()).then(|| self.outer(*at.first()?, known.script)).flatten();
            let ending = if Some(shell) == shells.first() { Some(known.ending.clone()) } else { outer };
            let empty = Script::default();
            let script = if Some(shell) == shells.first() { known.script } else { &empty };
            let flow = Flow::new(&lines, failures.collect(), End { reported, ending }, script);
            for (traced, verdict) in self.examples.iter().zip(&mut verdicts) {
                if let Ok(place) = at.binary_search(&traced.at) {
                    *verdict = flow.verdict(place);
                }
            }
            let is_example = |place: usize| {
                at.get(place).is_some_and(|at| self.examples.binary_search_by_key(at, |traced| traced.at).is_ok())
            };
            extras.extend(flow.extras(is_example).into_iter().filter_map(|extra| {
                let text = self.folders.normalise(&shortened(&extra.text));
                Some(Extra { after: *at.get(extra.after)?, text, ..extra })
            }));
        }
        extras.sort_by_key(|extra| extra.after);
        (verdicts, extras)
    }

    /// How a shell ended that wrote its first line here, as the first shell saw it.
    fn outer(&self, at: usize, script: &Script) -> Option<Ending> {
        let first = self.lines.iter().find_map(|line| line.state.as_ref())?.shell;
        let lines: Vec<_> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((at, (line, line.state.as_ref().filter(|state| state.shell == first)?))))
            .collect();
        let place = lines.iter().rposition(|(before, _)| *before < at)?;
        let lines: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
        let end = End { reported: None, ending: None };
        match Flow::new(&lines, Vec::new(), end, script).verdict(place) {
            Verdict::Passed(None) => Some(Ending::Well),
            _ => None,
        }
    }

    /// What the script says behind the place where it stopped.
    fn not_run(&self, known: Known<'_>) -> Vec<String> {
        let last = self.lines.last().map_or("", |line| line.command.as_str());
        let chose_to_end = last.split_whitespace().next().is_some_and(|word| word == "exit" || word == "exec");
        if *known.ending == Ending::Well || chose_to_end {
            return Vec::new();
        }
        let number = self.lines.last().and_then(|line| line.state.as_ref()?.bash.as_ref().map(|bash| bash.line));
        let commands = known.script.commands();
        let reached = match number {
            Some(number) => commands.iter().rposition(|command| command.line <= number),
            None => self.lines.iter().rev().find_map(|line| known.script.positions(&line.command).into_iter().next()),
        };
        let Some(reached) = reached else { return Vec::new() };
        let ours = commands.iter().skip(reached + 1).filter(|command| {
            command.words().any(|word| {
                let name = base(word);
                !name.is_empty() && self.programs.contains(name)
            })
        });
        ours.map(|command| shortened(&command.source())).collect()
    }

    /// The name of the example that a command is, if it runs a program of the tree.
    fn example(&self, command: &str) -> Option<String> {
        self.name(&words(command))
    }

    fn name(&self, words: &[String]) -> Option<String> {
        let mut words = words.iter().map(String::as_str).skip_while(|word| is_assignment(word)).peekable();
        let first = words.peek().copied()?;
        let wraps = WRAPPERS.contains(&base(first)) || base(first).starts_with("qemu-");
        let program = if wraps {
            words.find(|word| self.is_ours(word))?
        } else {
            words.next().filter(|word| self.is_ours(word))?
        };
        let words: Vec<_> = [base(program)].into_iter().chain(words).collect();
        Some(self.folders.normalise(&words.join(" ")))
    }

    fn is_ours(&self, word: &str) -> bool {
        if !word.contains('/') {
            return self.programs.contains(word);
        }
        let path = self.source.join(word);
        path.is_file() && path.canonicalize().unwrap_or(path).starts_with(&self.tree)
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests;
