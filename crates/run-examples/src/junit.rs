// SPDX-License-Identifier: Apache-2.0
//! The results as `JUnit` XML, which many tools read.

use crate::report::Report;
use artifact::Outcome;
use toolkit::junit::{self, Case, Suite};

/// The document.
pub fn render(report: &Report) -> String {
    let valgrind = if report.valgrind { ".valgrind" } else { "" };
    let class = format!("{}.{}{valgrind}", report.package, report.arch);
    let outputs: Vec<_> = report.examples.iter().map(|example| example.output.join("\n")).collect();
    let cases = report.examples.iter().zip(&outputs).map(|(example, output)| {
        let detail = example.detail.as_deref().unwrap_or_default();
        let outcome = match example.outcome {
            Outcome::Pass => junit::Outcome::Passed,
            Outcome::Skip => junit::Outcome::Skipped(detail),
            Outcome::Fail | Outcome::Unknown => junit::Outcome::Failed(detail),
        };
        Case { name: &example.name, class: &class, duration: example.duration, outcome, output }
    });
    junit::render(Suite { kind: "examples", name: report.package.as_str() }, &cases.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::Example;
    use artifact::Arch;
    use std::time::Duration;

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
