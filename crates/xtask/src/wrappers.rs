// SPDX-License-Identifier: Apache-2.0
//! The reusable workflows that are `verify-build.yml` with other defaults: written from its interface, so that an input
//! is declared once.

use crate::workflow::{self, Call, Input, Workflow};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write;

/// The workflow that the others call.
pub const BASE: &str = "verify-build.yml";

/// The longest line that we write.
const WIDTH: usize = 120;

/// A workflow that differs from [`BASE`] in its defaults.
pub struct Wrapper {
    /// Its file below `.github/workflows`.
    pub file: &'static str,
    about: &'static str,
    name: &'static str,
    /// Identifier and name of its one job.
    job: (&'static str, &'static str),
    /// Inputs with another default.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Inputs that it gives a value and does not have itself; with the reason.
    pub fixed: &'static [(&'static str, &'static str, &'static str)],
}

/// Every wrapper: the table of other defaults.
pub const WRAPPERS: [Wrapper; 2] = [
    Wrapper {
        file: "pr-build-and-verify.yml",
        about: "For pull requests: everything is built, exercised and staged; nothing is published without the label ok-to-upload.",
        name: "Build and verify a pull request",
        job: ("verify", "Verify"),
        defaults: &[("valgrind", "false")],
        fixed: &[("release", "false", "Pushes and manual runs belong to main-build-and-upload.")],
    },
    Wrapper {
        file: "main-build-and-upload.yml",
        about: "For the default branch and release tags: what was built and tested is published.",
        name: "Build and publish",
        job: ("publish", "Build and publish"),
        defaults: &[("valgrind", "false")],
        fixed: &[
            ("release", "true", "This workflow publishes."),
            ("lint-categories", "", "What is pushed was linted as a pull request."),
            ("lint", "gate", "No linter runs."),
            ("lint-missing", "warn", "No linter runs."),
        ],
    },
];

/// File name and text of every wrapper, and of the base, whose one default is that of the runner registry.
pub fn files() -> Result<Vec<(String, String)>> {
    let text = with_plan_runner(&workflow::text(BASE)?, &workflow::runners()?.default_runner()?.label)?;
    let base = Workflow::parse(&text)?;
    let call = base.call().with_context(|| format!("{BASE} is not a reusable workflow"))?;
    let wrappers = WRAPPERS.iter().map(|wrapper| Ok((wrapper.file.to_owned(), wrapper.render(call)?)));
    std::iter::once(Ok((BASE.to_owned(), text))).chain(wrappers).collect()
}

/// The plan cannot tell the plan's own runner, so its label is written down.
fn with_plan_runner(text: &str, label: &str) -> Result<String> {
    let input = text.find("\n      plan-runner:\n").with_context(|| format!("{BASE} has no input plan-runner"))?;
    let key = "\n        default: ";
    let start =
        input + text[input..].find(key).with_context(|| format!("plan-runner of {BASE} has no default"))? + key.len();
    let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    Ok([&text[..start], label, &text[end..]].concat())
}

impl Wrapper {
    fn fixed(&self, input: &str) -> Option<(&str, &str)> {
        self.fixed.iter().find(|(name, ..)| *name == input).map(|(_, value, why)| (*value, *why))
    }

    fn render(&self, base: &Call) -> Result<String> {
        let named = self.defaults.iter().map(|(name, _)| name).chain(self.fixed.iter().map(|(name, ..)| name));
        if let Some(unknown) = named.into_iter().find(|name| !base.inputs.contains_key(**name)) {
            bail!("{} changes {unknown}, which is not an input of {BASE}", self.file);
        }
        let mut yml = format!(
            "# Generated from {BASE} by `cargo xtask generate`; do not edit.\n# {}\nname: {}\n\non:\n  workflow_call:\n    inputs:\n",
            self.about, self.name
        );
        for (name, input) in base.inputs.iter().filter(|(name, _)| self.fixed(name).is_none()) {
            self.declare(&mut yml, name, input);
        }
        section(&mut yml, "secrets", base.secrets.is_empty());
        for (name, secret) in &base.secrets {
            item(&mut yml, name, &secret.description, &format!("required: {}", secret.required));
        }
        section(&mut yml, "outputs", base.outputs.is_empty());
        let (job, title) = self.job;
        for (name, output) in &base.outputs {
            item(&mut yml, name, &output.description, &format!("value: ${{{{ jobs.{job}.outputs.{name} }}}}"));
        }
        let _ = write!(
            yml,
            "\npermissions: {{}}\n\njobs:\n  {job}:\n    name: {title}\n    permissions:\n      contents: read # to check the sources out\n    uses: nubificus/vaccel-ci/.github/workflows/{BASE}@main\n    with:\n"
        );
        for (name, input) in &base.inputs {
            match self.fixed(name) {
                Some((value, why)) => {
                    let _ = writeln!(yml, "      # {why}\n      {name}: {}", scalar(&typed(input, value)));
                }
                None => {
                    let _ = writeln!(yml, "      {name}: ${{{{ inputs.{name} }}}}");
                }
            }
        }
        if !base.secrets.is_empty() {
            yml.push_str("    secrets:\n");
        }
        for name in base.secrets.keys() {
            let _ = writeln!(yml, "      {name}: ${{{{ secrets.{name} }}}}");
        }
        Ok(yml)
    }

