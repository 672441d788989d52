// SPDX-License-Identifier: Apache-2.0
//! Which version may follow which.

use anyhow::{Result, ensure};
use semver::{Prerelease, Version};

/// Checks that a version follows the releases so far.
///
/// The first release is the version that the workspace has. Later ones raise one of the three
/// numbers of the latest release by one and set those after it to zero, with or without a
/// pre-release before; a pre-release is followed by a later one of it, or by the release.
pub fn check(version: &Version, released: &[Version], workspace: &Version) -> Result<()> {
    ensure!(version.build.is_empty(), "{version} has build metadata, which does not order versions");
    if released.is_empty() {
        let first = numbers(workspace);
        ensure!(numbers(version) == first, "there is no release yet; the first is {first}, as Cargo.toml says");
        return Ok(());
    }
    for other in released {
        ensure!(version > other, "{version} does not follow {other}, which is released");
    }
    let full = released.iter().filter(|other| other.pre.is_empty()).max();
    let next = full.map_or_else(|| vec![numbers(workspace)], |latest| followers(latest).to_vec());
    let allowed: Vec<_> = next.iter().map(Version::to_string).collect();
    ensure!(
        next.contains(&numbers(version)),
        "{version} does not follow {}; next would be {}",
        full.map_or_else(|| "no release".to_owned(), Version::to_string),
        allowed.join(", ")
    );
    Ok(())
}

/// The version without a pre-release.
fn numbers(version: &Version) -> Version {
    Version { pre: Prerelease::EMPTY, ..version.clone() }
}

fn followers(latest: &Version) -> [Version; 3] {
    let Version { major, minor, patch, .. } = *latest;
    [Version::new(major, minor, patch + 1), Version::new(major, minor + 1, 0), Version::new(major + 1, 0, 0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(version: &str, released: &[&str]) -> String {
        let released: Vec<_> = released.iter().map(|text| text.parse().unwrap()).collect();
        check(&version.parse().unwrap(), &released, &Version::new(0, 1, 0))
            .map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn versions_follow_one_another() {
        let cases: [(&str, &[&str]); 10] = [
            ("0.1.0", &[]),
            ("0.1.0-rc.1", &[]),
            ("0.1.0", &["0.1.0-rc.1"]),
            ("0.1.0-rc.2", &["0.1.0-rc.1"]),
            ("0.1.1", &["0.1.0"]),
            ("0.2.0", &["0.1.0", "0.1.1"]),
            ("1.0.0", &["0.1.0", "0.1.1"]),
            ("1.0.0-rc.1", &["0.1.1"]),
            ("1.0.0", &["0.1.1", "1.0.0-rc.1"]),
            ("0.2.0", &["0.1.0", "0.2.0-rc.1"]),
        ];
        for (version, released) in cases {
            assert_eq!(verdict(version, released), "fine", "{version} after {released:?}");
        }
    }

    #[test]
    fn others_do_not() {
        let cases: [(&str, &[&str]); 8] = [
            ("0.2.0", &[]),
            ("0.1.0", &["0.1.0"]),
            ("0.1.0-rc.1", &["0.1.0"]),
            ("0.1.2", &["0.1.0"]),
            ("0.3.0", &["0.1.0", "0.1.1"]),
            ("1.1.0", &["0.1.1"]),
            ("0.1.1", &["0.1.0", "0.2.0-rc.1"]),
            ("0.1.1+linux", &["0.1.0"]),
        ];
        let told =
            cases.map(|(version, released)| format!("{version} after {released:?}: {}", verdict(version, released)));
        insta::assert_snapshot!(told.join("\n"));
    }
}
