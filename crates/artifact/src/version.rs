// SPDX-License-Identifier: Apache-2.0
//! Versions that order the same in semver and in dpkg.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A semantic version and, derived from it, a Debian version.
///
/// Semver orders `-` before nothing, dpkg does so with `~`; with the first hyphen turned into a
/// tilde both orders agree for the versions that this crate makes. Source: <https://semver.org>,
/// Debian Policy §5.6.12. They part where a tag mixes letters and digits: semver takes `rc10` for
/// text that comes before `rc9`, dpkg does not; see [`Version::respelled`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(semver::Version);

/// Not a version, or not one that we can publish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not a semantic version.
    #[error("{text:?} is not a semantic version ({reason})")]
    NotSemver {
        /// What was given.
        text: String,
        /// What semver says of it.
        reason: String,
    },
    /// Not a release tag.
    #[error("{0:?} is not a release tag: `v` and a semantic version")]
    NotATag(String),
    /// `git describe` answered in an unknown form.
    #[error("{0:?} is not what `git describe --long` prints")]
    NotADescription(String),
    /// The patch number cannot grow.
    #[error("nothing can follow {0:?}: its patch number is the largest there is")]
    NoSuccessor(String),
}

/// What git says of a work tree; see [`Version::from_git`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitState {
    /// The tags on the commit.
    pub exact_tags: Vec<String>,
    /// `<tag>-<commits>-g<hash>` of the highest release tag that leads to the commit, if there is one.
    pub describe: Option<String>,
    /// How many commits lead to this one, itself included.
    pub commits: u64,
    /// The commit's full hash.
    pub commit: String,
    /// Whether tracked files differ from the commit.
    pub dirty: bool,
}

impl Version {
    /// The version of a release tag `v<semver>`.
    pub fn from_tag(tag: &str) -> Result<Self, VersionError> {
        tag.strip_prefix('v').and_then(|text| text.parse().ok()).ok_or_else(|| VersionError::NotATag(tag.to_owned()))
    }

    /// The version that a tag stands for, as it should be spelled; `None` if it is not a release tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let version = Self::from_tag(tag).ok()?;
        Some(version.respelled().unwrap_or(version))
    }

    /// The version of a work tree.
    ///
    /// At a release tag it is the tag's (the highest, where there are several). After one it is a
    /// pre-release of the next patch, after a pre-release one of that, so that it orders between
    /// the two. Uncommitted changes add `dirty` to the build metadata. Tags are taken as they should
    /// be spelled, so that what is built order as it should behind a tag that is not.
    pub fn from_git(state: &GitState) -> Result<Self, VersionError> {
        let mut version = match Self::highest(&state.exact_tags) {
            Some(version) => version.0,
            None => match &state.describe {
                Some(text) => Self::after(text)?,
                None => Self::development(&semver::Version::new(0, 0, 0), state.commits, abbreviated(&state.commit))?,
            },
        };
        if state.dirty {
            let build = if version.build.is_empty() { "dirty".into() } else { format!("{}.dirty", version.build) };
            version.build = semver::BuildMetadata::new(&build).map_err(|error| not_semver(&build, &error))?;
        }
        Ok(Self(version))
    }

    fn highest(tags: &[String]) -> Option<Self> {
        // Build metadata has no precedence, but a choice must not depend on the order of tags.
        tags.iter().filter_map(|tag| Self::of_tag(tag)).max()
    }

    /// `<tag>-<commits>-g<hash>`, where the tag may hold hyphens.
    fn after(describe: &str) -> Result<semver::Version, VersionError> {
        let error = || VersionError::NotADescription(describe.to_owned());
        let mut parts = describe.rsplitn(3, '-');
        let (Some(hash), Some(commits), Some(tag)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(error());
        };
        let hexadecimal = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = hash.strip_prefix('g').filter(hexadecimal).ok_or_else(error)?;
        let commits: u64 = commits.parse().map_err(|_| error())?;
        let tagged = Self::from_tag(tag)?;
        let mut base = tagged.respelled().unwrap_or(tagged).0;
        if commits == 0 {
            return Ok(base);
        }
        if base.pre.is_empty() {
            base.patch = base.patch.checked_add(1).ok_or_else(|| VersionError::NoSuccessor(tag.to_owned()))?;
        }
        Self::development(&base, commits, hash)
    }

    /// The version of a commit on the way to `next`, or, if that is a pre-release, after it.
    fn development(next: &semver::Version, commits: u64, hash: &str) -> Result<semver::Version, VersionError> {
        let semver::Version { major, minor, patch, pre, .. } = next;
        let stage = if pre.is_empty() { "dev".to_owned() } else { format!("{pre}.dev") };
        let text = format!("{major}.{minor}.{patch}-{stage}.{commits}+g{hash}");
        semver::Version::parse(&text).map_err(|error| not_semver(&text, &error))
    }

    /// The Debian version, with the revision `1`.
    pub fn debian(&self) -> String {
        format!("{}-1", self.0.to_string().replacen('-', "~", usize::from(self.is_prerelease())))
    }

    /// The version with its pre-release spelled so that semver and dpkg order it alike, `rc.1` for `rc1`; `None` if it
    /// is spelled so already.
    pub fn respelled(&self) -> Option<Self> {
        let mut parts: Vec<String> = Vec::new();
        for identifier in self.0.pre.split(['.', '-']).filter(|identifier| !identifier.is_empty()) {
            let mut last = None;
            for c in identifier.chars() {
                let kind = c.is_ascii_digit();
                match parts.last_mut().filter(|_| last == Some(kind)) {
                    Some(part) => part.push(c),
                    None => parts.push(c.to_string()),
                }
                last = Some(kind);
            }
        }
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = parts.iter().map(|part| match part.trim_start_matches('0') {
            "" if is_number(part) => "0",
            number if is_number(part) => number,
            _ => part,
        });
        let text = parts.collect::<Vec<_>>().join(".");
        if text.is_empty() || text == self.0.pre.as_str() {
            return None;
        }
        let pre = semver::Prerelease::new(&text).ok()?;
        Some(Self(semver::Version { pre, ..self.0.clone() }))
    }

    /// Whether it orders before the release of the same number.
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// For matching against a requirement.
    pub fn semver(&self) -> &semver::Version {
        &self.0
    }
}

