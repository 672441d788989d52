// SPDX-License-Identifier: Apache-2.0
//! From a script's output, line by line, to its examples and how each went.

use crate::normal::{Folders, Spoken};
use crate::tap::{Directive, Event, MOST_POINTS, Parser, Point};
use crate::trace::{self, Tracer};
use artifact::{Outcome, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
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

    /// Takes a line of output.
    pub fn line(&mut self, line: &str, now: Instant) {
        if let Some(tracer) = &mut self.tracer {
            tracer.line(line, now);
        }
        match self.parser.line(line) {
            Some(Event::Point(point)) => {
                self.explains_last = !point.ok;
                let duration = now.saturating_duration_since(self.last);
                self.last = now;
                let output = self.output.drain(..).collect();
                let digest = Some(self.spoken.take());
                self.examples.push(Example { digest, ..example(point, duration, output) });
            }
            Some(Event::Structure) => {}
            Some(Event::Detail { key, value }) => self.detail(&key, &value),
            Some(Event::Output(text)) => self.explain(&text),
            // It announces what comes next.
            Some(Event::Comment(comment)) if comment.starts_with("Subtest") => self.explains_last = false,
            Some(Event::Comment(comment)) if self.explains_last => self.explain(&comment),
            Some(Event::Comment(_)) | None => {
                self.explains_last &= line.starts_with(char::is_whitespace);
                if self.output.len() == TAIL_LINES {
                    self.output.pop_front();
                }
                self.output.push_back(shortened(line));
                // Commands tell where folders are, and options of programs, but not what came of them.
                if !trace::is_trace(line) {
                    self.spoken.line(line, &self.folders);
                }
            }
        }
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
            "message" if example.outcome == Outcome::Fail => example.detail = Some(shortened(value)),
            "status" | "exit" | "exitcode" | "exit_code" if example.outcome == Outcome::Fail => {
                if let Ok(status) = value.parse() {
                    example.detail.get_or_insert_with(|| Ending::Status(status).to_string());
                }
            }
            _ => {}
        }
    }

    /// The examples of a script that has ended. What is wrong with the script itself is a failed
    /// example of the script's name, so that whoever counts failures counts it too.
    pub fn finish(mut self, script: &str, ending: &Ending, now: Instant) -> Vec<Example> {
        let digest = self.spoken.take();
        let whole = |outcome, detail: Option<String>, output: VecDeque<String>| Example {
            duration: now.saturating_duration_since(self.started),
            detail,
            output: output.into(),
            ..Example::new(script, outcome)
        };
        let skipped = self.parser.skipped_entirely().filter(|_| *ending == Ending::Well);
        if let Some(reason) = skipped {
            let reason = if reason.is_empty() { "nothing is planned" } else { reason };
            return vec![whole(Outcome::Skip, Some(reason.to_owned()), VecDeque::new())];
        }
        if !self.parser.is_tap() {
            let mut traced = self.tracer.take().map_or_else(Vec::new, |tracer| tracer.finish(ending, now));
            if !traced.is_empty() {
                let explained = traced.iter().any(|example| example.outcome == Outcome::Fail);
                if *ending != Ending::Well && !explained {
                    traced.push(whole(Outcome::Fail, Some(ending.to_string()), self.output));
                }
                number_namesakes(&mut traced);
                return traced;
            }
            let (outcome, detail) = match ending {
                Ending::Well => (Outcome::Pass, None),
                other => (Outcome::Fail, Some(other.to_string())),
            };
            return vec![Example { digest: Some(digest), ..whole(outcome, detail, self.output) }];
        }
        let faults = self.faults(ending);
        if !faults.is_empty() {
            let example = whole(Outcome::Fail, Some(faults.join("; ")), self.output);
            self.examples.push(example);
        }
        number_namesakes(&mut self.examples);
        self.examples
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
            faults.push(if reason.is_empty() { "gave up".to_owned() } else { format!("gave up: {reason}") });
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
    let name = shortened(&point.description);
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

/// Reports are compared by name, so a name that comes again gets a number.
fn number_namesakes(examples: &mut [Example]) {
    let mut taken: HashSet<String> = examples.iter().map(|example| example.name.clone()).collect();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for example in examples {
        let count = seen.entry(example.name.clone()).or_default();
        *count += 1;
        while *count > 1 {
            let name = format!("{} ({count})", example.name);
            if taken.insert(name.clone()) {
                example.name = name;
                break;
            }
            *count += 1;
        }
    }
}

/// A line without colours and control characters, and not longer than is worth keeping.
pub(crate) fn shortened(line: &str) -> String {
    // As most lines are, also those of gigabytes.
    if line.len() <= LINE_LENGTH && line.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return line.to_owned();
    }
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
    text.chars().take(LINE_LENGTH).collect()
}

#[cfg(test)]
mod tests;
