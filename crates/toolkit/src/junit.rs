// SPDX-License-Identifier: Apache-2.0
//! Results of tests as `JUnit` XML, which many tools read.

use std::fmt::Write;
use std::time::Duration;

/// What is tested.
#[derive(Clone, Copy, Debug)]
pub struct Suite<'a> {
    /// What kind of tests these are: `tests`, `examples`.
    pub kind: &'a str,
    /// What they test.
    pub name: &'a str,
}

/// One test.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it belongs to; readers make groups of it.
    pub class: &'a str,
    /// How long it took.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// What it said.
    pub output: &'a str,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Well.
    Passed,
    /// Not at all, for this reason.
    Skipped(&'a str),
    /// Not as it should, for this reason.
    Failed(&'a str),
}

/// The document. Its elements and attributes are those that all dialects have in common.
pub fn render(suite: Suite<'_>, cases: &[Case<'_>]) -> String {
    let count = |is: fn(&Outcome<'_>) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let counts = format!(r#"tests="{}" failures="{failed}" errors="0""#, cases.len());
    let time = seconds(cases.iter().map(|case| case.duration).sum());
    let (kind, name) = (attribute(suite.kind), attribute(suite.name));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{kind}\" {counts} time=\"{time}\">\n  \
         <testsuite name=\"{name}\" {counts} skipped=\"{skipped}\" time=\"{time}\">\n"
    );
    for case in cases {
        let (name, class, time) = (attribute(case.name), attribute(case.class), seconds(case.duration));
        let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time}\"");
        let inner = inner(case);
        let _ = if inner.is_empty() { writeln!(xml, "/>") } else { writeln!(xml, ">\n      {inner}\n    </testcase>") };
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn inner(case: &Case<'_>) -> String {
    let output = text(case.output);
    match case.outcome {
        Outcome::Skipped(why) => format!("<skipped message=\"{}\"/>", attribute(why)),
        Outcome::Passed if output.is_empty() => String::new(),
        Outcome::Passed => format!("<system-out>{output}</system-out>"),
        Outcome::Failed(why) => {
            let start = format!("<failure message=\"{}\" type=\"failure\"", attribute(why));
            if output.is_empty() { format!("{start}/>") } else { format!("{start}>{output}</failure>") }
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Text for an attribute, in which a line break would not stay.
fn attribute(value: &str) -> String {
    text(value).replace('"', "&quot;").replace(['\t', '\n'], " ")
}

/// Text for an element; characters that XML cannot hold are replaced.
fn text(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\t' | '\n' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roxmltree::{Document, Node};

    fn case<'a>(name: &'a str, outcome: Outcome<'a>, output: &'a str) -> Case<'a> {
        Case { name, class: "hello.x86_64", duration: Duration::from_millis(1500), outcome, output }
    }

    const SUITE: Suite<'_> = Suite { kind: "examples", name: "hello" };

    #[test]
    fn the_document_has_a_case_per_test() {
        let cases = [
            case("greet", Outcome::Passed, ""),
            case("says <x>", Outcome::Passed, "a & b"),
            case("crash", Outcome::Failed("was killed by \"SIGSEGV\"\nthere"), "one\n]]> \u{1}\u{1b}two"),
            case("quiet", Outcome::Failed("ended with exit status 1"), ""),
            case("far [torch]", Outcome::Skipped("needs gpu & network"), "not told"),
        ];
        insta::assert_snapshot!(render(SUITE, &cases));
    }

    /// What a schema allows of an element: attributes that must be and that may be, and elements within.
    type Rule = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

    /// The rules of Jenkins' schema, the one that most tools go by, for the elements that are written here.
    const SCHEMA: [Rule; 6] = [
        ("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
        ("testsuite", &["name", "tests", "failures", "errors"], &["time", "skipped"], &["testcase"]),
        ("testcase", &["name"], &["time", "classname"], &["skipped", "failure", "system-out"]),
        ("skipped", &[], &["type", "message"], &[]),
        ("failure", &[], &["type", "message"], &[]),
        ("system-out", &[], &[], &[]),
    ];

    fn check(node: Node<'_, '_>) {
        let name = node.tag_name().name();
        let (_, required, allowed, children) = SCHEMA.iter().find(|(element, ..)| *element == name).unwrap();
        let attributes: Vec<_> = node.attributes().map(|attribute| attribute.name()).collect();
        assert!(required.iter().all(|wanted| attributes.contains(wanted)), "{name}: {attributes:?}");
        assert!(attributes.iter().all(|found| required.contains(found) || allowed.contains(found)), "{attributes:?}");
        for number in ["time", "tests", "failures", "errors", "skipped"] {
            assert!(node.attribute(number).is_none_or(|value| value.parse::<f64>().is_ok()), "{name} {number}");
        }
        for child in node.children().filter(Node::is_element) {
            assert!(children.contains(&child.tag_name().name()), "{name} with {child:?}");
            check(child);
        }
    }

    proptest! {
        #[test]
        fn any_text_makes_a_document_of_the_common_schema(
            names in proptest::collection::vec((any::<String>(), any::<String>(), any::<String>(), 0..3u8), 0..4),
        ) {
            let cases: Vec<_> = names.iter().map(|(name, why, output, outcome)| {
                let outcome = match outcome {
                    0 => Outcome::Passed,
                    1 => Outcome::Skipped(why),
                    _ => Outcome::Failed(why),
                };
                case(name, outcome, output)
            }).collect();
            let xml = render(SUITE, &cases);
            let document = Document::parse(&xml).unwrap();
            check(document.root_element());
            prop_assert_eq!(document.descendants().filter(|node| node.has_tag_name("testcase")).count(), cases.len());
        }
    }
}
