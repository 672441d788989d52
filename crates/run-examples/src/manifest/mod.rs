// SPDX-License-Identifier: Apache-2.0
//! `examples.toml`: the examples of a repository, each with what it needs and what it must do.
//!
//! The types are the document; reading them checks everything that can be known before an example
//! runs, and names the line of what is wrong.

mod check;
mod text;

pub use text::{Numbers, Pattern, Text};

use crate::context::Capability;
use artifact::Sha256;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// The examples of a package, each with what it needs and what it must do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(title = "Examples of a vAccel package"))]
pub struct Manifest {
    /// The examples, in the order in which they are told.
    #[serde(rename = "example")]
    pub examples: Vec<Description>,
}

/// What an example is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Description {
    /// Its name, unique in the file.
    pub name: String,
    /// What it runs: a list is a program and its arguments, a text is for `sh`. `{bin}`, `{lib}` and `{share}`
    /// are folders of the install tree, `{source}` is the source tree, `{tmp}` the example's own folder, in which
    /// it runs, and `{plugin}` the plugin's name. A brace is written twice.
    pub command: Command,
    /// Variables of its environment; the same names in braces may be used.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What the machine must have: `network`, `gpu`, `plugin:torch`, `arch:aarch64`, `runner:jetson`, ….
    #[serde(default)]
    pub requires: Vec<Capability>,
    /// Seconds that it may take; the input `timeout` holds for those that do not say.
    #[cfg_attr(feature = "schemars", schemars(range(min = 1, max = 86400)))]
    pub timeout: Option<u64>,
    /// How often it runs; its time is the median.
    #[cfg_attr(feature = "schemars", schemars(range(min = 1, max = 1000)))]
    pub repeat: Option<u32>,
    /// vAccel plugins; it runs once with each, which `VACCEL_PLUGINS` then names.
    #[serde(default)]
    pub plugins: Vec<String>,
    /// Its output legitimately differs from run to run, and is not compared with the baseline's.
    #[serde(default)]
    pub volatile: bool,
    /// What it must do.
    #[serde(default)]
    pub expect: Expect,
}

/// A command.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged, expecting = "a command is a text for sh, or a list of a program and its arguments")]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub enum Command {
    /// A text for `sh`.
    Shell(String),
    /// A program and its arguments.
    Program(Vec<String>),
}

/// What an example must do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Expect {
    /// Exit status, 0 unless said otherwise.
    #[serde(default)]
    #[cfg_attr(feature = "schemars", schemars(range(min = 0, max = 255)))]
    pub status: u8,
    /// Standard output.
    pub stdout: Option<Text>,
    /// Standard error.
    pub stderr: Option<Text>,
    /// Files that it must produce.
    #[serde(default)]
    pub files: Vec<Produced>,
}

/// A file that an example must produce.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Produced {
    /// Where, below `{tmp}`.
    pub path: PathBuf,
    /// Digest of its content, in hexadecimal.
    pub sha256: Option<Sha256>,
    /// What is in it.
    pub content: Option<Text>,
}

impl Manifest {
    /// Reads and checks a file.
    pub fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .input(format!("could not read {shown}"))
            .help("name another file with the input `manifest`")?;
        Self::parse(&text).map_err(|error| {
            Failure::input(format!("{shown}: {error}")).help("the README of run-examples describes every key")
        })
    }

    /// Reads and checks a text; an error names the line.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        toolkit::check_toml(text)
            .map_err(|error| ManifestError { line: Some(error.line), message: error.to_string() })?;
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let line =
                place(text, &error).and_then(|place| text.get(..place)).map(|head| head.matches('\n').count() + 1);
            ManifestError { line, message: error.message().trim_end().replace('\n', "; ") }
        })?;
        check::check(&manifest).map_err(|(example, message)| ManifestError {
            line: example.and_then(|index| line_of_example(text, index)),
            message,
        })?;
        Ok(manifest)
    }

    /// Every file with expected content that the manifest names, relative to its folder.
    pub fn golden(&self) -> impl Iterator<Item = (&Description, &Path)> {
        self.examples.iter().flat_map(|example| {
            let expect = &example.expect;
            let contents = expect.files.iter().filter_map(|file| file.content.as_ref());
            let texts = expect.stdout.iter().chain(&expect.stderr).chain(contents);
            texts.filter_map(Text::golden).map(move |file| (example, file))
        })
    }
}

/// What is wrong with a manifest, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ManifestError {
    line: Option<usize>,
    message: String,
}

/// Where an error is. One in a list is reported for the whole list; the value that the error quotes
/// tells the line.
fn place(text: &str, error: &toml::de::Error) -> Option<usize> {
    let span = error.span()?;
    let quoted = error.message().split(['`', '"']).nth(1).filter(|quoted| !quoted.is_empty());
    let within = text.get(span.clone()).filter(|within| within.starts_with('[') && !within.starts_with("[["));
    let offset = within.zip(quoted).and_then(|(within, quoted)| within.find(quoted));
    Some(span.start + offset.unwrap_or(0))
}

/// Where an example's table begins.
fn line_of_example(text: &str, index: usize) -> Option<usize> {
    let begins = |line: &str| line.split_once("]]").is_some_and(|(head, _)| head.replace(' ', "") == "[[example");
    text.lines().enumerate().filter(|(_, line)| begins(line.trim_start())).map(|(number, _)| number + 1).nth(index)
}

#[cfg(test)]
mod tests;
