// SPDX-License-Identifier: Apache-2.0
//! The Test Anything Protocol, versions 12 to 14, as a stream of lines.
//!
//! Only the top level counts, but giving up counts at every level. What else is indented (subtests), commented or unknown
//! is left to the reader of the log, because a script's output is full of other text.

mod line;

pub use line::{Directive, Point};

use line::{Plan, parse_plan, parse_point};
use std::collections::HashSet;

/// More test points than this are counted, and not told one by one.
pub const MOST_POINTS: usize = 10_000;

/// Something that a line said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A test point.
    Point(Point),
    /// `key: value` of the YAML block below the last test point.
    Detail {
        /// The key.
        key: String,
        /// The value, unquoted.
        value: String,
    },
    /// A line of a longer value in that block.
    Output(String),
    /// A comment.
    Comment(String),
    /// A version, a plan, an end of a block: nothing that an example said.
    Structure,
}

/// Reads a stream line by line.
#[derive(Debug, Default)]
pub struct Parser {
    version: Option<u32>,
    plan: Option<Plan>,
    second_plan: bool,
    /// How many points came before the plan.
    before_plan: u64,
    /// Whether a line can be nothing else than a test point: `not ok`, or `ok` with the number that is next.
    is_spoken: bool,
    /// Text that is no TAP is a fault (`pragma +strict`), and the first such line.
    strict: bool,
    foreign: Option<String>,
    /// `prove --verbose` shows one stream after another, and its own words behind each.
    is_prove: bool,
    settled: Vec<String>,
    settled_not_run: u64,
    points: u64,
    numbers: HashSet<u64>,
    duplicate: Option<u64>,
    outside: Option<u64>,
    bail_out: Option<String>,
    /// Indentation of the YAML block that is being read.
    yaml: Option<usize>,
    after_point: bool,
}

impl Parser {
    /// Takes a line without its end.
    pub fn line(&mut self, line: &str) -> Option<Event> {
        let text = line.trim_end();
        // What a terminal would show, where a progress was there before.
        let text = text.rsplit_once('\r').map_or(text, |(_, last)| last);
        let indentation = text.len() - text.trim_start().len();
        if text.is_empty() {
            return self.yaml.map(|_| Event::Output(String::new()));
        }
        let after_point = std::mem::take(&mut self.after_point);
        if indentation > 0 {
            return self.indented(text.trim_start(), indentation, after_point);
        }
        // A block that was not closed ends with the next line of the top level.
        self.yaml = None;
        if let Some(version) = text.strip_prefix("TAP version ") {
            self.version = self.version.or_else(|| version.trim().parse().ok());
        } else if is_heading(text) {
            self.begin_stream();
        } else if let Some(plan) = parse_plan(text) {
            self.second_plan |= self.plan.is_some();
            if self.plan.is_none() {
                self.before_plan = self.points;
                self.plan = Some(plan);
            }
        } else if self.gives_up(text) {
            return Some(Event::Structure);
        } else if let Some(pragma) = text.strip_prefix("pragma ") {
            for word in pragma.split([',', ' ']) {
                self.strict = (self.strict || word == "+strict") && word != "-strict";
            }
        } else if let Some(comment) = text.strip_prefix('#') {
            self.after_point = after_point;
            return Some(Event::Comment(comment.trim().to_owned()));
        } else {
            let Some(point) = parse_point(text).filter(|point| !self.is_prove || point.number.is_some()) else {
                if self.strict {
                    self.foreign.get_or_insert_with(|| text.to_owned());
                }
                return None;
            };
            return Some(self.point(point));
        }
        Some(Event::Structure)
    }

    /// What came before was a stream of its own.
    fn begin_stream(&mut self) {
        if self.is_prove {
            self.settled = self.disagreements();
            self.settled_not_run = self.not_run();
        }
        self.is_prove = true;
        self.plan = None;
        (self.second_plan, self.before_plan, self.points) = (false, 0, 0);
        self.numbers.clear();
        (self.duplicate, self.outside) = (None, None);
    }

    fn gives_up(&mut self, text: &str) -> bool {
        let Some(reason) = strip_prefix_ignoring_case(text, "bail out!") else { return false };
        self.bail_out.get_or_insert_with(|| reason.trim().to_owned());
        true
    }

