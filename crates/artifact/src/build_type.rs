// SPDX-License-Identifier: Apache-2.0
//! Build types, under meson's names.

use std::fmt;
use std::str::FromStr;

/// How a build optimises and what it keeps for debuggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuildType {
    /// No flags of meson's own.
    Plain,
    /// No optimisation, debug information.
    Debug,
    /// Optimised, with debug information.
    DebugOptimized,
    /// Optimised, without debug information.
    Release,
    /// Optimised for size.
    MinSize,
}

/// Not the name of a build type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown build type {0:?}; there are plain, debug, debugoptimized, release and minsize")]
pub struct BuildTypeError(String);

impl BuildType {
    /// Every build type.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Debug, Self::DebugOptimized, Self::Release, Self::MinSize];

    /// As meson has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Debug => "debug",
            Self::DebugOptimized => "debugoptimized",
            Self::Release => "release",
            Self::MinSize => "minsize",
        }
    }
}

impl fmt::Display for BuildType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for BuildType {
    type Err = BuildTypeError;

    fn from_str(text: &str) -> Result<Self, BuildTypeError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| BuildTypeError(text.to_owned()))
    }
}

crate::text::serde_as_text!(BuildType, "^(plain|debug|debugoptimized|release|minsize)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mesons() {
        for kind in BuildType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for name in ["", "Release", "custom", "fast"] {
            assert!(name.parse::<BuildType>().is_err(), "{name}");
        }
    }
}
