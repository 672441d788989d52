// SPDX-License-Identifier: Apache-2.0
//! `build` against the same meson commands, without anything around them.

use super::measure::{self, Comparison, Sample};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use testbed::repository::Repository;
use testbed::tools::Tools;

pub fn run(tools: &Tools, executables: &Path, rounds: usize) -> Result<Vec<Comparison>> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let repository = Repository::from_fixture("plugin-hello", folder.path())?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("    round {} of {rounds}", round + 1);
        let place = folder.path().join(format!("round-{round}"));
        std::fs::create_dir_all(&place).context("could not make a folder")?;
        ours.push(measure::run(
            Command::new(executables.join("vaccel-build"))
                .arg("--source-path")
                .arg(repository.folder())
                .current_dir(&place)
                .env("PATH", tools.path())
                .env_remove("GITHUB_ACTIONS"),
        )?);
        peer.push(raw(tools, repository.folder(), &place)?);
    }
    Ok(vec![Comparison {
        name: "build of plugin-hello".to_owned(),
        ours: measure::median(ours),
        peer_name: "meson",
        peer: measure::median(peer),
        ratio: 1.02,
        slack: Duration::from_millis(100),
        memory: None,
    }])
}

/// What `build` runs, run directly.
fn raw(tools: &Tools, source: &Path, place: &Path) -> Result<Sample> {
    let (build, install) = (place.join("raw-build"), place.join("raw-install"));
    let mut setup = Command::new(tools.bin("meson"));
    setup.args(["setup", "--prefix=/usr", "--libdir=lib/x86_64-linux-gnu", "--buildtype=release"]);
    setup.arg("-Dpkgconfig.relocatable=true").arg(&build).arg(source);
    let mut compile = Command::new(tools.bin("ninja"));
    compile.arg("-C").arg(&build);
    let mut finish = Command::new(tools.bin("meson"));
    finish.args(["install", "--no-rebuild", "-C"]).arg(&build).arg("--destdir").arg(&install);
    let mut total = Sample::default();
    for mut command in [setup, compile, finish] {
        total.time += measure::run(command.env("PATH", tools.path()))?.time;
    }
    Ok(total)
}
