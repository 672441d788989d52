// SPDX-License-Identifier: Apache-2.0
//! What a machine must have to run the files of a bundle.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The requirements of a bundle's programs and libraries together. What is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Requires {
    /// The oldest C library that will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glibc: Option<SymbolVersion>,
    /// The oldest C++ library that will do, as its newest `GLIBCXX` symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libstdcxx: Option<SymbolVersion>,
    /// The least processor that will do, as far as the files state it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Shared libraries that come from elsewhere, by the names that the loader asks for, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub libraries: Vec<String>,
}

impl Requires {
    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another file requires.
    pub fn add(&mut self, other: &Self) {
        self.glibc = self.glibc.take().max(other.glibc.clone());
        self.libstdcxx = self.libstdcxx.take().max(other.libstdcxx.clone());
        self.cpu = match (self.cpu, other.cpu) {
            (Some(one), Some(two)) => Some(one.and(two)),
            (one, two) => one.or(two),
        };
        self.libraries.extend(other.libraries.iter().cloned());
        self.libraries.sort();
        self.libraries.dedup();
    }
}

/// The version of a library's symbols: `2.34`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SymbolVersion(Vec<u32>);

/// Not such a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid version of a library: write numbers with dots between, such as 2.34")]
pub struct SymbolVersionError(String);

impl FromStr for SymbolVersion {
    type Err = SymbolVersionError;

    fn from_str(text: &str) -> Result<Self, SymbolVersionError> {
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
        numbers.filter(|numbers| numbers.len() <= 4).map(Self).ok_or_else(|| SymbolVersionError(text.to_owned()))
    }
}

impl fmt::Display for SymbolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

crate::text::serde_as_text!(SymbolVersion, "^[0-9]+([.][0-9]+){0,3}$");

/// What a processor can do, in the terms of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpu {
    /// 64-bit x86 by its level, from 1.
    X86_64(u8),
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm.
    Arm {
        /// Its architecture, from 4.
        version: u8,
        /// Its floating point unit.
        float: ArmFloat,
        /// Whether it has NEON.
        neon: bool,
    },
}

/// Floating point of 32-bit Arm, each with what the ones before have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArmFloat {
    /// In software.
    None,
    /// `VFPv2`.
    V2,
    /// `VFPv3` with 16 registers.
    V3D16,
    /// `VFPv3`.
    V3,
    /// `VFPv4`.
    V4,
}

impl ArmFloat {
    const NAMES: [(Self, &str); 4] =
        [(Self::V2, "vfpv2"), (Self::V3D16, "vfpv3-d16"), (Self::V3, "vfpv3"), (Self::V4, "vfpv4")];
}

/// Not a processor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid processor: write x86-64, x86-64-v2 to x86-64-v4, armv8, or armv7 with +vfpv3-d16, +vfpv3, +vfpv4 \
     and +neon as wanted"
)]
pub struct CpuError(String);

impl Cpu {
    /// Whether a machine with this processor runs what requires the other. Families are not compared: another architecture
    /// is another matter.
    pub fn runs(self, required: Self) -> bool {
        match (self, required) {
            (Self::X86_64(has), Self::X86_64(needs)) => has >= needs,
            (Self::Arm { version, float, neon }, Self::Arm { version: of, float: unit, neon: simd }) => {
                version >= of && float >= unit && (neon || !simd)
            }
            _ => true,
        }
    }

    /// What runs both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::X86_64(one), Self::X86_64(two)) => Self::X86_64(one.max(two)),
            (Self::Arm { version, float, neon }, Self::Arm { version: of, float: unit, neon: simd }) => {
                Self::Arm { version: version.max(of), float: float.max(unit), neon: neon || simd }
            }
            _ => self,
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86_64(0 | 1) => f.write_str("x86-64"),
            Self::X86_64(level) => write!(f, "x86-64-v{level}"),
            Self::Aarch64 => f.write_str("armv8"),
            Self::Arm { version, float, neon } => {
                write!(f, "armv{version}")?;
                if let Some((_, name)) = ArmFloat::NAMES.iter().find(|(unit, _)| unit == float) {
                    write!(f, "+{name}")?;
                }
                f.write_str(if *neon { "+neon" } else { "" })
            }
        }
    }
}

