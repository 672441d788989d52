// SPDX-License-Identifier: Apache-2.0
//! For a person at a terminal: each finding with the lines that it speaks of.

use super::{Counts, Headline, counted, headline, read, shown, time};
use crate::finding::{Finding, Severity, Span};
use crate::outcome::{LinterOutcome, Outcome, Relevance};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

/// Lines of a finding that are shown; further ones are left out.
const LINES: u32 = 6;
/// Columns of a line that are shown.
const WIDTH: usize = 120;

/// What makes a line yellow, and what ends it.
const YELLOW: (&str, &str) = ("\u{1b}[33m", "\u{1b}[0m");

/// The findings with excerpts of the files below `root`, and a line per linter; `fixes` says how many findings a patch
/// fixes.
pub fn terminal(outcome: &Outcome, fixes: usize, root: &Path, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let mut text = String::new();
    // The findings of a file stand together.
    let mut file: Option<(&Path, Option<String>)> = None;
    for finding in &outcome.findings {
        if let Some(path) = finding.path.as_deref()
            && file.as_ref().is_none_or(|(known, _)| *known != path)
        {
            let source = read(root, path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            file = Some((path, source));
        }
        let source = file.as_ref().filter(|(path, _)| finding.path.as_deref() == Some(*path));
        let source = source.and_then(|(_, source)| source.as_deref());
        text.push_str(&one(finding, source, &renderer));
        text.push_str("\n\n");
    }
    text.push_str(&linters(outcome));
    let yellow = if colour { YELLOW } else { ("", "") };
    for note in &outcome.notes {
        let message = note.message.replace(char::is_control, " ");
        text.push_str(&marked(&message, note.is_warning, "note: ", yellow));
    }
    let Headline { text: sentence, is_warning } = headline(outcome);
    let fix = if fixes > 0 { format!("; --fix fixes {fixes}") } else { String::new() };
    text.push_str(&marked(&format!("{sentence}{fix}"), is_warning, "", yellow));
    text
}

/// A line, in yellow if it is a warning.
fn marked(line: &str, is_warning: bool, otherwise: &str, (begin, end): (&str, &str)) -> String {
    if is_warning { format!("{begin}warning: {line}{end}\n") } else { format!("{otherwise}{line}\n") }
}

fn one(finding: &Finding, source: Option<&str>, renderer: &Renderer) -> String {
    let level = match finding.weight() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Notice => Level::NOTE,
    };
    let mut id = finding.linter.clone();
    if let Some(rule) = &finding.rule {
        id.push(' ');
        id.push_str(rule);
    }
    let id: String = id.chars().filter(|c| !c.is_control()).collect();
    let mut title = level.primary_title(&finding.message).id(&id);
    if let Some(url) = finding.rule_url.as_deref().filter(|url| !url.contains(char::is_control)) {
        title = title.id_url(url);
    }
    let path = finding.path.as_deref().map(shown);
    let excerpt = finding.span.and_then(|span| excerpt(source?, span));
    let place = match (&path, finding.span) {
        (Some(path), Some(span)) => {
            Some(format!("{path}:{}{}", span.line, span.column.map(|column| format!(":{column}")).unwrap_or_default()))
        }
        (Some(path), None) => Some(path.clone()),
        (None, _) => None,
    };
    let group = match (&excerpt, &path, &place) {
        (Some(excerpt), Some(path), _) => title.element(
            Snippet::source(excerpt.text)
                .line_start(excerpt.first)
                .path(path)
                .annotation(AnnotationKind::Primary.span(excerpt.range.clone())),
        ),
        (_, _, Some(place)) => title.element(annotate_snippets::Origin::path(place)),
        _ => annotate_snippets::Group::with_title(title),
    };
    let group =
        if finding.in_change { group } else { group.element(Level::NOTE.message("not in the change under review")) };
    renderer.render(&[group])
}

/// Lines of a file, and the bytes in them that are meant.
#[derive(Debug, PartialEq, Eq)]
struct Excerpt<'a> {
    text: &'a str,
    first: usize,
    range: Range<usize>,
}

/// The lines of a place; `None` if the file has no such line.
fn excerpt(source: &str, span: Span) -> Option<Excerpt<'_>> {
    let first = usize::try_from(span.line.checked_sub(1)?).ok()?;
    let last_line = span.end_line.unwrap_or(span.line).clamp(span.line, span.line.saturating_add(LINES - 1));
    let count = usize::try_from(last_line - span.line).ok()? + 1;
    let mut lines = source.split_inclusive('\n').skip(first).take(count);
    let one = lines.next()?;
    let rest: Vec<_> = lines.collect();
    let start = source.split_inclusive('\n').take(first).map(str::len).sum::<usize>();
    let length = one.len() + rest.iter().map(|line| line.len()).sum::<usize>();
    let text = source.get(start..start + length)?;
    let last = rest.last().copied().unwrap_or(one);
    let from = span.column.map_or_else(|| one.len() - one.trim_start().len(), |column| offset(one, column));
    let is_cut = span.end_line.is_some_and(|line| line > last_line);
    let to = match span.end_column.filter(|_| !is_cut) {
        Some(column) => length - last.len() + offset(last, column),
        // From the place to the end of its word, or the whole line.
        None if span.column.is_some() && rest.is_empty() => from + word(one.get(from..).unwrap_or_default()),
        None => length - last.len() + last.trim_end().len(),
    };
    Some(Excerpt { text, first: first + 1, range: from..to.max(from) })
}

