// SPDX-License-Identifier: Apache-2.0
//! `action.yml`: a composite action of one step that hands its inputs to the executable through
//! the environment, never through the text of a script.
//!
//! Defaults are told in the descriptions and not set here: an absent input must reach the
//! executable as absent, so that a repository's settings can stand in.

use std::fmt::Write;
use toolkit::{Definition, InputDefinition};

/// The text of `actions/<name>/action.yml`.
pub fn render(action: &Definition) -> String {
    let mut yml = format!(
        "# Generated from crates/{name} by `cargo xtask generate`; do not edit.\nname: {title}\ndescription: {about}\n",
        name = action.name,
        title = quote(&format!("vAccel: {}", action.title)),
        about = quote(action.description),
    );
    if !action.inputs.is_empty() {
        yml.push_str("\ninputs:\n");
    }
    for input in &action.inputs {
        let _ = write!(
            yml,
            "  {}:\n    description: {}\n    required: {}\n",
            input.name,
            quote(&description(input)),
            input.required
        );
    }
    if !action.outputs.is_empty() {
        yml.push_str("\noutputs:\n");
    }
    for output in &action.outputs {
        let _ = write!(
            yml,
            "  {name}:\n    description: {about}\n    value: ${{{{ steps.run.outputs.{name} }}}}\n",
            name = output.name,
            about = quote(&output.description)
        );
    }
    // The shell has the inputs in its environment, credentials too, and must not live on beside the action, which
    // closes its own to other processes.
    let _ = write!(
        yml,
        "\nruns:\n  using: composite\n  steps:\n    - name: {}\n      id: run\n      shell: sh\n      run: 'exec \"$GITHUB_ACTION_PATH/../../dist/run\" {}'\n",
        quote(action.title),
        action.name
    );
    if !action.inputs.is_empty() {
        yml.push_str("      env:\n");
    }
    for input in &action.inputs {
        let _ = writeln!(yml, "        {}: ${{{{ inputs.{} }}}}", input.variable, input.name);
    }
    yml
}

/// An input's description with its default.
pub fn description(input: &InputDefinition) -> String {
    match &input.default {
        Some(default) if !default.is_empty() => format!("{} Default: `{default}`.", input.description),
        _ => input.description.clone(),
    }
}

/// A JSON string is a YAML string.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolkit::OutputDefinition;

    #[test]
    fn an_action_is_one_step() {
        let definition = Definition {
            name: "build",
            title: "Build",
            description: "Builds \"things\".",
            inputs: vec![InputDefinition {
                name: "build-type".into(),
                variable: "INPUT_BUILD_TYPE".into(),
                description: "What kind of build.".into(),
                default: Some("release".into()),
                required: false,
                secret: false,
            }],
            outputs: vec![OutputDefinition { name: "destdir".into(), description: "The install tree.".into() }],
        };
        insta::assert_snapshot!(render(&definition));
    }
}
