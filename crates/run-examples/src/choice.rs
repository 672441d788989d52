// SPDX-License-Identifier: Apache-2.0
//! Whether a script or a manifest describes the examples, and which one.

use crate::script;
use artifact::SETTINGS;
use glob::Pattern;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result};

/// Where the manifest is when nobody names it.
const MANIFEST: &str = "examples/examples.toml";

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Settings {
    run_examples: Section,
}

/// The section `[run-examples]` of the settings.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Section {
    manifest: Option<PathBuf>,
    without_valgrind: Vec<String>,
}

/// What describes the examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A script.
    Script(PathBuf),
    /// A manifest.
    Manifest(PathBuf),
}

/// What is named; else the manifest of the repository's settings or the usual one; else a script.
pub fn choose(source: &Path, script: Option<&Path>, manifest: Option<&Path>) -> Result<Choice> {
    match (script, manifest) {
        (Some(_), Some(_)) => {
            Err(Failure::input("both a script and a manifest are named, and only one describes the examples")
                .help("leave one of the inputs `script` and `manifest` empty"))
        }
        (Some(_), None) => script::find(source, script).map(Choice::Script),
        (None, Some(manifest)) => existing(source, manifest, "a relative path starts from source-path"),
        (None, None) => match settings(source)?.manifest {
            Some(manifest) => existing(source, &manifest, &format!("{SETTINGS} names it")),
            None if source.join(MANIFEST).is_file() => Ok(Choice::Manifest(source.join(MANIFEST))),
            None => script::find(source, None).map(Choice::Script),
        },
    }
}

fn existing(source: &Path, manifest: &Path, help: &str) -> Result<Choice> {
    let path = source.join(manifest);
    if !path.is_file() {
        let wrong = if path.exists() { "is not a file" } else { "does not exist" };
        return Err(Failure::input(format!("the manifest {} {wrong}", path.display())).help(help));
    }
    Ok(Choice::Manifest(path))
}

/// The examples that need not run under valgrind, as globs.
pub fn without_valgrind(source: &Path) -> Result<Vec<Pattern>> {
    let globs = settings(source)?.without_valgrind;
    let parsed = globs.iter().map(|glob| {
        Pattern::new(glob).map_err(|error| {
            Failure::input(format!("{glob:?} is not a valid glob: {}", error.msg))
                .help(format!("correct run-examples.without-valgrind in {}", source.join(SETTINGS).display()))
        })
    });
    parsed.collect()
}

fn settings(source: &Path) -> Result<Section> {
    let settings: Settings = toolkit::read_toml(&source.join(SETTINGS))?;
    Ok(settings.run_examples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_named_wins() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path();
        let write = |name: &str, text: &str| {
            fs::create_dir_all(source.join(name).parent().unwrap()).unwrap();
            fs::write(source.join(name), text).unwrap();
        };
        let told = |manifest: Option<&str>| match choose(source, None, manifest.map(Path::new)) {
            Ok(Choice::Manifest(path)) => path.strip_prefix(source).unwrap().display().to_string(),
            Ok(Choice::Script(path)) => format!("script {}", path.display()),
            Err(failure) => {
                failure.to_string().lines().next().unwrap().replace(&source.display().to_string(), "<source>")
            }
        };
        let nothing = told(None);
        write("examples/examples.toml", "");
        let usual = told(None);
        write(".github/vaccel-ci.toml", "[run-examples]\nmanifest = \"ci/e.toml\"\n");
        let missing = told(None);
        write("ci/e.toml", "");
        let settings = told(None);
        write(".github/vaccel-ci.toml", "[run-examples]\nmanifest = 3\n");
        let wrong = told(None);
        write(".github/vaccel-ci.toml", "[run-examples]\nmanifset = \"ci/e.toml\"\n");
        let misspelt = told(None);
        let named = told(Some("examples/examples.toml"));
        insta::assert_snapshot!([nothing, usual, missing, settings, wrong, misspelt, named].join("\n"));
        let both = choose(source, Some(Path::new("a")), Some(Path::new("b"))).unwrap_err();
        assert_eq!(both.status().code(), 2);
    }
}
