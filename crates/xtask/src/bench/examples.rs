//! `run-examples` against the script alone: what one example costs beside its own time.

use super::measure::{self, Comparison};
use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const EXAMPLES: u32 = 200;

pub fn run(executables: &Path, rounds: usize) -> Result<Vec<Comparison>> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let script = folder.path().join("run-examples.sh");
    let text = format!(
        "#!/bin/sh\necho 'TAP version 14'\necho '1..{EXAMPLES}'\ni=1\nwhile [ $i -le {EXAMPLES} ]; do\n  sleep 0.005\n  echo \"ok $i - example-$i\"\n  i=$((i + 1))\ndone\n"
    );
    std::fs::write(&script, text).context("could not write the script")?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).context("could not mark the script")?;
    std::fs::create_dir_all(folder.path().join("install/usr/bin")).context("could not make the install tree")?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("    round {} of {rounds}", round + 1);
        let mut command = Command::new(executables.join("vaccel-run-examples"));
        ours.push(measure::run(
            command.args(["--package", "bench"]).current_dir(folder.path()).env_remove("GITHUB_ACTIONS"),
        )?);
        peer.push(measure::run(Command::new(&script).args(["bench", "0"]).current_dir(folder.path()))?);
    }
    Ok(vec![Comparison {
        name: format!("{EXAMPLES} examples of a script"),
        ours: measure::median(ours),
        peer_name: "the script",
        peer: measure::median(peer),
        ratio: 1.0,
        slack: Duration::from_millis(5) * EXAMPLES,
        memory: None,
    }])
}
