// SPDX-License-Identifier: Apache-2.0
//! What a project is made of, as Cargo knows it, and what of that can be installed.

use super::CARGO;
use crate::backend::contract::Job;
use crate::options::Options;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt};

/// The packages that are built.
#[derive(Debug)]
pub struct Project {
    /// The one that gives the project its name and version.
    pub main: Package,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    #[serde(default)]
    workspace_default_members: Option<Vec<String>>,
}

/// A package of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    manifest_path: PathBuf,
    targets: Vec<CargoTarget>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
struct CargoTarget {
    name: String,
    kind: Vec<String>,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

impl CargoTarget {
    fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|known| known == kind)
    }

    fn is_product(&self) -> bool {
        self.is("bin") || self.is("cdylib")
    }
}

/// What can be installed of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Products {
    /// Something.
    Some,
    /// Nothing: it is for other Rust projects to use.
    Library,
}

impl Project {
    /// Asks Cargo.
    pub fn read(job: &Job) -> Result<Self> {
        let program = Program::new(CARGO.find()?).args(["metadata", "--no-deps", "--format-version=1"]);
        let text = job.capture(program.dir(&job.settings.source)).context("cargo could not read the project")?;
        Self::parse(&text, &job.settings.source, &job.settings.options)
    }

    fn parse(text: &str, source: &Path, options: &Options) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_str(text).context("could not understand what cargo says of the project")?;
        let wanted: Vec<_> = packages(options).collect();
        if let Some(unknown) = wanted.iter().find(|name| !metadata.packages.iter().any(|found| found.name == **name)) {
            let mut known: Vec<_> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
            known.sort_unstable();
            return Err(Failure::input(format!("the project has no package `{unknown}`"))
                .help(format!("there are {}", known.join(", "))));
        }
        let by_default = |package: &Package| {
            metadata.workspace_default_members.as_ref().is_none_or(|members| members.contains(&package.id))
        };
        let is_built = |package: &&Package| {
            if wanted.is_empty() { by_default(package) } else { wanted.contains(&package.name.as_str()) }
        };
        let packages: Vec<Package> = metadata.packages.iter().filter(is_built).cloned().collect();
        let at_top = packages.iter().find(|package| package.manifest_path == source.join("Cargo.toml"));
        let main = at_top.or(packages.first()).ok_or_else(|| Failure::input("the project has no package"))?.clone();
        Ok(Self { main, packages })
    }

    /// Whether there will be anything to install.
    pub fn products(&self, options: &Options) -> Result<Products> {
        let mut off = Vec::new();
        for package in &self.packages {
            let enabled = package.enabled(options);
            for target in package.targets.iter().filter(|target| target.is_product()) {
                let missing = target.required_features.iter().filter(|name| !enabled.contains(name.as_str()));
                let missing: Vec<_> = missing.map(String::as_str).collect();
                if missing.is_empty() {
                    return Ok(Products::Some);
                }
                off.push((target.name.as_str(), missing.join(" ")));
            }
        }
        let Some((_, first)) = off.first() else { return Ok(Products::Library) };
        let needs: Vec<_> = off.iter().map(|(name, features)| format!("{name} needs {features}")).collect();
        Err(Failure::input(format!("every program of the project needs a feature that is off: {}", needs.join(", ")))
            .help(format!("set the option, for instance `features={first}`")))
    }

    /// Whether a target of a package is one of ours to install.
    fn has(&self, artifact: &Artifact) -> bool {
        let is_it = |package: &&Package| package.manifest_path == artifact.manifest_path;
        self.packages.iter().any(|package| is_it(&package)) && artifact.target.is_product()
    }

    /// What a build made, from its messages.
    pub fn made(&self, messages: &str) -> Vec<Made> {
        let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let ours = artifacts.filter(|artifact| artifact.reason == "compiler-artifact" && self.has(artifact));
        ours.flat_map(|artifact| {
            let program = artifact.executable.map(|file| Made { file, is_program: true });
            let libraries =
                artifact.filenames.into_iter().filter(|file| file.extension().is_some_and(|end| end == "so"));
            program.into_iter().chain(libraries.map(|file| Made { file, is_program: false }))
        })
        .collect()
    }
}

/// The packages that the option names.
pub fn packages(options: &Options) -> impl Iterator<Item = &str> {
    options.get("package").unwrap_or_default().split_whitespace()
}

impl Package {
    /// The features that are on.
    fn enabled(&self, options: &Options) -> BTreeSet<&str> {
        let is_on = |name: &str| options.get(name) == Some("true");
        let given = options.get("features").unwrap_or_default().split([' ', ',']).filter(|name| !name.is_empty());
        let of_this = |name: &str| match name.split_once('/') {
            Some((package, feature)) if package == self.name => self.features.get_key_value(feature),
            Some(_) => None,
            None => self.features.get_key_value(name),
        };
        let mut todo: Vec<_> = given.filter_map(of_this).collect();
        if is_on("all-features") {
            todo.extend(&self.features);
        } else if !is_on("no-default-features") {
            todo.extend(self.features.get_key_value("default"));
        }
        let mut enabled = BTreeSet::new();
        while let Some((name, needs)) = todo.pop() {
            if enabled.insert(name.as_str()) {
                todo.extend(needs.iter().filter_map(|need| self.features.get_key_value(need)));
            }
        }
        enabled
    }
}

