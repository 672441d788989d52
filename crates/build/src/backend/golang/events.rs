// SPDX-License-Identifier: Apache-2.0
//! Reading what `go test -json` writes: one event a line, and what the compiler said between them.

use crate::backend::contract::{Outcome, TestResult};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
    #[serde(default)]
    elapsed: f64,
    #[serde(default)]
    output: String,
}

/// What a line is for people: the output of an event, nothing for another event, and any other line as it is.
pub fn render(line: &str) -> Option<String> {
    match serde_json::from_str::<Event>(line) {
        Ok(event) if event.output.is_empty() => None,
        Ok(event) => Some(event.output.trim_end_matches('\n').to_owned()),
        Err(_) => Some(line.to_owned()),
    }
}

/// The results so far.
#[derive(Debug, Default)]
pub struct Events {
    results: Vec<TestResult>,
    /// Tests that run: the first line that each wrote about itself.
    running: BTreeMap<(String, String), Option<String>>,
}

impl Events {
    /// Takes one line of output.
    pub fn read(&mut self, line: &str) {
        let Ok(event) = serde_json::from_str::<Event>(line) else {
            // Before 1.24 Go says this beside the events.
            if let Some((package, why)) = not_run(line) {
                self.fail(package, why);
            }
            return;
        };
        let duration = Duration::try_from_secs_f64(event.elapsed).unwrap_or_default();
        match (event.test, event.action.as_str()) {
            (Some(test), "run") => {
                self.running.insert((event.package, test), None);
            }
            (Some(test), "output") => {
                if let Some(said) = self.running.get_mut(&(event.package, test)).filter(|said| said.is_none()) {
                    *said = first_words(&event.output);
                }
            }
            (Some(test), action) => {
                let Some(outcome) = outcome(action) else { return };
                let said = self.running.remove(&(event.package.clone(), test.clone())).flatten();
                let detail = said.filter(|_| outcome != Outcome::Passed);
                self.results.push(TestResult { name: name(&event.package, &test), outcome, detail, duration });
            }
            (None, "output") => {
                if let Some((package, why)) = not_run(event.output.trim_end()) {
                    self.fail(package, why);
                }
            }
            (None, "fail") => self.end(&event.package),
            (None, _) => {}
        }
    }

    /// A package failed: because of its tests, or by itself.
    fn end(&mut self, package: &str) {
        let unfinished: Vec<_> = self.running.keys().filter(|(of, _)| of == package).cloned().collect();
        for key in unfinished {
            let detail = self.running.remove(&key).flatten().or_else(|| Some("did not finish".to_owned()));
            let (outcome, duration) = (Outcome::Failed, Duration::ZERO);
            self.results.push(TestResult { name: name(&key.0, &key.1), outcome, detail, duration });
        }
        let prefix = format!("{package}::");
        let of_package = |test: &&TestResult| test.name == package || test.name.starts_with(&prefix);
        if !self.results.iter().filter(of_package).any(|test| test.outcome == Outcome::Failed) {
            self.fail(package, "failed outside of its tests");
        }
    }

    fn fail(&mut self, package: &str, why: &str) {
        let (name, detail) = (package.to_owned(), Some(why.to_owned()));
        if !self.results.iter().any(|test| test.name == name) {
            self.results.push(TestResult { name, outcome: Outcome::Failed, detail, duration: Duration::ZERO });
        }
    }

    /// The results.
    pub fn finish(mut self) -> Vec<TestResult> {
        let packages: Vec<_> = self.running.keys().map(|(package, _)| package.clone()).collect();
        for package in &packages {
            self.end(package);
        }
        self.results
    }
}

fn name(package: &str, test: &str) -> String {
    format!("{package}::{test}")
}

fn outcome(action: &str) -> Option<Outcome> {
    match action {
        "pass" => Some(Outcome::Passed),
        "fail" => Some(Outcome::Failed),
        "skip" => Some(Outcome::Skipped),
        _ => None,
    }
}

/// `FAIL <package> [build failed]`, with a tab.
fn not_run(line: &str) -> Option<(&str, &str)> {
    let (package, why) = line.strip_prefix("FAIL\t")?.split_once(" [")?;
    Some((package, why.strip_suffix(']')?))
}