/// The byte of a column, at most the end of the line.
fn offset(line: &str, column: u32) -> usize {
    let content = line.trim_end_matches(['\n', '\r']);
    let before = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    content.char_indices().nth(before).map_or(content.len(), |(at, _)| at)
}

/// How long the word is that a text begins with; at least a character, if there is one.
fn word(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if end > 0 { end } else { text.chars().next().filter(|c| !c.is_control()).map_or(0, char::len_utf8) }
}

fn linters(outcome: &Outcome) -> String {
    let mut text = String::new();
    let width = outcome.linters.iter().map(|linter| linter.name.len()).max().unwrap_or(0);
    let mut irrelevant = 0;
    for linter in &outcome.linters {
        let said = match &linter.relevance {
            Relevance::NotRelevant(_) => {
                irrelevant += 1;
                continue;
            }
            Relevance::Missing(provided_by) => format!("missing; install {provided_by}"),
            Relevance::Failed(why) => format!("did not do its work: {why}"),
            Relevance::Relevant(why) => told(linter, why, &outcome.findings),
        };
        let _ = writeln!(text, "{:width$}  {}", linter.name, said.replace(char::is_control, " "));
    }
    if irrelevant > 0 {
        let _ = writeln!(text, "{} not relevant here; --list tells why", counted(irrelevant, "linter"));
    }
    text
}

fn told(linter: &LinterOutcome, why: &str, findings: &[Finding]) -> String {
    let counts = Counts::of(findings.iter().filter(|finding| finding.linter == linter.name)).sentence();
    let version = linter.version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
    format!("{why}: {counts}, {}{version}", time(linter.duration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{at, files, outcome};
    use proptest::prelude::*;

    fn told(colour: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let outcome = outcome();
        for path in outcome.findings.iter().filter_map(|finding| finding.path.as_deref()) {
            std::fs::write(folder.path().join(path), files(path).unwrap()).unwrap();
        }
        terminal(&outcome, 1, folder.path(), colour)
    }

    #[test]
    fn findings_have_excerpts() {
        insta::assert_snapshot!(told(false));
    }

    #[test]
    fn colours_are_for_terminals() {
        assert!(!told(false).contains('\u{1b}'));
        assert!(told(true).contains('\u{1b}'));
    }

    #[test]
    fn what_did_not_run_is_yellow() {
        let yellow = told(true);
        let last = yellow.lines().last().unwrap();
        assert!(last.starts_with("\u{1b}[33mwarning: found ") && last.contains("is not on this runner"), "{last:?}");
        let mut outcome = outcome();
        outcome.linters.retain(|linter| matches!(linter.relevance, Relevance::Relevant(_)));
        let text = terminal(&outcome, 0, Path::new("/nowhere"), true);
        assert!(text.lines().last().unwrap().starts_with("found "), "{text}");
    }

    #[test]
    fn places_become_bytes() {
        let source = "äb c\n\tword_1(x)\nlast";
        let span = |line, column, end_line, end_column| Span { line, column, end_line, end_column };
        let cases = [
            ("columns", span(1, Some(2), None, Some(3)), Some(("äb c\n", 2..3))),
            ("whole line", span(2, None, None, None), Some(("\tword_1(x)\n", 1..10))),
            ("word", span(2, Some(2), None, None), Some(("\tword_1(x)\n", 1..7))),
            ("punctuation", span(2, Some(8), None, None), Some(("\tword_1(x)\n", 7..8))),
            ("several lines", span(1, Some(4), Some(2), Some(3)), Some(("äb c\n\tword_1(x)\n", 4..8))),
            ("behind the line", span(3, Some(99), None, Some(120)), Some(("last", 4..4))),
            ("end before start", span(1, Some(4), None, Some(1)), Some(("äb c\n", 4..4))),
            ("no such line", span(9, Some(1), None, None), None),
            ("line 0", span(0, None, None, None), None),
        ];
        for (name, span, expected) in cases {
            let found = excerpt(source, span).map(|excerpt| (excerpt.text, excerpt.range));
            assert_eq!(found, expected, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_place_makes_it_panic(
            source in "(?s)([ab\\t ü\\n\\r\u{1b}]|\u{200b}){0,20}",
            line in 0..6u32, column in proptest::option::of(0..9u32),
            end_line in proptest::option::of(0..20u32), end_column in proptest::option::of(0..9u32),
        ) {
            let span = Some(Span { line, column, end_line, end_column });
            let finding = Finding { span, message: source.clone(), ..at("a", 1, Severity::Error) };
            let text = one(&finding, Some(&source), &Renderer::plain());
            prop_assert!(!text.contains('\x1b'));
        }
    }
}
