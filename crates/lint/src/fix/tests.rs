// SPDX-License-Identifier: Apache-2.0
use super::*;
use crate::finding::{Severity, Span};

fn finding(linter: &str, path: &str, line: u32) -> Finding {
    Finding {
        severity: Severity::Error,
        path: Some(path.into()),
        span: Some(Span { line, ..Span::default() }),
        linter: linter.to_owned(),
        rule: None,
        rule_url: None,
        message: "wrong".to_owned(),
        fix: None,
        in_change: true,
    }
}

fn text(changes: &[(usize, &str)]) -> Vec<u8> {
    let line = |number| match changes.iter().find(|(changed, _)| *changed == number) {
        Some((_, text)) => (*text).to_owned(),
        None => format!("line {number}\n"),
    };
    (1..=20).map(line).collect::<String>().into_bytes()
}

#[test]
fn a_fix_goes_to_the_findings_whose_lines_it_changes() {
    let (old, new) = (text(&[]), text(&[(3, "three\n"), (5, "five\n"), (12, "")]));
    let mut findings = [
        finding("a", "x", 3),
        finding("a", "x", 5),
        finding("a", "x", 5),
        finding("b", "x", 5),
        finding("a", "y", 5),
        finding("a", "x", 14),
    ];
    attach(&mut findings, "a", Path::new("x"), &old, &new, &[]);
    insta::assert_snapshot!(findings[0].fix.as_deref().unwrap(), @r"
    --- a/x
    +++ b/x
    @@ -1,6 +1,6 @@
     line 1
     line 2
    -line 3
    +three
     line 4
     line 5
     line 6
    ");
    assert!(findings[1].fix.as_ref().unwrap().contains("-line 5\n+five\n"));
    assert_eq!(findings[1].fix, findings[2].fix);
    assert_eq!((&findings[3].fix, &findings[4].fix), (&None, &None));
    // No finding is where this one changes something, so the nearest has it.
    assert!(findings[5].fix.as_ref().unwrap().contains("-line 12\n"));
}

#[test]
fn a_finding_of_several_lines_takes_all_that_changes_in_them() {
    let (old, new) = (text(&[]), text(&[(3, "three\n"), (5, "five\n")]));
    let mut findings = [finding("a", "x", 2), finding("a", "x", 5)];
    findings[0].span.as_mut().unwrap().end_line = Some(6);
    attach(&mut findings, "a", Path::new("x"), &old, &new, &[]);
    assert_eq!(findings[0].fix, findings[1].fix, "one fix of both");
    assert!(findings[0].fix.as_ref().unwrap().contains("+three\n line 4\n"));
}

#[test]
fn what_is_still_found_is_not_fixed() {
    let (old, new) = (text(&[]), text(&[(3, "three\n"), (9, "nine\n")]));
    let mut findings = [finding("a", "x", 3), finding("a", "x", 15), finding("a", "x", 9)];
    let left = [(None, "wrong".to_owned()), (None, "something else".to_owned())];
    attach(&mut findings, "a", Path::new("x"), &old, &new, &left);
    let fixed: Vec<_> = findings.iter().map(|finding| finding.fix.is_some()).collect();
    assert_eq!(fixed, [true, false, true]);
    let mut findings = [finding("a", "x", 3)];
    attach(&mut findings, "a", Path::new("x"), &old, &new, &left);
    assert_eq!(findings[0].fix, None);
}
