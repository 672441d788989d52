// SPDX-License-Identifier: Apache-2.0
//! Names of branches and release tags, as they stand in the registry's keys.

use crate::Version;
use std::str::FromStr;

/// A branch, whose `/` is kept, or a release tag `v<semver>`.
///
/// Source: the rules of `git check-ref-format`, and those that keep a name inside its prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

/// Not a name of a branch or tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a branch or a release: {reason}")]
pub struct RefNameError {
    name: String,
    reason: &'static str,
}

impl RefName {
    /// The version that a release tag names; `None` for a branch.
    pub fn release(&self) -> Option<Version> {
        Version::from_tag(&self.0).ok()
    }

    /// Whether this is a release, which never changes once published.
    pub fn is_release(&self) -> bool {
        self.release().is_some()
    }
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "git refuses `.lock` in this case only")]
fn problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > 512 {
        Some("it is longer than 512 bytes")
    } else if text.chars().any(char::is_control) {
        Some("it holds a control character")
    } else if text.contains([' ', '~', '^', ':', '?', '*', '[', '\\']) {
        Some("it holds a space or one of ~ ^ : ? * [ \\")
    } else if text.contains("..") || text.contains("@{") || text == "@" {
        Some("it holds '..' or '@{'")
    } else if text.ends_with('.') || text.starts_with('-') {
        Some("it ends with a dot or begins with a dash")
    } else if text.split('/').any(str::is_empty) {
        Some("it has an empty part between slashes")
    } else if text.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        Some("a part begins with a dot or ends with .lock")
    } else {
        None
    }
}

impl FromStr for RefName {
    type Err = RefNameError;

    fn from_str(text: &str) -> Result<Self, RefNameError> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(RefNameError { name: text.to_owned(), reason }),
        }
    }
}

crate::text::checked_text!(RefName, "^[^/ ~^:?*\\[\\\\-][^ ~^:?*\\[\\\\]*$");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn branches_and_tags_are_accepted() {
        for name in ["main", "feat/new-thing", "v0.7.1", "v0.3.0+vaccel.0.8.0", "release/1.x", "50%", "größe"] {
            assert!(name.parse::<RefName>().is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_escape_are_refused() {
        let refused = [
            "", "/", "/main", "main/", "a//b", "..", "a/../b", "a..b", "./a", "a/.b", "a b", "a\nb", "a\\b", "x.lock",
            "x.lock/y", "a~1", "a^", "a:b", "a?", "a*", "a[b", "@", "a@{b", "a.", "-a",
        ];
        for name in refused {
            assert!(name.parse::<RefName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_release_is_a_tag_of_a_semantic_version() {
        let release = |name: &str| name.parse::<RefName>().unwrap().release().map(|version| version.to_string());
        assert_eq!(release("v0.7.1").as_deref(), Some("0.7.1"));
        assert_eq!(release("v0.8.0-rc.1").as_deref(), Some("0.8.0-rc.1"));
        for branch in ["main", "v1", "v1.2", "0.7.1", "vnext", "feat/v0.7.1"] {
            assert_eq!(release(branch), None, "{branch}");
        }
    }

    /// Pieces that the rules are about, so that their combinations are met.
    fn pieces() -> impl Strategy<Value = String> {
        let pieces = vec![
            "a", "B", "/", ".", "..", ".lock", "@", "{", "@{", "~", "^", ":", "?", "*", "[", "\\", " ", "-", "+", "%",
            "ü", "\u{1}", "\u{7f}", "\t", "v1.0.0",
        ];
        prop::collection::vec(prop::sample::select(pieces), 1..7).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_we_accept_git_accepts(text in pieces()) {
            let git = std::process::Command::new("git")
                .args(["check-ref-format", &format!("refs/heads/{text}")])
                .status()
                .unwrap()
                .success();
            let accepted = text.parse::<RefName>().is_ok();
            prop_assert!(git || !accepted, "git refuses {:?}", text);
            // Of what git accepts we refuse a name that looks like an option, and `@`, which means HEAD.
            prop_assert!(accepted || !git || text.starts_with('-') || text == "@", "git accepts {:?}", text);
        }

        #[test]
        fn an_accepted_name_stays_inside_its_prefix(text in pieces()) {
            if text.parse::<RefName>().is_ok() {
                let parts: Vec<_> = std::path::Path::new(&text).components().collect();
                prop_assert!(parts.iter().all(|part| matches!(part, std::path::Component::Normal(_))));
                prop_assert_eq!(parts.len(), text.split('/').count());
            }
        }
    }
}
