// SPDX-License-Identifier: Apache-2.0
//! The section `[build]` of `.github/vaccel-ci.toml`: what a repository says about its own build.

use artifact::SETTINGS;
use serde::Deserialize;
use std::path::Path;
use toolkit::Result;

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    build: Section,
}

/// The section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Commands of the repository's own, each a line for `sh`: compile, install, test.
    pub command: Option<String>,
    pub install: Option<String>,
    pub test: Option<String>,
    /// Debian packages that the build needs.
    #[serde(default)]
    pub apt: Vec<String>,
    /// Requirements that a Python build needs beside those that the project declares.
    #[serde(default)]
    pub pip: Vec<String>,
    /// Whether a Python project is built with nothing but what it declares; `true` if absent.
    pub isolated: Option<bool>,
}

impl Section {
    /// Reads it; all is absent if there is no such file or section.
    pub fn read(source: &Path) -> Result<Self> {
        Ok(toolkit::read_toml::<File>(&source.join(SETTINGS))?.build)
    }

    /// Whether it names commands, or one of them.
    pub fn has_commands(&self) -> bool {
        self.command.is_some() || self.install.is_some() || self.test.is_some()
    }
}
