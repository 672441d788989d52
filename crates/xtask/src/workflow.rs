// SPDX-License-Identifier: Apache-2.0
//! Workflows as data: as much of GitHub's syntax as we generate from and check.
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>.

use anyhow::{Context, Result};
use artifact::runners::{self, Runners};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// A workflow file.
#[derive(Debug, Deserialize)]
pub struct Workflow {
    /// What starts it.
    pub on: On,
    /// Its jobs by their identifiers.
    pub jobs: IndexMap<String, Job>,
}

/// What starts a workflow.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum On {
    /// Other workflows call it.
    Call {
        /// With these inputs.
        workflow_call: Call,
    },
    /// Events do.
    Event(Value),
}

/// The interface of a reusable workflow.
#[derive(Debug, Default, Deserialize)]
pub struct Call {
    /// Inputs by name, in their order.
    #[serde(default)]
    pub inputs: IndexMap<String, Input>,
    /// Secrets by name.
    #[serde(default)]
    pub secrets: IndexMap<String, CallSecret>,
    /// Outputs by name.
    #[serde(default)]
    pub outputs: IndexMap<String, Output>,
}

/// An input of a reusable workflow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it means.
    pub description: String,
    /// `string`, `boolean` or `number`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a caller has to give it.
    #[serde(default)]
    pub required: bool,
    /// Its value where a caller does not.
    pub default: Option<Value>,
}

/// A secret of a reusable workflow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallSecret {
    /// What it is for.
    pub description: String,
    /// Whether a caller has to give it.
    #[serde(default)]
    pub required: bool,
}

/// An output of a reusable workflow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What it means.
    pub description: String,
    /// The expression.
    pub value: String,
}

/// A job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Job {
    /// The reusable workflow that it calls.
    pub uses: Option<String>,
    /// The label of its runner, an expression, or several labels.
    pub runs_on: Option<Value>,
    /// The inputs of the workflow that it calls.
    #[serde(default)]
    pub with: IndexMap<String, Value>,
    /// The secrets of the workflow that it calls, or `inherit`.
    pub secrets: Option<Value>,
    /// What its token may do.
    #[serde(default)]
    pub permissions: Value,
    /// Its steps.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Debug, Deserialize)]
pub struct Step {
    /// What people see.
    pub name: Option<String>,
    /// The action.
    pub uses: Option<String>,
    /// Its inputs.
    #[serde(default)]
    pub with: IndexMap<String, Value>,
}

/// The text of one of our workflows.
pub fn text(name: &str) -> Result<String> {
    let path = testbed::workspace_root().join(".github/workflows").join(name);
    std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

/// The registry of runners.
pub fn runners() -> Result<Runners> {
    let text = std::fs::read_to_string(testbed::workspace_root().join(runners::PATH));
    Ok(Runners::parse(runners::PATH, &text.context("failed to read the runner registry")?)?)
}

impl Workflow {
    /// Reads a workflow's text.
    pub fn parse(text: &str) -> Result<Self> {
        serde_saphyr::from_str(text).context("it is not a valid workflow")
    }

    /// Reads one of our workflows.
    pub fn read(name: &str) -> Result<Self> {
        Self::parse(&text(name)?).with_context(|| format!("failed to read {name}"))
    }

    /// Its interface, if other workflows can call it.
    pub fn call(&self) -> Option<&Call> {
        match &self.on {
            On::Call { workflow_call } => Some(workflow_call),
            On::Event(_) => None,
        }
    }
}