    fn point(&mut self, mut point: Point) -> Event {
        self.points += 1;
        self.after_point = true;
        self.is_spoken |= !point.ok || point.number == Some(self.points);
        let number = *point.number.get_or_insert(self.points);
        if self.numbers.len() >= MOST_POINTS {
            return Event::Structure;
        }
        if !self.numbers.insert(number) {
            self.duplicate.get_or_insert(number);
        }
        if number == 0 || self.plan.as_ref().is_some_and(|plan| number > plan.count) {
            self.outside.get_or_insert(number);
        }
        Event::Point(point)
    }

    fn indented(&mut self, text: &str, indentation: usize, after_point: bool) -> Option<Event> {
        let block = self.yaml;
        match block {
            None if after_point && text == "---" => self.yaml = Some(indentation),
            Some(block) if block == indentation && text == "..." => self.yaml = None,
            Some(block) if block == indentation => {
                let (key, value) = text.split_once(':')?;
                return Some(Event::Detail { key: key.trim().to_owned(), value: unquoted(value.trim()).to_owned() });
            }
            Some(block) if block < indentation => return Some(Event::Output(text.to_owned())),
            None if self.gives_up(text) => {}
            _ => return None,
        }
        Some(Event::Structure)
    }

    /// Whether this is TAP at all, and not text that looks like it here and there.
    pub fn is_tap(&self) -> bool {
        self.version.is_some() || self.plan.is_some() || self.is_spoken || self.bail_out.is_some()
    }

    /// How many test points were planned and did not come.
    pub fn not_run(&self) -> u64 {
        self.settled_not_run + self.plan.as_ref().map_or(0, |plan| plan.count.saturating_sub(self.points))
    }

    /// Why the script gave up, if it did.
    pub fn bail_out(&self) -> Option<&str> {
        self.bail_out.as_deref()
    }

    /// Why nothing at all was tested, if that was planned.
    pub fn skipped_entirely(&self) -> Option<&str> {
        let plan = self.plan.as_ref().filter(|plan| plan.count == 0 && self.points == 0)?;
        Some(&plan.comment)
    }

    /// Where plan and test points disagree.
    pub fn disagreements(&self) -> Vec<String> {
        let mut found = self.settled.clone();
        match &self.plan {
            None if self.bail_out.is_some() => {}
            None => found.push("the plan is missing".to_owned()),
            Some(plan) if plan.count != self.points => {
                found.push(format!("{} test points were planned and {} reported", plan.count, self.points));
            }
            Some(_) => {}
        }
        if self.second_plan {
            found.push("there is more than one plan".to_owned());
        }
        if self.before_plan > 0 && self.before_plan < self.points {
            found.push("the plan is neither at the beginning nor at the end".to_owned());
        }
        if let Some(line) = &self.foreign {
            found.push(format!("a line is not TAP, which `pragma +strict` asks for: {line}"));
        }
        if let Some(number) = self.duplicate {
            found.push(format!("the number {number} was reported more than once"));
        }
        if let Some(number) = self.outside {
            found.push(format!("the number {number} is not in the plan"));
        }
        found
    }
}

/// `t/greet.t .. `, as `prove --verbose` announces the output of a file.
fn is_heading(text: &str) -> bool {
    text.split_once(" ..").is_some_and(|(file, dots)| {
        !file.is_empty() && !file.contains(char::is_whitespace) && dots.bytes().all(|byte| byte == b'.')
    })
}

