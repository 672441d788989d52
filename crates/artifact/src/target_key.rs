// SPDX-License-Identifier: Apache-2.0
//! What tells the bundles of one version apart.

use crate::{Arch, ArchError, BuildType, BuildTypeError};
use std::fmt;
use std::str::FromStr;

/// Architecture and build type, written `x86_64/release`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// The architecture.
    pub arch: Arch,
    /// The build type.
    pub build_type: BuildType,
}

/// Not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetKeyError {
    /// Not two words.
    #[error("{0:?} is not a valid target: write <arch>/<build-type>, such as x86_64/release")]
    Form(String),
    /// Its first word.
    #[error(transparent)]
    Arch(#[from] ArchError),
    /// Its second word.
    #[error(transparent)]
    BuildType(#[from] BuildTypeError),
}

impl FromStr for TargetKey {
    type Err = TargetKeyError;

    fn from_str(text: &str) -> Result<Self, TargetKeyError> {
        let (arch, build_type) = text.split_once('/').ok_or_else(|| TargetKeyError::Form(text.to_owned()))?;
        Ok(Self { arch: arch.parse()?, build_type: build_type.parse()? })
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.arch, self.build_type))
    }
}

crate::text::serde_as_text!(TargetKey, "^(x86_64|aarch64|armv7l)/(plain|debug|debugoptimized|release|minsize)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_comes_back_and_anything_else_is_refused() {
        for arch in Arch::ALL {
            for build_type in BuildType::ALL {
                let key = TargetKey { arch, build_type };
                assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
        let refused = ["", "x86_64", "x86_64/fast", "mips/release", "x86_64/release/x"];
        let refused = refused.map(|text| text.parse::<TargetKey>().unwrap_err().to_string());
        insta::assert_snapshot!(refused.join("\n"), @r#"
        "" is not a valid target: write <arch>/<build-type>, such as x86_64/release
        "x86_64" is not a valid target: write <arch>/<build-type>, such as x86_64/release
        unknown build type "fast"; there are plain, debug, debugoptimized, release and minsize
        unknown architecture "mips"; there are x86_64, aarch64 and armv7l
        unknown build type "release/x"; there are plain, debug, debugoptimized, release and minsize
        "#);
    }
}
