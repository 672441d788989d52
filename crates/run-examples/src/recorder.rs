//! From a script's output, line by line, to its examples and how each went.

use crate::tap::{Directive, Event, MOST_POINTS, Parser, Point};
use artifact::Outcome;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

/// How many of an example's last lines are kept.
const TAIL_LINES: usize = 20;
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
    started: Instant,
    /// When the last example ended.
    last: Instant,
    examples: Vec<Example>,
    /// What was said since then.
    output: VecDeque<String>,
    /// Comments that directly follow a failed test point belong to it.
    explains_last: bool,
}

impl Recorder {
    /// Starts to listen.
    pub fn new(now: Instant) -> Self {
        Self {
            parser: Parser::default(),
            started: now,
            last: now,
            examples: Vec::new(),
            output: VecDeque::new(),
            explains_last: false,
        }
    }

    /// Takes a line of output.
    pub fn line(&mut self, line: &str, now: Instant) {
        match self.parser.line(line) {
            Some(Event::Point(point)) => {
                self.explains_last = !point.ok;
                let duration = now.saturating_duration_since(self.last);
                self.last = now;
                let output = self.output.drain(..).collect();
                self.examples.push(example(point, duration, output));
            }
            Some(Event::Structure) => {}
            Some(Event::Detail { key, value }) => self.detail(&key, &value),
            Some(Event::Output(text)) => self.explain(&text),
            Some(Event::Comment(comment)) if self.explains_last => self.explain(&comment),
            Some(Event::Comment(_)) | None => {
                self.explains_last &= line.starts_with(char::is_whitespace);
                if self.output.len() == TAIL_LINES {
                    self.output.pop_front();
                }
                self.output.push_back(shortened(line));
            }
        }
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
        let whole = |outcome, detail: Option<String>, output: VecDeque<String>| Example {
            name: script.to_owned(),
            outcome,
            duration: now.saturating_duration_since(self.started),
            detail,
            output: output.into(),
        };
        let skipped = self.parser.skipped_entirely().filter(|_| *ending == Ending::Well);
        if let Some(reason) = skipped {
            let reason = if reason.is_empty() { "nothing is planned" } else { reason };
            return vec![whole(Outcome::Skip, Some(reason.to_owned()), VecDeque::new())];
        }
        if !self.parser.is_tap() {
            let (outcome, detail) = match ending {
                Ending::Well => (Outcome::Pass, None),
                other => (Outcome::Fail, Some(other.to_string())),
            };
            return vec![whole(outcome, detail, self.output)];
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
    Example { name, outcome, duration, detail, output }
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
fn shortened(line: &str) -> String {
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
mod tests {
    use super::*;

    /// Each line comes 10 ms after the one before.
    fn record(output: &str, ending: &Ending) -> String {
        let start = Instant::now();
        let mut recorder = Recorder::new(start);
        let mut now = start;
        for line in output.lines() {
            now += Duration::from_millis(10);
            recorder.line(line, now);
        }
        let told = recorder.finish("run-examples.sh", ending, now).into_iter().map(|e| {
            let detail = e.detail.map_or_else(String::new, |detail| format!(": {detail}"));
            let output = if e.output.is_empty() { String::new() } else { format!("\n    {}", e.output.join("\n    ")) };
            format!("{:?} {} ({} ms){detail}{output}", e.outcome, e.name, e.duration.as_millis())
        });
        told.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_test_point_is_an_example() {
        let output = "TAP version 14\n1..5\nhello\nok 1 - hello\nhow\nwhy\nnot ok 2 - goodbye\n# it did not\n  ---\n  \
            message: expected \"bye\"\n  duration_ms: 1500\n  ...\n# plain comment\nok 3 - far # SKIP no network\n\
            not ok 4 - later # TODO write it\nok\n";
        insta::assert_snapshot!(record(output, &Ending::Status(1)), @r#"
        Pass hello (40 ms)
            hello
        Fail goodbye (1500 ms): expected "bye"
            how
            why
            it did not
            plain comment
        Skip far (70 ms): no network
        Skip later (10 ms): to do: write it
        Pass test point 5 (10 ms)
        "#);
    }

    #[test]
    fn a_block_below_a_test_point_explains_it() {
        let output = "TAP version 14\n1..2\nnot ok 1 - crash\n  ---\n  status: 139\n  output: |\n    before\n\n    Segmentation fault\n  \
            ...\nnot ok 2 - wrong\n  ---\n  status: 3\n  ...\n";
        insta::assert_snapshot!(record(output, &Ending::Status(1)), @r"
        Fail crash (30 ms): ended with exit status 139: a program was killed by SIGSEGV
            before
            
            Segmentation fault
        Fail wrong (80 ms): ended with exit status 3
        ");
    }

    #[test]
    fn any_other_script_is_one_example() {
        insta::assert_snapshot!(record("+ hello\nHello!\n", &Ending::Well), @r"
        Pass run-examples.sh (20 ms)
            + hello
            Hello!
        ");
        insta::assert_snapshot!(record("ok\nnot ok\n\u{1b}[31mred\n", &Ending::Otherwise("was killed by SIGSEGV".into())), @r"
        Fail run-examples.sh (30 ms): was killed by SIGSEGV
            red
        ");
    }

    #[test]
    fn what_is_wrong_with_the_script_is_a_failure_of_its_own() {
        let cases = [
            ("one is missing", "1..2\nok - a\n", Ending::Well),
            ("a status without a reason", "1..1\nok - a\n", Ending::Status(3)),
            ("a crash after a failure", "1..2\nnot ok - a\nx\n", Ending::Otherwise("was killed by SIGABRT".into())),
            ("giving up", "1..2\nok - a\nBail out! no device\n", Ending::Status(255)),
            ("a skip that failed", "1..0 # SKIP none\n", Ending::Status(1)),
        ];
        let told: Vec<_> =
            cases.iter().map(|(name, output, ending)| format!("{name}:\n{}", record(output, ending))).collect();
        insta::assert_snapshot!(told.join("\n\n"), @r"
        one is missing:
        Pass a (20 ms)
        Fail run-examples.sh (20 ms): 2 test points were planned and 1 reported

        a status without a reason:
        Pass a (20 ms)
        Fail run-examples.sh (20 ms): ended with exit status 3

        a crash after a failure:
        Fail a (20 ms)
        Fail run-examples.sh (30 ms): was killed by SIGABRT; 2 test points were planned and 1 reported
            x

        giving up:
        Pass a (20 ms)
        Fail run-examples.sh (30 ms): ended with exit status 255; gave up: no device; 2 test points were planned and 1 reported

        a skip that failed:
        Fail run-examples.sh (10 ms): ended with exit status 1
        ");
    }

    #[test]
    fn nothing_planned_is_skipped() {
        insta::assert_snapshot!(record("1..0 # SKIP no device\n", &Ending::Well), @"Skip run-examples.sh (10 ms): no device");
    }

    #[test]
    fn namesakes_are_numbered() {
        insta::assert_snapshot!(record("1..4\nok - a\nok - a (2)\nok - a\nok - a\n", &Ending::Well), @r"
        Pass a (20 ms)
        Pass a (2) (10 ms)
        Pass a (3) (10 ms)
        Pass a (4) (10 ms)
        ");
    }

    #[test]
    fn output_is_kept_in_part() {
        let mut recorder = Recorder::new(Instant::now());
        for _ in 0..1000 {
            recorder.line(&"x".repeat(10_000), Instant::now());
        }
        assert_eq!(recorder.output.len(), TAIL_LINES);
        assert!(recorder.output.iter().all(|line| line.len() == LINE_LENGTH));
    }
}
