// SPDX-License-Identifier: Apache-2.0
//! Architectures and what everybody calls them.

use std::fmt;
use std::str::FromStr;

/// An architecture that vAccel is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm with hardware floating point.
    Armv7l,
}

struct Names {
    name: &'static str,
    github: &'static str,
    runner: &'static str,
    debian: &'static str,
    triple: &'static str,
    qemu: &'static str,
}

/// Not the name of an architecture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown architecture {0:?}; there are x86_64, aarch64 and armv7l")]
pub struct ArchError(String);

impl Arch {
    /// Every architecture.
    pub const ALL: [Self; 3] = [Self::X86_64, Self::Aarch64, Self::Armv7l];

    fn names(self) -> Names {
        let (name, github, runner, debian, triple, qemu) = match self {
            Self::X86_64 => ("x86_64", "X64", "amd64", "amd64", "x86_64-linux-gnu", "x86_64"),
            Self::Aarch64 => ("aarch64", "ARM64", "arm64", "arm64", "aarch64-linux-gnu", "aarch64"),
            Self::Armv7l => ("armv7l", "ARM", "arm", "armhf", "arm-linux-gnueabihf", "arm"),
        };
        Names { name, github, runner, debian, triple, qemu }
    }

    /// As in artifacts' names: `x86_64`.
    pub fn as_str(self) -> &'static str {
        self.names().name
    }

    /// As `RUNNER_ARCH` has it: `X64`.
    pub fn github(self) -> &'static str {
        self.names().github
    }

    /// As runner labels have it: `amd64`.
    pub fn runner(self) -> &'static str {
        self.names().runner
    }

    /// As dpkg has it: `armhf`.
    pub fn debian(self) -> &'static str {
        self.names().debian
    }

    /// The GNU triple, without the vendor.
    pub fn triple(self) -> &'static str {
        self.names().triple
    }

    /// Debian's folder below `lib/`; for these architectures the GNU triple.
    pub fn multiarch(self) -> &'static str {
        self.names().triple
    }

    /// The suffix of `qemu-…`.
    pub fn qemu(self) -> &'static str {
        self.names().qemu
    }

    /// The architecture of a runner label's last part.
    pub fn from_runner(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.runner() == name)
    }

    /// The architecture that this program was built for, if it is one of ours.
    pub fn host() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::X86_64),
            "aarch64" => Some(Self::Aarch64),
            "arm" => Some(Self::Armv7l),
            _ => None,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Arch {
    type Err = ArchError;

    fn from_str(text: &str) -> Result<Self, ArchError> {
        Self::ALL.into_iter().find(|arch| arch.as_str() == text).ok_or_else(|| ArchError(text.to_owned()))
    }
}

crate::text::serde_as_text!(Arch, "^(x86_64|aarch64|armv7l)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_architecture() {
        for arch in Arch::ALL {
            assert_eq!(arch.as_str().parse(), Ok(arch));
            assert_eq!(Arch::from_runner(arch.runner()), Some(arch));
        }
        assert!(Arch::host().is_some());
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "amd64", "x86-64", "armv7", "X86_64"] {
            assert!(name.parse::<Arch>().is_err(), "{name}");
        }
        insta::assert_snapshot!("mips".parse::<Arch>().unwrap_err(), @r#"unknown architecture "mips"; there are x86_64, aarch64 and armv7l"#);
    }
}
