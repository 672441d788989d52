// SPDX-License-Identifier: Apache-2.0
//! Reading what the test harness writes: on stable Rust there is no other way to learn its results.

use crate::backend::contract::{Outcome, TestResult};
use std::time::Duration;

/// The results so far.
#[derive(Debug, Default)]
pub struct Harness {
    /// The test program that runs.
    program: String,
    /// Its and the earlier ones' results. The harness does not say how long a test took.
    pub results: Vec<TestResult>,
}

impl Harness {
    /// Takes one line of output.
    pub fn read(&mut self, line: &str) {
        if let Some(program) = program(line) {
            self.program = program;
        } else if let Some((name, outcome, detail)) = result(line) {
            let name = if self.program.is_empty() { name.to_owned() } else { format!("{}::{name}", self.program) };
            self.results.push(TestResult { name, outcome, detail, duration: Duration::ZERO });
        }
    }

    /// Whether a test failed.
    pub fn has_failed(&self) -> bool {
        self.results.iter().any(|test| test.outcome == Outcome::Failed)
    }
}

/// `Running unittests src/lib.rs (<folder>/<name>-<hash>)` or `Doc-tests <name>`.
fn program(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(name.to_owned());
    }
    let (_, file) = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once('(')?;
    let name = file.rsplit('/').next()?;
    Some(name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned())
}

/// `test name ... ok`.
fn result(line: &str) -> Option<(&str, Outcome, Option<String>)> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let outcome = match result.split([' ', ',']).next()? {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::Skipped,
        "FAILED" => Outcome::Failed,
        _ => return None,
    };
    Some((name, outcome, result.strip_prefix("ignored, ").map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_s_lines_are_results() {
        let mut harness = Harness::default();
        let output = "\
test early ... ok
     Running unittests src/lib.rs (build/release/deps/my_tool-0a1b2c)
running 3 tests
test a::b ... ok
test c ... FAILED
test d ... ignored, slow
test result: FAILED. 1 passed; 1 failed
     Running tests/cli.rs (build/release/deps/cli-ff00)
test a::b ... ok
   Doc-tests my_tool
test src/lib.rs - one (line 3) ... ok
test what the program says ... perhaps";
        output.lines().for_each(|line| harness.read(line));
        let told: Vec<_> =
            harness.results.iter().map(|test| format!("{} {:?} {:?}", test.name, test.outcome, test.detail)).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        early Passed None
        my_tool::a::b Passed None
        my_tool::c Failed None
        my_tool::d Skipped Some("slow")
        cli::a::b Passed None
        my_tool::src/lib.rs - one (line 3) Passed None
        "#);
        assert!(harness.has_failed());
    }
}
