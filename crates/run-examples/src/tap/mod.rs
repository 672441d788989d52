// SPDX-License-Identifier: Apache-2.0
//! The Test Anything Protocol, versions 13 and 14, as a stream of lines.
//!
//! Only the top level counts. What is indented (subtests), commented or unknown is left to the
//! reader of the log, because a script's output is full of other text.

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
        } else if let Some(plan) = parse_plan(text) {
            self.second_plan |= self.plan.is_some();
            self.plan.get_or_insert(plan);
        } else if let Some(reason) = strip_prefix_ignoring_case(text, "bail out!") {
            self.bail_out.get_or_insert_with(|| reason.trim().to_owned());
        } else if let Some(comment) = text.strip_prefix('#') {
            self.after_point = after_point;
            return Some(Event::Comment(comment.trim().to_owned()));
        } else {
            return Some(self.point(parse_point(text)?));
        }
        Some(Event::Structure)
    }

    fn point(&mut self, mut point: Point) -> Event {
        self.points += 1;
        self.after_point = true;
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
        match self.yaml {
            None if after_point && text == "---" => self.yaml = Some(indentation),
            Some(block) if block == indentation && text == "..." => self.yaml = None,
            Some(block) if block == indentation => {
                let (key, value) = text.split_once(':')?;
                return Some(Event::Detail { key: key.trim().to_owned(), value: unquoted(value.trim()).to_owned() });
            }
            Some(block) if block < indentation => return Some(Event::Output(text.to_owned())),
            _ => return None,
        }
        Some(Event::Structure)
    }

    /// Whether this is TAP at all, and not text that looks like it here and there.
    pub fn is_tap(&self) -> bool {
        self.version.is_some() || (self.plan.is_some() && self.points > 0)
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
        let mut found = Vec::new();
        match &self.plan {
            None => found.push("the plan is missing".to_owned()),
            Some(plan) if plan.count != self.points => {
                found.push(format!("{} test points were planned and {} reported", plan.count, self.points));
            }
            Some(_) => {}
        }
        if self.second_plan {
            found.push("there is more than one plan".to_owned());
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
        ");
        assert_eq!(read("ok 1\nok 2\n1..2\n").1.disagreements(), [""; 0], "a plan may come last");
    }

    #[test]
    fn giving_up_and_leaving_out_have_reasons() {
        assert_eq!(read("TAP version 13\nBail out! no device\n").1.bail_out(), Some("no device"));
        assert_eq!(read("1..0 # SKIP no device\n").1.skipped_entirely(), Some("no device"));
        assert_eq!(read("1..0\n").1.skipped_entirely(), Some(""));
        assert_eq!(read("1..1\nok\n").1.skipped_entirely(), None);
    }

    #[test]
    fn text_is_not_taken_for_tap() {
        for text in ["", "ok\nok 2\n", "1..2\n", "Bail out!\n", "TAP version x\n"] {
            assert!(!read(text).1.is_tap(), "{text}");
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