/// A YAML scalar without the quotes around it.
fn unquoted(text: &str) -> &str {
    let between = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(text)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Vec<Event>, Parser) {
        let mut parser = Parser::default();
        let events = text.lines().filter_map(|line| parser.line(line));
        let events = events.filter(|event| *event != Event::Structure).collect();
        (events, parser)
    }

    #[test]
    fn a_whole_stream_agrees() {
        let (events, parser) = read(
            "TAP version 14\n1..3\nsome text\n# a comment\nok 1 - a\n  ---\n  duration_ms: 12.5\n  message: \"x: y\"\n  output: |\n    one\n\n    two\n  ...\n\
             # Subtest: b\n    1..1\n    not ok 1 - inner\nok 2 - b\nnot ok 3 - c\n",
        );
        assert!(parser.is_tap());
        assert_eq!(parser.disagreements(), [""; 0]);
        let block = |event: &&Event| matches!(event, Event::Detail { .. } | Event::Output(_));
        let details: Vec<_> = events.iter().filter(block).collect();
        insta::assert_debug_snapshot!(details, @r#"
        [
            Detail {
                key: "duration_ms",
                value: "12.5",
            },
            Detail {
                key: "message",
                value: "x: y",
            },
            Detail {
                key: "output",
                value: "|",
            },
            Output(
                "one",
            ),
            Output(
                "",
            ),
            Output(
                "two",
            ),
        ]
        "#);
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Point(_))).count(), 3);
    }

    #[test]
    fn disagreements_are_named() {
        let cases = [
            ("one is missing", "1..3\nok\nok\n"),
            ("one too many", "1..1\nok\nok\n"),
            ("no plan", "TAP version 13\nok\n"),
            ("nothing", "TAP version 13\n"),
            ("two plans", "1..1\nok\n1..1\n"),
            ("a number twice", "1..2\nok 1\nok 1\n"),
            ("number 0", "1..1\nok 0\n"),
            ("a plan only", "1..2\n"),
            ("points only", "ok 1\nok 2\n"),
            ("a plan between", "ok 1\n1..2\nok 2\n"),
            ("strict", "TAP version 14\npragma +strict\n1..1\nhello\nok 1\n"),
            ("strict no more", "TAP version 14\npragma +strict\npragma -strict\n1..1\nhello\nok 1\n"),
        ];
        let told: Vec<_> =
            cases.map(|(name, text)| format!("{name}: {}", read(text).1.disagreements().join("; "))).into();
        insta::assert_snapshot!(told.join("\n"), @r"
        one is missing: 3 test points were planned and 2 reported
        one too many: 1 test points were planned and 2 reported; the number 2 is not in the plan
        no plan: the plan is missing
        nothing: the plan is missing
        two plans: there is more than one plan
        a number twice: the number 1 was reported more than once
        number 0: the number 0 is not in the plan
        a plan only: 2 test points were planned and 0 reported
        points only: the plan is missing
        a plan between: the plan is neither at the beginning nor at the end
        strict: a line is not TAP, which `pragma +strict` asks for: hello
        strict no more: 
        ");
        assert_eq!(read("ok 1\nok 2\n1..2\n").1.disagreements(), [""; 0], "a plan may come last");
    }

    #[test]
    fn giving_up_and_leaving_out_have_reasons() {
        assert_eq!(read("TAP version 13\nBail out! no device\n").1.bail_out(), Some("no device"));
        assert_eq!(read("    1..1\n    Bail out! in a subtest\n").1.bail_out(), Some("in a subtest"));
        assert_eq!(read("1..1\nok\n  ---\n  Bail out! is a key\n  ...\n").1.bail_out(), None);
        assert_eq!(read("1..0 # SKIP no device\n").1.skipped_entirely(), Some("no device"));
        assert_eq!(read("1..0\n").1.skipped_entirely(), Some(""));
        assert_eq!(read("1..1\nok\n").1.skipped_entirely(), None);
    }

    #[test]
    fn text_is_not_taken_for_tap() {
        for text in ["", "ok\n", "ok go\nok 7\n", "1..x\n", "# Bail out!\n", "TAP version x\n", "not okay\n"] {
            assert!(!read(text).1.is_tap(), "{text}");
        }
    }

    #[test]
    fn what_can_only_be_tap_is() {
        for text in ["not ok\n", "ok 1\n", "1..2\n", "Bail out!\n", "TAP version 13\n", "50%\r100%\rnot ok 1\r\n"] {
            assert!(read(text).1.is_tap(), "{text}");
        }
    }

    #[test]
    fn endless_points_do_not_fill_the_memory() {
        let mut parser = Parser::default();
        let told = (0..2 * MOST_POINTS).filter(|_| parser.line("ok") != Some(Event::Structure)).count();
        assert_eq!(told, MOST_POINTS);
        assert_eq!(parser.points, 2 * MOST_POINTS as u64);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in r"(?s).{0,200}") {
            let (_, parser) = read(&text);
            let _ = (parser.is_tap(), parser.disagreements());
        }
    }
}
