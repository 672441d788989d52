//! The tests' results as `JUnit` XML, which many tools read.

use crate::backend::{Outcome, TestResult};
use std::fmt::Write;
use std::time::Duration;

/// The document. Its elements and attributes are those that all dialects have in common.
pub fn render(project: &str, tests: &[TestResult]) -> String {
    let count = |outcome| tests.iter().filter(|test| test.outcome == outcome).count();
    let time = seconds(tests.iter().map(|test| test.duration).sum());
    let counts = format!(r#"tests="{}" failures="{}" errors="0""#, tests.len(), count(Outcome::Failed));
    let (suite, skipped) = (escape(project), count(Outcome::Skipped));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tests\" {counts} time=\"{time}\">\n  \
         <testsuite name=\"{suite}\" {counts} skipped=\"{skipped}\" time=\"{time}\">\n"
    );
    for test in tests {
        let (name, time) = (escape(&test.name), seconds(test.duration));
        let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{suite}\" time=\"{time}\"");
        let detail = escape(test.detail.as_deref().unwrap_or_default());
        let _ = match test.outcome {
            Outcome::Passed => writeln!(xml, "/>"),
            Outcome::Skipped => writeln!(xml, ">\n      <skipped message=\"{detail}\"/>\n    </testcase>"),
            Outcome::Failed => {
                writeln!(xml, ">\n      <failure message=\"{detail}\" type=\"failure\"/>\n    </testcase>")
            }
        };
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Text for attributes; characters that XML cannot hold are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_a_case_per_test() {
        let test = |name: &str, outcome, detail: Option<&str>| TestResult {
            name: name.to_owned(),
            outcome,
            detail: detail.map(str::to_owned),
            duration: Duration::from_millis(1500),
        };
        let tests = [
            test("p:good", Outcome::Passed, None),
            test("p:<bad>", Outcome::Failed, Some("killed by \"SIGSEGV\"\u{1}")),
            test("p:far", Outcome::Skipped, Some("no qemu & no machine")),
        ];
        insta::assert_snapshot!(render("p", &tests), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="tests" tests="3" failures="1" errors="0" time="4.500">
          <testsuite name="p" tests="3" failures="1" errors="0" skipped="1" time="4.500">
            <testcase name="p:good" classname="p" time="1.500"/>
            <testcase name="p:&lt;bad&gt;" classname="p" time="1.500">
              <failure message="killed by &quot;SIGSEGV&quot;�" type="failure"/>
            </testcase>
            <testcase name="p:far" classname="p" time="1.500">
              <skipped message="no qemu &amp; no machine"/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
