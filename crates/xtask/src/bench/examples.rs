// SPDX-License-Identifier: Apache-2.0
//! `run-examples` against what it runs alone: what one example costs beside its own time, and what running two at once
//! saves.

use super::measure::{self, Comparison, Sample};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const EXAMPLES: u32 = 200;
/// What one example may cost beside its own time.
const OVERHEAD: Duration = Duration::from_millis(5);
/// What two at once may take of the time of one after the other.
const TOGETHER: f64 = 0.6;

/// An example that waits, and one that computes.
const WAITS: &str = "sleep 0.02";
const COMPUTES: &str = "i=0; while [ $i -lt 40000 ]; do i=$((i + 1)); done";

pub fn run(executables: &Path, rounds: usize) -> Result<Vec<Comparison>> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let bench = Bench { folder: folder.path(), program: &executables.join("vaccel-run-examples"), rounds };
    std::fs::create_dir_all(folder.path().join("install/usr/bin")).context("could not make the install tree")?;
    bench.script("short.sh", "sleep 0.005")?;
    bench.manifest("short.toml", "sleep 0.005")?;
    bench.manifest("waits.toml", WAITS)?;
    bench.manifest("computes.toml", COMPUTES)?;
    let mut comparisons = Vec::new();
    for (name, description) in [("a script", "--script=short.sh"), ("a manifest", "--manifest=short.toml")] {
        let (ours, peer) = bench.turns(&|| bench.ours(&[description]), &|| bench.alone("short.sh"))?;
        let name = format!("{EXAMPLES} examples of {name}");
        let slack = OVERHEAD * EXAMPLES;
        comparisons.push(Comparison { name, ours, peer_name: "alone", peer, ratio: 1.0, slack, memory: None });
    }
    for (kind, manifest) in [("wait", "--manifest=waits.toml"), ("compute", "--manifest=computes.toml")] {
        let (ours, peer) =
            bench.turns(&|| bench.ours(&[manifest, "--jobs=2"]), &|| bench.ours(&[manifest, "--jobs=1"]))?;
        let name = format!("{EXAMPLES} examples that {kind}, two at once");
        let (peer_name, slack) = ("one after the other", Duration::ZERO);
        comparisons.push(Comparison { name, ours, peer_name, peer, ratio: TOGETHER, slack, memory: None });
    }
    Ok(comparisons)
}

struct Bench<'a> {
    folder: &'a Path,
    program: &'a Path,
    rounds: usize,
}

impl Bench<'_> {
    /// A script that speaks TAP and has this command as each of its examples.
    fn script(&self, name: &str, command: &str) -> Result<()> {
        let mut text = format!("#!/bin/sh\necho 'TAP version 14'\necho '1..{EXAMPLES}'\n");
        for number in 1..=EXAMPLES {
            let _ = write!(text, "/bin/sh -c '{command}'\necho 'ok {number} - example-{number}'\n");
        }
        let path = self.folder.join(name);
        std::fs::write(&path, text).context("could not write the script")?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).context("could not mark the script")
    }

    /// A manifest that has this command as each of its examples.
    fn manifest(&self, name: &str, command: &str) -> Result<()> {
        let example = |number: u32| format!("[[example]]\nname = \"example-{number}\"\ncommand = \"{command}\"\n");
        let text: Vec<_> = (1..=EXAMPLES).map(example).collect();
        std::fs::write(self.folder.join(name), text.concat()).context("could not write the manifest")
    }

    fn ours(&self, arguments: &[&str]) -> Result<Sample> {
        let mut command = Command::new(self.program);
        command.args(["--package", "bench"]).args(arguments);
        measure::run(command.current_dir(self.folder).env_remove("GITHUB_ACTIONS"))
    }

    fn alone(&self, script: &str) -> Result<Sample> {
        measure::run(Command::new(self.folder.join(script)).args(["bench", "0"]).current_dir(self.folder))
    }

    /// Both, in turns; the medians.
    fn turns(&self, ours: &dyn Fn() -> Result<Sample>, peer: &dyn Fn() -> Result<Sample>) -> Result<(Sample, Sample)> {
        let mut samples = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            eprintln!("    round {} of {}", round + 1, self.rounds);
            samples.0.push(ours()?);
            samples.1.push(peer()?);
        }
        Ok((measure::median(samples.0), measure::median(samples.1)))
    }
}
