// SPDX-License-Identifier: Apache-2.0
use super::*;

#[test]
fn versions_are_found_in_what_programs_print() {
    let cases = [
        ("ShellCheck - shell script analysis tool\nversion: 0.11.0\nlicense", Some("0.11.0")),
        ("v3.14.1\n", Some("3.14.1")),
        ("clippy 0.1.95 (59807616e1 2026-01-01)", Some("0.1.95")),
        ("clang-format version 23.1.5.", Some("23.1.5")),
        ("mypy 2.4.1 (compiled: yes)", Some("2.4.1")),
        ("e.g. nothing", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(version_in(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_name_that_a_line_cannot_hold_is_replaced() {
    for name in ["a\nb.sh", "c:1:2: x.sh", " .sh"] {
        let output = format!("./{name}:1: x\n{name}:2: y\n");
        let output = with_alias(output.as_bytes(), Path::new(name));
        assert_eq!(String::from_utf8_lossy(&output), format!("{ALIAS}:1: x\n{ALIAS}:2: y\n"), "{name:?}");
    }
}
