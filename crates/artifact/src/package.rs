// SPDX-License-Identifier: Apache-2.0
//! Package names.

use std::str::FromStr;

/// The name of a package, as dpkg accepts it.
///
/// Source: Debian Policy §5.6.1: at least two characters, lower-case letters, digits, `+`, `-` and
/// `.`, the first a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

/// Not a package name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a package name: two or more of a-z, 0-9, '+', '-' and '.', beginning with a letter or digit")]
pub struct PackageNameError(String);

impl FromStr for PackageName {
    type Err = PackageNameError;

    fn from_str(text: &str) -> Result<Self, PackageNameError> {
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = (2..=128).contains(&text.len())
            && text.starts_with(alphanumeric)
            && text.chars().all(|c| alphanumeric(c) || "+-.".contains(c));
        if valid { Ok(Self(text.to_owned())) } else { Err(PackageNameError(text.to_owned())) }
    }
}

crate::text::checked_text!(PackageName, "^[a-z0-9][a-z0-9+.-]+$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dpkgs() {
        for name in ["vaccel", "vaccel-torch", "libstdc++6", "a1", "0ad", "x.y"] {
            assert!(name.parse::<PackageName>().is_ok(), "{name}");
        }
        for name in ["", "a", "Vaccel", "-vaccel", "vaccel_torch", "va ccel", "../x", "vaccel/x", ".."] {
            assert!(name.parse::<PackageName>().is_err(), "{name}");
        }
    }
}