/// A message of Cargo's about something that it built.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    manifest_path: PathBuf,
    target: CargoTarget,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
}

/// A program or a library that was built for others to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where it is.
    pub file: PathBuf,
    /// A program, or a library.
    pub is_program: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [
      {"id": "a", "name": "vaccel-rpc-agent", "version": "0.2.0", "manifest_path": "/p/agent/Cargo.toml", "features": {},
       "targets": [{"name": "vaccel-rpc-agent", "kind": ["bin"]}]},
      {"id": "c", "name": "vaccel-rpc-client", "version": "0.3.0", "manifest_path": "/p/client/Cargo.toml",
       "features": {"default": ["x"], "x": ["y", "dep:z"], "y": [], "off": []},
       "targets": [{"name": "rpc", "kind": ["cdylib", "rlib"]}, {"name": "c", "kind": ["bin"], "required-features": ["y"]},
                   {"name": "d", "kind": ["bin"], "required-features": ["off"]}]},
      {"id": "l", "name": "shared", "version": "0.1.0", "manifest_path": "/p/Cargo.toml", "features": {"off": []},
       "targets": [{"name": "shared", "kind": ["lib"]}, {"name": "b", "kind": ["bench"]}]}],
     "workspace_default_members": ["a", "l"]}"#;

    fn project(options: &str) -> Result<(Project, Options)> {
        let options = options.parse().unwrap();
        Ok((Project::parse(METADATA, Path::new("/p"), &options)?, options))
    }

    #[test]
    fn the_packages_that_are_built_decide() {
        let cases = [
            ("", "shared 0.1.0", 2, Products::Some),
            ("package=vaccel-rpc-agent", "vaccel-rpc-agent 0.2.0", 1, Products::Some),
            ("package=vaccel-rpc-agent vaccel-rpc-client", "vaccel-rpc-agent 0.2.0", 2, Products::Some),
            ("package=shared", "shared 0.1.0", 1, Products::Library),
        ];
        for (options, main, count, products) in cases {
            let (project, options) = project(options).unwrap();
            assert_eq!(format!("{} {}", project.main.name, project.main.version), main);
            assert_eq!((project.packages.len(), project.products(&options).unwrap()), (count, products));
        }
        let failure = project("package=nope").unwrap_err();
        insta::assert_snapshot!(failure, @r"
        the project has no package `nope`
        help: there are shared, vaccel-rpc-agent, vaccel-rpc-client
        ");
    }

    #[test]
    fn features_are_followed() {
        let enabled = |options: &str| {
            let (project, options) = project(&format!("package=vaccel-rpc-client,{options}")).unwrap();
            project.main.enabled(&options).into_iter().collect::<Vec<_>>().join(" ")
        };
        for (options, expected) in [
            ("", "default x y"),
            ("no-default-features=true", ""),
            ("no-default-features=true,features=off other/x", "off"),
            ("no-default-features=true,features=vaccel-rpc-client/y", "y"),
            ("all-features=true", "default off x y"),
        ] {
            assert_eq!(enabled(options), expected, "{options}");
        }
    }

    #[test]
    fn programs_that_are_all_off_are_refused() {
        let text = METADATA.replace(r#"["cdylib", "rlib"]"#, r#"["lib"]"#);
        let options: Options = "package=vaccel-rpc-client,no-default-features=true".parse().unwrap();
        let failure = Project::parse(&text, Path::new("/p"), &options).unwrap().products(&options).unwrap_err();
        assert_eq!(failure.status().code(), 2);
        insta::assert_snapshot!(failure, @r"
        every program of the project needs a feature that is off: c needs y, d needs off
        help: set the option, for instance `features=y`
        ");
    }

    #[test]
    fn what_was_made_is_read_from_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/p/agent/Cargo.toml","target":{"name":"vaccel-rpc-agent","kind":["bin"]},"filenames":["/b/t/release/vaccel-rpc-agent"],"executable":"/b/t/release/vaccel-rpc-agent"}
{"reason":"compiler-artifact","manifest_path":"/p/client/Cargo.toml","target":{"name":"rpc","kind":["cdylib","rlib"]},"filenames":["/b/librpc.so","/b/librpc.rlib"],"executable":null}
{"reason":"compiler-artifact","manifest_path":"/p/client/Cargo.toml","target":{"name":"build-script-build","kind":["custom-build"]},"filenames":["/b/x"],"executable":null}
{"reason":"compiler-artifact","manifest_path":"/home/dep/Cargo.toml","target":{"name":"dep","kind":["cdylib"]},"filenames":["/b/libdep.so"],"executable":null}
{"reason":"compiler-message","manifest_path":"/p/agent/Cargo.toml"}
not JSON
{"reason":"build-finished","success":true}"#;
        let (project, _) = project("package=vaccel-rpc-agent vaccel-rpc-client").unwrap();
        let made: Vec<_> = project.made(messages).into_iter().map(|made| (made.file, made.is_program)).collect();
        assert_eq!(made, [("/b/t/release/vaccel-rpc-agent".into(), true), ("/b/librpc.so".into(), false)]);
    }
}
