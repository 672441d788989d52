// SPDX-License-Identifier: Apache-2.0
//! Names of files in a bundle.

use crate::{MANIFEST, RELEASE, SHA256SUMS};
use std::str::FromStr;

/// A plain file name: one path component that cannot escape its folder, nor pass for one of the
/// bundle's own documents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// Not a plain file name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a plain file name: {reason}")]
pub struct FileNameError {
    name: String,
    reason: &'static str,
}

/// What a bundle's folder or a store has under its own names.
const RESERVED: [&str; 5] = [MANIFEST, SHA256SUMS, RELEASE, "manifest.json.minisig", "release.json.minisig"];

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > 255 {
            "it is longer than 255 bytes"
        } else if text.contains(['/', '\\']) {
            "it holds a path separator"
        } else if text.starts_with('.') {
            "it begins with a dot"
        } else if text.starts_with('-') {
            "it begins with a dash"
        } else if text.chars().any(char::is_control) {
            "it holds a control character"
        } else if text.trim() != text {
            "it begins or ends with a space"
        } else if RESERVED.iter().any(|name| name.eq_ignore_ascii_case(text)) {
            "the name is reserved"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(FileNameError { name: text.to_owned(), reason })
    }
}

crate::text::checked_text!(FileName, "^[^/\\\\.-][^/\\\\]*$");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_escape_or_deceive_are_refused() {
        let refused = [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "a\nb",
            "a\0",
            "manifest.json",
            "SHA256SUMS",
            "sha256sums",
            "-rf",
            " a",
            "a ",
            "\u{7f}",
        ];
        for name in refused {
            assert!(name.parse::<FileName>().is_err(), "{name:?}");
        }
        for name in ["vaccel_0.7.1-1_amd64.deb", "libvaccel.so.0.7.1", "x+y~z.tar.gz", "ünï"] {
            assert!(name.parse::<FileName>().is_ok(), "{name:?}");
        }
        insta::assert_snapshot!("../x".parse::<FileName>().unwrap_err(), @r#""../x" is not a plain file name: it holds a path separator"#);
    }

    proptest! {
        #[test]
        fn an_accepted_name_is_one_component(text in any::<String>()) {
            if let Ok(name) = text.parse::<FileName>() {
                let path = std::path::Path::new("folder").join(name.as_str());
                prop_assert_eq!(path.parent(), Some(std::path::Path::new("folder")));
                prop_assert_eq!(path.file_name().and_then(|n| n.to_str()), Some(text.as_str()));
            }
        }
    }
}
