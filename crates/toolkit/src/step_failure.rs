// SPDX-License-Identifier: Apache-2.0
//! The errors of a job's steps, kept beside the log for what explains the run later.

use crate::{Failure, Runner};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;

/// As much of a message as a reader needs.
const LENGTH: usize = 2000;

/// An error of an action, one line of JSON in [`StepFailure::file`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// The action's name.
    pub action: String,
    /// What failed and why.
    pub message: String,
}

impl StepFailure {
    /// The file of this job, which the runner removes with its other temporary files.
    pub fn file(runner: &Runner) -> Option<PathBuf> {
        let folder = runner.env("RUNNER_TEMP").filter(|_| runner.is_github())?;
        Some(PathBuf::from(folder).join("vaccel-ci-failures.jsonl"))
    }

    /// Appends an action's failure. It explains and decides nothing, so what cannot be written is left out.
    pub(crate) fn record(runner: &Runner, action: &str, failure: &Failure) {
        let Some(file) = Self::file(runner) else { return };
        let message = failure.messages().join(": ").chars().take(LENGTH).collect();
        let Ok(line) = serde_json::to_string(&Self { action: action.to_owned(), message }) else { return };
        // Code of the repository may have put a link there.
        if file.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return;
        }
        if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(file) {
            let _ = writeln!(file, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_kept_line_by_line_and_never_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let temp = folder.path().to_str().unwrap();
        let (runner, _) = Runner::recording([("GITHUB_ACTIONS", "true"), ("RUNNER_TEMP", temp)]);
        let file = StepFailure::file(&runner).unwrap();
        StepFailure::record(&runner, "build", &Failure::work("failed to build\nx").because(Failure::work("status 1")));
        StepFailure::record(&runner, "fetch", &Failure::work("y".repeat(9000)));
        let text = std::fs::read_to_string(&file).unwrap();
        let found: Vec<StepFailure> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(found[0].message, "failed to build\nx: status 1");
        assert_eq!(found[1].message.len(), LENGTH);

        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "").unwrap();
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        StepFailure::record(&runner, "build", &Failure::work("z"));
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "");
        let (laptop, _) = Runner::recording([("GITHUB_ACTIONS", ""), ("RUNNER_TEMP", temp)]);
        assert_eq!(StepFailure::file(&laptop), None);
    }
}
