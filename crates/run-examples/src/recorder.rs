// SPDX-License-Identifier: Apache-2.0
//! From a script's output, line by line, to its examples and how each went.

use crate::names;
use crate::normal::{Folders, Spoken};
use crate::tap::{Directive, Event, MOST_POINTS, Parser, Point};
use crate::trace::{self, Known, Tracer};
use artifact::{Outcome, Sha256};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many of an example's last lines are kept.
pub(crate) const TAIL_LINES: usize = 20;
/// How much of each line is kept, in characters.
const LINE_LENGTH: usize = 400;

/// One example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub duration: Duration,
    /// Why it did not pass.
    pub detail: Option<String>,
    /// The last lines of its output.
    pub output: Vec<String>,
    /// The vAccel plugin that it ran with.
    pub plugin: Option<String>,
    /// Digest of its output without what differs from run to run.
    pub digest: Option<Sha256>,
    /// Processes that it left behind.
    pub leftovers: Vec<String>,
    /// Whether it was seen to run under valgrind, if it should.
    pub under_valgrind: Option<bool>,
    /// How many programs had been started under valgrind when it ended.
    pub watched_before: usize,
}

impl Example {
    /// One that ended so, and of which nothing else is known yet.
    pub fn new(name: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            name: name.into(),
            outcome,
            duration: Duration::ZERO,
            detail: None,
            output: Vec::new(),
            plugin: None,
            digest: None,
            leftovers: Vec::new(),
            under_valgrind: None,
            watched_before: 0,
        }
    }
}

/// How the script as a whole ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With exit status 0.
    Well,
    /// With another exit status, which in TAP follows from a failed example.
    Status(i32),
    /// In another way: by a signal, or because its time was up.
    Otherwise(String),
}

/// What a script told.
#[derive(Debug, Default)]
pub struct Told {
    /// Its examples. What is wrong with the script itself is a failed example of the script's name, so that whoever
    /// counts failures counts it too.
    pub examples: Vec<Example>,
    /// How many more there would have been.
    pub not_run: u64,
    /// Which, as far as that is known.
    pub missing: Vec<String>,
}

/// Where a line of output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output, on which alone TAP is spoken.
    Out,
    /// Standard error.
    Err,
    /// One of them.
    Both,
}

/// Listens to a script.
#[derive(Debug)]
pub struct Recorder {
    parser: Parser,
    tracer: Option<Tracer>,
    started: Instant,
    /// When the last example ended.
    last: Instant,
    examples: Vec<Example>,
    /// The end of what was said since then, and all of it.
    output: VecDeque<String>,
    spoken: Spoken,
    /// The same of standard error, where it came by itself.
    errors: Spoken,
    folders: Folders,
    /// Comments that directly follow a failed test point belong to it.
    explains_last: bool,
}

impl Recorder {
    /// Starts to listen.
    pub fn new(now: Instant) -> Self {
        Self {
            parser: Parser::default(),
            tracer: None,
            started: now,
            last: now,
            examples: Vec::new(),
            output: VecDeque::new(),
            spoken: Spoken::default(),
            errors: Spoken::default(),
            folders: Folders::default(),
            explains_last: false,
        }
    }

