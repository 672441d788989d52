// SPDX-License-Identifier: Apache-2.0
//! The lines of the protocol that carry a meaning: test points and plans.

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
    let rest = rest.trim_start();
    let (head, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    // `ok 3d printing` has no number.
    let numbered = !head.is_empty() && (tail.is_empty() || tail.starts_with(char::is_whitespace));
    let (number, rest) = if numbered { (Some(head.parse().unwrap_or(u64::MAX)), tail) } else { (None, rest) };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("- ").or_else(|| (rest == "-").then_some("")).unwrap_or(rest);
    let (description, directive) = split_directive(rest);
    Some(Point { ok, number, description: unescape(description.trim()), directive })
}

/// Cuts `# SKIP why` or `# TODO why` off; another `#` belongs to the description.
fn split_directive(text: &str) -> (&str, Option<Directive>) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == '#'
            && !escaped
            && let Some(directive) = directive(text[at + 1..].trim())
        {
            return (&text[..at], Some(directive));
        }
        escaped = c == '\\' && !escaped;
    }
    (text, None)
}

fn directive(text: &str) -> Option<Directive> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, reason) = text.split_at(end);
    let reason = reason.trim_start_matches([':', ' ', '\t']).trim().to_owned();
    match word.to_ascii_lowercase().as_str() {
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
        ];
        let told: Vec<_> = lines.iter().map(|line| format!("{line}\n    {:?}", parse_point(line).unwrap())).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        ok
            Point { ok: true, number: None, description: "", directive: None }
        not ok
            Point { ok: false, number: None, description: "", directive: None }
        ok 1
            Point { ok: true, number: Some(1), description: "", directive: None }
        ok 2 - hello
            Point { ok: true, number: Some(2), description: "hello", directive: None }
        not ok 3 hello world
            Point { ok: false, number: Some(3), description: "hello world", directive: None }
        ok - no number
            Point { ok: true, number: None, description: "no number", directive: None }
        ok 3d printing
            Point { ok: true, number: None, description: "3d printing", directive: None }
        ok 4 - needs a network # SKIP no network
            Point { ok: true, number: Some(4), description: "needs a network", directive: Some(Skip("no network")) }
        ok 5 # skip
            Point { ok: true, number: Some(5), description: "", directive: Some(Skip("")) }
        ok 6 - a # Skipped: later
            Point { ok: true, number: Some(6), description: "a", directive: Some(Skip("later")) }
        not ok 7 - not yet # TODO write it
            Point { ok: false, number: Some(7), description: "not yet", directive: Some(Todo("write it")) }
        ok 8 - issue \#3 \\ more
            Point { ok: true, number: Some(8), description: "issue #3 \\ more", directive: None }
        ok 9 - issue #3 is gone
            Point { ok: true, number: Some(9), description: "issue #3 is gone", directive: None }
        ok 10 -
            Point { ok: true, number: Some(10), description: "", directive: None }
        ok 99999999999999999999999 - many
            Point { ok: true, number: Some(18446744073709551615), description: "many", directive: None }
        "#);
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
            let expected = Point { ok, number: Some(number), description, directive: skip.map(Directive::Skip) };
            prop_assert_eq!(parse_point(&line), Some(expected));
        }
    }
}
