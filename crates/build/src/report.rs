// SPDX-License-Identifier: Apache-2.0
//! The job summary of a build.

use crate::backend::{Facts, Outcome, TestResult};
use crate::coverage::Coverage;
use crate::diagnostics::{Diagnostics, SHOWN, Severity};
use crate::install::Tree;
use crate::settings::Settings;
use crate::steps::Steps;
use artifact::Sha256;
use std::fmt::Write;
use std::path::PathBuf;
use toolkit::{human, markdown};

/// How many tests that passed are listed one by one.
const LISTED_TESTS: usize = 50;

/// What there is to say about a build, finished or not.
#[derive(Debug, Default)]
pub struct Report {
    /// The version, as soon as it is known.
    pub version: Option<String>,
    /// What the build system knows, once it does.
    pub facts: Option<Facts>,
    /// What was done.
    pub steps: Steps,
    /// The tests, if they ran.
    pub tests: Option<Vec<TestResult>>,
    /// Where their results are, for other tools.
    pub junit: Option<PathBuf>,
    /// What they reach, if that was measured.
    pub coverage: Option<Coverage>,
    /// Where that is, for other tools.
    pub cobertura: Option<PathBuf>,
    /// What was installed, if it came to that.
    pub tree: Option<Tree>,
    /// Its digest.
    pub tree_sha256: Option<Sha256>,
}

impl Report {
    /// Markdown for the job summary.
    pub fn render(&self, settings: &Settings, diagnostics: &Diagnostics) -> String {
        let mut text = self.heading(settings);
        text.push_str(&self.what(settings));
        text.push('\n');
        let steps = self
            .steps
            .iter()
            .map(|step| vec![step.name.to_owned(), human::duration(step.duration), markdown::escape(&step.note)]);
        text.push_str(&markdown::table(&["Step", "Time", "Result"], steps));
        text.push_str(&messages(diagnostics));
        if let Some(tests) = &self.tests {
            text.push_str(&tests_section(tests));
        }
        if let Some(coverage) = &self.coverage {
            text.push_str(&coverage.section());
        }
        text
    }

    fn heading(&self, settings: &Settings) -> String {
        let project = self.facts.as_ref().map(|facts| facts.project.as_str());
        let name: Vec<_> = project.into_iter().chain(self.version.as_deref()).collect();
        let name = markdown::escape(&name.join(" "));
        let Settings { arch, build_type, .. } = settings;
        if self.tree.is_some() {
            return format!("### Built {name} for {arch}, {build_type}\n\n");
        }
        let separator = if name.is_empty() { "" } else { ", " };
        format!("### Build failed: {name}{separator}{arch}, {build_type}\n\n")
    }

    fn what(&self, settings: &Settings) -> String {
        let mut rows = Vec::new();
        if let Some(facts) = &self.facts {
            rows.push(vec!["Compiler".to_owned(), markdown::escape(&facts.compiler)]);
            rows.push(vec!["Build system".to_owned(), markdown::escape(&facts.backend)]);
        }
        if let Some(cross) = &settings.cross {
            rows.push(vec!["Target".to_owned(), markdown::escape(&format!("{}, {}", cross.arch, cross.describe()))]);
        }
        let options: Vec<_> = settings.options.iter().map(|option| markdown::code(&option.to_string())).collect();
        if !options.is_empty() {
            rows.push(vec!["Options".to_owned(), options.join(" ")]);
        }
        if let Some(tree) = &self.tree {
            let size = format!("{}, {}", count(tree.files, "file"), human::bytes(tree.bytes));
            rows.push(vec!["Installed".to_owned(), format!("{size}, below {}", markdown::code(&settings.prefix))]);
        }
        if rows.is_empty() { String::new() } else { markdown::table(&["", ""], rows) }
    }
}

fn messages(diagnostics: &Diagnostics) -> String {
    let (errors, warnings) = (diagnostics.errors(), diagnostics.warnings());
    let counts =
        [(errors, "error"), (warnings, "warning")].map(|(number, what)| (number > 0).then(|| count(number, what)));
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    if counts.is_empty() {
        return String::new();
    }
    let mut text = format!("\n#### {}\n\n", counts.join(" and "));
    let rows = diagnostics.shown().map(|diagnostic| {
        let severity = match diagnostic.severity {
            Severity::Error => "**error**",
            Severity::Warning => "warning",
        };
        let place = diagnostic.place.as_ref().map_or(String::new(), |place| markdown::code(&place.to_string()));
        vec![severity.to_owned(), place, markdown::escape(&diagnostic.text())]
    });
    text.push_str(&markdown::table(&["", "Place", "Message"], rows));
    let more = errors.saturating_sub(SHOWN) + warnings.saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "\n… and {more} more.");
    }
    text
}

