// SPDX-License-Identifier: Apache-2.0
//! `CHANGELOG.md` in the form of Keep a Changelog: what is in a section, and making one of the
//! unreleased lines.

use anyhow::{Context, Result, bail, ensure};
use semver::Version;

const UNRELEASED: &str = "## [Unreleased]";

/// The lines of a release, without its heading: notes for people.
pub fn notes<'a>(changelog: &'a str, version: &Version) -> Result<&'a str> {
    section(changelog, &format!("## [{version}]"))
        .map(str::trim)
        .with_context(|| format!("CHANGELOG.md has no section for {version}"))
}

/// The changelog in which the unreleased lines are those of a release.
///
/// `date` is the day, `2026-01-31`.
pub fn release(changelog: &str, version: &Version, date: &str) -> Result<String> {
    let unreleased = section(changelog, UNRELEASED).with_context(|| format!("CHANGELOG.md has no {UNRELEASED:?}"))?;
    if !unreleased.lines().any(|line| line.starts_with("- ")) {
        bail!("the section {UNRELEASED:?} of CHANGELOG.md is empty: there is nothing to release");
    }
    let heading = format!("## [{version}]");
    ensure!(section(changelog, &heading).is_none(), "CHANGELOG.md has a section for {version} already");
    Ok(changelog.replacen(UNRELEASED, &format!("{UNRELEASED}\n\n{heading} - {date}"), 1))
}

/// What is between a heading of the second level and the next one.
fn section<'a>(changelog: &'a str, heading: &str) -> Option<&'a str> {
    let mut start = None;
    let mut position = 0;
    for line in changelog.split_inclusive('\n') {
        let after = position + line.len();
        if let Some(start) = start
            && line.starts_with("## ")
        {
            return changelog.get(start..position);
        }
        if start.is_none() && line.starts_with(heading) {
            start = Some(after);
        }
        position = after;
    }
    changelog.get(start?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\nAbout.\n\n## [Unreleased]\n\n### Added\n\n- `plan` plans.\n- More.\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- Everything.\n";

    #[test]
    fn unreleased_lines_become_those_of_the_release() {
        let changed = release(CHANGELOG, &Version::new(0, 2, 0), "2026-02-03").unwrap();
        insta::assert_snapshot!(changed);
        assert_eq!(notes(&changed, &Version::new(0, 2, 0)).unwrap(), "### Added\n\n- `plan` plans.\n- More.");
        assert_eq!(notes(&changed, &Version::new(0, 1, 0)).unwrap(), "### Added\n\n- Everything.");
        let again = release(&changed, &Version::new(0, 3, 0), "2026-02-04").unwrap_err().to_string();
        assert!(again.ends_with("is empty: there is nothing to release"), "{again}");
    }

    #[test]
    fn what_cannot_be_released_is_refused() {
        let cases = [
            ("no section", CHANGELOG.replace("[Unreleased]", "[Soon]"), "0.2.0", "has no"),
            ("headings only", CHANGELOG.replace("- `plan` plans.\n- More.\n", ""), "0.2.0", "is empty"),
            ("twice", CHANGELOG.to_owned(), "0.1.0", "has a section for 0.1.0 already"),
        ];
        for (name, changelog, version, expected) in cases {
            let message = release(&changelog, &version.parse().unwrap(), "2026-02-03").unwrap_err().to_string();
            assert!(message.contains(expected), "{name}: {message}");
        }
        assert!(notes(CHANGELOG, &Version::new(9, 0, 0)).is_err());
    }

    #[test]
    fn our_changelog_is_of_this_form() {
        let text = std::fs::read_to_string(testbed::workspace_root().join("CHANGELOG.md")).unwrap();
        assert!(section(&text, UNRELEASED).is_some());
    }
}
