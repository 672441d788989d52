//! What is told of the examples: a line each, annotations, the job summary, the report file.

use crate::recorder::Example;
use artifact::{Arch, ExampleReport, ExampleResult, Outcome, PackageName};
use std::fmt::Write;
use std::path::Path;
use toolkit::{Annotation, Result, ResultExt, Runner, human, markdown};

/// How many failed examples become annotations.
const SHOWN: usize = 10;
/// How many examples have a line in the summary, and how many of them their output.
const LISTED: usize = 200;
const WITH_OUTPUT: usize = 20;

/// The examples of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The package they belong to.
    pub package: PackageName,
    /// The machine they ran on.
    pub arch: Arch,
    /// Whether valgrind watched them.
    pub valgrind: bool,
    /// The examples in the order in which they ended.
    pub examples: Vec<Example>,
}

impl Report {
    /// How many ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.with(outcome).count()
    }

    /// Those that ended so.
    pub fn with(&self, outcome: Outcome) -> impl Iterator<Item = &Example> {
        self.examples.iter().filter(move |example| example.outcome == outcome)
    }

    /// `4 passed, 1 failed`.
    pub fn tally(&self) -> String {
        let parts = [(Outcome::Pass, "passed"), (Outcome::Fail, "failed"), (Outcome::Skip, "skipped")];
        let parts = parts.map(|(outcome, name)| (self.count(outcome), name));
        let parts: Vec<_> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
        parts.join(", ")
    }

    /// Tells the log: a line per example, the output of those that failed, an annotation for each.
    pub fn tell(&self, runner: &Runner) {
        for example in &self.examples {
            let detail = example.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
            let word = word(example.outcome);
            runner.info(&format!("{word:7} {:>8}  {}{detail}", human::duration(example.duration), example.name));
        }
        for example in self.with(Outcome::Fail).filter(|example| !example.output.is_empty()) {
            let _group = runner.group(&format!("The last lines of {}", example.name));
            runner.info(&example.output.join("\n"));
        }
        for example in self.with(Outcome::Fail).take(SHOWN) {
            let detail = example.detail.as_deref().unwrap_or("failed");
            runner.annotate(&Annotation::error(format!("{}: {detail}", example.name)).title("Example failed"));
        }
    }

    /// Markdown for the job summary.
    pub fn summary(&self) -> String {
        let valgrind = if self.valgrind { " under valgrind" } else { "" };
        let mut text = format!("### Examples of {}{valgrind} on {}: {}\n\n", self.package, self.arch, self.tally());
        // What failed must be seen, however many others there are.
        let failed_first = self.with(Outcome::Fail).chain(self.with(Outcome::Pass)).chain(self.with(Outcome::Skip));
        let rows: Box<dyn Iterator<Item = &Example>> = if self.examples.len() > LISTED {
            Box::new(failed_first.take(LISTED))
        } else {
            Box::new(self.examples.iter())
        };
        text.push_str(&markdown::table(&["Example", "Result", "Time"], rows.map(row)));
        if self.examples.len() > LISTED {
            let _ = writeln!(text, "\n… and {} more.", self.examples.len() - LISTED);
        }
        for example in self.with(Outcome::Fail).filter(|example| !example.output.is_empty()).take(WITH_OUTPUT) {
            let name = markdown::escape(&example.name);
            let output = markdown::block(&example.output.join("\n"));
            let _ = write!(text, "\n<details><summary>The last lines of {name}</summary>\n\n{output}\n</details>\n");
        }
        text
    }

    /// Writes the document that other steps and the published bundle read.
    pub fn write(&self, file: &Path) -> Result<()> {
        let document = ExampleReport {
            schema: ExampleReport::SCHEMA,
            package: self.package.clone(),
            arch: self.arch,
            valgrind: self.valgrind,
            examples: self.examples.iter().map(result).collect(),
        };
        let write = || {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(file, document.to_canonical_json())
        };
        write().with_context(|| format!("could not write {}", file.display()))
    }
}

fn row(example: &Example) -> Vec<String> {
    let outcome = match example.outcome {
        Outcome::Fail => format!("**{}**", word(Outcome::Fail)),
        outcome => word(outcome).to_owned(),
    };
    let detail = example.detail.as_ref().map_or_else(String::new, |detail| format!(": {}", markdown::escape(detail)));
    vec![markdown::escape(&example.name), format!("{outcome}{detail}"), human::duration(example.duration)]
}

fn result(example: &Example) -> ExampleResult {
    ExampleResult {
        name: example.name.clone(),
        outcome: example.outcome,
        duration_ms: u64::try_from(example.duration.as_millis()).unwrap_or(u64::MAX),
        detail: example.detail.clone(),
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "passed",
        Outcome::Fail => "failed",
        Outcome::Skip => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn example(name: &str, outcome: Outcome, detail: Option<&str>, output: &[&str]) -> Example {
        Example {
            name: name.into(),
            outcome,
            duration: Duration::from_millis(35),
            detail: detail.map(str::to_owned),
            output: output.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn report(valgrind: bool) -> Report {
        let examples = vec![
            example("greet", Outcome::Pass, None, &["Hello!"]),
            example("count", Outcome::Fail, Some("ended with exit status 1"), &["expected 3 | got 4", "::error::no"]),
            example("far <b>", Outcome::Skip, Some("no network"), &[]),
        ];
        Report { package: "plugin-hello".parse().unwrap(), arch: Arch::X86_64, valgrind, examples }
    }

    #[test]
    fn the_summary_is_worth_reading() {
        insta::assert_snapshot!(report(true).summary(), @r"
        ### Examples of plugin-hello under valgrind on x86_64: 1 passed, 1 failed, 1 skipped

        | Example | Result | Time |
        | --- | --- | --- |
        | greet | passed | 35 ms |
        | count | **failed**: ended with exit status 1 | 35 ms |
        | far &lt;b&gt; | skipped: no network | 35 ms |

        <details><summary>The last lines of count</summary>

        ```text
        expected 3 | got 4
        ::error::no
        ```

        </details>
        ");
    }

    #[test]
    fn the_log_has_a_line_for_each() {
        let (runner, recording) = Runner::recording([("GITHUB_ACTIONS", "true")]);
        report(false).tell(&runner);
        insta::assert_snapshot!(recording.text(), @r"
        passed     35 ms  greet
        failed     35 ms  count (ended with exit status 1)
        skipped    35 ms  far <b> (no network)
        ::group::The last lines of count
        expected 3 | got 4
        | ::error::no
        ::endgroup::
        ::error title=Example failed::count: ended with exit status 1
        ");
    }

    #[test]
    fn a_long_list_begins_with_the_failures() {
        let mut report = report(false);
        report.examples = (0..300).map(|n| example(&n.to_string(), Outcome::Pass, None, &[])).collect();
        report.examples.push(example("last", Outcome::Fail, None, &[]));
        let summary = report.summary();
        assert_eq!(summary.lines().nth(4), Some("| last | **failed** | 35 ms |"));
        assert!(summary.ends_with("… and 101 more.\n"), "{summary}");
    }

    #[test]
    fn the_file_is_the_document() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/report.json");
        report(false).write(&file).unwrap();
        let read = ExampleReport::parse(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(read.count(Outcome::Fail), 1);
        insta::assert_debug_snapshot!(read.examples[2], @r#"
        ExampleResult {
            name: "far <b>",
            outcome: Skip,
            duration_ms: 35,
            detail: Some(
                "no network",
            ),
        }
        "#);
    }
}
