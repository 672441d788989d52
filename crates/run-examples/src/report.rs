// SPDX-License-Identifier: Apache-2.0
//! What is told of the examples: a line each, annotations, the job summary, the report file.

use crate::baseline::Level;
use crate::recorder::Example;
use artifact::{Arch, ExampleReport, ExampleResult, Outcome, PackageName, Regression, RegressionKind, Sha256};
use std::fmt::Write;
use std::path::Path;
use toolkit::{Annotation, Failure, Result, Runner, human, markdown};

/// How many failed examples become annotations.
const SHOWN: usize = 10;
/// How many examples have a line in the summary, and how many of them their output.
const LISTED: usize = 200;
const WITH_OUTPUT: usize = 20;
/// How many reasons for skipping are named.
const REASONS: usize = 5;

/// The examples of a run, and what is known besides.
#[derive(Clone, Debug)]
pub struct Report {
    /// The package they belong to.
    pub package: PackageName,
    /// The machine they are made for.
    pub arch: Arch,
    /// Whether valgrind watched them.
    pub valgrind: bool,
    /// The examples in the order in which they are described or ended.
    pub examples: Vec<Example>,
    /// What the machine was known to have.
    pub context: Vec<String>,
    /// Digest of the install tree that they ran against.
    pub tree_sha256: Option<Sha256>,
    /// The earlier run that this one was compared with.
    pub baseline: Option<ExampleReport>,
    /// What was better in it, and how bad that is.
    pub regressions: Vec<(Regression, Level)>,
    /// Files that the run changed outside of its scratch folders.
    pub leftovers: Vec<String>,
    /// What else a reader must know.
    pub notes: Vec<String>,
    /// How many more there would have been.
    pub not_run: u64,
    /// Why what describes the examples cannot be judged.
    pub refused: Option<Failure>,
}

impl Report {
    /// A report of these examples only.
    pub fn new(package: PackageName, arch: Arch, examples: Vec<Example>) -> Self {
        Self {
            package,
            arch,
            valgrind: false,
            examples,
            context: Vec::new(),
            tree_sha256: None,
            baseline: None,
            regressions: Vec::new(),
            leftovers: Vec::new(),
            notes: Vec::new(),
            not_run: 0,
            refused: None,
        }
    }

