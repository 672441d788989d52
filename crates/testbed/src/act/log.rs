// SPDX-License-Identifier: Apache-2.0
//! Reading what act prints.
//!
//! A line is `[<workflow>/<job> ] <what happened>`; the lines of a longer message follow without
//! that. Only the beginning of a job tells its label for certain, since a message may have
//! brackets too.

use std::collections::{BTreeMap, BTreeSet};

const BEGINNING: &str = "⭐ Run Set up job";
const SUMMARY: &str = "⚙  Summary - ";
const STEP_FAILED: &str = "❌";
const END: &str = "🏁";

/// What a log tells of its jobs, by their names. What jobs of one name tell is taken together.
#[derive(Debug, Default)]
pub struct Jobs {
    /// Whether each succeeded.
    pub results: BTreeMap<String, bool>,
    /// The summary of each.
    pub summaries: BTreeMap<String, String>,
}

/// Reads a log.
pub fn read(log: &str) -> Jobs {
    let labels: BTreeSet<&str> =
        log.lines().filter_map(labelled).filter(|(_, text)| *text == BEGINNING).map(|(label, _)| label).collect();
    let mut jobs = Jobs::default();
    let mut ended: BTreeMap<&str, bool> = BTreeMap::new();
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    let mut summary = None;
    for line in log.lines() {
        let Some((label, text)) = labelled(line).filter(|(label, _)| labels.contains(label)) else {
            if let Some(summary) = summary.and_then(|job| jobs.summaries.get_mut(job)) {
                summary.push_str(line);
                summary.push('\n');
            }
            continue;
        };
        summary = None;
        if let Some(first) = text.strip_prefix(SUMMARY) {
            let summary_of_job = jobs.summaries.entry(name(label).to_owned()).or_default();
            summary_of_job.push_str(first);
            summary_of_job.push('\n');
            summary = Some(name(label));
        } else if text.starts_with(STEP_FAILED) {
            failed.insert(label);
        } else if let Some(result) = text.strip_prefix(END) {
            ended.insert(label, result.trim() == "Job succeeded");
        }
    }
    // When one leg of a matrix has failed, act calls those failed that end after it.
    let is_excused = |label: &str| {
        let matrix = matrix(label);
        !failed.contains(label) && matrix.is_some() && failed.iter().any(|other| self::matrix(other) == matrix)
    };
    for (label, succeeded) in ended {
        // Workflows that are called may have jobs of the same name.
        let all = jobs.results.entry(name(label).to_owned()).or_insert(true);
        *all &= succeeded || is_excused(label);
    }
    jobs
}

/// A job's name, without the workflows that call it.
fn name(label: &str) -> &str {
    label.rsplit('/').next().unwrap_or(label).trim()
}

/// What the legs of one matrix have in common: who calls them. Their names may all differ, but end
/// with a number.
fn matrix(label: &str) -> Option<&str> {
    let (callers, name) = label.trim().rsplit_once('/')?;
    let (_, number) = name.rsplit_once('-')?;
    number.parse::<u32>().is_ok().then_some(callers)
}

fn labelled(line: &str) -> Option<(&str, &str)> {
    let (label, text) = line.strip_prefix('[')?.split_once(']')?;
    Some((label, text.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
time=\"2026-01-02T03:04:05Z\" level=warning msg=\"no docker\"
[ci/Build (x86)-1] ⭐ Run Set up job
[ci/Build (arm)-2] ⭐ Run Set up job
[ci/Build (arm)-2]   ❌  Failure - Main make [3ms]
[ci/Build (arm)-2]   ⚙  Summary - ## Title

| a |
| [x] |
[ci/Build (arm)-2] exit status 3
[ci/Build (arm)-2] 🏁  Job failed
[ci/Build (x86)-1]   | [ci/not a job] 🏁  Job failed
[ci/Build (x86)-1]   ⚙  Summary - first
[ci/Build (x86)-1]   ⚙  Summary - second
[ci/Build (x86)-1] 🏁  Job failed
[ci/verify/Verdict ] ⭐ Run Set up job
[ci/verify/Verdict ] 🏁  Job succeeded
Error: Job 'Build' failed
";

    #[test]
    fn a_job_failed_when_a_step_of_it_did() {
        let results: Vec<_> = read(LOG).results.into_iter().collect();
        let expected = [("Build (arm)-2", false), ("Build (x86)-1", true), ("Verdict", true)];
        assert_eq!(results, expected.map(|(job, result)| (job.to_owned(), result)));
    }

    #[test]
    fn a_job_that_failed_without_a_step_is_not_called_successful() {
        let log = "[ci/one] ⭐ Run Set up job\n[ci/one] 🏁  Job failed\n";
        assert_eq!(read(log).results.get("one"), Some(&false));
    }

    #[test]
    fn only_a_leg_of_the_same_matrix_is_excused() {
        let log = "\
[ci/a/Build-1] ⭐ Run Set up job
[ci/a/Build-1]   ❌  Failure - Main make [3ms]
[ci/a/Build-1] 🏁  Job failed
[ci/a/Build-2] ⭐ Run Set up job
[ci/a/Build-2] 🏁  Job failed
[ci/b/Test-1] ⭐ Run Set up job
[ci/b/Test-1] 🏁  Job failed
[ci/a/Verdict] ⭐ Run Set up job
[ci/a/Verdict] 🏁  Job failed
";
        let results: Vec<_> = read(log).results.into_iter().collect();
        let expected = [("Build-1", false), ("Build-2", true), ("Test-1", false), ("Verdict", false)];
        assert_eq!(results, expected.map(|(job, result)| (job.to_owned(), result)));
    }

    #[test]
    fn of_jobs_with_one_name_all_must_succeed() {
        let job = |caller: &str, result: &str| {
            format!("[ci/{caller}/Plan] ⭐ Run Set up job\n[ci/{caller}/Plan] 🏁  Job {result}\n")
        };
        let log = job("one", "failed") + &job("two", "succeeded");
        assert_eq!(read(&log).results.get("Plan"), Some(&false));
    }

    #[test]
    fn summaries_keep_all_their_lines() {
        let summaries = read(LOG).summaries;
        assert_eq!(summaries["Build (arm)-2"], "## Title\n\n| a |\n| [x] |\n");
        assert_eq!(summaries["Build (x86)-1"], "first\nsecond\n");
    }
}