    fn declare(&self, yml: &mut String, name: &str, input: &Input) {
        let changed = self.defaults.iter().find(|(changed, _)| *changed == name).map(|(_, value)| typed(input, value));
        let rest = match changed.as_ref().or(input.default.as_ref()) {
            Some(default) => format!("default: {}", scalar(default)),
            None => format!("required: {}", input.required),
        };
        item(yml, name, &input.description, &format!("type: {}\n        {rest}", input.kind));
    }
}

fn section(yml: &mut String, name: &str, is_empty: bool) {
    if !is_empty {
        let _ = writeln!(yml, "    {name}:");
    }
}

/// One entry of the interface, six spaces deep.
fn item(yml: &mut String, name: &str, description: &str, rest: &str) {
    let _ = writeln!(yml, "      {name}:\n        description: {}\n        {rest}", text(description));
}

/// A description: on the same line if that reads as text, else folded below.
fn text(description: &str) -> String {
    let description = description.trim();
    let plain = description.starts_with(|first: char| first.is_alphanumeric())
        && !description.contains(": ")
        && !description.contains(" #")
        && !description.contains('\n');
    if plain && description.len() + "        description: ".len() <= WIDTH {
        return description.to_owned();
    }
    let indent = " ".repeat(10);
    let mut lines = vec![indent.clone()];
    for word in description.split_whitespace() {
        let line = lines.last().map_or(0, String::len);
        if line + 1 + word.len() > WIDTH {
            lines.push(indent.clone());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    format!(">-\n{}", lines.join("\n"))
}

/// A value of the table, as the input has it.
fn typed(input: &Input, value: &str) -> Value {
    match input.kind.as_str() {
        "string" => Value::from(value),
        _ => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether YAML reads it as the same string without quotes.
fn is_plain(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "/,.-_".contains(c);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(inner)
        && !matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERFACE: &str = r#"
on:
  workflow_call:
    inputs:
      package:
        description: The package.
        type: string
        required: true
      valgrind:
        description: 'Whether it runs "again": under valgrind.'
        type: boolean
        default: true
      release:
        description: Whether it publishes.
        type: boolean
        default: false
      lint-categories:
        description: Linters.
        type: string
        default: code,docs
      lint:
        description: What findings do.
        type: string
        default: gate
      lint-missing:
        description: Whether a linter may be missing, which is a sentence that is so long that it does not fit in one line of the file.
        type: string
        default: warn
      jobs:
        description: How many.
        type: number
        default: 2
      answer:
        description: A string that another type would read.
        type: string
        default: "true"
    secrets:
      key:
        description: The key.
        required: false
    outputs:
      version:
        description: The version.
        value: ${{ jobs.plan.outputs.version }}
jobs: {}
"#;

    #[test]
    fn a_wrapper_has_what_the_base_has_apart_from_the_table() {
        let base = Workflow::parse(INTERFACE).unwrap();
        let text = WRAPPERS[1].render(base.call().unwrap()).unwrap();
        insta::assert_snapshot!(text);
        let written = Workflow::parse(&text).unwrap();
        let inputs = &written.call().unwrap().inputs;
        assert_eq!(inputs["answer"].default, Some(Value::from("true")));
        assert_eq!(inputs["jobs"].default, Some(Value::from(2)));
        assert_eq!(inputs["valgrind"].description, base.call().unwrap().inputs["valgrind"].description);
    }

    #[test]
    fn the_runner_of_the_plan_is_that_of_the_registry() {
        let text = "on:\n      package:\n        default: a\n      plan-runner:\n        type: string\n        default: old\n      x:\n        default: b\n";
        assert_eq!(with_plan_runner(text, "new-1").unwrap(), text.replace("old", "new-1"));
        assert!(with_plan_runner("on:\n", "x").is_err());
    }

    #[test]
    fn a_table_that_names_what_the_base_does_not_have_is_refused() {
        let base = Workflow::parse(&INTERFACE.replace("lint-missing:", "lint-other:")).unwrap();
        let error = WRAPPERS[1].render(base.call().unwrap()).unwrap_err();
        insta::assert_snapshot!(error, @"main-build-and-upload.yml changes lint-missing, which is not an input of verify-build.yml");
    }
}
