// SPDX-License-Identifier: Apache-2.0
//! How soon an action's executable is there, against the smallest action in JavaScript: it reads an
//! input and writes an output with the official toolkit, bundled into one file as such actions are.

use super::measure::{self, Comparison, Sample};
use crate::process::Step;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts per round: one is too short to be measured alone.
const STARTS: usize = 20;
/// What an executable may take in any case.
const LIMIT: Duration = Duration::from_millis(5);

const PACKAGE: [(&str, &str); 3] = [
    ("package.json", include_str!("startup/package.json")),
    ("package-lock.json", include_str!("startup/package-lock.json")),
    ("main.js", include_str!("startup/main.js")),
];

pub fn run(executables: &Path, actions: &[&str], rounds: usize) -> Result<Vec<Comparison>> {
    let folder = testbed::workspace_root().join("target/bench/startup");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let peer_action = peer(&folder)?;
    let mut ours = Vec::new();
    for action in actions {
        let path = executables.join(format!("vaccel-{action}"));
        let argument = harmless(&path)?;
        ours.push((format!("vaccel-{action} {argument}"), path, argument, Vec::new()));
    }

    let output = folder.join("output");
    let mut peers = Vec::new();
    for round in 0..rounds {
        eprintln!("    round {} of {rounds}", round + 1);
        for _ in 0..STARTS {
            std::fs::write(&output, "").context("could not empty the file of outputs")?;
            for (_, path, argument, samples) in &mut ours {
                samples.push(start(Command::new(path).arg(argument))?);
            }
            let mut node = Command::new("node");
            peers.push(start(node.arg(&peer_action).env("INPUT_WHO", "World").env("GITHUB_OUTPUT", &output))?);
            let written = std::fs::read_to_string(&output).context("could not read the file of outputs")?;
            ensure!(written.contains("Hello, World!"), "the action in JavaScript did nothing");
        }
    }
    let peer = measure::median(peers);
    let ours: Vec<_> = ours.into_iter().map(|(name, _, _, samples)| (name, measure::median(samples))).collect();
    for (name, sample) in &ours {
        eprintln!("    {name}: {:.1} ms", sample.time.as_secs_f64() * 1000.0);
    }
    let plan = ours.iter().find(|(name, _)| name.starts_with("vaccel-plan ")).context("plan is not measured")?;
    let slowest = ours.iter().max_by_key(|(_, sample)| sample.time).context("nothing is measured")?;
    let compare = |(name, ours): &(String, Sample), goal: &str, ratio: f64, slack: Duration| {
        let (name, ours, peer_name, memory) = (format!("{name}, {goal}"), *ours, "node", None);
        Comparison { name, ours, peer_name, peer, ratio, slack, memory }
    };
    Ok(vec![
        compare(plan, "ten times faster", 0.1, Duration::ZERO),
        compare(slowest, "the slowest, at once", 0.0, LIMIT),
    ])
}

/// The argument with which an executable starts and does nothing: of some actions, `--version` is an input.
fn harmless(executable: &Path) -> Result<&'static str> {
    let help = Command::new(executable).arg("--help").output();
    let help = help.with_context(|| format!("could not start {}", executable.display()))?;
    let help = String::from_utf8_lossy(&help.stdout);
    Ok(if help.contains("-V, --version") { "--version" } else { "--help" })
}

/// Makes the action in JavaScript ready; gives its one file.
fn peer(folder: &Path) -> Result<PathBuf> {
    let version = Command::new("node").arg("--version").output().context("could not start node, which is measured")?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    ensure!(version.starts_with("v20."), "node 20 is to be measured, and this is {version}");
    for (name, text) in PACKAGE {
        std::fs::write(folder.join(name), text).with_context(|| format!("could not write {name}"))?;
    }
    let npm = Step::new("Install the official toolkit", "npm").folder(folder);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).run()?;
    let esbuild = Step::new("Bundle the action", folder.join("node_modules/.bin/esbuild")).folder(folder);
    let options = ["--bundle", "--minify", "--platform=node", "--target=node20", "--outfile=bundle.js"];
    esbuild.args(["main.js", "--log-level=error"]).args(options).run()?;
    Ok(folder.join("bundle.js"))
}

/// Starts a command and waits for its end; a start is too short for its memory to be looked at.
fn start(command: &mut Command) -> Result<Sample> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().with_context(|| format!("could not start {}", command.get_program().display()))?;
    let time = started.elapsed();
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(Sample { time, ..Sample::default() })
}
