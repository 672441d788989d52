// SPDX-License-Identifier: Apache-2.0
use super::*;
use proptest::prelude::*;

#[test]
fn names_are_read_however_they_are_written() {
    let cases: [(&[u8], &[u8]); 6] = [
        (b"--- a/x y.c\t\n+++ b/x y.c\t\n", b"x y.c"),
        (b"--- x.c\t2026-01-02 03:04:05 +0000\n+++ x.c\t2026\n", b"x.c"),
        (b"--- \"a/q\\\"\\n\\377\\\\.c\"\n+++ \"b/q\\\"\\n\\377\\\\.c\"\n", b"q\"\n\xff\\.c"),
        (b"--- a/b/x.c\r\n+++ b/b/x.c\r\n", b"b/x.c"),
        (b"--- /dev/null\n+++ b/x.c\n", b"x.c"),
        (b"--- ./x.c\n+++ ./x.c\n", b"./x.c"),
    ];
    for (names, expected) in cases {
        let files = parse(names).unwrap();
        assert_eq!(files[0].new.as_ref().unwrap().as_os_str().as_bytes(), expected);
    }
    assert_eq!(parse(b"--- a/x\n+++ /dev/null\n").unwrap()[0].new, None);
}

#[test]
fn what_is_no_diff_is_refused() {
    for text in ["x", "--- a\n", "--- a\n+++ b\n@@ x @@\n", "@@ -1 +1 @@\n-a\n+b\n", "--- a\n+++ b\n@@ -1 +1 @@\nx"] {
        assert!(parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn changed_lines_are_those_with_a_sign() {
    let cases = [
        ("@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", (2, 2, 2, 2)),
        ("@@ -5,0 +6,2 @@\n+x\n+y\n", (5, 6, 6, 7)),
        ("@@ -5,2 +4,0 @@\n-x\n-y\n", (5, 6, 4, 5)),
        ("@@ -1,2 +1,3 @@\n a\n+x\n b\n", (1, 2, 2, 2)),
        // At the end of the file there is no line behind.
        ("@@ -1,2 +1,3 @@\n a\n b\n+x\n", (2, 2, 3, 3)),
        ("@@ -0,0 +1 @@\n+x\n", (1, 1, 1, 1)),
    ];
    for (hunk, expected) in cases {
        let files = parse(format!("--- a\n+++ a\n{hunk}").as_bytes()).unwrap();
        assert_eq!(files[0].hunks[0].changed(), expected, "{hunk}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_name_survives_quoting(name in prop::collection::vec(1u8..=255, 1..20)) {
        let path = Path::new(OsStr::from_bytes(&name));
        let files = parse(of_file(path, "").as_bytes()).unwrap();
        prop_assert_eq!(files[0].new.as_deref(), Some(path));
    }

    #[test]
    fn a_difference_is_written_read_and_applied(old in "([ab\r]\n){0,12}[ab]?", new in "([abc\r]\n){0,12}[ab]?", context in 0usize..4) {
        let hunks = Hunk::between(old.as_bytes(), new.as_bytes(), context);
        let text: Vec<u8> = hunks.iter().flat_map(Hunk::to_bytes).collect();
        let diff = of_file(Path::new("x"), std::str::from_utf8(&text).unwrap());
        let mut files = parse(diff.as_bytes()).unwrap();
        let file = files.remove(0);
        prop_assert_eq!(&file.hunks, &hunks);
        prop_assert_eq!(file.apply(old.as_bytes()), Some(new.clone().into_bytes()));
        // Each alone changes its own lines.
        for hunk in Hunk::between(old.as_bytes(), new.as_bytes(), 0) {
            let lone = |hunk: Hunk| FilePatch { hunks: vec![hunk], ..FilePatch::default() }.apply(old.as_bytes());
            prop_assert_eq!(lone(hunk.alone(old.as_bytes(), 3)), lone(hunk));
        }
    }
}
