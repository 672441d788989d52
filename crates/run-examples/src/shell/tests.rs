// SPDX-License-Identifier: Apache-2.0
//! Scripts, and what can be known of them.

use super::*;
use proptest::prelude::*;

/// Each command with its line and what becomes of its exit status.
fn told(text: &str) -> String {
    let script = Script::parse(text).unwrap();
    let lines = script.commands().iter().map(|command| {
        let Context { observed, place, substituted, enclosed: _ } = command.context;
        let observed = if observed { ", observed" } else { "" };
        let substituted = match substituted {
            Some(true) => ", assigned",
            Some(false) => ", substituted",
            None => "",
        };
        let function = command.function.as_ref().map_or_else(String::new, |name| format!(", in {name}"));
        format!("{}: {} ({place:?}{observed}{substituted}{function})", command.line, command.source())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_fate_of_every_exit_status_is_known() {
    let text = r#"#!/bin/sh -e
a 1; b "two words" >out 2>&1 # c
d | e --x |
  f
g || h && i
! j
if k; then l; elif m | n; then o; else p; fi >log
while q; do r; done | s
for x in 1 2; do t "$x"; done &
( u; v ) && w
{ x; y; } | z
case $1 in a|b) aa ;; (c) bb;; *) cc; esac
fn() { dd "$@"
  ee; }
X=$(ff | gg) Y="`hh`" ii "$(jj)" $((1 + 2)) ${kk:-$(ll)}
Z=$(mm)
cat <<END <<-'OTHER' | nn
oo $(pp)
END
	qq
	OTHER
[ "$x" = "a;b" ] && rr 'it'"'"'s'
ss \
  --continued
"#;
    insta::assert_snapshot!(told(text));
}

#[test]
fn bash_is_read_as_well() {
    let text = "[[ a && b || c ]] || d\n((i++))\nfor ((i = 0; i < 3; i++)); do e; done\nf() ( g )\nfunction h { i; }\n\
        list=(a $(j) b)\nk <(l) >(m) <<<\"n\"\no |& p\ntime q\nif [[ $x =~ ^(a|b)$ ]]; then r; fi\n";
    insta::assert_snapshot!(told(text));
}

#[test]
fn traced_commands_are_found() {
    let script =
        Script::parse("hello World\neval \"${W}\" \"${BIN}/hello\" one\n$run\n\"$BIN\"/hello 'a b'\n").unwrap();
    let lines = |words: &str| script.find(words).iter().map(|command| command.line).collect::<Vec<_>>();
    assert_eq!(lines("hello World"), [1]);
    assert_eq!(lines("eval  /x/hello one"), [2]);
    assert_eq!(lines("/x/hello a b"), [4]);
    assert_eq!(lines("anything"), [3]);
}

#[test]
fn where_a_script_hides_is_known() {
    let cases = [
        ("set -x\nhello\nset +x\nexport A=1\nset -x\nhello\n", None),
        ("set -x\nhello\nset +x\ntrue\n", None),
        ("set -x\nset +x\nhello\n", Some((2, "switches the trace off"))),
        ("set -x\n{ set +o xtrace; } 2>/dev/null\n/x/hello\n", Some((2, "switches the trace off"))),
        ("export PS4='+ '\nset -x\nhello\n", Some((1, "sets PS4"))),
        ("hello\nset -x\nhello\n", Some((1, "runs a program before its trace begins"))),
        ("x=$(hello)\nhello || true\nf() { hello; }\nset -x\nhello\n", None),
        ("PS4=x hello\n", None),
        ("set -x\nexec 2>log\nhello\n", Some((2, "redirects standard error"))),
        ("set -x\nexec >log\nhello\nexec 3>&1\nexec hello 2>log\n", None),
        ("BASH_XTRACEFD=7\nhello\n", Some((1, "sets BASH_XTRACEFD"))),
    ];
    for (text, expected) in cases {
        let blind = Script::parse(text).unwrap().blind(|name| name == "hello");
        assert_eq!(blind.map(|blind| (blind.line, blind.what)), expected, "{text}");
    }
}

#[test]
fn options_are_known() {
    let script = |text: &str| Script::parse(text).unwrap();
    for text in ["#!/bin/bash -ex\n", "set -eux", "set -o errexit -o xtrace", "sh -x y", "#!/usr/bin/env -S bash -x\n"]
    {
        assert!(script(text).traces(), "{text}");
    }
    for text in ["#!/bin/sh -e\n", "set -e", "set +x", "echo set -x", "# set -x", "test -x y"] {
        assert!(!script(text).traces(), "{text}");
    }
    assert!(script("set -euo pipefail").pipefail() && !script("set -e pipefail").pipefail());
    assert!(script("trap 'x' EXIT ERR").traps_errors() && !script("trap x EXIT").traps_errors());
    for (text, is_shell) in [("#!/usr/bin/env python3\n", false), ("#!/bin/dash\n", true), ("x", true), ("\0", false)] {
        assert_eq!(Script::parse(text).is_some(), is_shell, "{text}");
    }
}

#[test]
fn an_empty_script_is_known() {
    for text in ["", "\n\n", "# comment", "set -e\nexport X=1\nX=2\nexit 0\n"] {
        assert!(Script::parse(text).unwrap().is_empty(), "{text}");
    }
    for text in ["true", "X=$(x)", "set -x; hello"] {
        assert!(!Script::parse(text).unwrap().is_empty(), "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    for text in ["$(".repeat(100_000), "( ".repeat(100_000), "if ".repeat(100_000), "f() { ".repeat(100_000)] {
        let _ = Script::parse(&text);
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in r#"[ \nab;&|(){}<>$`'"\\#!=0-9xif]{0,120}"#) {
        let script = Script::parse(&text).unwrap_or_default();
        let _ = (script.traces(), script.blind(|_| true), script.find("a b"), script.is_empty());
    }
}
