// SPDX-License-Identifier: Apache-2.0
//! The changelog of a Debian package: one entry, for this version, with the commits since the
//! release before it.

use crate::metadata::Metadata;
use crate::subject::Subject;
use artifact::Timestamp;
use flate2::{Compression, GzBuilder};
use std::fmt::Write as _;
use std::io::Write as _;
use toolkit::Result;
use toolkit::git::Repository;

/// So many commits are told one by one.
const MOST_TOLD: usize = 100;
/// How long a line may be.
const WIDTH: usize = 78;

/// The changelog as Debian wants it on disk: compressed best, without name or time.
pub fn compressed(subject: &Subject, metadata: &Metadata) -> Result<Vec<u8>> {
    let repository = Repository::require(&subject.source)?;
    let tag = repository.previous_tag()?;
    let changes = repository.subjects_since(tag.as_deref())?;
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(render(subject, metadata, tag.as_deref(), &changes).as_bytes())?;
    Ok(gzip.finish()?)
}

/// One entry, for this version: what was committed since the tag, newest first.
fn render(subject: &Subject, metadata: &Metadata, tag: Option<&str>, changes: &[String]) -> String {
    let Subject { package, version, .. } = subject;
    let what = if version.is_prerelease() { "Development version" } else { "Release" };
    let mut items = vec![format!("{what} {version}, built from commit {}.", subject.commit)];
    items.extend(changes.iter().take(MOST_TOLD).cloned());
    if let Some(more) = changes.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        let since = tag.map_or_else(String::new, |tag| format!(" since {tag}"));
        items.push(format!("And {more} more commits{since}."));
    }
    let mut text = format!("{package} ({}) unstable; urgency=medium\n\n", version.debian());
    for item in items.iter().filter(|item| !item.trim().is_empty()) {
        text.push_str(&folded(item));
    }
    let _ = write!(text, "\n -- {}  {}\n", metadata.maintainer, mail_date(subject.time));
    text
}

/// An item of the list, with its lines broken between words.
fn folded(item: &str) -> String {
    let mut text = String::new();
    let mut line = "  *".to_owned();
    let is_odd = |c: char| c.is_control();
    for word in item.split(char::is_whitespace).filter(|word| !word.is_empty()) {
        let word = word.replace(is_odd, "");
        if line.chars().count() + 1 + word.chars().count() > WIDTH && !line.trim_start_matches([' ', '*']).is_empty() {
            let _ = writeln!(text, "{line}");
            line.clear();
            line.push_str("   ");
        }
        line.push(' ');
        line.push_str(&word);
    }
    let _ = writeln!(text, "{line}");
    text
}

/// A date as changelogs and mails have it: `Fri, 02 Jan 2026 03:04:05 +0000`.
fn mail_date(seconds: u32) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = Timestamp::from_epoch(seconds.into()).to_string();
    let parts: Vec<&str> = text.split(['-', 'T', 'Z']).collect();
    let [year, month, day, clock, ..] = parts[..] else { return text };
    // The epoch was a Thursday.
    let weekday = DAYS.get((seconds / 86_400 % 7) as usize).copied().unwrap_or_default();
    let month = month.parse().ok().and_then(|month: usize| MONTHS.get(month.checked_sub(1)?)).copied().unwrap_or(month);
    format!("{weekday}, {day} {month} {year} {clock} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_names_version_commit_and_date() {
        let changes = [
            "feat: greet everybody",
            "",
            "fix: say hello to those who are there before anybody else has come, whatever the weather",
        ];
        let changes = changes.map(str::to_owned);
        insta::assert_snapshot!(render(&Subject::example(), &Metadata::example(), Some("v0.2.0"), &changes));
    }

    #[test]
    fn long_histories_are_cut() {
        let changes: Vec<String> = (0..150).map(|number| format!("change {number}")).collect();
        let text = render(&Subject::example(), &Metadata::example(), Some("v0.2.0"), &changes);
        assert!(text.contains("  * change 99\n  * And 50 more commits since v0.2.0.\n"), "{text}");
    }

    #[test]
    fn lines_are_broken_between_words() {
        let cases = [
            ("short".to_owned(), "  * short\n".to_owned()),
            ("tab\tand  two spaces\u{7}".to_owned(), "  * tab and two spaces\n".to_owned()),
            ("x".repeat(100), format!("  * {}\n", "x".repeat(100))),
            (format!("a {}", "x".repeat(76)), format!("  * a\n    {}\n", "x".repeat(76))),
        ];
        for (text, expected) in cases {
            assert_eq!(folded(&text), expected);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_767_323_045, "Fri, 02 Jan 2026 03:04:05 +0000"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(mail_date(seconds), expected);
        }
    }
}