fn abbreviated(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

fn not_semver(text: &str, error: &semver::Error) -> VersionError {
    VersionError::NotSemver { text: text.to_owned(), reason: error.to_string() }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        semver::Version::parse(text).map(Self).map_err(|error| not_semver(text, &error))
    }
}

/// Semver's precedence; equal precedence is ordered by build metadata, so that sorting is total.
impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

crate::text::serde_as_text!(Version, "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    const COMMIT: &str = "ebc23b1f00112233445566778899aabbccddeeff";

    fn state(tags: &[&str], describe: Option<&str>, commits: u64, dirty: bool) -> GitState {
        GitState {
            exact_tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            describe: describe.map(str::to_owned),
            commits,
            commit: COMMIT.to_owned(),
            dirty,
        }
    }

    #[test]
    fn every_state_of_a_tree_has_its_version() {
        let cases = [
            ("at a tag", state(&["v0.7.1"], Some("v0.7.1-0-gebc23b1f"), 9, false), "0.7.1", "0.7.1-1"),
            (
                "at a tag with metadata",
                state(&["v0.3.0+vaccel.0.8.0"], None, 9, false),
                "0.3.0+vaccel.0.8.0",
                "0.3.0+vaccel.0.8.0-1",
            ),
            ("at a pre-release", state(&["v0.8.0-rc.1"], None, 9, false), "0.8.0-rc.1", "0.8.0~rc.1-1"),
            (
                "after a release",
                state(&[], Some("v0.7.1-93-gebc23b1f"), 99, false),
                "0.7.2-dev.93+gebc23b1f",
                "0.7.2~dev.93+gebc23b1f-1",
            ),
            (
                "after a pre-release",
                state(&[], Some("v0.8.0-rc.1-4-gebc23b1f"), 99, false),
                "0.8.0-rc.1.dev.4+gebc23b1f",
                "0.8.0~rc.1.dev.4+gebc23b1f-1",
            ),
            (
                "after the very first tag",
                state(&[], Some("v0.0.0-3-gebc23b1f"), 4, false),
                "0.0.1-dev.3+gebc23b1f",
                "0.0.1~dev.3+gebc23b1f-1",
            ),
            (
                "changed at a tag with metadata",
                state(&["v0.3.0+vaccel.0.8.0"], None, 9, true),
                "0.3.0+vaccel.0.8.0.dirty",
                "0.3.0+vaccel.0.8.0.dirty-1",
            ),
            (
                "changed without tag",
                state(&[], None, 12, true),
                "0.0.0-dev.12+gebc23b1f.dirty",
                "0.0.0~dev.12+gebc23b1f.dirty-1",
            ),
            (
                "after a tag with hyphens",
                state(&[], Some("v1.0.0-a-b.1+c-d-7-gebc23b1f"), 9, false),
                "1.0.0-a.b.1.dev.7+gebc23b1f",
                "1.0.0~a.b.1.dev.7+gebc23b1f-1",
            ),
            (
                "after a tag that dpkg orders otherwise",
                state(&[], Some("v0.1.0-rc1-2-gebc23b1f"), 9, false),
                "0.1.0-rc.1.dev.2+gebc23b1f",
                "0.1.0~rc.1.dev.2+gebc23b1f-1",
            ),
            ("at such a tag", state(&["v0.1.0-rc9", "v0.1.0-rc10"], None, 9, false), "0.1.0-rc.10", "0.1.0~rc.10-1"),
            ("no tag", state(&[], None, 12, false), "0.0.0-dev.12+gebc23b1f", "0.0.0~dev.12+gebc23b1f-1"),
            ("changed at a tag", state(&["v0.7.1"], None, 9, true), "0.7.1+dirty", "0.7.1+dirty-1"),
            (
                "changed after a release",
                state(&[], Some("v0.7.1-93-gebc23b1f"), 99, true),
                "0.7.2-dev.93+gebc23b1f.dirty",
                "0.7.2~dev.93+gebc23b1f.dirty-1",
            ),
            (
                "several tags",
                state(&["v0.7.9", "v0.7.10", "v0.7.10-rc.1", "vnext"], None, 9, false),
                "0.7.10",
                "0.7.10-1",
            ),
            (
                "after a tag with metadata",
                state(&[], Some("v0.3.0+vaccel.0.8.0-2-gebc23b1f"), 9, false),
                "0.3.1-dev.2+gebc23b1f",
                "0.3.1~dev.2+gebc23b1f-1",
            ),
            ("hyphens in metadata", state(&["v1.0.0+a-b"], None, 1, false), "1.0.0+a-b", "1.0.0+a-b-1"),
        ];
        for (name, state, semver, debian) in cases {
            let version = Version::from_git(&state).unwrap();
            assert_eq!(version.to_string(), semver, "{name}");
            assert_eq!(version.debian(), debian, "{name}");
        }
    }

    #[test]
    fn a_pre_release_has_one_right_spelling() {
        let cases = [
            ("1.0.0", None),
            ("1.0.0-rc.1", None),
            ("1.0.0-alpha", None),
            ("1.0.0-0.3.7", None),
            ("1.0.0-rc.1.dev.4+g0123abcd", None),
            ("1.0.0+build7", None),
            ("0.1.0-rc1", Some("0.1.0-rc.1")),
            ("0.1.0-rc10+vaccel.0.8.0", Some("0.1.0-rc.10+vaccel.0.8.0")),
            ("0.1.0-rc-1", Some("0.1.0-rc.1")),
            ("0.1.0-rc01", Some("0.1.0-rc.1")),
            ("0.1.0-rc00", Some("0.1.0-rc.0")),
            ("0.1.0-1a2b", Some("0.1.0-1.a.2.b")),
            ("0.1.0-beta2.rc3", Some("0.1.0-beta.2.rc.3")),
            ("0.1.0-a--b", Some("0.1.0-a.b")),
            ("0.1.0--", None),
        ];
        for (written, right) in cases {
            let respelled = written.parse::<Version>().unwrap().respelled().map(|version| version.to_string());
            assert_eq!(respelled.as_deref(), right, "{written}");
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "1", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", "1.2.3-", "latest"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        for tag in ["", "v", "v1", "1.2.3", "vv1.2.3", "V1.2.3"] {
            assert!(Version::from_tag(tag).is_err(), "{tag}");
        }
        let largest = format!("v0.1.{}-3-gebc23b1f", u64::MAX);
        for describe in [
            "",
            "v0.7.1",
            "v0.7.1-3",
            "v0.7.1-3-ebc",
            "v0.7.1-x-gebc",
            "v0.7.1-3-g",
            "v0.7.1-3-gxyz",
            "v1-3-gebc",
            &largest,
        ] {
            assert!(Version::from_git(&state(&[], Some(describe), 9, false)).is_err(), "{describe}");
        }
    }

    /// What a repository of ours can be in: any tag or none, at it or after it, clean or changed.
    fn version() -> impl Strategy<Value = Version> {
        let pre = prop::option::of((prop::sample::select(vec!["alpha", "beta", "rc"]), 0u64..12));
        let metadata = prop::sample::select(vec!["", "+vaccel.0.8.0", "+vaccel.0.10.0-rc.1"]);
        let tag = prop::option::weighted(0.9, (0u64..3, 0u64..12, 0u64..12, pre, metadata));
        (tag, prop_oneof![Just(0u64), 1u64..200], any::<bool>()).prop_map(|(tag, commits, dirty)| {
            let describe = tag.map(|(major, minor, patch, pre, metadata)| {
                let pre = pre.map_or_else(String::new, |(name, number)| format!("-{name}.{number}"));
                format!("v{major}.{minor}.{patch}{pre}{metadata}-{commits}-gebc23b1f")
            });
            Version::from_git(&state(&[], describe.as_deref(), commits, dirty)).unwrap()
        })
    }

    /// Neighbours are where orders could part; distant versions agree anyway.
    fn neighbours() -> impl Strategy<Value = (Version, Version)> {
        let near = |(a, b): &(Version, Version)| (a.0.major, a.0.minor) == (b.0.major, b.0.minor);
        prop_oneof![(version(), version()), (version(), version()).prop_filter("neighbours", near)]
    }

    fn dpkg(args: &[&str]) -> bool {
        Command::new("dpkg").args(args).stderr(std::process::Stdio::null()).status().unwrap().success()
    }

    /// Numbers of release candidates as people count them, and the words that they put before.
    fn spelled() -> impl Strategy<Value = String> {
        (prop::sample::select(vec!["rc", "beta", "RC", "alpha-", "rc0", ""]), 1u64..30)
            .prop_map(|(word, number)| format!("1.0.0-{word}{number}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, max_local_rejects: 1_000_000, ..ProptestConfig::default() })]
        #[test]
        fn dpkg_orders_as_semver_does((a, b) in neighbours()) {
            let relation = match a.semver().cmp_precedence(b.semver()) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            let (x, y) = (a.debian(), b.debian());
            // Equal precedence may differ in metadata, which dpkg does order.
            prop_assume!(relation != "eq" || x == y);
            prop_assert!(dpkg(&["--compare-versions", &x, relation, &y]), "{} {} {}", x, relation, y);
        }

        #[test]
        fn dpkg_orders_what_is_respelled_as_semver_does((a, b) in (spelled(), spelled())) {
            let right = |text: &str| {
                let version: Version = text.parse().unwrap();
                version.respelled().unwrap_or(version)
            };
            let (a, b) = (right(&a), right(&b));
            let relation = match a.cmp(&b) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            prop_assert!(dpkg(&["--compare-versions", &a.debian(), relation, &b.debian()]), "{} {} {}", a, relation, b);
            prop_assert!(a.respelled().is_none(), "{}", a);
        }

        #[test]
        fn dpkg_takes_the_version_of_any_tag(text in "v[0-9]{1,3}\\.[0-9]\\.[0-9](-[0-9A-Za-z.-]{1,9})?(\\+[0-9A-Za-z.-]{1,9})?") {
            if let Ok(version) = Version::from_tag(&text) {
                prop_assert!(dpkg(&["--validate-version", &version.debian()]), "{}", version.debian());
            }
        }

        #[test]
        fn a_development_version_lies_between_releases(a in version(), commits in 1u64..200) {
            let after = Version::from_git(&state(&[], Some(&format!("v{a}-{commits}-gebc23b1f")), 500, false)).unwrap();
            prop_assert!(after > a, "{} {}", after, a);
            let patch = a.0.patch + u64::from(!a.is_prerelease());
            let release = Version(semver::Version::new(a.0.major, a.0.minor, patch));
            prop_assert!(after < release, "{} {}", after, release);
        }

        #[test]
        fn no_description_panics(tag in "[v0-9.+a-z-]{0,24}", text in any::<String>()) {
            for describe in [tag.as_str(), &format!("v{tag}-3-gebc23b1f"), &text] {
                let _ = Version::from_git(&state(&[], Some(describe), 9, true));
            }
        }
    }
}
