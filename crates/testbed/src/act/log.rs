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

/// What a log tells of its jobs, by their names.
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
    let mut ended: BTreeMap<String, bool> = BTreeMap::new();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    let mut summary = None;
    for line in log.lines() {
        let Some((label, text)) = labelled(line).filter(|(label, _)| labels.contains(label)) else {
            if let Some(summary) = summary.as_ref().and_then(|job| jobs.summaries.get_mut(job)) {
                summary.push_str(line);
                summary.push('\n');
            }
            continue;
        };
        let job = label.rsplit('/').next().unwrap_or(label).trim().to_owned();
        summary = None;
        if let Some(first) = text.strip_prefix(SUMMARY) {
            let summary_of_job = jobs.summaries.entry(job.clone()).or_default();
            summary_of_job.push_str(first);
            summary_of_job.push('\n');
            summary = Some(job);
        } else if text.starts_with(STEP_FAILED) {
            failed.insert(job);
        } else if let Some(result) = text.strip_prefix(END) {
            ended.insert(job, result.trim() == "Job succeeded");
        }
    }
    // When one job of a matrix has failed, act calls those failed that end after it.
    let another_failed = |job: &String| !failed.contains(job) && !failed.is_empty();
    jobs.results = ended.into_iter().map(|(job, succeeded)| (job.clone(), succeeded || another_failed(&job))).collect();
    jobs
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
    fn summaries_keep_all_their_lines() {
        let summaries = read(LOG).summaries;
        assert_eq!(summaries["Build (arm)-2"], "## Title\n\n| a |\n| [x] |\n");
        assert_eq!(summaries["Build (x86)-1"], "first\nsecond\n");
    }
}
