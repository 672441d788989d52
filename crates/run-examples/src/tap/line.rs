// SPDX-License-Identifier: Apache-2.0
//! The lines of the protocol that carry a meaning: test points and plans.

use regex_lite::Regex;
use std::sync::LazyLock;
use std::time::Duration;

/// `ok 3 - what was tested # SKIP why not`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Whether it said `ok`.
    pub ok: bool,
    /// Its number; the parser counts where none is written.
    pub number: Option<u64>,
    /// What was tested; may be empty.
    pub description: String,
    /// What was said of it after a `#`.
    pub directive: Option<Directive>,
    /// How long it took, if the description ended with that.
    pub duration: Option<Duration>,
}

/// What turns a result into something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    /// It was not tested; why.
    Skip(String),
    /// It is known not to work yet; why.
    Todo(String),
}

/// `1..n # why none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many test points there should be.
    pub count: u64,
    /// Why there are none, or anything else.
    pub comment: String,
}

/// The plan on a line.
pub fn parse_plan(text: &str) -> Option<Plan> {
    let rest = text.strip_prefix("1..")?;
    let (count, comment) = rest.split_once('#').unwrap_or((rest, ""));
    let comment = comment.trim();
    let comment = match directive(comment) {
        Some(Directive::Skip(reason)) => reason,
        _ => comment.to_owned(),
    };
    Some(Plan { count: count.trim().parse().ok()?, comment })
}

/// The test point on a line.
pub fn parse_point(text: &str) -> Option<Point> {
    let (ok, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    if !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let text = rest.trim_start();
    let (head, tail) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    // `ok 3d printing` has no number.
    let numbered = !head.is_empty() && (tail.is_empty() || tail.starts_with(char::is_whitespace));
    let (number, rest) = if numbered { (Some(head.parse().unwrap_or(u64::MAX)), tail) } else { (None, rest) };
    let (rest, mut duration) = split_time(rest, &COMMENT);
    let (description, directive) = split_directive(rest);
    let description = description.trim();
    let dashed = description.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    let description = dashed.unwrap_or(description).trim_start();
    let (description, ending) = split_time(description, &ENDING);
    duration = duration.or(ending);
    Some(Point { ok, number, description: unescape(description.trim()), directive, duration })
}

/// ` # time=12ms`, as node-tap writes it.
static COMMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(.*?)\s#\s*(?:time|duration)=(\d+(?:\.\d+)?)\s?(ms|msec|s|sec|secs|us|µs)?\s*$").ok()
});

/// ` in 12ms`, as bats writes it, ` (12 ms)` or ` [0.1s]`.
static ENDING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(.*?)\s+(?:in\s+|\(|\[)(\d+(?:\.\d+)?)(?:\s?(ms|msec|s|sec|secs|us|µs)\)|\s?(ms|msec|s|sec|secs|us|µs)\]|(ms|msec|s|sec|secs|us|µs))$").ok()
});

/// Cuts off how long it took, which differs from run to run.
fn split_time<'a>(text: &'a str, form: &LazyLock<Option<Regex>>) -> (&'a str, Option<Duration>) {
    let Some(found) = form.as_ref().and_then(|form| form.captures(text)) else { return (text, None) };
    let unit = (3..found.len()).find_map(|group| found.get(group)).map_or("ms", |unit| unit.as_str());
    let factor = match unit {
        "us" | "µs" => 1e-6,
        "ms" | "msec" => 1e-3,
        _ => 1.0,
    };
    let number = found.get(2).and_then(|number| number.as_str().parse::<f64>().ok());
    let duration = number.and_then(|number| Duration::try_from_secs_f64(number * factor).ok());
    (found.get(1).map_or(text, |rest| rest.as_str()), duration)
}

/// Cuts ` # SKIP why` or ` # TODO why` off; another `#` belongs to the description.
fn split_directive(text: &str) -> (&str, Option<Directive>) {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '#'
            && before.is_whitespace()
            && text[at + 1..].starts_with(char::is_whitespace)
            && let Some(directive) = directive(text[at + 1..].trim())
        {
            return (&text[..at], Some(directive));
        }
        before = c;
    }
    (text, None)
}

fn directive(text: &str) -> Option<Directive> {
    let (word, reason) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let reason = reason.trim().to_owned();
    match word.trim_end_matches(':').to_ascii_lowercase().as_str() {
        "skip" | "skipped" => Some(Directive::Skip(reason)),
        "todo" => Some(Directive::Todo(reason)),
        _ => None,
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next_if(|next| matches!(next, '#' | '\\')).unwrap_or(c) } else { c });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn test_points_are_read() {
        let lines = [
            "ok",
            "not ok",
            "ok 1",
            "ok 2 - hello",
            "not ok 3 hello world",
            "ok - no number",
            "ok 3d printing",
            "ok 4 - needs a network # SKIP no network",
            "ok 5 # skip",
            "ok 6 - a # Skipped: later",
            "not ok 7 - not yet # TODO write it",
            r"ok 8 - issue \#3 \\ more",
            "ok 9 - issue #3 is gone",
            "ok 10 -",
            "ok 99999999999999999999999 - many",
            "not ok 11 - follows a link to #todo-list",
            "not ok 12 - LazyRange#skip",
            "not ok 13 - a # skipped-items",
            "not ok 14 - a #skip no blank",
            "not ok 15 - a # todolist",
            r"not ok 16 - a \# SKIP escaped",
            "ok 17 - quick # time=12ms",
            "ok 18 - quick in 12ms",
            "ok 19 - quick in 2sec",
            "ok 20 - quick (0.05s)",
            "ok 21 - quick in 3ms # skip no gpu",
            "ok 22 - quick # SKIP no gpu # time=1ms",
            "ok 23 - sleeps in 5 seconds",
            "not ok 24 - - dashes",
            "ok\t25\t-\ttabs\t#\tSKIP no gpu",
        ];
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                let point = parse_point(line).unwrap();
                let number = point.number.map_or_else(String::new, |number| number.to_string());
                let took = point.duration.map_or_else(String::new, |duration| format!(" {} ms", duration.as_millis()));
                let directive = point.directive.map_or_else(String::new, |directive| format!(" {directive:?}"));
                format!("{line}\n    {} [{number}] {:?}{directive}{took}", point.ok, point.description)
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn other_text_is_no_test_point() {
        for line in ["okay", "okay 1", "OK 1", " ok 1", "    not ok 1 - in a subtest", "not okay", "look", "", "nok 1"]
        {
            assert_eq!(parse_point(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            ok: bool,
            number in 1u64..1000,
            description in "[a-z]([a-z #\\\\]*[a-z])?",
            skip in proptest::option::of("[a-z]([a-z ]*[a-z])?"),
        ) {
            let escaped = description.replace('\\', "\\\\").replace('#', "\\#");
            let directive = skip.as_ref().map_or_else(String::new, |reason| format!(" # SKIP {reason}"));
            let line = format!("{}ok {number} - {escaped}{directive}", if ok { "" } else { "not " });
            let directive = skip.map(Directive::Skip);
            let expected = Point { ok, number: Some(number), description, directive, duration: None };
            prop_assert_eq!(parse_point(&line), Some(expected));
        }
    }
}
