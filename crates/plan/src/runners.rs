// SPDX-License-Identifier: Apache-2.0
//! The runner registry: which runners exist, and what they are called.

use artifact::Arch;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The registry of this repository, for repositories that have none of their own.
const BUILT_IN: &str = include_str!("../../../.github/runners.toml");

/// Every tag, and how labels are made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runners {
    /// The pattern of labels, with `{tag}` and `{arch}`.
    label: String,
    tags: BTreeMap<String, Tag>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    #[expect(dead_code, reason = "for the people who read the registry")]
    meaning: String,
    architectures: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "for the people who read the registry")]
    capabilities: Vec<String>,
}

/// Why there is no such runner, or no registry.
#[derive(Debug, thiserror::Error)]
pub enum RunnersError {
    /// Not TOML, or not a registry.
    #[error("{0}")]
    Malformed(#[from] toml::de::Error),
    /// Labels would not differ.
    #[error("the label pattern {0:?} needs both {{tag}} and {{arch}}")]
    Pattern(String),
    /// An architecture of a tag has a name that runners do not have.
    #[error("the tag {tag} names the architecture {arch:?}; there are amd64, arm64 and arm")]
    Architecture {
        /// The tag.
        tag: String,
        /// The architecture.
        arch: String,
    },
    /// There is no such tag.
    #[error("there are no runners with the tag {tag:?}; there are {}", known.join(", "))]
    UnknownTag {
        /// The tag.
        tag: String,
        /// The tags that exist.
        known: Vec<String>,
    },
    /// The tag is not offered on the architecture.
    #[error("there are no {tag} runners for {arch}; there are some for {}", offered.join(", "))]
    NotOffered {
        /// The tag.
        tag: String,
        /// The architecture.
        arch: String,
        /// The architectures that are offered.
        offered: Vec<String>,
    },
}

impl Runners {
    /// The registry of vaccel-ci.
    pub fn built_in() -> Result<Self, RunnersError> {
        Self::parse(BUILT_IN)
    }

    /// Reads a registry.
    pub fn parse(text: &str) -> Result<Self, RunnersError> {
        let runners: Self = toml::from_str(text)?;
        if !runners.label.contains("{tag}") || !runners.label.contains("{arch}") {
            return Err(RunnersError::Pattern(runners.label));
        }
        for (tag, entry) in &runners.tags {
            if let Some(arch) = entry.architectures.iter().find(|arch| Arch::from_runner(arch).is_none()) {
                return Err(RunnersError::Architecture { tag: tag.clone(), arch: arch.clone() });
            }
        }
        Ok(runners)
    }

    /// The label of a runner.
    pub fn label(&self, tag: &str, arch: Arch) -> Result<String, RunnersError> {
        let Some(entry) = self.tags.get(tag) else {
            return Err(RunnersError::UnknownTag { tag: tag.to_owned(), known: self.tags.keys().cloned().collect() });
        };
        if !entry.architectures.iter().any(|name| name == arch.runner()) {
            return Err(RunnersError::NotOffered {
                tag: tag.to_owned(),
                arch: arch.runner().to_owned(),
                offered: entry.architectures.clone(),
            });
        }
        Ok(self.label.replace("{tag}", tag).replace("{arch}", arch.runner()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_composed_as_callers_know_them() {
        let runners = Runners::built_in().unwrap();
        let cases = [
            ("base", Arch::X86_64, "base-2204-amd64"),
            ("base", Arch::Armv7l, "base-2204-arm"),
            ("base-dind", Arch::Aarch64, "base-dind-2204-arm64"),
            ("torch", Arch::X86_64, "torch-2204-amd64"),
        ];
        for (tag, arch, label) in cases {
            assert_eq!(runners.label(tag, arch).unwrap(), label);
        }
    }

    #[test]
    fn a_runner_that_does_not_exist_is_refused() {
        let runners = Runners::built_in().unwrap();
        insta::assert_snapshot!(runners.label("gpu", Arch::X86_64).unwrap_err(), @r#"there are no runners with the tag "gpu"; there are base, base-dind, jetson, tensorflow, torch, tvm"#);
        insta::assert_snapshot!(runners.label("jetson", Arch::X86_64).unwrap_err(), @"there are no jetson runners for amd64; there are some for arm64");
    }

    #[test]
    fn a_registry_with_mistakes_is_refused() {
        let tag = "[tags.a]\nmeaning = 'x'\narchitectures = ['amd64']\n";
        assert!(Runners::parse(&format!("label = '{{tag}}-{{arch}}'\n{tag}")).is_ok());
        for text in [
            "",
            &format!("label = 'x'\n{tag}"),
            &format!("label = '{{tag}}-{{arch}}'\nlabels = 1\n{tag}"),
            "label = '{tag}-{arch}'\n[tags.a]\nmeaning = 'x'\narchitectures = ['x86_64']\n",
        ] {
            assert!(Runners::parse(text).is_err(), "{text}");
        }
    }
}
