// SPDX-License-Identifier: Apache-2.0
//! Scripts that are listened to, and the examples that they are.

use super::*;
use crate::shell::Script;

fn finish(recorder: Recorder, name: &str, ending: &Ending, now: Instant) -> Vec<Example> {
    let known = Known { script: &Script::default(), events: &[], ending, watched: None, blind: None };
    recorder.finish(name, known, now).examples
}

/// Each line comes 10 ms after the one before.
fn record(output: &str, ending: &Ending) -> String {
    let start = Instant::now();
    let mut recorder = Recorder::new(start);
    let mut now = start;
    for line in output.lines() {
        now += Duration::from_millis(10);
        recorder.line(line, Source::Out, now, || 0);
    }
    let told = finish(recorder, "run-examples.sh", ending, now).into_iter().map(|e| {
        let detail = e.detail.map_or_else(String::new, |detail| format!(": {detail}"));
        let output = if e.output.is_empty() { String::new() } else { format!("\n    {}", e.output.join("\n    ")) };
        format!("{:?} {} ({} ms){detail}{output}", e.outcome, e.name, e.duration.as_millis())
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_test_point_is_an_example() {
    let output = "TAP version 14\n1..5\nhello\nok 1 - hello\nhow\nwhy\nnot ok 2 - goodbye\n# it did not\n  ---\n  \
        message: expected \"bye\"\n  duration_ms: 1500\n  ...\n# plain comment\nok 3 - far # SKIP no network\n\
        not ok 4 - later # TODO write it\nok\n";
    insta::assert_snapshot!(record(output, &Ending::Status(1)), @r#"
    Pass hello (40 ms)
        hello
    Fail goodbye (1500 ms): expected "bye"
        how
        why
        it did not
        plain comment
    Skip far (70 ms): no network
    Skip later (10 ms): to do: write it
    Pass test point 5 (10 ms)
    "#);
}

fn digests(output: &str) -> Vec<Option<Sha256>> {
    let mut folders = Folders::default();
    folders.add("/tmp/a1".as_ref(), "<scratch>");
    folders.add("/tmp/b2".as_ref(), "<scratch>");
    let mut recorder = Recorder::new(Instant::now()).with_folders(folders);
    output.lines().for_each(|line| recorder.line(line, Source::Out, Instant::now(), || 0));
    finish(recorder, "x", &Ending::Well, Instant::now()).into_iter().map(|example| example.digest).collect()
}

#[test]
fn output_is_compared_without_what_differs_from_run_to_run() {
    let one = "TAP version 14\n1..3\n+[0,x,,7,1] run /tmp/a1\n12:00:01 done in 3 ms\nok - a\nx\nok - b\nrandom 17\nok - c\n  ---\n  volatile: true\n  ...\n";
    let other = "TAP version 14\n1..3\n+[0,x,,7,1] walk /tmp/b2\n12:10:00 done in 4 ms \nok - a\ny\nok - b\nrandom 18\nok - c\n  ---\n  volatile: true\n  ...\n";
    let (one, other) = (digests(one), digests(other));
    assert_eq!(one[0], other[0]);
    assert!(one[1].is_some() && other[1].is_some() && one[1] != other[1]);
    assert_eq!((one[2], other[2]), (None, None));
    let whole = |text: &str| digests(text)[0].unwrap();
    assert_eq!(whole("in /tmp/a1/x.aaaaaa\n"), whole("in /tmp/b2/x.bbbbbb\n"));
    assert_ne!(whole("a\nb\n"), whole("b\na\n"));
}

#[test]
fn a_block_below_a_test_point_explains_it() {
    let output = "TAP version 14\n1..2\nnot ok 1 - crash\n  ---\n  message: |\n    it crashed\n  status: 139\n  output: |\n    before\n\n    Segmentation fault\n  \
        ...\nnot ok 2 - wrong\n  ---\n  status: 3\n  ...\n";
    insta::assert_snapshot!(record(output, &Ending::Status(1)), @r"
    Fail crash (30 ms): ended with exit status 139: a program was killed by SIGSEGV
        it crashed
        before
        
        Segmentation fault
    Fail wrong (100 ms): ended with exit status 3
    ");
}

#[test]
fn any_other_script_is_one_example() {
    insta::assert_snapshot!(record("+ hello\nHello!\n", &Ending::Well), @r"
    Pass run-examples.sh (20 ms)
        + hello
        Hello!
    ");
    insta::assert_snapshot!(record("ok\nokay\n\u{1b}[31mred\n", &Ending::Otherwise("was killed by SIGSEGV".into())), @r"
    Fail run-examples.sh (30 ms): was killed by SIGSEGV
        okay
        red
    ");
}

#[test]
fn what_is_wrong_with_the_script_is_a_failure_of_its_own() {
    let cases = [
        ("one is missing", "1..2\nok - a\n", Ending::Well),
        ("a status without a reason", "1..1\nok - a\n", Ending::Status(3)),
        ("a crash after a failure", "1..2\nnot ok - a\nx\n", Ending::Otherwise("was killed by SIGABRT".into())),
        ("giving up", "1..2\nok - a\nBail out! no device\n", Ending::Status(255)),
        ("a skip that failed", "1..0 # SKIP none\n", Ending::Status(1)),
    ];
    let told: Vec<_> =
        cases.iter().map(|(name, output, ending)| format!("{name}:\n{}", record(output, ending))).collect();
    insta::assert_snapshot!(told.join("\n\n"), @r"
    one is missing:
    Pass a (20 ms)
    Fail run-examples.sh (20 ms): 2 test points were planned and 1 reported

    a status without a reason:
    Pass a (20 ms)
    Fail run-examples.sh (20 ms): ended with exit status 3

    a crash after a failure:
    Fail a (20 ms)
    Fail run-examples.sh (30 ms): was killed by SIGABRT; 2 test points were planned and 1 reported
        x

    giving up:
    Pass a (20 ms)
    Fail run-examples.sh (30 ms): ended with exit status 255; bailed out: no device; 2 test points were planned and 1 reported

    a skip that failed:
    Fail run-examples.sh (10 ms): ended with exit status 1
    ");
}

#[test]
fn nothing_planned_is_skipped() {
    insta::assert_snapshot!(record("1..0 # SKIP no device\n", &Ending::Well), @"Skip run-examples.sh (10 ms): no device");
}

#[test]
fn namesakes_are_numbered() {
    insta::assert_snapshot!(record("1..4\nok - a\nok - a (2)\nok - a\nok - a\n", &Ending::Well), @r"
    Pass a (20 ms)
    Pass a (2) (10 ms)
    Pass a (3) (10 ms)
    Pass a (4) (10 ms)
    ");
}

#[test]
fn output_is_kept_in_part() {
    let mut recorder = Recorder::new(Instant::now());
    for _ in 0..1000 {
        recorder.line(&"x".repeat(10_000), Source::Out, Instant::now(), || 0);
    }
    assert_eq!(recorder.output.len(), TAIL_LINES);
    assert!(recorder.output.iter().all(|line| line.len() == LINE_LENGTH));
}