    /// Adds something that a reader must know, and warns of it.
    pub fn note(&mut self, text: String, runner: &Runner) {
        runner.warning(&text);
        self.notes.push(text);
    }

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
        let parts = [Outcome::Pass, Outcome::Fail, Outcome::Unknown, Outcome::Skip];
        let parts = parts.map(|outcome| (self.count(outcome) as u64, word(outcome)));
        let parts = parts.into_iter().chain([(self.not_run, "not run")]).filter(|(count, _)| *count > 0);
        parts.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    }

    /// `2 of 7 examples were skipped: needs gpu (2)`.
    pub fn skipped(&self) -> Option<String> {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for example in self.with(Outcome::Skip) {
            let reason = example.detail.as_deref().unwrap_or("no reason");
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        let count = self.count(Outcome::Skip);
        let more = reasons.len().saturating_sub(REASONS);
        let mut named: Vec<_> =
            reasons.iter().take(REASONS).map(|(reason, count)| format!("{reason} ({count})")).collect();
        named.extend((more > 0).then(|| format!("and {more} other reasons")));
        let were = if count == 1 { "was" } else { "were" };
        let all = self.examples.len();
        let plural = if all == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} of {all} example{plural} {were} skipped: {}", named.join("; ")))
    }

    /// Tells the log what became of each: a line per example, and the output of those that failed.
    pub fn tell(&self, runner: &Runner) {
        for example in &self.examples {
            tell_line(example, runner);
        }
        for example in self.examples.iter().filter(|example| has_failed(example)) {
            tell_output(example, runner);
        }
    }

    /// Tells what must not be overlooked: failures, regressions, leftovers.
    pub fn annotate(&self, runner: &Runner) {
        for example in self.examples.iter().filter(|example| has_failed(example)).take(SHOWN) {
            let detail = example.detail.as_deref().unwrap_or("failed");
            let new = self.regressions.iter().any(|(found, _)| found.example == example.name);
            let title = match example.outcome {
                Outcome::Unknown => "Result of an example is unknown",
                _ if new => "Example fails that did not in the baseline",
                _ => "Example failed",
            };
            runner.annotate(&Annotation::error(format!("{}: {detail}", example.name)).title(title));
        }
        // A failure is told already.
        let others = self.regressions.iter().filter(|(found, _)| found.kind != RegressionKind::Failed);
        for (regression, level) in others.take(SHOWN) {
            let text = format!("{}: {}", regression.example, regression.detail);
            let annotation = match level {
                Level::Error => Annotation::error(text),
                Level::Warning | Level::Ignore => Annotation::warning(text),
            };
            runner.annotate(&annotation.title("Worse than the baseline"));
        }
        for example in self.examples.iter().filter(|example| !example.leftovers.is_empty()).take(SHOWN) {
            let left = example.leftovers.join(", ");
            runner.warning(&format!("{} left processes behind, which were ended: {left}", example.name));
        }
        if let Some(skipped) = self.skipped() {
            runner.annotate(&Annotation::notice(skipped).title("Skipped examples"));
        }
        if !self.leftovers.is_empty() {
            runner.warning(&format!("files outside of the scratch folders: {}", self.leftovers.join(", ")));
        }
    }

    /// Markdown for the job summary.
    pub fn summary(&self) -> String {
        let watched = self.examples.iter().filter(|example| example.under_valgrind == Some(true)).count();
        let ran = self.examples.iter().filter(|example| example.outcome != Outcome::Skip).count();
        let valgrind = match self.valgrind {
            false => String::new(),
            true if watched == ran => " under valgrind".to_owned(),
            true => format!(", {watched} of {ran} under valgrind,"),
        };
        let mut text = format!("### Examples of {}{valgrind} on {}: {}\n\n", self.package, self.arch, self.tally());
        // What failed must be seen, however many others there are.
        let failed_first = [Outcome::Fail, Outcome::Unknown, Outcome::Pass, Outcome::Skip];
        let failed_first = failed_first.into_iter().flat_map(|outcome| self.with(outcome));
        let rows: Box<dyn Iterator<Item = &Example>> = if self.examples.len() > LISTED {
            Box::new(failed_first.take(LISTED))
        } else {
            Box::new(self.examples.iter())
        };
        let mut columns = vec!["Example", "Result", "Time"];
        let plugins = self.examples.iter().any(|example| example.plugin.is_some());
        if plugins {
            columns.insert(1, "Plugin");
        }
        columns.extend(self.baseline.as_ref().map(|_| "Against the baseline"));
        text.push_str(&markdown::table(&columns, rows.map(|example| self.row(example, plugins))));
        if self.examples.len() > LISTED {
            let _ = writeln!(text, "\n… and {} more.", self.examples.len() - LISTED);
        }
        text.push_str(&self.besides());
        let failed = self.examples.iter().filter(|example| has_failed(example) && !example.output.is_empty());
        for example in failed.take(WITH_OUTPUT) {
            let name = markdown::escape(&example.name);
            let output = markdown::block(&example.output.join("\n"));
            let _ = write!(text, "\n<details><summary>The last lines of {name}</summary>\n\n{output}\n</details>\n");
        }
        text
    }

    /// What the table has no row for.
    fn besides(&self) -> String {
        let mut text = String::new();
        let gone = self.regressions.iter().filter(|(regression, _)| regression.kind == RegressionKind::Disappeared);
        for (regression, _) in gone.take(LISTED) {
            let (name, detail) = (markdown::escape(&regression.example), markdown::escape(&regression.detail));
            let _ = write!(text, "\n- **{name}**: {detail}");
        }
        let left = self.examples.iter().filter(|example| !example.leftovers.is_empty());
        for example in left.take(LISTED) {
            let processes: Vec<_> = example.leftovers.iter().map(|process| markdown::code(process)).collect();
            let name = markdown::escape(&example.name);
            let _ = write!(text, "\n- {name} left processes behind: {}", processes.join(", "));
        }
        if !self.leftovers.is_empty() {
            let files: Vec<_> = self.leftovers.iter().map(|file| markdown::code(file)).collect();
            let _ = write!(text, "\n- files outside of the scratch folders: {}", files.join(", "));
        }
        if let Some(skipped) = self.skipped() {
            let _ = write!(text, "\n- {}", markdown::escape(&skipped));
        }
        for note in &self.notes {
            let _ = write!(text, "\n- {}", markdown::escape(note));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn row(&self, example: &Example, plugins: bool) -> Vec<String> {
        let outcome = match example.outcome {
            outcome @ (Outcome::Fail | Outcome::Unknown) => format!("**{}**", word(outcome)),
            outcome => word(outcome).to_owned(),
        };
        let detail =
            example.detail.as_ref().map_or_else(String::new, |detail| format!(": {}", markdown::escape(detail)));
        let mut cells = vec![markdown::escape(&example.name)];
        if plugins {
            cells.push(markdown::escape(example.plugin.as_deref().unwrap_or_default()));
        }
        cells.extend([format!("{outcome}{detail}"), human::duration(example.duration)]);
        if let Some(baseline) = &self.baseline {
            cells.push(markdown::escape(&self.against(baseline, example)));
        }
        cells
    }

    /// How an example compares with the baseline's.
    fn against(&self, baseline: &ExampleReport, example: &Example) -> String {
        if let Some((regression, _)) = self.regressions.iter().find(|(found, _)| found.example == example.name) {
            return regression.detail.clone();
        }
        match baseline.examples.iter().find(|before| before.name == example.name) {
            None => "new".to_owned(),
            Some(before) if before.outcome != example.outcome => format!("{} before", word(before.outcome)),
            Some(before) if before.duration_ms > 0 && example.outcome == Outcome::Pass => {
                human::duration(std::time::Duration::from_millis(before.duration_ms))
            }
            Some(_) => "as before".to_owned(),
        }
    }

    /// Writes the document that other steps and the published bundle read.
    pub fn write(&self, file: &Path) -> Result<()> {
        let document = ExampleReport {
            schema: ExampleReport::SCHEMA,
            package: self.package.clone(),
            arch: self.arch,
            valgrind: self.valgrind,
            examples: self.examples.iter().map(result).collect(),
            not_run: self.not_run,
            context: self.context.clone(),
            tree_sha256: self.tree_sha256,
            regressions: self.regressions.iter().map(|(regression, _)| regression.clone()).collect(),
            leftovers: self.leftovers.clone(),
            notes: self.notes.clone(),
        };
        toolkit::write_file(file, &document.to_canonical_json())
    }
}

/// Tells of an example that ended.
pub fn tell_line(example: &Example, runner: &Runner) {
    let detail = example.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
    let word = word(example.outcome);
    runner.info(&format!("{word:7} {:>8}  {}{detail}", human::duration(example.duration), example.name));
}

/// Tells what a failed example said.
pub fn tell_output(example: &Example, runner: &Runner) {
    if !example.output.is_empty() {
        let _group = runner.group(&format!("The last lines of {}", example.name));
        runner.info(&example.output.join("\n"));
    }
}

fn result(example: &Example) -> ExampleResult {
    ExampleResult {
        name: example.name.clone(),
        outcome: example.outcome,
        duration_ms: u64::try_from(example.duration.as_millis()).unwrap_or(u64::MAX),
        detail: example.detail.clone(),
        plugin: example.plugin.clone(),
        output_sha256: example.digest,
        leftovers: example.leftovers.clone(),
        under_valgrind: example.under_valgrind,
    }
}

/// Whether it is no success.
fn has_failed(example: &Example) -> bool {
    matches!(example.outcome, Outcome::Fail | Outcome::Unknown)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "passed",
        Outcome::Fail => "failed",
        Outcome::Skip => "skipped",
        Outcome::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn example(name: &str, outcome: Outcome, detail: Option<&str>, output: &[&str]) -> Example {
        Example {
            duration: Duration::from_millis(35),
            detail: detail.map(str::to_owned),
            output: output.iter().map(|line| (*line).to_owned()).collect(),
            ..Example::new(name, outcome)
        }
    }

    fn report(valgrind: bool) -> Report {
        let mut examples = vec![
            example("greet", Outcome::Pass, None, &["Hello!"]),
            example("count", Outcome::Fail, Some("ended with exit status 1"), &["expected 3 | got 4", "::error::no"]),
            example("far <b>", Outcome::Skip, Some("no network"), &[]),
        ];
        if valgrind {
            examples[0].under_valgrind = Some(true);
        }
        Report { valgrind, ..Report::new("plugin-hello".parse().unwrap(), Arch::X86_64, examples) }
    }

    #[test]
    fn the_summary_is_worth_reading() {
        insta::assert_snapshot!(report(true).summary(), @r"
        ### Examples of plugin-hello, 1 of 2 under valgrind, on x86_64: 1 passed, 1 failed, 1 skipped

        | Example | Result | Time |
        | --- | --- | --- |
        | greet | passed | 35 ms |
        | count | **failed**: ended with exit status 1 | 35 ms |
        | far &lt;b&gt; | skipped: no network | 35 ms |

        - 1 of 3 examples was skipped: no network \(1\)

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
        report(false).annotate(&runner);
        insta::assert_snapshot!(recording.text(), @r"
        passed     35 ms  greet
        failed     35 ms  count (ended with exit status 1)
        skipped    35 ms  far <b> (no network)
        ::group::The last lines of count
        expected 3 | got 4
        | ::error::no
        ::endgroup::
        ::error title=Example failed::count: ended with exit status 1
        ::notice title=Skipped examples::1 of 3 examples was skipped: no network (1)
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
            plugin: None,
            output_sha256: None,
            leftovers: [],
            under_valgrind: None,
        }
        "#);
    }
}
