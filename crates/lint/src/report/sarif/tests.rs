// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::report::tests::{at, files, many, outcome};
use std::ffi::OsStr;
use std::process::Command;

fn about() -> About {
    About { package: "widget".to_owned(), is_everything: true, ..About::default() }
}

/// Fails if the official schema does not take the document.
fn validate(document: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lint.sarif");
    std::fs::write(&file, document.to_string()).unwrap();
    let schema = testbed::workspace_root().join("crates/lint/tests/sarif-schema-2.1.0.json");
    let tools = testbed::tools::ensure(&|_| ()).unwrap();
    let mut command = Command::new(tools.bin("check-jsonschema"));
    // The official schema has a pattern that is none in Unicode mode.
    command.arg("--regex-variant=nonunicode").arg("--schemafile").arg(schema).arg(&file);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

fn many_linters(count: usize) -> Outcome {
    let findings = (0..count).flat_map(|number| {
        let finding = Finding { linter: format!("linter-{number:02}"), ..at("a.c", 1, Severity::Warning) };
        vec![finding; number + 1]
    });
    Outcome { findings: findings.collect(), ..Outcome::default() }
}

#[test]
fn it_tells_everything_and_the_schema_takes_it() {
    let document = document(&outcome(), &about(), &files);
    insta::assert_snapshot!(format!("{document:#}").replace(env!("CARGO_PKG_VERSION"), "<version>"));
    validate(&document);
}

#[test]
fn names_and_places_of_any_kind_are_taken() {
    let mut outcome = Outcome::default();
    let name = PathBuf::from(OsStr::from_bytes(b"sub dir/%41#?\xff\n.c"));
    let mut odd = Finding { path: Some(name), ..at("", 0, Severity::Notice) };
    odd.rule = Some("a b".to_owned());
    odd.rule_url = Some("javascript:x".to_owned());
    outcome.findings.push(odd);
    let span = |line, column, end_line, end_column| Some(crate::finding::Span { line, column, end_line, end_column });
    for span in [span(3, Some(5), Some(2), Some(1)), span(3, None, None, Some(0)), span(0, Some(0), None, None), None] {
        outcome.findings.push(Finding { span, ..at("a.c", 1, Severity::Error) });
    }
    let fixes = [
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+ä\n",
        "--- a/x\n+++ b/x\n@@ -2,0 +3 @@\n+b\n",
        "?",
    ];
    for fix in fixes {
        outcome.findings.push(Finding { fix: Some(fix.to_owned()), ..at("x", 1, Severity::Error) });
    }
    let document = document(&outcome, &about(), &|_| None);
    validate(&document);
    validate(&super::document(&Outcome::default(), &about(), &|_| None));
    let results = document["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 8);
    let uri =
        results.iter().map(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str());
    assert!(uri.clone().any(|uri| uri == Some("sub%20dir/%2541%23%3F%FF%0A.c")), "{uri:?}");
    let regions: Vec<_> =
        results.iter().filter_map(|result| result.pointer("/fixes/0/artifactChanges/0/replacements/0")).collect();
    assert_eq!(
        regions,
        [
            &json!({"deletedRegion": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}, "insertedContent": {"text": "ä\n"}}),
            &json!({"deletedRegion": {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 1}, "insertedContent": {"text": "b\n"}}),
        ]
    );
}

#[test]
fn twenty_linters_have_a_run_each_and_more_share_one() {
    let names = |outcome: &Outcome| {
        let document = document(outcome, &about(), &|_| None);
        validate(&document);
        let runs = document["runs"].as_array().unwrap().clone();
        let results: usize = runs.iter().map(|run| run["results"].as_array().unwrap().len()).sum();
        assert_eq!(results, outcome.findings.len());
        runs.iter().map(|run| run["tool"]["driver"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&many_linters(20)).len(), 20);
    let more = names(&many_linters(23));
    // Those that found least share the last one.
    assert_eq!((more.len(), more[0].as_str(), more[19].as_str()), (20, "linter-22", SHARED));
    let document = document(&many_linters(23), &about(), &|_| None);
    assert_eq!(document["runs"][19]["tool"]["driver"]["rules"][0]["id"], "linter-00/linter-00");
}

#[test]
fn the_worst_remain_within_the_limits() {
    let mut findings = many(Severity::Warning, 50);
    findings.extend(many(Severity::Error, 5));
    let outcome = Outcome { findings, ..Outcome::default() };
    let kept = |limits| {
        let document = limited(&outcome, &about(), &|_| None, limits);
        validate(&document);
        let run = &document["runs"][0];
        let results = run["results"].as_array().unwrap().clone();
        let errors = results.iter().filter(|result| result["level"] == "error").count();
        (results.len(), errors, run["properties"]["resultsLeftOut"].as_u64())
    };
    assert_eq!(kept(Limits { results: 10, ..LIMITS }), (10, 5, Some(45)));
    let (count, errors, left_out) = kept(Limits { bytes: 2000, ..LIMITS });
    assert!(count > 5 && count < 20 && errors == 5 && left_out == Some(55 - count as u64), "{count} {left_out:?}");
    assert_eq!(kept(LIMITS), (55, 5, None));
}

#[test]
fn the_fingerprint_is_that_of_the_line() {
    let outcome = Outcome { findings: vec![at("run.sh", 2, Severity::Error)], ..Outcome::default() };
    let document = document(&outcome, &about(), &files);
    let expected = fingerprint::fingerprints("#!/bin/sh\necho $x\n")[1].clone();
    let print = &document["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"];
    assert_eq!(print.as_str(), Some(expected.as_str()));
}
