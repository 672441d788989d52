// SPDX-License-Identifier: Apache-2.0
//! Traces whose lines came in an order that seldom happens: what runs at the same time writes when it will.

use super::*;

/// What the examples of a script are by its trace. The programs are `hello`, `three` and `crash`.
fn told(script: &str, lines: &str, ending: &Ending) -> String {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().canonicalize().unwrap();
    let bin = source.join("install/bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in ["hello", "three", "crash"] {
        std::fs::write(bin.join(name), "").unwrap();
    }
    let script = Script::parse(script).unwrap();
    let mut tracer = Tracer::new(&source, &source.join("install"), &[bin], Folders::default()).with_script(&script);
    lines.lines().for_each(|line| tracer.line(line, Instant::now()));
    assert!(tracer.has_lines(), "{lines}");
    let known = Known { script: &script, events: &[], ending, watched: None, blind: None };
    let told = tracer.finish(known, Instant::now());
    let examples = told.examples.iter().map(|example| format!("{:?} {}", example.outcome, example.name));
    examples.chain(told.faults).collect::<Vec<_>>().join(", ").to_lowercase()
}

#[test]
fn the_order_of_what_runs_at_once_decides_nothing() {
    let cases: [(&str, &[&str], &str); 8] = [
        (
            "set -x\ncrash | cat\n",
            &["+[0,x,,7,1] crash\n+[0,x,,7,1] cat", "+[0,x,,7,1] cat\n+[0,x,,7,1] crash"],
            "unknown crash",
        ),
        (
            "set -x\nhello a\nhello a | cat\nhello a\n",
            &[
                "+[0,x,,7,1] hello a\n+[0,x,,7,2] hello a\n+[0,x,,7,2] cat\n+[0,x,,7,2] hello a",
                "+[0,x,,7,1] hello a\n+[0,x,,7,2] cat\n+[0,x,,7,2] hello a\n+[0,x,,7,2] hello a",
            ],
            "pass hello a, unknown hello a, pass hello a",
        ),
        (
            "set -x\nhello a | three | cat\ntrue\n",
            &[
                "+[0,x,,7,1] hello a\n+[0,x,,7,1] three\n+[0,x,,7,1] cat\n+[0,x,,7,1] true",
                "+[0,x,,7,1] hello a\n+[0,x,,7,1] cat\n+[0,x,,7,1] three\n+[0,x,,7,1] true",
            ],
            "unknown hello a, unknown three",
        ),
        (
            "set -x\necho | three\ntrue\n",
            &[
                "+[0,x,,7,1] echo\n+[0,x,,7,1] three\n+[3,x,,7,1] true",
                "+[0,x,,7,1] three\n+[0,x,,7,1] echo\n+[3,x,,7,1] true",
            ],
            "fail three",
        ),
        (
            "set -x\nthree &\nsleep 1\n",
            &[
                "+[0,x,,7,1] three\n+[0,x,9,7,1] sleep 1",
                "+[0,x,9,7,1] sleep 1\n+[0,x,,7,1] three",
                "+[0,x,9,7,1] +[0,x,,7,1] sleep 1\nthree",
            ],
            "unknown three",
        ),
        (
            "set -x\nthree &\nwait $!\nhello a\n",
            &[
                "+[0,x,,7,1] three\n+[0,x,9,7,1] wait 9\n+[3,x,9,7,2] hello a",
                "+[0,x,9,7,1] wait 9\n+[0,x,,7,1] three\n+[3,x,9,7,2] hello a",
            ],
            "fail three, pass hello a",
        ),
        (
            "f() { crash; }\nset -x\nf | cat\n",
            &["+[0,x,,7,1] f\n+[0,x,,7,1] cat\n+[0,x,,7,2] crash", "+[0,x,,7,1] cat\n+[0,x,,7,1] f\n+[0,x,,7,2] crash"],
            "unknown crash",
        ),
        (
            "set -x\nthree | cat\nhello b\n",
            &[
                "+[0,x,,7,1] +[0,x,,7,1] three cat\n\n+[0,x,,7,1] hello b",
                "+[0,x,,7,1] three+[0,x,,7,1] cat\n\n+[0,x,,7,1] hello b",
                "+[0,x,,7,1] +[0,x,,7,1] catthree\n\n+[0,x,,7,1] hello b",
            ],
            "unknown three, pass hello b",
        ),
    ];
    for (script, orders, expected) in cases {
        for lines in orders {
            assert_eq!(told(script, lines, &Ending::Well), expected, "{script}{lines}");
        }
    }
}

#[test]
fn a_trace_without_its_state_proves_nothing() {
    assert_eq!(told("hello a\n", "+ hello a\n+ true", &Ending::Well), "unknown hello a");
    assert_eq!(told("make\n", "+ make\n+++\nx + y\n+[a] hello\n+[1] hello\n", &Ending::Well), "");
}

#[test]
fn a_trace_without_end_is_bounded() {
    let lines: Vec<_> = (0..2 * MOST_LINES).map(|count| format!("+[0,x,,7,{count}] true")).collect();
    let told = told("while true; do true; done\n", &lines.join("\n"), &Ending::Well);
    assert_eq!(told, format!("the trace has more than {MOST_LINES} commands, and what follows is unknown"));
}
