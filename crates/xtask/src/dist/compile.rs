// SPDX-License-Identifier: Apache-2.0
//! Building the executables of one source tree.

use super::target::Target;
use super::toolchain::Toolchain;
use super::{link, linkage, place};
use anyhow::{Context, Result, bail};
use artifact::{Arch, Executable, Sha256};
use serde::Deserialize;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use toolkit::human;

/// What is to be built.
pub struct Selection {
    /// The actions, in the order of the pipeline.
    pub actions: Vec<String>,
    /// The architectures.
    pub archs: Vec<Arch>,
}

/// Actions that share an executable, whose name then decides: they are mostly the same code.
pub const SHARED: [(&str, &[&str]); 2] = [
    ("vaccel-network", &["upload", "fetch", "store"]),
    ("vaccel-local", &["lint", "run-examples", "stage-artifacts", "report", "reproduce", "fleet", "doctor"]),
];

/// Builds every action for every architecture into `<out>/<arch>/vaccel-<action>`.
///
/// An action at a time: cargo would give an action the features that others ask of a dependency,
/// and its bytes must not depend on what is built beside it.
pub fn run(toolchain: &Toolchain, selection: &Selection, out: &Path) -> Result<Vec<Executable>> {
    let targets: Vec<_> = selection.archs.iter().map(|arch| Target::of(*arch)).collect();
    toolchain.install(&targets)?;
    let mut executables = Vec::new();
    let total = targets.len() * selection.actions.len();
    for target in targets {
        for action in &selection.actions {
            let started = Instant::now();
            eprintln!("==> {} of {total}: {action} for {}", executables.len() + 1, target.zigbuild());
            let executable = one(toolchain, action, &target, out, &executables)
                .with_context(|| format!("could not build vaccel-{action} for {}", target.arch))?;
            let size = human::bytes(executable.size);
            eprintln!("    {}, {size} ({})", executable.path(), human::duration(started.elapsed()));
            executables.push(executable);
        }
    }
    Ok(executables)
}

fn one(toolchain: &Toolchain, action: &str, target: &Target, out: &Path, others: &[Executable]) -> Result<Executable> {
    let shared = SHARED.iter().find(|(_, actions)| actions.contains(&action));
    let package = shared.map_or_else(|| format!("vaccel-{action}"), |(package, _)| (*package).to_owned());
    let built = cargo(toolchain.build(&package, target)?, &package)?;
    let bytes = std::fs::read(&built).with_context(|| format!("could not read {}", built.display()))?;
    linkage::check(&bytes, target)?;
    let executable = Executable {
        action: action.to_owned(),
        arch: target.arch,
        size: bytes.len() as u64,
        sha256: Sha256::of(&bytes),
    };
    let path = out.join(executable.path());
    match others.iter().find(|other| other.arch == executable.arch && other.sha256 == executable.sha256) {
        Some(other) => link(&path, format!("vaccel-{}", other.action).as_ref())?,
        None => place(&path, &bytes)?,
    }
    Ok(executable)
}

/// One of cargo's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Named>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Runs cargo; gives the executable that it reports.
fn cargo(mut command: Command, name: &str) -> Result<PathBuf> {
    if !std::io::stderr().is_terminal() {
        command.arg("--quiet");
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("could not start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let mut found = None;
    for line in BufReader::new(stdout).lines() {
        found = executable(&line.context("could not read what cargo prints")?, name).or(found);
    }
    let status = child.wait().context("could not wait for cargo")?;
    if !status.success() {
        bail!("cargo zigbuild failed ({status})");
    }
    found.with_context(|| format!("cargo reports no executable {name}"))
}

fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: Message = serde_json::from_str(line).ok()?;
    let is_wanted = message.reason == "compiler-artifact" && message.target?.name == name;
    message.executable.filter(|_| is_wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_messages() {
        let artifact = |name: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}","kind":["bin"]}},"executable":{executable}}}"#
            )
        };
        let cases = [
            (artifact("vaccel-plan", r#""/t/vaccel-plan""#), Some("/t/vaccel-plan")),
            (artifact("vaccel-plan", "null"), None),
            (artifact("build-script-build", r#""/t/build""#), None),
            (r#"{"reason":"build-finished","success":true}"#.to_owned(), None),
            ("not JSON".to_owned(), None),
        ];
        for (line, expected) in cases {
            assert_eq!(executable(&line, "vaccel-plan"), expected.map(PathBuf::from), "{line}");
        }
    }
}
