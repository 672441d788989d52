// SPDX-License-Identifier: Apache-2.0
//! What is verified, and how a difference is told.

use super::*;
use crate::manifest::Manifest;
use std::time::Duration;

fn ended(end: End, stdout: &[u8]) -> Ended {
    let captured = |bytes: &[u8]| Captured { bytes: bytes.to_vec(), size: bytes.len() as u64 };
    Ended {
        end,
        duration: Duration::ZERO,
        stdout: captured(stdout),
        stderr: captured(b"one\ntwo\n"),
        tail: Vec::new(),
        leftovers: Vec::new(),
    }
}

fn faults(expect: &str, ended: &Ended) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out.txt"), "done\n").unwrap();
    let text = format!("[[example]]\nname = \"a\"\ncommand = \"x\"\n{expect}");
    let manifest = Manifest::parse(&text).unwrap();
    let golden = Golden::from([("golden".into(), b"Hello\nWorld\n".to_vec()), ("numbers".into(), b"pi 3.14\n".into())]);
    verify(&manifest.examples[0].expect, ended, folder.path(), &golden).join("; ")
}

#[test]
fn what_was_cut_is_not_taken_for_known() {
    let mut ended = ended(End::Status(0), b"one\n");
    ended.stdout.size = 20_000_000;
    let cases = [
        ("lacks = [\"two\"]", "standard output is 20.0 MB, of which only the first 4.2 MB could be compared"),
        ("matches = [\"two\"]", "standard output is 20.0 MB, of which only the first 4.2 MB could be compared"),
        ("exact = \"one\\n\"", "standard output is 20.0 MB, of which only the first 4.2 MB could be compared"),
        ("lacks = [\"one\"]", "standard output matches `one` in line 1"),
        ("matches = [\"one\"]", ""),
    ];
    for (expect, told) in cases {
        assert_eq!(faults(&format!("expect.stdout = {{ {expect} }}"), &ended), told, "{expect}");
    }
}

#[test]
fn faults_are_told_with_their_place() {
    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let status = End::Status;
    let digest = format!("expect.files = [{{ path = \"out.txt\", sha256 = \"{DIGEST}\" }}]");
    let cases: Vec<(&str, &str, Ended)> = vec![
        ("nothing expected", "", ended(status(0), b"")),
        ("a status", "", ended(status(3), b"")),
        ("a program's death", "", ended(status(139), b"")),
        ("a status instead", "expect.status = 2", ended(status(0), b"")),
        ("the expected status", "expect.status = 2", ended(status(2), b"")),
        ("a signal", "", ended(End::Signal("SIGSEGV".into()), b"")),
        ("a time-out says all", "expect.stdout = \"x\"", ended(End::TimedOut(Duration::from_secs(2)), b"")),
        ("the exact text", "expect.stdout = \"x\\n\"", ended(status(0), b"x\n")),
        ("no line break", "expect.stdout = \"x\"", ended(status(0), b"x\n")),
        ("a golden file", "expect.stdout.file = \"golden\"", ended(status(0), b"Hello\nWorld\n")),
        ("another line", "expect.stdout.file = \"golden\"", ended(status(0), b"Hello\nMoon\n")),
        ("a line too few", "expect.stdout.file = \"golden\"", ended(status(0), b"Hello\n")),
        ("a line too many", "expect.stdout.file = \"golden\"", ended(status(0), b"Hello\nWorld\n!")),
        ("not UTF-8", "expect.stdout.file = \"golden\"", ended(status(0), b"Hello\n\xff\n")),
        ("numbers", "expect.stdout.numbers = { file = \"numbers\", absolute = 0.1 }", ended(status(0), b"pi 3.2\n")),
        ("other numbers", "expect.stdout.numbers = { file = \"numbers\" }", ended(status(0), b"pi 3.2\n")),
        ("a pattern", "expect.stderr.matches = [\"^two$\"]", ended(status(0), b"")),
        ("a pattern that is missing", "expect.stderr.matches = [\"^two $\", \"three\"]", ended(status(0), b"")),
        ("a pattern too many", "expect.stderr.lacks = [\"two\"]", ended(status(0), b"")),
        ("a file", "expect.files = [{ path = \"out.txt\", content = \"done\\n\" }]", ended(status(0), b"")),
        ("no file", "expect.files = [{ path = \"nope\" }]", ended(status(0), b"")),
        ("another digest", &digest, ended(status(0), b"")),
        ("other content", "expect.files = [{ path = \"out.txt\", content = \"x\" }]", ended(status(0), b"")),
    ];
    let told: Vec<_> = cases.iter().map(|(name, expect, ended)| format!("{name}: {}", faults(expect, ended))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_was_cut_is_not_compared() {
    let mut long = ended(End::Status(0), b"Hello\n");
    long.stdout.size = 3_000_000_000;
    insta::assert_snapshot!(faults("expect.stdout = \"Hello\\n\"", &long), @"standard output is 3.0 GB, of which only the first 4.2 MB could be compared");
    assert_eq!(faults("expect.stdout.matches = [\"Hello\"]", &long), "");
}