    /// Recognises traced commands too, which count where there is no TAP.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Tracer) -> Self {
        self.tracer = Some(tracer);
        self
    }

    /// Knows folders whose place says nothing.
    #[must_use]
    pub fn with_folders(mut self, folders: Folders) -> Self {
        self.folders = folders;
        self
    }

    /// Takes a line of output. `watched` is how many programs were started under valgrind up to now.
    pub fn line(&mut self, line: &str, source: Source, now: Instant, watched: impl FnOnce() -> usize) {
        if let Some(tracer) = &mut self.tracer {
            tracer.line(line, now);
        }
        if source == Source::Err {
            // When it came, compared with standard output, differs from run to run.
            self.errors.line(line, &self.folders);
            self.keep(line);
            return;
        }
        match self.parser.line(line) {
            Some(Event::Point(mut point)) => {
                self.explains_last = !point.ok;
                let duration = point.duration.unwrap_or_else(|| now.saturating_duration_since(self.last));
                self.last = now;
                point.description = self.folders.name(&point.description);
                let output = self.output.drain(..).collect();
                let digest = Some(self.spoken.take());
                self.examples.push(Example { digest, watched_before: watched(), ..example(point, duration, output) });
            }
            Some(Event::Structure) => {}
            Some(Event::Detail { key, value }) => self.detail(&key, &value),
            Some(Event::Output(text)) => self.explain(&text),
            // It announces what comes next.
            Some(Event::Comment(comment)) if comment.starts_with("Subtest") => self.explains_last = false,
            Some(Event::Comment(comment)) if self.explains_last => self.explain(&comment),
            Some(Event::Comment(_)) | None => {
                self.explains_last &= line.starts_with(char::is_whitespace);
                self.keep(line);
                // Commands tell where folders are, and options of programs, but not what came of them.
                if !trace::is_trace(line) {
                    self.spoken.line(line, &self.folders);
                }
            }
        }
    }

    fn keep(&mut self, line: &str) {
        if self.output.len() == TAIL_LINES {
            self.output.pop_front();
        }
        self.output.push_back(shortened(line));
    }

    /// The tracer, if the script does not speak TAP.
    pub fn tracer(&self) -> Option<&Tracer> {
        self.tracer.as_ref().filter(|_| !self.parser.is_tap())
    }

    /// How many examples have ended so far.
    pub fn count(&self) -> usize {
        self.examples.len() + self.tracer.as_ref().map_or(0, Tracer::count)
    }

    /// Adds to what is known of the last example.
    fn explain(&mut self, text: &str) {
        if let Some(example) = self.examples.last_mut()
            && example.output.len() < 2 * TAIL_LINES
        {
            example.output.push(shortened(text));
        }
    }

    fn detail(&mut self, key: &str, value: &str) {
        let Some(example) = self.examples.last_mut() else { return };
        match key {
            "duration_ms" => {
                let seconds = value.parse::<f64>().ok().map(|milliseconds| milliseconds / 1000.0);
                if let Some(duration) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
                    example.duration = duration;
                }
            }
            "volatile" if value == "true" => example.digest = None,
            // The lines of a longer text follow.
            "message" if example.outcome == Outcome::Fail && !value.starts_with(['|', '>']) => {
                example.detail = Some(shortened(value));
            }
            "status" | "exit" | "exitcode" | "exit_code" if example.outcome == Outcome::Fail => {
                if let Ok(status) = value.parse() {
                    example.detail.get_or_insert_with(|| Ending::Status(status).to_string());
                }
            }
            _ => {}
        }
    }

    /// The examples of a script that has ended.
    pub fn finish(mut self, script: &str, known: Known<'_>, now: Instant) -> Told {
        let digest = if self.errors.is_empty() {
            self.spoken.take()
        } else {
            Sha256::of(format!("{}{}", self.spoken.take(), self.errors.take()).as_bytes())
        };
        let ending = known.ending;
        let whole = |outcome, detail: Option<String>, output: VecDeque<String>| Example {
            duration: now.saturating_duration_since(self.started),
            detail,
            output: output.into(),
            ..Example::new(script, outcome)
        };
        let skipped = self.parser.skipped_entirely().filter(|_| *ending == Ending::Well);
        if let Some(reason) = skipped {
            let reason = if reason.is_empty() { "nothing is planned" } else { reason };
            let example = whole(Outcome::Skip, Some(reason.to_owned()), VecDeque::new());
            return Told { examples: vec![example], ..Told::default() };
        }
        let mut told = Told::default();
        let mut faults = Vec::new();
        if self.parser.is_tap() {
            told.not_run = self.parser.not_run();
            faults = self.faults(ending);
            told.examples = self.examples;
            if known.watched.is_some() {
                watched_points(&mut told.examples);
            }
        } else if let Some(traced) = self.tracer.take().filter(Tracer::has_lines) {
            let traced = traced.finish(known, now);
            told.not_run = traced.not_run.len() as u64;
            told.missing = traced.not_run;
            told.examples = traced.examples;
            let explained = told.examples.iter().any(|example| example.outcome == Outcome::Fail);
            if *ending != Ending::Well && !explained {
                faults.push(ending.to_string());
            }
            faults.extend(traced.faults);
            faults.extend(known.blind.map(str::to_owned));
        } else {
            faults.extend((*ending != Ending::Well).then(|| ending.to_string()));
            faults.extend(known.blind.map(str::to_owned));
        }
        if !faults.is_empty() {
            told.examples.push(whole(Outcome::Fail, Some(faults.join("; ")), self.output));
        } else if told.examples.is_empty() {
            let under_valgrind = known.watched.map(|runs| !runs.is_empty());
            told.examples.push(Example {
                digest: Some(digest),
                under_valgrind,
                ..whole(Outcome::Pass, None, self.output)
            });
        }
        names::settle(&mut told.examples);
        told
    }

    fn faults(&self, ending: &Ending) -> Vec<String> {
        let mut faults = Vec::new();
        let explained = self.examples.iter().any(|example| example.outcome == Outcome::Fail);
        match ending {
            Ending::Well => {}
            Ending::Status(_) if explained => {}
            other => faults.push(other.to_string()),
        }
        if let Some(reason) = self.parser.bail_out() {
            faults.push(if reason.is_empty() { "bailed out".to_owned() } else { format!("bailed out: {reason}") });
        }
        if self.examples.len() >= MOST_POINTS {
            faults.push(format!("more than {MOST_POINTS} test points"));
        }
        faults.extend(self.parser.disagreements());
        faults
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Well => f.write_str("ended well"),
            Self::Status(status) => match signal(*status) {
                Some(signal) => write!(f, "ended with exit status {status}: a program was killed by {signal}"),
                None => write!(f, "ended with exit status {status}"),
            },
            Self::Otherwise(how) => f.write_str(how),
        }
    }
}

