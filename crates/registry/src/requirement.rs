// SPDX-License-Identifier: Apache-2.0
//! Which version is asked for.

use artifact::Version;
use std::fmt;
use std::str::FromStr;

/// A requirement on a released version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The highest release.
    Latest,
    /// The highest release or pre-release.
    LatestDev,
    /// This version and no other.
    Exact(Version),
    /// The highest version that fits, by cargo's rules: `^0.7`, `>=0.7, <0.9`.
    Range(semver::VersionReq),
}

/// Not a requirement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a version requirement ({reason}); write ^0.7, 0.7.1, latest or latest-dev")]
pub struct RequirementError {
    text: String,
    reason: String,
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        match text.trim() {
            "latest" => Ok(Self::Latest),
            "latest-dev" => Ok(Self::LatestDev),
            text => match (text.trim_start_matches('v').parse(), semver::VersionReq::parse(text)) {
                (Ok(version), _) => Ok(Self::Exact(version)),
                (_, Ok(range)) => Ok(Self::Range(range)),
                (_, Err(error)) => Err(RequirementError { text: text.to_owned(), reason: error.to_string() }),
            },
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::LatestDev => f.write_str("latest-dev"),
            Self::Exact(version) => version.fmt(f),
            Self::Range(range) => range.fmt(f),
        }
    }
}

impl Requirement {
    /// Whether a version fits. Build metadata counts only where it is asked for.
    pub fn accepts(&self, version: &Version) -> bool {
        match self {
            Self::Latest => !version.is_prerelease(),
            Self::LatestDev => true,
            Self::Exact(wanted) if wanted.semver().build.is_empty() => {
                wanted.semver().cmp_precedence(version.semver()).is_eq()
            }
            Self::Exact(wanted) => wanted == version,
            Self::Range(range) => range.matches(version.semver()),
        }
    }

    /// The versions that fit, the best first.
    pub fn select(&self, versions: impl IntoIterator<Item = Version>) -> Vec<Version> {
        let mut fitting: Vec<_> = versions.into_iter().filter(|version| self.accepts(version)).collect();
        fitting.sort_by(|a, b| b.cmp(a));
        fitting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn best(requirement: &str, versions: &[&str]) -> Option<String> {
        let requirement: Requirement = requirement.parse().unwrap();
        let versions = versions.iter().map(|version| version.parse().unwrap());
        requirement.select(versions).first().map(ToString::to_string)
    }

    #[test]
    fn the_highest_version_that_fits_is_chosen() {
        let all = ["0.6.9", "0.7.0", "0.7.10", "0.7.9", "0.8.0-rc.1", "0.8.0-rc.10", "1.0.0-beta.1"];
        let cases = [
            ("^0.7", Some("0.7.10")),
            ("0.7.9", Some("0.7.9")),
            ("v0.7.9", Some("0.7.9")),
            ("latest", Some("0.7.10")),
            ("latest-dev", Some("1.0.0-beta.1")),
            ("^0.8", None),
            ("^0.8.0-rc.1", Some("0.8.0-rc.10")),
            (">=0.6, <0.7.1", Some("0.7.0")),
            ("0.9.9", None),
            ("*", Some("0.7.10")),
        ];
        for (requirement, expected) in cases {
            assert_eq!(best(requirement, &all).as_deref(), expected, "{requirement}");
        }
        assert_eq!(best("0.3.0", &["0.3.0+vaccel.0.8.0"]).as_deref(), Some("0.3.0+vaccel.0.8.0"));
        assert_eq!(best("0.3.0+x", &["0.3.0+vaccel.0.8.0"]), None);
    }

    #[test]
    fn what_is_no_requirement_is_refused() {
        insta::assert_snapshot!("newest".parse::<Requirement>().unwrap_err(), @r#""newest" is not a version requirement (unexpected character 'n' while parsing major version number); write ^0.7, 0.7.1, latest or latest-dev"#);
        assert!("".parse::<Requirement>().is_err());
    }

    proptest! {
        #[test]
        fn a_range_accepts_what_semver_accepts(major in 0u64..3, minor in 0u64..3, patch in 0u64..3, operator in "[=^~]|>=|<", pre in prop::bool::ANY) {
            let text = format!("{major}.{minor}.{patch}{}", if pre { "-rc.1" } else { "" });
            let version: Version = text.parse().unwrap();
            let range = format!("{operator}1.1.1");
            let requirement: Requirement = range.parse().unwrap();
            let expected = semver::VersionReq::parse(&range).unwrap().matches(version.semver());
            prop_assert_eq!(requirement.accepts(&version), expected);
        }
    }
}
