// SPDX-License-Identifier: Apache-2.0
//! The event that started the run: its name and its payload.

use crate::{Failure, Result, ResultExt, Runner};
use std::path::Path;

/// An event as the runner hands it over, uninterpreted.
#[derive(Clone, Debug)]
pub struct Event {
    /// `pull_request`, `push`, …
    pub name: String,
    /// The webhook payload.
    pub payload: serde_json::Value,
}

impl Event {
    /// Reads a payload file.
    pub fn read(name: impl Into<String>, path: &Path) -> Result<Self> {
        let text =
            std::fs::read(path).with_context(|| format!("could not read the event payload {}", path.display()))?;
        let payload = serde_json::from_slice(&text)
            .with_context(|| format!("the event payload {} is not JSON", path.display()))?;
        Ok(Self { name: name.into(), payload })
    }

    /// The event that `GITHUB_EVENT_NAME` and `GITHUB_EVENT_PATH` name.
    pub fn from_environment(runner: &Runner) -> Result<Self> {
        let variable = |name: &str| {
            runner.env(name).ok_or_else(|| {
                Failure::input(format!("{name} is not set"))
                    .help("outside a workflow, name the event on the command line")
            })
        };
        Self::read(variable("GITHUB_EVENT_NAME")?, Path::new(&variable("GITHUB_EVENT_PATH")?))
    }
}
