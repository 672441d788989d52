// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::definition::Read;
use proptest::prelude::*;

fn reading(text: &str) -> Read {
    toml::from_str(text).unwrap()
}

fn found(text: &str, output: &[u8]) -> Result<Vec<Raw>, ReadError> {
    read(&reading(text), output, b"", None)
}

const LINES: &str = r#"
    format = "regex"
    pattern = '^(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): (?P<severity>\w+): (?P<message>.*) \[(?P<rule>\w+)\]$'
    ignore = ['^Found \d+']
"#;

#[test]
fn lines_are_findings_or_known_to_be_none() {
    let output = b"a b.py:3:7: error: bad: thing [E1]\r\n\nx\xff.py:1:0: note: hm [N2]\nFound 2 errors\n";
    let raw = found(LINES, output).unwrap();
    let expected = Raw {
        path: Some("a b.py".into()),
        span: Some(Span { line: 3, column: Some(7), ..Span::default() }),
        severity: Some("error".to_owned()),
        rule: Some("E1".to_owned()),
        message: "bad: thing".to_owned(),
        ..Raw::default()
    };
    assert_eq!(raw[0], expected);
    assert_eq!(raw[1].path.as_deref(), Some(Path::new("x\u{fffd}.py")));
    assert_eq!(raw[1].span.unwrap().column, None, "columns count from 1");
    assert_eq!(raw.len(), 2);
}

#[test]
fn what_is_not_understood_is_an_error_with_the_lines() {
    let cases: [(&str, &[u8], &str); 12] = [
        (LINES, b"Traceback (most recent call last):\n", "a line has another form than expected:\nTraceback (most"),
        (
            "format = 'json'\nmessage = '/m'",
            b"oops\x1b[31m",
            "no JSON (expected value at line 1 column 1):\noops\u{fffd}",
        ),
        ("format = 'json'\nmessage = '/m'", b"[{}]", "a finding has no /m:\n[{}]"),
        ("format = 'json'\nitems = '/x'\nmessage = '/m'", b"{}", "there is no /x in it:\n{}"),
        ("format = 'json'\nlines = true\nmessage = '/m'", b"{\"m\":1}\n}", "no JSON ("),
        ("format = 'sarif'", b"{}", "no SARIF (it has no runs):\n{}"),
        ("format = 'sarif'", b"", "no SARIF (EOF"),
        ("format = 'checkstyle'", b"<a>", "no XML ("),
        ("format = 'checkstyle'", b"<html/>", "not Checkstyle's XML: it begins with <html>:\n<html/>"),
        ("format = 'diff'", b"panic: x", "no unified diff:\npanic: x"),
        ("format = 'diff'", b"--- a\n+++ a\n@@ -1 +1 @@\n-x\n", "a hunk has other lines than its header says:\n@@ -1"),
        ("format = 'formatted'", b"x", "it is not known which file this is:\nx"),
    ];
    for (text, output, expected) in cases {
        let error = found(text, output).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let long = "x\n".repeat(1000);
    assert_eq!(shown(long.as_bytes()), "x\nx\nx\nx\nx\n…");
}

#[test]
fn json_is_read_by_pointers() {
    let text = r#"
        format = "json"
        items = "/files/*/messages"
        path = "/file"
        line = "/range/start"
        offset = 1
        severity = "/level"
        rule = "/code"
        rule-prefix = "SC"
        message = "/text"
        detail = "/more"
        rule-url = "/url"
    "#;
    let output = br#"{"files": [{"messages": [
        {"file": "a.sh", "range": {"start": 0}, "level": "Info", "code": 20, "text": " bad ", "more": "very", "url": "u"}
    ]}, {"messages": []}, {"messages": null}, {}]}"#;
    let expected = Raw {
        path: Some("a.sh".into()),
        span: Some(Span { line: 1, ..Span::default() }),
        severity: Some("Info".to_owned()),
        rule: Some("SC20".to_owned()),
        rule_url: Some("u".to_owned()),
        message: "bad (very)".to_owned(),
        ..Raw::default()
    };
    assert_eq!(found(text, output).unwrap(), [expected]);
    assert_eq!(found(text, b" \n").unwrap(), []);
}

#[test]
fn documents_in_lines_that_speak_of_other_things_are_passed_over() {
    let text = r#"
        format = "json"
        lines = true
        only = { "/reason" = "message" }
        except = { "/level" = "aside" }
        message = "/text"
    "#;
    let output = b"{\"reason\":\"artifact\"}\n{\"reason\":\"message\",\"text\":\"x\"}\n\
        {\"reason\":\"message\",\"level\":\"aside\",\"text\":\"y\"}\n";
    let messages: Vec<_> = found(text, output).unwrap().into_iter().map(|raw| raw.message).collect();
    assert_eq!(messages, ["x"]);
}

#[test]
fn names_that_are_no_utf8_do_not_spoil_json() {
    for name in [&b"a\xff"[..], b"a\\udcff"] {
        let output = [b"[{\"p\":\"", name, b"\",\"m\":\"x \\\\udcff\"}]"].concat();
        let raw = found("format = 'json'\npath = '/p'\nmessage = '/m'", &output).unwrap();
        assert_eq!(raw[0].path.as_deref(), Some(Path::new("a\u{fffd}")));
    }
}

