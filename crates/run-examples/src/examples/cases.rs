// SPDX-License-Identifier: Apache-2.0
//! Which examples there are: once per plugin, those that the filter wants, and of these the ones
//! that make sense here.

use crate::context::{Capability, Context};
use crate::manifest::{Description, Manifest};

/// One run of an example.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Its name, with the plugin's.
    pub name: String,
    /// The plugin.
    pub plugin: Option<String>,
    /// What it is.
    pub description: &'a Description,
    /// Whether it makes sense here.
    pub relevance: Relevance,
}

/// Whether an example makes sense here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relevance {
    /// It does.
    Relevant,
    /// Something is missing; why it is skipped.
    Missing(String),
}

/// The cases of a manifest that a filter wants.
pub fn cases<'a>(manifest: &'a Manifest, context: &Context, filter: Option<&glob::Pattern>) -> Vec<Case<'a>> {
    let all = manifest.examples.iter().flat_map(|description| {
        let once: Vec<Option<&String>> = match description.plugins.as_slice() {
            [] => vec![None],
            plugins => plugins.iter().map(Some).collect(),
        };
        once.into_iter().map(move |plugin| (description, plugin))
    });
    let cases = all.map(|(description, plugin)| {
        let required = plugin.map(|plugin| Capability::plugin(plugin));
        let missing = context.missing(description.requires.iter().chain(&required));
        let missing: Vec<_> = missing.into_iter().map(ToString::to_string).collect();
        Case {
            name: plugin.map_or_else(|| description.name.clone(), |plugin| format!("{} [{plugin}]", description.name)),
            plugin: plugin.cloned(),
            description,
            relevance: if missing.is_empty() {
                Relevance::Relevant
            } else {
                Relevance::Missing(format!("needs {}", missing.join(", ")))
            },
        }
    });
    let wanted = |case: &Case<'_>| {
        filter.is_none_or(|filter| filter.matches(&case.description.name) || filter.matches(&case.name))
    };
    cases.filter(wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Arch;

    fn told(filter: Option<&str>) -> String {
        let text = "[[example]]\nname = \"greet\"\ncommand = \"x\"\n\
            [[example]]\nname = \"classify\"\ncommand = \"x\"\nplugins = [\"torch\", \"tvm\"]\nrequires = [\"network\"]\n\
            [[example]]\nname = \"far\"\ncommand = \"x\"\nrequires = [\"gpu\", \"network\", \"arch:armv7l\"]\n";
        let manifest = Manifest::parse(text).unwrap();
        let mut context = Context::new(&["network".into()], Arch::X86_64, None).unwrap();
        context.add_plugin("torch");
        let filter = filter.map(|filter| glob::Pattern::new(filter).unwrap());
        let cases = cases(&manifest, &context, filter.as_ref());
        cases.iter().map(|case| format!("{}: {:?}", case.name, case.relevance)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_missing_is_said() {
        insta::assert_snapshot!(told(None), @r#"
        greet: Relevant
        classify [torch]: Relevant
        classify [tvm]: Missing("needs plugin:tvm")
        far: Missing("needs gpu, arch:armv7l")
        "#);
    }

    #[test]
    fn a_filter_is_a_glob() {
        insta::assert_snapshot!(told(Some("*e*t")), @"greet: Relevant");
        insta::assert_snapshot!(told(Some("cla*")), @r#"
        classify [torch]: Relevant
        classify [tvm]: Missing("needs plugin:tvm")
        "#);
        assert_eq!(told(Some("classify [[]torch]")), "classify [torch]: Relevant");
        assert_eq!(told(Some("x")), "");
    }
}
