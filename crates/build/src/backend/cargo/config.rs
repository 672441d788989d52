// SPDX-License-Identifier: Apache-2.0
//! What Cargo's own configuration says about the target: the variable, and the files that Cargo reads from the
//! source tree upwards and in its home folder.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use toolkit::Result;

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    build: Build,
    #[serde(default)]
    target: toml::Table,
}

#[derive(Default, Deserialize)]
struct Build {
    target: Option<Targets>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Targets {
    One(String),
    Several(Vec<String>),
}

/// What is configured, as far as we have to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The targets to build for; none if Cargo builds for the machine that rustc is made for.
    pub targets: Vec<String>,
    /// Whether flags are configured per target, which makes Cargo ignore those of `[build]`.
    pub has_target_flags: bool,
}

impl Config {
    /// Reads it; `env` looks a variable up.
    pub fn read(source: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut config = Self::default();
        let variable = env("CARGO_BUILD_TARGET").filter(|target| !target.is_empty());
        let mut single = variable.is_some();
        config.targets.extend(variable);
        for file in files(source, &env) {
            let read: File = toolkit::read_toml(&file)?;
            config.has_target_flags |= read.target.values().any(|target| target.get("rustflags").is_some());
            match read.build.target {
                // A string replaces what files further away say; lists are joined.
                Some(Targets::One(target)) if config.targets.is_empty() => {
                    config.targets.push(target);
                    single = true;
                }
                Some(Targets::Several(targets)) if !single => config.targets.extend(targets),
                _ => {}
            }
        }
        Ok(config)
    }
}

/// The files, the one that counts most first.
fn files(source: &Path, env: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let home = env("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env("HOME").map(|home| Path::new(&home).join(".cargo")));
    let folders = source.ancestors().map(|folder| folder.join(".cargo")).chain(home);
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders {
        // The old name wins where there are both.
        let names = ["config", "config.toml"].map(|name| folder.join(name));
        if let Some(file) = names.into_iter().find(|file| file.is_file())
            && !files.contains(&file)
        {
            files.push(file);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_target_comes_from_where_cargo_reads_it() {
        const A: &str = "[build]\ntarget = 'a'\n";
        type Files = &'static [(&'static str, &'static str)];
        let cases: [(&str, Files, Option<&str>, &[&str]); 9] = [
            ("nothing", &[], None, &[]),
            ("the tree's own", &[("p/q/.cargo/config.toml", A)], None, &["a"]),
            ("a parent's", &[("p/.cargo/config.toml", A)], None, &["a"]),
            ("the home folder's", &[("home/config.toml", A)], None, &["a"]),
            ("the old name", &[("p/q/.cargo/config", A)], None, &["a"]),
            (
                "the nearest",
                &[("p/q/.cargo/config.toml", A), ("p/.cargo/config.toml", "build.target = 'b'")],
                None,
                &["a"],
            ),
            ("the variable", &[("p/q/.cargo/config.toml", A)], Some("v"), &["v"]),
            ("an empty variable", &[("p/q/.cargo/config.toml", A)], Some(""), &["a"]),
            (
                "lists",
                &[
                    ("p/q/.cargo/config.toml", "build.target = ['a', 'b']"),
                    ("home/config.toml", "build.target = ['c']"),
                ],
                None,
                &["a", "b", "c"],
            ),
        ];
        for (name, files, variable, targets) in cases {
            let folder = tempfile::tempdir().unwrap();
            for (file, text) in files {
                let file = folder.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            let home = folder.path().join("home").display().to_string();
            let env = |wanted: &str| match wanted {
                "CARGO_HOME" => Some(home.clone()),
                "CARGO_BUILD_TARGET" => variable.map(str::to_owned),
                _ => None,
            };
            let config = Config::read(&folder.path().join("p/q"), env).unwrap();
            assert_eq!(config.targets, targets, "{name}");
        }
    }

    #[test]
    fn flags_of_targets_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        for (text, expected) in [
            ("[target.x86_64-unknown-linux-gnu]\nlinker = 'x'\n", false),
            ("[target.'cfg(unix)']\nrustflags = ['-g']\n", true),
            ("[build]\nrustflags = ['-g']\n", false),
        ] {
            fs::write(folder.path().join(".cargo/config.toml"), text).unwrap();
            let config = Config::read(folder.path(), |_| None).unwrap();
            assert_eq!(config.has_target_flags, expected, "{text}");
        }
        fs::write(folder.path().join(".cargo/config.toml"), "build.target = 3").unwrap();
        let failure = Config::read(folder.path(), |_| None).unwrap_err();
        assert_eq!(failure.status().code(), 2);
    }
}
