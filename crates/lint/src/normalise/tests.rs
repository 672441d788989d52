// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::files::File;
use crate::finding::Severity;
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

#[test]
fn columns_count_characters_whatever_the_linter_counts() {
    // 😀 is four bytes, and two units of UTF-16.
    let line = "ü😀x";
    let cases = [(Columns::Bytes, 7, 3), (Columns::Bytes, 1, 1), (Columns::Bytes, 9, 5), (Columns::Utf16, 4, 3)];
    for (columns, column, expected) in cases {
        assert_eq!(characters(line, column, columns), expected, "{columns:?} {column}");
    }
    let text = "a\nü😀x\n".as_bytes();
    let places = [(0, (1, 1)), (1, (1, 2)), (2, (2, 1)), (8, (2, 3)), (10, (3, 1)), (99, (3, 1))];
    for (offset, expected) in places {
        let span = span_at(text, offset).unwrap();
        assert_eq!((span.line, span.column.unwrap()), expected, "{offset}");
    }
}

#[test]
fn changes_of_bytes_become_a_fix_if_all_of_them_fit() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("build")).unwrap();
    std::fs::write(root.join("a.c"), "one\ntwo\n").unwrap();
    std::fs::write(root.join("b.h"), "x\n").unwrap();
    let names = [Path::new("a.c"), Path::new("b.h")];
    let tree = Tree {
        all: names.iter().map(|path| path.to_path_buf()).collect(),
        files: names.iter().map(|path| File::new(*path, 1)).collect(),
    };
    let known = Known::new(&root, &tree);
    let edit = |path: &str, start, length, text: &str| Edit { path: path.into(), start, length, text: text.to_owned() };
    let below = |name: &str| root.join("build/..").join(name).to_str().unwrap().to_owned();
    let fix = known.fix(&[edit(&below("a.c"), 4, 3, "2"), edit("a.c", 0, 0, "0"), edit("b.h", 1, 0, "y")]);
    let expected = "--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n-one\n-two\n+0one\n+2\n--- a/b.h\n+++ b/b.h\n@@ -1,1 +1,1 @@\n-x\n+xy\n";
    assert_eq!(fix.as_deref(), Some(expected));
    for odd in [
        vec![edit("a.c", 99, 0, "x")],
        vec![edit("a.c", 0, 3, "x"), edit("a.c", 2, 1, "y")],
        vec![edit("a.c", 0, 0, "x"), edit("/usr/include/x.h", 0, 0, "y")],
        vec![],
    ] {
        assert_eq!(known.fix(&odd), None, "{odd:?}");
    }
}
