//! The changelog of a Debian package: one entry, for this version.

use crate::metadata::Metadata;
use crate::subject::Subject;
use artifact::Timestamp;
use flate2::{Compression, GzBuilder};
use std::io::Write;
use toolkit::Result;

/// The changelog as Debian wants it on disk: compressed best, without name or time.
pub fn compressed(subject: &Subject, metadata: &Metadata) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(render(subject, metadata).as_bytes())?;
    Ok(gzip.finish()?)
}

fn render(subject: &Subject, metadata: &Metadata) -> String {
    let Subject { package, version, .. } = subject;
    let what = if version.is_prerelease() { "Development version" } else { "Release" };
    format!(
        "{package} ({}) unstable; urgency=medium\n\n  * {what} {version},\n    built from commit {}.\n\n -- {}  {}\n",
        version.debian(),
        subject.commit,
        metadata.maintainer,
        mail_date(subject.time),
    )
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
        insta::assert_snapshot!(render(&Subject::example(), &Metadata::example()));
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
