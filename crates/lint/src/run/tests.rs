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
fn names_that_a_line_cannot_hold_are_replaced() {
    let files = [PathBuf::from("a\nb.sh"), PathBuf::from("plain.sh"), PathBuf::from("c:1:2: x.sh")];
    let output = b"./a\nb.sh:1: x\n./plain.sh:2: y\n./c:1:2: x.sh:3: z\n";
    let (output, aliases) = with_aliases(output, &files);
    let lines: Vec<_> = output.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 4);
    for (alias, file) in aliases {
        assert!(lines.iter().any(|line| line.starts_with(alias.as_os_str().as_bytes())), "{}", file.display());
    }
}