fn tests_section(tests: &[TestResult]) -> String {
    if tests.is_empty() {
        return "\n#### Tests\n\nThe project has none.\n".to_owned();
    }
    let mut text = format!("\n#### Tests: {}\n\n", tally(tests));
    // What failed must be seen, however many others there are.
    let (passed, other): (Vec<_>, Vec<_>) = tests.iter().partition(|test| test.outcome == Outcome::Passed);
    let rows = other.into_iter().chain(passed.iter().copied().take(LISTED_TESTS)).map(|test| {
        let result = match (test.outcome, &test.detail) {
            (Outcome::Passed, _) => "passed".to_owned(),
            (Outcome::Skipped, None) => "skipped".to_owned(),
            (Outcome::Skipped, Some(detail)) => format!("skipped: {}", markdown::escape(detail)),
            (Outcome::Failed, None) => "**failed**".to_owned(),
            (Outcome::Failed, Some(detail)) => format!("**failed**: {}", markdown::escape(detail)),
        };
        vec![markdown::escape(&test.name), result, human::duration(test.duration)]
    });
    text.push_str(&markdown::table(&["Test", "Result", "Time"], rows));
    if passed.len() > LISTED_TESTS {
        let _ = writeln!(text, "\n… and {} more that passed.", passed.len() - LISTED_TESTS);
    }
    text
}

/// `3 passed, 1 failed, 2 skipped`.
pub fn tally(tests: &[TestResult]) -> String {
    let count = |outcome| tests.iter().filter(|test| test.outcome == outcome).count();
    let parts = [(Outcome::Passed, "passed"), (Outcome::Failed, "failed"), (Outcome::Skipped, "skipped")];
    let parts = parts.map(|(outcome, name)| (count(outcome), name)).into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, name)| format!("{count} {name}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// `1 error`, `2 errors`.
pub fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Step;
    use std::time::Duration;

    fn settings() -> Settings {
        Settings {
            options: "examples=enabled,name=a|b".parse().unwrap(),
            ..Settings::plain("/p", "/p/build", "/p/install")
        }
    }

    fn step(name: &'static str, milliseconds: u64, note: &str) -> Step {
        Step { name, duration: Duration::from_millis(milliseconds), note: note.into() }
    }

    fn test(name: &str, outcome: Outcome, detail: Option<&str>) -> TestResult {
        let detail = detail.map(str::to_owned);
        TestResult { name: name.into(), outcome, detail, duration: Duration::from_millis(12) }
    }

    fn facts() -> Facts {
        Facts {
            project: "plugin-hello".into(),
            project_version: "0.3.0".into(),
            compiler: "gcc 12.2.0".into(),
            backend: "meson 1.12.1".into(),
        }
    }

    #[test]
    fn a_build_is_summed_up() {
        let mut diagnostics = Diagnostics::new("/p", []);
        diagnostics.read("a.c:3:7: warning: unused variable ‘x’ [-Wunused-variable]");
        let report = Report {
            version: Some("0.3.0".into()),
            facts: Some(facts()),
            steps: [step("Configure", 900, "set up"), step("Compile", 1300, "done"), step("Install", 200, "9 files")]
                .into_iter()
                .collect(),
            tests: Some(vec![test("p:a", Outcome::Passed, None), test("p:b", Outcome::Skipped, None)]),
            tree: Some(Tree { files: 9, bytes: 123_456 }),
            ..Report::default()
        };
        insta::assert_snapshot!(report.render(&settings(), &diagnostics), @r"
        ### Built plugin-hello 0.3.0 for x86_64, release

        |  |  |
        | --- | --- |
        | Compiler | gcc 12.2.0 |
        | Build system | meson 1.12.1 |
        | Options | `examples=enabled` `name=a\|b` |
        | Installed | 9 files, 123.5 kB, below `/usr` |

        | Step | Time | Result |
        | --- | --- | --- |
        | Configure | 900 ms | set up |
        | Compile | 1.3 s | done |
        | Install | 200 ms | 9 files |

        #### 1 warning

        |  | Place | Message |
        | --- | --- | --- |
        | warning | `a.c:3:7` | unused variable ‘x’ \[-Wunused-variable\] |

        #### Tests: 1 passed, 1 skipped

        | Test | Result | Time |
        | --- | --- | --- |
        | p:b | skipped | 12 ms |
        | p:a | passed | 12 ms |
        ");
    }

    #[test]
    fn a_failed_build_shows_what_failed() {
        let mut diagnostics = Diagnostics::new("/p", []);
        for line in 1..=12 {
            diagnostics.read(&format!("a.c:{line}:1: error: expected | before <b>"));
        }
        let report = Report { steps: [step("Compile", 70_000, "failed")].into_iter().collect(), ..Report::default() };
        insta::assert_snapshot!(report.render(&settings(), &diagnostics), @r"
        ### Build failed: x86_64, release

        |  |  |
        | --- | --- |
        | Options | `examples=enabled` `name=a\|b` |

        | Step | Time | Result |
        | --- | --- | --- |
        | Compile | 1 min 10 s | failed |

        #### 12 errors

        |  | Place | Message |
        | --- | --- | --- |
        | **error** | `a.c:1:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:2:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:3:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:4:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:5:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:6:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:7:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:8:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:9:1` | expected \| before &lt;b&gt; |
        | **error** | `a.c:10:1` | expected \| before &lt;b&gt; |

        … and 2 more.
        ");
    }

    #[test]
    fn failed_tests_come_first_and_many_are_cut() {
        let mut tests: Vec<_> = (0..60).map(|n| test(&format!("p:{n}"), Outcome::Passed, None)).collect();
        tests.push(test("p:last", Outcome::Failed, Some("exit status 1")));
        let text = tests_section(&tests);
        assert_eq!(text.lines().nth(5), Some("| p:last | **failed**: exit status 1 | 12 ms |"));
        assert!(text.ends_with("… and 10 more that passed.\n"), "{text}");
        assert_eq!(tests_section(&[]), "\n#### Tests\n\nThe project has none.\n");
    }
}
