// SPDX-License-Identifier: Apache-2.0
//! The tests' results as `JUnit` XML, which many tools read and some write.

use crate::backend::{Outcome, TestResult};
use std::path::Path;
use std::time::Duration;
use toolkit::junit::{self, Case, Suite};
use toolkit::{Result, ResultExt, read_text, xml};

/// The results in a document that another program wrote.
pub fn read(file: &Path) -> Result<Vec<TestResult>> {
    let text = read_text(file, xml::SIZE as u64).with_context(|| format!("could not read {}", file.display()))?;
    parse(&text).with_context(|| format!("could not understand {}", file.display()))
}

/// The results in the text of one.
pub fn parse(text: &str) -> Result<Vec<TestResult>> {
    let document = xml::parse(text)?;
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    Ok(cases.map(|case| test_result(&case)).collect())
}

fn test_result(case: &roxmltree::Node) -> TestResult {
    let class = case.attribute("classname").filter(|class| !class.is_empty());
    let name = class.into_iter().chain(case.attribute("name")).collect::<Vec<_>>().join("::");
    let child = |wanted: &[&str]| case.children().find(|node| wanted.contains(&node.tag_name().name()));
    let (outcome, why) = match (child(&["failure", "error"]), child(&["skipped"])) {
        (Some(node), _) => (Outcome::Failed, Some(node)),
        (None, Some(node)) => (Outcome::Skipped, Some(node)),
        (None, None) => (Outcome::Passed, None),
    };
    let message = why.and_then(|node| node.attribute("message"));
    let detail = message.and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty())).map(str::to_owned);
    let seconds = case.attribute("time").and_then(|time| time.parse().ok()).unwrap_or(0.0);
    TestResult { name, outcome, detail, duration: Duration::try_from_secs_f64(seconds).unwrap_or_default() }
}

/// The document.
pub fn render(project: &str, tests: &[TestResult]) -> String {
    let cases = tests.iter().map(|test| {
        let detail = test.detail.as_deref().unwrap_or_default();
        let outcome = match test.outcome {
            Outcome::Passed => junit::Outcome::Passed,
            Outcome::Skipped => junit::Outcome::Skipped(detail),
            Outcome::Failed => junit::Outcome::Failed(detail),
        };
        Case { name: &test.name, class: project, duration: test.duration, outcome, output: "" }
    });
    junit::render(Suite { kind: "tests", name: project }, &cases.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pytest_writes_is_read() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1">
<testcase classname="tests.test_a" name="test_good" time="0.25" />
<testcase classname="tests.test_a" name="test_bad" time="0.001"><failure message="assert 1 == 2&#10;  +1">def test_bad():</failure></testcase>
<testcase classname="tests.test_a" name="test_later" time="x"><skipped type="pytest.skip" message="slow">a.py:3: slow</skipped></testcase>
<testcase classname="" name="tests.test_b" time="-1"><error message="collection failure">ImportError</error></testcase>
</testsuite></testsuites>"#;
        let told: Vec<_> = parse(text)
            .unwrap()
            .into_iter()
            .map(|t| format!("{} {:?} {:?} {}", t.name, t.outcome, t.detail, t.duration.as_millis()))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
        assert!(parse("<testsuites>").is_err());
    }

    #[test]
    fn what_is_written_can_be_read() {
        let tests = [Outcome::Passed, Outcome::Skipped, Outcome::Failed].map(|outcome| TestResult {
            name: format!("<{outcome:?}>"),
            outcome,
            detail: (outcome != Outcome::Passed).then(|| "why & how".to_owned()),
            duration: Duration::from_millis(20),
        });
        let read = parse(&render("p", &tests)).unwrap();
        let expected = tests.map(|test| TestResult { name: format!("p::{}", test.name), ..test });
        assert_eq!(read, expected);
    }

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
