// SPDX-License-Identifier: Apache-2.0
//! What jobs recorded: the outcome of each step, and the errors of our actions. It comes from jobs that ran code of the
//! repository, so it is read with limits and believed in nothing but what it explains.

use artifact::{Arch, BuildType, JobRecord};
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt, Runner, StepFailure};

/// Larger files are not of our making.
const LIMIT: u64 = 256 * 1024;

/// What one job recorded.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its steps.
    pub job: JobRecord,
    /// The errors of our actions, in their order.
    pub failures: Vec<StepFailure>,
}

impl Record {
    /// The first reason for a failure: an action's own words, else the step.
    pub fn reason(&self) -> Option<String> {
        let step = self.job.steps.iter().find(|step| step.failed())?;
        // A step that may fail can have left an error of its own.
        let said =
            self.failures.iter().find(|failure| step.action.as_ref().is_none_or(|action| *action == failure.action));
        Some(match said {
            Some(failure) => single_line(&format!("{}: {}", step.name, failure.message)),
            None => single_line(&format!("the step {} failed", step.name)),
        })
    }
}

/// Nothing that a terminal or a log would act on.
fn single_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Keeps a job's record in a new folder, together with the errors of our actions so far.
pub fn keep(record: &str, runner: &Runner) -> Result<PathBuf> {
    let job: JobRecord = serde_json::from_str(record).input("record is not a valid record of a job")?;
    let above = runner.env("RUNNER_TEMP").map_or_else(std::env::temp_dir, PathBuf::from);
    // Nobody can have put anything in a folder of a name that nobody could know.
    let folder = (0..100).map(|number| above.join(format!("vaccel-ci-record-{}-{number}", std::process::id())));
    let made = folder.into_iter().find(|folder| std::fs::create_dir(folder).is_ok());
    let folder = made.ok_or_else(|| Failure::work(format!("failed to make a folder in {}", above.display())))?;
    let text = serde_json::to_string_pretty(&job)?;
    std::fs::write(folder.join("job.json"), text).context("failed to write the record")?;
    if let Some(file) = StepFailure::file(runner).filter(|file| file.exists()) {
        match text_of(&file) {
            Ok(failures) => {
                std::fs::write(folder.join("failures.jsonl"), failures).context("failed to write the record")?;
            }
            Err(error) => runner.warning(&format!("failed to read {}: {error}", file.display())),
        }
    }
    Ok(folder)
}

/// Reads every record below a folder; what cannot be read is left out with a warning.
pub fn read(folder: &Path, runner: &Runner) -> Vec<Record> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let records = folders.iter().filter_map(|folder| match record(folder) {
        Ok(record) => Some(record),
        Err(error) => {
            runner.warning(&format!("failed to read the record {}: {error}", folder.display()));
            None
        }
    });
    records.collect()
}

fn record(folder: &Path) -> Result<Record, Box<dyn std::error::Error>> {
    let job = serde_json::from_str(&text_of(&folder.join("job.json"))?)?;
    let file = folder.join("failures.jsonl");
    let lines = if file.exists() { text_of(&file)? } else { String::new() };
    let failures = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Record { job, failures })
}

fn text_of(file: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let metadata = std::fs::symlink_metadata(file)?;
    if !metadata.is_file() || metadata.len() > LIMIT {
        return Err(format!("{} is not a file of at most {LIMIT} bytes", file.display()).into());
    }
    Ok(String::from_utf8_lossy(&std::fs::read(file)?).into_owned())
}

/// The record of a target's build.
pub fn of_target(records: &[Record], arch: Arch, build_type: BuildType) -> Option<&Record> {
    records.iter().find(|record| {
        let job = &record.job;
        job.job == "build" && job.arch == Some(arch) && job.build_type == Some(build_type)
    })
}

/// The record of a job that is no build.
pub fn of_job<'a>(records: &'a [Record], name: &str) -> Option<&'a Record> {
    records.iter().find(|record| record.job.job == name)
}