/// What a test wrote about itself, not what the framework writes about it.
fn first_words(output: &str) -> Option<String> {
    let text = output.trim();
    let of_framework = ["=== ", "--- "].iter().any(|mark| text.starts_with(mark));
    (!text.is_empty() && !of_framework).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &str) -> String {
        let mut events = Events::default();
        lines.lines().for_each(|line| events.read(line));
        let results = events.finish();
        let line = |test: &TestResult| {
            let detail = test.detail.as_deref().unwrap_or_default();
            format!("{} {:?} {} {detail}", test.name, test.outcome, test.duration.as_millis()).trim_end().to_owned()
        };
        results.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn events_become_results() {
        let events = r#"{"Action":"start","Package":"m/lib"}
{"Action":"run","Package":"m/lib","Test":"TestSub"}
{"Action":"output","Package":"m/lib","Test":"TestSub","Output":"=== RUN   TestSub\n"}
{"Action":"run","Package":"m/lib","Test":"TestSub/b"}
{"Action":"output","Package":"m/lib","Test":"TestSub/b","Output":"    lib_test.go:8: want 1, got 2\n"}
{"Action":"output","Package":"m/lib","Test":"TestSub/b","Output":"    lib_test.go:9: more\n"}
{"Action":"fail","Package":"m/lib","Test":"TestSub/b","Elapsed":0.25}
{"Action":"output","Package":"m/lib","Test":"TestSub","Output":"--- FAIL: TestSub (0.00s)\n"}
{"Action":"fail","Package":"m/lib","Test":"TestSub","Elapsed":0.5}
{"Action":"run","Package":"m/lib","Test":"TestGood"}
{"Action":"output","Package":"m/lib","Test":"TestGood","Output":"    lib_test.go:7: hello\n"}
{"Action":"pass","Package":"m/lib","Test":"TestGood","Elapsed":0}
{"Action":"run","Package":"m/lib","Test":"TestSkip"}
{"Action":"output","Package":"m/lib","Test":"TestSkip","Output":"    lib_test.go:10: slow\n"}
{"Action":"skip","Package":"m/lib","Test":"TestSkip","Elapsed":0}
{"Action":"fail","Package":"m/lib","Elapsed":0.009}
{"Action":"skip","Package":"m/cmd/tool","Elapsed":0}"#;
        insta::assert_snapshot!(told(events), @r"
        m/lib::TestSub/b Failed 250 lib_test.go:8: want 1, got 2
        m/lib::TestSub Failed 500
        m/lib::TestGood Passed 0
        m/lib::TestSkip Skipped 0 lib_test.go:10: slow
        ");
    }

    #[test]
    fn what_fails_outside_of_a_test_is_a_failure() {
        let cases = [
            ("of old: a build", "# m/bad [m/bad.test]\nbad/bad_test.go:5:28: undefined: x\nFAIL\tm/bad [build failed]"),
            (
                "of new: a build",
                "{\"ImportPath\":\"m/bad [m/bad.test]\",\"Action\":\"build-output\",\"Output\":\"# m/bad\\n\"}\n\
                 {\"Action\":\"output\",\"Package\":\"m/bad\",\"Output\":\"FAIL\\tm/bad [build failed]\\n\"}\n\
                 {\"Action\":\"fail\",\"Package\":\"m/bad\"}",
            ),
            ("a main of the tests'", "{\"Action\":\"fail\",\"Package\":\"m/main\"}"),
            (
                "a test that ends the process",
                "{\"Action\":\"run\",\"Package\":\"m/exit\",\"Test\":\"TestExit\"}\n{\"Action\":\"fail\",\"Package\":\"m/exit\"}",
            ),
            (
                "a test without an end",
                "{\"Action\":\"run\",\"Package\":\"m/cut\",\"Test\":\"TestCut\"}\nhalf an {\"Act",
            ),
        ];
        let told: Vec<_> = cases.iter().map(|(name, lines)| format!("{name}: {}", told(lines))).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        of old: a build: m/bad Failed 0 build failed
        of new: a build: m/bad Failed 0 build failed
        a main of the tests': m/main Failed 0 failed outside of its tests
        a test that ends the process: m/exit::TestExit Failed 0 did not finish
        a test without an end: m/cut::TestCut Failed 0 did not finish
        ");
    }

    #[test]
    fn people_see_the_output() {
        assert_eq!(
            render(r#"{"Action":"output","Package":"m","Output":"ok  \tm\t0.01s\n"}"#).unwrap(),
            "ok  \tm\t0.01s"
        );
        assert_eq!(render(r#"{"Action":"run","Package":"m","Test":"TestX"}"#), None);
        assert_eq!(render("# m [m.test]").unwrap(), "# m [m.test]");
    }
}
