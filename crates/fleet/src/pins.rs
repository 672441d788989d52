// SPDX-License-Identifier: Apache-2.0
//! The versions of Python tools that vaccel-ci is tested with, read from its own `requirements.txt`.

use std::collections::BTreeSet;

/// The pins of this version of vaccel-ci.
const OURS: &str = include_str!("../../../tests/requirements.txt");

/// One pinned package with its digests, and who asked for it.
struct Pin<'a> {
    name: &'a str,
    version: &'a str,
    /// The lines that pip reads.
    lines: Vec<&'a str>,
    /// The packages that need it.
    via: Vec<&'a str>,
}

/// A `requirements.txt` as pip-compile writes it.
pub struct Pins<'a>(Vec<Pin<'a>>);

impl Pins<'static> {
    /// Those of vaccel-ci.
    pub fn ours() -> Self {
        Pins::parse(OURS)
    }
}

impl<'a> Pins<'a> {
    /// Reads a list with `via` comments.
    pub fn parse(text: &'a str) -> Self {
        let mut pins: Vec<Pin<'a>> = Vec::new();
        for line in text.lines() {
            if let Some(comment) = line.trim_start().strip_prefix('#') {
                let comment = comment.trim();
                let via = comment.strip_prefix("via").map_or(comment, str::trim);
                if let Some(pin) = pins.last_mut().filter(|_| line.starts_with(' ') && !via.is_empty()) {
                    pin.via.push(via);
                }
            } else if let Some((name, rest)) = line.split_once("==").filter(|_| !line.starts_with(' ')) {
                let version = rest.split([' ', ';', '\\']).next().unwrap_or_default();
                pins.push(Pin { name, version, lines: vec![line], via: Vec::new() });
            } else if let Some(pin) = pins.last_mut().filter(|_| !line.trim().is_empty()) {
                pin.lines.push(line);
            }
        }
        Self(pins)
    }

    /// The version of a package.
    pub fn version(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|pin| pin.name == name).map(|pin| pin.version)
    }

    /// The lines of these packages and of all that they need.
    ///
    /// # Errors
    /// A sentence that names a package without a pin, or with another version than the pinned one.
    pub fn closure(&self, wanted: &[&str]) -> Result<String, String> {
        let mut names = BTreeSet::new();
        for want in wanted {
            let (name, version) = want.split_once("==").map_or((*want, None), |(name, version)| (name, Some(version)));
            let Some(known) = self.version(name) else {
                return Err(format!("{name} has no pin: add it to tests/requirements.in of vaccel-ci"));
            };
            if let Some(version) = version.filter(|version| *version != known) {
                return Err(format!("{name} is pinned to {known}, not {version}: leave the version out"));
            }
            names.insert(name);
        }
        // A package is needed when one that needs it is.
        loop {
            let more: Vec<_> = self
                .0
                .iter()
                .filter(|pin| !names.contains(pin.name) && pin.via.iter().any(|via| names.contains(via)))
                .map(|pin| pin.name)
                .collect();
            if more.is_empty() {
                break;
            }
            names.extend(more);
        }
        let pins = self.0.iter().filter(|pin| names.contains(pin.name));
        Ok(pins.flat_map(|pin| pin.lines.iter().flat_map(|line| [*line, "\n"])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Made by\na==1 \\\n    --hash=sha256:1\n    # via -r in\nb==2 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n    # via\n    #   a\n    #   c\nc==3\n    # via -r in\nd==4\n    # via b\n";

    #[test]
    fn what_a_package_needs_comes_with_it() {
        let pins = Pins::parse(TEXT);
        insta::assert_snapshot!(pins.closure(&["a"]).unwrap(), @r"
        a==1 \
            --hash=sha256:1
        b==2 \
            --hash=sha256:2 \
            --hash=sha256:3
        d==4
        ");
        assert_eq!(pins.closure(&["d"]).unwrap(), "d==4\n");
        assert_eq!(pins.closure(&[]).unwrap(), "");
        assert!(pins.closure(&["x"]).unwrap_err().contains("x has no pin"));
        assert!(pins.closure(&["a==2"]).unwrap_err().contains("pinned to 1, not 2"));
    }

    #[test]
    fn ours_have_the_linters() {
        let pins = Pins::ours();
        assert!(pins.version("ruff").is_some());
        assert!(pins.closure(&["yamllint"]).unwrap().contains("pyyaml=="));
    }
}