impl FromStr for Cpu {
    type Err = CpuError;

    fn from_str(text: &str) -> Result<Self, CpuError> {
        let error = || CpuError(text.to_owned());
        if let Some(level) = text.strip_prefix("x86-64") {
            return match level {
                "" => Ok(Self::X86_64(1)),
                "-v2" => Ok(Self::X86_64(2)),
                "-v3" => Ok(Self::X86_64(3)),
                "-v4" => Ok(Self::X86_64(4)),
                _ => Err(error()),
            };
        }
        let mut parts = text.split('+');
        let version = match parts.next().and_then(|name| name.strip_prefix("armv")) {
            Some(version @ ("4" | "5" | "6" | "7" | "8")) => version.parse().map_err(|_| error())?,
            _ => return Err(error()),
        };
        let (mut float, mut neon) = (ArmFloat::None, false);
        for part in parts {
            match ArmFloat::NAMES.iter().find(|(_, name)| *name == part) {
                Some((unit, _)) => float = *unit,
                None if part == "neon" => neon = true,
                None => return Err(error()),
            }
        }
        // The 64-bit architecture has all of it.
        Ok(if text == "armv8" { Self::Aarch64 } else { Self::Arm { version, float, neon } })
    }
}

crate::text::serde_as_text!(Cpu, "^(x86-64(-v[234])?|armv[4-8]([+][a-z0-9-]+)*)$");

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> SymbolVersion {
        text.parse().unwrap()
    }

    fn cpu(text: &str) -> Cpu {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(
            version("2.9") < version("2.34") && version("2.34") < version("2.34.1") && version("2.34") < version("3")
        );
        for text in ["", "2.", ".2", "2.x", "2.34-1", "+2", "1.2.3.4.5", "99999999999"] {
            assert!(text.parse::<SymbolVersion>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn processors_are_compared_within_their_family() {
        let cases = [
            ("x86-64", "x86-64", true),
            ("x86-64-v2", "x86-64-v3", false),
            ("x86-64-v4", "x86-64-v3", true),
            ("armv7+vfpv3-d16", "armv7+vfpv3-d16", true),
            ("armv7+vfpv3-d16", "armv7+vfpv3-d16+neon", false),
            ("armv7+vfpv4+neon", "armv7+vfpv3+neon", true),
            ("armv6+vfpv2", "armv7+vfpv2", false),
            ("armv7+vfpv3-d16", "armv7+vfpv3", false),
            ("armv8", "armv8", true),
        ];
        for (has, needs, runs) in cases {
            assert_eq!(cpu(has).runs(cpu(needs)), runs, "{has} {needs}");
            assert_eq!((cpu(has).to_string(), cpu(needs).to_string()), (has.to_owned(), needs.to_owned()));
        }
        for text in ["", "amd64", "x86-64-v1", "x86-64-v5", "armv9", "armv7+sse", "arm", "armv7-a"] {
            assert!(text.parse::<Cpu>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_all_files_require_is_required() {
        let file = |glibc: Option<&str>, cpu: Option<&str>, library: &str| Requires {
            glibc: glibc.map(version),
            cpu: cpu.map(|text| text.parse().unwrap()),
            libraries: vec![library.to_owned()],
            ..Requires::default()
        };
        let mut all = Requires::default();
        assert!(all.is_empty());
        for one in [
            file(Some("2.34"), Some("armv7+vfpv3-d16"), "libc.so.6"),
            file(Some("2.4"), Some("armv6+vfpv2+neon"), "libm.so.6"),
            file(None, None, "libc.so.6"),
        ] {
            all.add(&one);
        }
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(text, r#"{"glibc":"2.34","cpu":"armv7+vfpv3-d16+neon","libraries":["libc.so.6","libm.so.6"]}"#);
        assert_eq!(serde_json::from_str::<Requires>(&text).unwrap(), all);
    }
}