#[test]
fn sarif_takes_from_the_rule_what_a_result_leaves_out() {
    let output = br#"{"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "t", "rules": [
            {"id": "R1", "helpUri": "https://example.org/R1", "defaultConfiguration": {"level": "error"},
             "shortDescription": {"text": "short"}}]}},
        "results": [
            {"ruleId": "R1", "ruleIndex": 0, "message": {}, "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "file:///r/a%20b%FF.c"}, "region": {"startLine": 2, "startColumn": 3, "endLine": 4}}}]},
            {"ruleIndex": 0, "level": "note", "message": {"text": "m"}},
            {"ruleId": "R1", "message": {"text": "known"}, "suppressions": [{"kind": "inSource"}]},
            {"ruleId": "R1", "kind": "pass", "message": {"text": "fine"}}]}]}"#;
    let raw = found("format = 'sarif'", output).unwrap();
    assert_eq!(raw.len(), 2);
    assert_eq!(raw[0].path.as_ref().unwrap().as_os_str().as_bytes(), b"/r/a b\xff.c");
    assert_eq!(raw[0].span, Some(Span { line: 2, column: Some(3), end_line: Some(4), end_column: None }));
    let words: Vec<_> = raw.iter().map(|raw| (raw.severity.as_deref(), raw.rule.as_deref(), &*raw.message)).collect();
    assert_eq!(words, [(Some("error"), Some("R1"), "short"), (Some("note"), Some("R1"), "m")]);
    assert_eq!(raw[0].rule_url.as_deref(), Some("https://example.org/R1"));
}

#[test]
fn sarif_that_tells_of_trouble_is_an_error() {
    let output = br#"{"runs": [{"results": [], "invocations": [{"executionSuccessful": false,
        "toolExecutionNotifications": [{"message": {"text": "out of memory"}}]}]}]}"#;
    let error = found("format = 'sarif'", output).unwrap_err();
    assert_eq!(error.to_string(), "it tells of trouble of its own:\nout of memory");
}

#[test]
fn checkstyle_is_read() {
    let output = br#"<?xml version="1.0"?>
        <checkstyle><file name="a&amp;b.c"><error line="2" column="0" severity="warning" message="x &lt; y" source="r"/>
        </file><file name="c.c"/></checkstyle>"#;
    let expected = Raw {
        path: Some("a&b.c".into()),
        span: Some(Span { line: 2, ..Span::default() }),
        severity: Some("warning".to_owned()),
        rule: Some("r".to_owned()),
        message: "x < y".to_owned(),
        ..Raw::default()
    };
    assert_eq!(found("format = 'checkstyle'", output).unwrap(), [expected]);
}

#[test]
fn a_hunk_is_a_finding_with_its_fix() {
    let output = b"--- a.py\t2026\n+++ a.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -9,0 +10 @@\n+x\n";
    let raw = found("format = 'diff'", output).unwrap();
    let lines: Vec<_> = raw.iter().map(|raw| (raw.span.unwrap().line, raw.span.unwrap().end_line.unwrap())).collect();
    assert_eq!(lines, [(2, 2), (9, 10)]);
    assert_eq!(raw[0].path.as_deref(), Some(Path::new("a.py")));
    assert_eq!(raw[0].fix.as_deref(), Some("@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"));
    assert_eq!(raw[0].message, "line 2 should be written differently");
}

#[test]
fn a_formatted_file_is_compared() {
    let original = Original { path: Path::new("a.c"), bytes: b"a\nb\nc" };
    let read = |output: &[u8]| read(&reading("format = 'formatted'"), output, b"", Some(original)).unwrap();
    assert_eq!(read(b"a\nb\nc"), []);
    let raw = read(b"a\nB\nc\n");
    assert_eq!(raw[0].span.map(|span| (span.line, span.end_line)), Some((2, Some(3))));
    let fix = "@@ -1,3 +1,3 @@\n a\n-b\n-c\n\\ No newline at end of file\n+B\n+c\n";
    assert_eq!(raw[0].fix.as_deref(), Some(fix));
}

#[test]
fn severities_are_mapped() {
    let plain = reading("format = 'sarif'");
    let mapped = reading("format = 'sarif'\nseverities = { style = 'warning', '*' = 'notice' }");
    let cases = [
        (&plain, Some("Error"), Severity::Error),
        (&plain, Some("convention"), Severity::Warning),
        (&plain, Some("style"), Severity::Notice),
        (&plain, None, Severity::Warning),
        (&mapped, Some("style"), Severity::Warning),
        (&mapped, Some("error"), Severity::Notice),
    ];
    for (read, word, expected) in cases {
        assert_eq!(severity(read, word), expected, "{word:?}");
    }
}

#[test]
fn keys_of_another_format_are_refused() {
    for text in ["format = 'sarif'\npattern = 'x'", "format = 'json'\nmesage = '/m'", "formt = 'json'", "format = 1"] {
        assert!(toml::from_str::<Read>(text).is_err(), "{text}");
    }
}

const FORMATS: [&str; 7] = [
    "format = 'clang-tidy'",
    LINES,
    "format = 'json'\nitems = '/*/*'\nmessage = '/m'\nline = '/l'",
    "format = 'json'\nlines = true\nmessage = '/m'",
    "format = 'sarif'",
    "format = 'checkstyle'",
    "format = 'diff'",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_output_makes_a_reader_panic(output in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in FORMATS {
            let _ = found(format, &output);
        }
    }

    #[test]
    fn no_output_that_looks_right_does(output in r#"([{}\[\]:,"]|"m"|"runs"|"results"|-?[0-9]{1,20}|\\u[0-9a-f]{4}|null| |@@ -[0-9]{1,12},[0-9]{1,12} \+[0-9]{1,12} @@|--- a|\+\+\+ b|\n|[-+ \\]|<checkstyle>|</?[a-z]>){0,40}"#) {
        for format in FORMATS {
            let _ = found(format, output.as_bytes());
        }
    }
}
