// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::files::File;
use crate::finding::{Severity, Span};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn raw(path: &[u8]) -> Raw {
    let span = Some(Span { line: 3, ..Span::default() });
    let path = Some(PathBuf::from(OsStr::from_bytes(path)));
    Raw { path, span, rule: Some("R1".to_owned()), message: "bad".to_owned(), ..Raw::default() }
}

fn reading() -> Read {
    toml::from_str("format = 'sarif'\nrule-url = 'https://example.org/{rule}'").unwrap()
}

/// The path, if the finding has one, and the message.
type Told<'a> = Option<(Option<&'a [u8]>, &'a str)>;

#[test]
fn paths_are_relative_to_the_root_or_a_part_of_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("ignored"), "").unwrap();
    let unusual = PathBuf::from(OsStr::from_bytes(b"u\xff"));
    let names = [Path::new("a"), Path::new("d/b"), &unusual];
    let tree = Tree {
        all: names.iter().map(|path| path.to_path_buf()).chain(["generated".into()]).collect(),
        files: names.iter().map(|path| File::new(*path, 1)).collect(),
    };
    let known = Known::new(root, &tree);
    let absolute = root.join("d/b").into_os_string();
    let cases: [(&[u8], Told); 11] = [
        (b"a", Some((Some(b"a"), "bad"))),
        (b"./d/../a", Some((Some(b"a"), "bad"))),
        (absolute.as_bytes(), Some((Some(b"d/b"), "bad"))),
        (b"u\xff", Some((Some(b"u\xff"), "bad"))),
        ("u\u{fffd}\u{fffd}".as_bytes(), Some((Some(b"u\xff"), "bad"))),
        (b"generated", None),
        (b"ignored", None),
        (b"nowhere", Some((None, "nowhere:3: bad"))),
        (b"../a", Some((None, "../a:3: bad"))),
        (b"/usr/include/x.h", Some((None, "/usr/include/x.h:3: bad"))),
        (b".", Some((None, ".:3: bad"))),
    ];
    for (path, expected) in cases {
        let finding = known.finding("x", &reading(), raw(path));
        let told = finding
            .as_ref()
            .map(|finding| (finding.path.as_ref().map(|path| path.as_os_str().as_bytes()), finding.message.as_str()));
        assert_eq!(told, expected, "{}", String::from_utf8_lossy(path));
    }
    let finding = known.finding("x", &reading(), raw(b"a")).unwrap();
    assert_eq!(finding.rule_url.as_deref(), Some("https://example.org/R1"));
}

#[test]
fn findings_are_sorted_and_there_once() {
    let finding = |path: &str, line: u32, linter: &str| Finding {
        severity: Severity::Error,
        path: Some(path.into()),
        span: Some(Span { line, ..Span::default() }),
        linter: linter.to_owned(),
        rule: None,
        rule_url: None,
        message: "bad".to_owned(),
        fix: None,
        in_change: true,
    };
    let of = |findings: &[Finding]| -> Vec<(String, u32, String)> {
        findings
            .iter()
            .map(|f| (f.path.as_ref().unwrap().display().to_string(), f.span.unwrap().line, f.linter.clone()))
            .collect()
    };
    let findings = vec![finding("b", 1, "x"), finding("a", 9, "y"), finding("a", 2, "z"), finding("a", 9, "y")];
    let arranged = arrange(findings, None);
    let expected = [("a", 2, "z"), ("a", 9, "y"), ("b", 1, "x")];
    assert_eq!(of(&arranged), expected.map(|(path, line, linter)| (path.to_owned(), line, linter.to_owned())));
}
