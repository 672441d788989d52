// SPDX-License-Identifier: Apache-2.0
//! How large a runner is, and how many there are.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Resources of one runner, and the number of runners.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Size {
    /// Processors.
    pub cpu: u32,
    /// Memory, such as `16GiB`.
    pub memory: Bytes,
    /// Disk, such as `80GiB`.
    pub disk: Bytes,
    /// Runners that wait for jobs.
    #[serde(default)]
    pub min: u32,
    /// Runners at most.
    pub max: u32,
}

impl Size {
    /// Why there can be no such runner.
    pub fn fault(&self) -> Option<String> {
        let Self { cpu, memory, disk, min, max } = self;
        // What K3s, the system and the image take before a job has anything.
        let (least_memory, least_disk) = (Bytes::gib(2), Bytes::gib(20));
        if *cpu < 2 || *cpu > 1024 {
            Some(format!("cpu = {cpu} is not a valid number of processors: from 2, one for the node, to 1024"))
        } else if *memory < least_memory {
            Some(format!("memory = {memory} is too little for a node and its runner: at least {least_memory}"))
        } else if *disk < least_disk {
            Some(format!("disk = {disk} is too little for a node, its images and a job: at least {least_disk}"))
        } else if *max == 0 {
            Some("max = 0 allows no runner; remove the tag, or allow one".to_owned())
        } else if min > max {
            Some(format!("min = {min} is more than max = {max}"))
        } else {
            None
        }
    }
}

/// A number of bytes, written with a binary unit: `512MiB`, `16GiB`, `1TiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u64);

/// Not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid size; write a whole number and MiB, GiB or TiB, such as 16GiB")]
pub struct BytesError(String);

const UNITS: [(&str, u64); 3] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)];

impl Bytes {
    /// This many GiB.
    pub const fn gib(number: u64) -> Self {
        Self(number << 30)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// As Kubernetes writes it: `16Gi`.
    pub fn kubernetes(self) -> String {
        self.to_string().trim_end_matches('B').to_owned()
    }

    /// What is left after another is taken away.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl FromStr for Bytes {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        let wrong = || BytesError(text.to_owned());
        let (unit, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(unit)).ok_or_else(wrong)?;
        let digits = text.strip_suffix(unit).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number.checked_mul(*factor).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS.iter().find(|(_, factor)| self.0.is_multiple_of(*factor)).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]+(MiB|GiB|TiB)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_back_in_their_largest_unit() {
        let cases = [("16GiB", "16GiB", "16Gi"), ("2048MiB", "2GiB", "2Gi"), ("1536MiB", "1536MiB", "1536Mi")];
        for (text, shown, kubernetes) in cases {
            let bytes: Bytes = text.parse().unwrap();
            assert_eq!((bytes.to_string().as_str(), bytes.kubernetes().as_str()), (shown, kubernetes));
        }
        for text in ["", "16", "GiB", "16 GiB", "16G", "16gib", "-1GiB", "+1GiB", "1.5GiB", "99999999999TiB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn impossible_sizes_are_named() {
        let size = |cpu, memory: &str, disk: &str, min, max| {
            let size = Size { cpu, memory: memory.parse().unwrap(), disk: disk.parse().unwrap(), min, max };
            size.fault().unwrap_or_else(|| "possible".to_owned())
        };
        let faults = [
            size(4, "8GiB", "40GiB", 0, 1),
            size(1, "8GiB", "40GiB", 0, 1),
            size(2000, "8GiB", "40GiB", 0, 1),
            size(4, "512MiB", "40GiB", 0, 1),
            size(4, "8GiB", "4GiB", 0, 1),
            size(4, "8GiB", "40GiB", 0, 0),
            size(4, "8GiB", "40GiB", 3, 2),
        ];
        insta::assert_snapshot!(faults.join("\n"), @r"
        possible
        cpu = 1 is not a valid number of processors: from 2, one for the node, to 1024
        cpu = 2000 is not a valid number of processors: from 2, one for the node, to 1024
        memory = 512MiB is too little for a node and its runner: at least 2GiB
        disk = 4GiB is too little for a node, its images and a job: at least 20GiB
        max = 0 allows no runner; remove the tag, or allow one
        min = 3 is more than max = 2
        ");
    }
}
