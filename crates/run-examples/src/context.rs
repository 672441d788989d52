// SPDX-License-Identifier: Apache-2.0
//! What this machine has, and whether that is enough for an example.

use artifact::Arch;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Something a machine can have: `network`, `plugin:torch`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(String);

/// Not a capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a capability: a name like `gpu`, or a kind and a name like `plugin:torch`, in small letters, digits, `-`, `_`, `.` and `+`"
)]
pub struct CapabilityError(String);

impl FromStr for Capability {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        let is_name = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.+".contains(c))
        };
        let parts: Vec<_> = text.split(':').collect();
        if parts.len() > 2 || !parts.into_iter().all(is_name) {
            return Err(CapabilityError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Capability {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Capability".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9][a-z0-9_.+-]*(:[a-z0-9][a-z0-9_.+-]*)?$"
        })
    }
}

/// Everything a machine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeSet<Capability>);

impl Context {
    /// What the caller names, and what is known anyway: the architecture, and the runner's tag.
    pub fn new(named: &[String], arch: Arch, runner: Option<&str>) -> Result<Self, CapabilityError> {
        let mut all: BTreeSet<_> = named.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        all.insert(format!("arch:{arch}").parse()?);
        if let Some(tag) = runner {
            all.insert(format!("runner:{tag}").parse()?);
        }
        Ok(Self(all))
    }

    /// Adds a plugin that is there.
    pub fn add_plugin(&mut self, name: &str) {
        self.0.insert(Capability(format!("plugin:{name}")));
    }

    /// What is missing of what an example requires.
    pub fn missing<'a>(&self, required: impl IntoIterator<Item = &'a Capability>) -> Vec<&'a Capability> {
        required.into_iter().filter(|capability| !self.0.contains(capability)).collect()
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl Capability {
    /// The capability of having a plugin.
    pub fn plugin(name: &str) -> Self {
        Self(format!("plugin:{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_names() {
        for good in ["gpu", "plugin:torch", "arch:x86_64", "2d", "c++"] {
            assert!(good.parse::<Capability>().is_ok(), "{good}");
        }
        for bad in ["", "GPU", "plugin:", ":x", "a:b:c", "a b", "-x", "größe"] {
            assert!(bad.parse::<Capability>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut context = Context::new(&["network".into()], Arch::Aarch64, Some("jetson")).unwrap();
        context.add_plugin("torch");
        assert_eq!(context.names(), ["arch:aarch64", "network", "plugin:torch", "runner:jetson"]);
        let required: Vec<Capability> =
            ["network", "gpu", "plugin:torch", "plugin:tvm"].iter().map(|name| name.parse().unwrap()).collect();
        let missing: Vec<_> = context.missing(&required).iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["gpu", "plugin:tvm"]);
        assert!(Context::new(&["a b".into()], Arch::X86_64, None).is_err());
    }
}
