//! The results as `JUnit` XML, which many tools read.

use crate::report::Report;
use artifact::Outcome;
use std::fmt::Write;
use std::time::Duration;

/// The document. Its elements and attributes are those that all dialects have in common.
pub fn render(report: &Report) -> String {
    let count = |outcome| report.count(outcome);
    let total: Duration = report.examples.iter().map(|example| example.duration).sum();
    let counts = format!(r#"tests="{}" failures="{}" errors="0""#, report.examples.len(), count(Outcome::Fail));
    let suite = escape(report.package.as_str());
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"examples\" {counts} time=\"{}\">\n  \
         <testsuite name=\"{suite}\" {counts} skipped=\"{}\" time=\"{}\">\n",
        seconds(total),
        count(Outcome::Skip),
        seconds(total)
    );
    let valgrind = if report.valgrind { ".valgrind" } else { "" };
    for example in &report.examples {
        let _ = write!(
            xml,
            "    <testcase name=\"{}\" classname=\"{suite}.{}{valgrind}\" time=\"{}\"",
            escape(&example.name),
            report.arch,
            seconds(example.duration)
        );
        let detail = escape(example.detail.as_deref().unwrap_or_default());
        let output = escape(&example.output.join("\n"));
        let inner = match example.outcome {
            Outcome::Pass => String::new(),
            Outcome::Skip => format!("      <skipped message=\"{detail}\"/>\n"),
            Outcome::Fail => format!("      <failure message=\"{detail}\" type=\"failure\">{output}</failure>\n"),
        };
        let spoke = example.outcome == Outcome::Pass && !output.is_empty();
        let system = if spoke { format!("      <system-out>{output}</system-out>\n") } else { String::new() };
        if inner.is_empty() && system.is_empty() {
            xml.push_str("/>\n");
        } else {
            let _ = write!(xml, ">\n{inner}{system}    </testcase>\n");
        }
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Text for elements and attributes; characters that XML cannot hold are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
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
    use crate::recorder::Example;
    use artifact::Arch;

    #[test]
    fn the_document_has_a_case_per_example() {
        let examples = vec![
            Example { duration: Duration::from_millis(1234), ..Example::new("greet", Outcome::Pass) },
            Example { output: vec!["a & b".into()], ..Example::new("says <x>", Outcome::Pass) },
            Example {
                detail: Some("was killed by \"SIGSEGV\"".into()),
                output: vec!["one".into(), "]]> \u{1}two".into()],
                ..Example::new("crash", Outcome::Fail)
            },
            Example { detail: Some("needs gpu".into()), ..Example::new("far [torch]", Outcome::Skip) },
        ];
        let report = Report { valgrind: true, ..Report::new("plugin-hello".parse().unwrap(), Arch::X86_64, examples) };
        insta::assert_snapshot!(render(&report));
    }
}