/// A shell passes the death of a program on as 128 and the signal's number.
fn signal(status: i32) -> Option<&'static str> {
    // The numbers are the same on all our architectures.
    Some(match status - 128 {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

fn example(point: Point, duration: Duration, output: Vec<String>) -> Example {
    let name = plain(&point.description);
    let name = if name.is_empty() { format!("test point {}", point.number.unwrap_or_default()) } else { name };
    let reason = |reason: String| (!reason.is_empty()).then(|| shortened(&reason));
    let (outcome, detail) = match (point.ok, point.directive) {
        (_, Some(Directive::Skip(why))) => (Outcome::Skip, reason(why)),
        // Known not to work yet: neither a success nor a failure.
        (false, Some(Directive::Todo(why))) => (Outcome::Skip, Some(shortened(format!("to do: {why}").trim_end()))),
        (true, _) => (Outcome::Pass, None),
        (false, None) => (Outcome::Fail, None),
    };
    Example { duration, detail, output, ..Example::new(name, outcome) }
}

/// Gives each test point one program that valgrind ran before the point came.
fn watched_points(examples: &mut [Example]) {
    let mut given = 0;
    for example in examples.iter_mut().filter(|example| example.outcome != Outcome::Skip) {
        let watched = given < example.watched_before;
        given += usize::from(watched);
        example.under_valgrind = Some(watched);
    }
}

/// A line that is not longer than is worth keeping.
pub(crate) fn shortened(line: &str) -> String {
    // As most lines are, also those of gigabytes.
    if line.len() <= LINE_LENGTH && line.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return line.to_owned();
    }
    plain(line).chars().take(LINE_LENGTH).collect()
}

/// A line without colours and control characters.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // `ESC [ … letter`; the parameters are no text.
            if chars.next() == Some('[') {
                let _ = chars.find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
        } else if !c.is_control() || c == '\t' {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests;
