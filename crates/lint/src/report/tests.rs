// SPDX-License-Identifier: Apache-2.0
//! Outcomes for the tests of all reports.

use super::*;
use crate::definition::Category;
use crate::finding::Span;
use crate::outcome::{Outcome, Relevance};

pub(super) fn at(path: &str, line: u32, severity: Severity) -> Finding {
    Finding {
        severity,
        path: Some(path.into()),
        span: Some(Span { line, ..Span::default() }),
        linter: "typos".to_owned(),
        rule: None,
        rule_url: None,
        message: "`teh` should be `the`".to_owned(),
        fix: None,
        in_change: false,
    }
}

pub(super) fn many(severity: Severity, count: u32) -> Vec<Finding> {
    (1..=count).map(|line| at("many.c", line, severity)).collect()
}

fn linter(name: &str, category: Category, relevance: Relevance) -> LinterOutcome {
    LinterOutcome {
        name: name.to_owned(),
        category,
        homepage: format!("https://example.org/{name}"),
        relevance,
        files: 0,
        version: None,
        tested: None,
        tool: None,
        duration: Duration::ZERO,
    }
}

/// An outcome with something of everything, and with hostile names and messages.
pub(super) fn outcome() -> Outcome {
    let shellcheck = LinterOutcome {
        files: 2,
        version: Some("0.11.0".to_owned()),
        tested: Some("0.11.0".to_owned()),
        tool: Some("/usr/bin/shellcheck".into()),
        duration: Duration::from_millis(1234),
        ..linter("shellcheck", Category::Scripts, Relevance::Relevant("2 files".to_owned()))
    };
    let ruff = LinterOutcome {
        tested: Some("0.14.1".to_owned()),
        ..linter("ruff-check", Category::Code, Relevance::NotRelevant("no files match *.py".to_owned()))
    };
    let missing = "the Debian package clang-format | or PyPI".to_owned();
    let clang = LinterOutcome {
        files: 1,
        tested: Some("14".to_owned()),
        ..linter("clang-format", Category::Code, Relevance::Missing(missing))
    };
    let links = LinterOutcome {
        files: 1,
        duration: Duration::from_millis(3),
        ..linter("links", Category::Docs, Relevance::Relevant("1 file".to_owned()))
    };
    let commits = linter("commits", Category::Commits, Relevance::Relevant("1 commit".to_owned()));
    let quoting = Finding {
        span: Some(Span { line: 2, column: Some(6), end_line: Some(2), end_column: Some(8) }),
        linter: "shellcheck".to_owned(),
        rule: Some("SC2086".to_owned()),
        rule_url: Some("https://www.shellcheck.net/wiki/SC2086".to_owned()),
        message: "Double quote to prevent globbing and word splitting.".to_owned(),
        fix: Some("--- a/run.sh\n+++ b/run.sh\n@@ -2 +2 @@\n-echo $x\n+echo \"$x\"\n".to_owned()),
        in_change: true,
        ..at("run.sh", 2, Severity::Warning)
    };
    let syntax = Finding {
        linter: "shellcheck".to_owned(),
        rule: Some("SC1009".to_owned()),
        message: "The mentioned syntax error\nwas in this `if` | <b>@team</b> ::error::x".to_owned(),
        in_change: true,
        ..at("odd %,:\nname.sh", 1, Severity::Error)
    };
    let link = Finding {
        span: Some(Span { line: 1, column: Some(5), end_line: Some(1), end_column: Some(19) }),
        linter: "links".to_owned(),
        rule: Some("missing-file".to_owned()),
        message: "`gone.md`: there is no `gone.md`".to_owned(),
        ..at("README.md", 1, Severity::Error)
    };
    let whole = Finding { span: None, severity: Severity::Notice, ..at("README.md", 1, Severity::Notice) };
    let commit = Finding {
        path: None,
        span: None,
        linter: "commits".to_owned(),
        rule: Some("type".to_owned()),
        message: "commit 0123456789ab \"feature: x\": the type `feature` is none of: feat, fix".to_owned(),
        in_change: true,
        ..at("", 1, Severity::Error)
    };
    Outcome {
        linters: vec![clang, ruff, shellcheck, links, commits],
        findings: vec![commit, whole, link, syntax, quoting],
        notes: vec![crate::outcome::Note::warning("the change exempts 1 file"), crate::outcome::Note::notice("a | b")],
    }
}

/// The files that the outcome speaks of.
pub(super) fn files(path: &Path) -> Option<Vec<u8>> {
    match path.to_str()? {
        "run.sh" => Some(b"#!/bin/sh\necho $x\n".to_vec()),
        "README.md" => Some("Üb: [gone](gone.md)\n".as_bytes().to_vec()),
        "odd %,:\nname.sh" => Some(b"if\n".to_vec()),
        _ => None,
    }
}

#[test]
fn times_and_counts() {
    let times = [(3, "3 ms"), (999, "999 ms"), (1500, "1.5 s"), (61_000, "1 min 1 s")];
    for (millis, expected) in times {
        assert_eq!(time(Duration::from_millis(millis)), expected);
    }
    assert_eq!(Counts::of(&outcome().findings).sentence(), "2 errors, 1 warning, 2 notices");
    assert_eq!(Counts::default().sentence(), "nothing");
}

#[test]
fn only_plain_files_within_the_tree_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("sub")).unwrap();
    std::fs::write(root.join("sub/a"), "a").unwrap();
    std::fs::write(folder.path().join("secret"), "s").unwrap();
    std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
    std::os::unix::fs::symlink("..", root.join("up")).unwrap();
    assert_eq!(read(&root, Path::new("sub/a")), Some(b"a".to_vec()));
    for path in ["link", "up/secret", "../secret", "sub", "gone"] {
        assert_eq!(read(&root, Path::new(path)), None, "{path}");
    }
}
