// SPDX-License-Identifier: Apache-2.0
//! `actions/<name>/README.md`: the reference page of an action.

use crate::action_yml::description;
use std::fmt::Write;
use toolkit::Definition;

/// The text of the page.
pub fn render(action: &Definition) -> String {
    let mut page = format!(
        "<!-- Generated from crates/{name} by `cargo xtask generate`; do not edit. -->\n\n# {title}\n\n{about}\n\n",
        name = action.name,
        title = action.title,
        about = action.description,
    );
    let _ =
        write!(page, "```yaml\n- uses: nubificus/vaccel-ci/actions/{}@v{}\n", action.name, env!("CARGO_PKG_VERSION"));
    let required: Vec<_> = action.inputs.iter().filter(|input| input.required).collect();
    if !required.is_empty() {
        page.push_str("  with:\n");
    }
    for input in required {
        let _ = writeln!(page, "    {}: …", input.name);
    }
    let _ = write!(
        page,
        "```\n\nWhere references have to be commits: `actions/{0}@<commit> # v{1}`, with what `git rev-parse v{1}` prints.\n",
        action.name,
        env!("CARGO_PKG_VERSION")
    );
    let _ = write!(
        page,
        "\nOn a command line: `vaccel-{} --help`. Every input is a flag, and every flag an input.\n",
        action.name
    );
    page.push_str("\n## Inputs\n\n");
    let rows = action.inputs.iter().map(|input| {
        let mut about = cell(&description(input));
        if input.required {
            about.push_str(" **Required.**");
        }
        if input.secret {
            about.push_str(" A secret: masked in the log.");
        }
        vec![format!("`{}`", input.name), about]
    });
    page.push_str(&toolkit::markdown::table(&["Input", "Meaning"], rows));
    page.push_str("\n## Outputs\n\n");
    let rows = action.outputs.iter().map(|output| vec![format!("`{}`", output.name), cell(&output.description)]);
    page.push_str(&toolkit::markdown::table(&["Output", "Meaning"], rows));
    page.push_str("\nExit status: 0, done; 1, the work failed; 2, an input is wrong.\n");
    page
}

/// Descriptions are our own text; only what would end a cell or open a tag is escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
