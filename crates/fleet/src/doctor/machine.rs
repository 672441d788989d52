// SPDX-License-Identifier: Apache-2.0
//! What a runner needs beside tools: a run folder, disk, a clock, and a runner that GitHub accepts.

use super::report::{Finding, State};
use artifact::runners::Bytes;
use std::path::Path;
use std::time::{Duration, SystemTime};
use toolkit::Runner;

/// GitHub gives no jobs to runners that are older: changelog of 2026-06-12.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);

pub fn findings(free: Bytes, in_image: bool, runner: &Runner) -> Vec<Finding> {
    let mut findings = vec![run_folder()];
    if !in_image {
        findings.push(disk(free));
        findings.push(clock());
        findings.extend(age(runner));
    }
    findings
}

fn finding(name: &str, wanted: impl Into<String>, state: State, found: impl Into<String>) -> Finding {
    Finding { name: name.to_owned(), wanted: wanted.into(), found: found.into(), state }
}

/// `/run/user/<uid>`, which vAccel's core opens.
fn run_folder() -> Finding {
    let user = rustix::process::getuid().as_raw();
    let path = format!("/run/user/{user}");
    let parent = Path::new(&path).ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let (state, found) = if Path::new(&path).is_dir() {
        (State::Passed, path.clone())
    } else if rustix::fs::access(parent, rustix::fs::Access::WRITE_OK).is_ok() {
        (State::Passed, "is created where it is needed".to_owned())
    } else {
        (State::Failed, format!("missing; the image needs: mkdir -p {path} && chown {user} {path}"))
    };
    finding("run folder", path, state, found)
}

fn disk(least: Bytes) -> Finding {
    let wanted = format!("{least} free");
    match rustix::fs::statvfs(".") {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let state = if free >= least.get() { State::Passed } else { State::Failed };
            finding("disk", wanted, state, format!("{} free", toolkit::human::bytes(free)))
        }
        Err(error) => finding("disk", wanted, State::Failed, error.to_string()),
    }
}

/// A clock before this executable was built makes certificates and signatures invalid.
fn clock() -> Finding {
    let built = std::env::current_exe().and_then(std::fs::metadata).and_then(|data| data.modified());
    let state = match built {
        Ok(built) if built > SystemTime::now() => State::Failed,
        _ => State::Passed,
    };
    let found = if state == State::Failed { "before this program was built" } else { "plausible" };
    finding("clock", "", state, found)
}

/// How old the runner's own program is, where there is one.
fn age(runner: &Runner) -> Option<Finding> {
    let home = runner.env("RUNNER_HOME").unwrap_or_else(|| "/home/runner".to_owned());
    let listener = Path::new(&home).join("bin/Runner.Listener");
    let age = std::fs::metadata(listener).and_then(|data| data.modified()).ok()?.elapsed().unwrap_or_default();
    let days = age.as_secs() / 86400;
    let state = if age > MAX_AGE { State::Warned } else { State::Passed };
    let found = format!("{days} days old");
    Some(finding("runner", "at most 30 days old", state, found))
}
