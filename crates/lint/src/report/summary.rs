// SPDX-License-Identifier: Apache-2.0
//! The job summary: a table of the linters, the findings by file, and how to mend them.

use super::{Counts, Headline, Patch, bracketed, by_weight, counted, headline, is_own, shown, time};
use crate::finding::{Finding, Severity};
use crate::outcome::{LinterOutcome, Outcome, Relevance};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use toolkit::markdown::{code, escape, table};

/// Findings that are told per file; the rest is counted.
const PER_FILE: usize = 20;
/// Bytes of the findings; GitHub takes a mebibyte per step, and other parts of the job tell too.
const LIMIT: usize = 600 * 1024;
/// Characters of a message.
const MESSAGE: usize = 500;

/// How the patch is applied by a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// The name of its file.
    pub file: String,
    /// The run of the workflow that keeps it in an artifact whose name begins with `lint`, and the repository (`owner/name`).
    pub run: Option<(String, String)>,
}

/// Makes the summary; `apply` is absent if the patch was not written.
pub fn summary(outcome: &Outcome, patch: &Patch, apply: Option<&Apply>) -> String {
    let Headline { text, is_warning } = headline(outcome);
    let sign = if is_warning { "⚠️ " } else { "" };
    let mut text = format!("### {sign}Lint {text}\n\n");
    for note in &outcome.notes {
        let sign = if note.is_warning { "⚠️" } else { "ℹ️" };
        let _ = write!(text, "{sign} {}\n\n", escape(&note.message));
    }
    let outside = outcome.findings.iter().filter(|finding| !finding.in_change).count();
    if outside > 0 {
        let _ = write!(text, "{outside} of them not in the change; these are notices and fail nothing.\n\n");
    }
    let (ran, rest): (Vec<_>, Vec<_>) =
        outcome.linters.iter().partition(|linter| !matches!(linter.relevance, Relevance::NotRelevant(_)));
    if ran.is_empty() {
        text.push_str("No linter is relevant here.\n\n");
    } else {
        let columns = ["Linter", "Files", "Errors", "Warnings", "Notices", "Time", "Version"];
        text.push_str(&table(&columns, ran.iter().map(|linter| row(linter, &outcome.findings))));
        text.push('\n');
    }
    text.push_str(&not_run(&rest));
    text.push_str(&mend(patch, apply));
    text.push_str(&findings(&outcome.findings));
    text
}

fn row(linter: &LinterOutcome, findings: &[Finding]) -> Vec<String> {
    let counts = Counts::of(findings.iter().filter(|finding| finding.linter == linter.name));
    let number = |count: usize| if count == 0 { "–".to_owned() } else { count.to_string() };
    let (time, version) = match &linter.relevance {
        Relevance::Missing(provided_by) => ("–".to_owned(), format!("**missing**: install {}", escape(provided_by))),
        Relevance::Failed(why) => {
            (time(linter.duration), format!("**did not do its work**: {}", escape(&clipped(why))))
        }
        _ => (time(linter.duration), version(linter)),
    };
    let name = format!("[{}]({})", escape(&linter.name), url(&linter.homepage));
    vec![
        name,
        number(linter.files),
        number(counts.errors),
        number(counts.warnings),
        number(counts.notices),
        time,
        version,
    ]
}

fn version(linter: &LinterOutcome) -> String {
    match (&linter.version, &linter.tested) {
        (Some(version), Some(tested)) if version != tested => {
            format!("{} (tested: {})", escape(version), escape(tested))
        }
        (Some(version), _) => escape(version),
        (None, _) if is_own(linter) => "built in".to_owned(),
        (None, _) => "unknown".to_owned(),
    }
}

/// A link's destination that cannot end early.
fn url(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' | ')' | '<' | '>' | '|' | '\\' | '`' | '"' | ' ' => {
                let _ = write!(clean, "%{:02X}", u32::from(c));
            }
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    let is_web = clean.starts_with("https://") || clean.starts_with("http://");
    if is_web { clean } else { "#".to_owned() }
}

fn not_run(linters: &[&LinterOutcome]) -> String {
    if linters.is_empty() {
        return String::new();
    }
    let mut text = format!("<details><summary>{} not relevant here</summary>\n\n", counted(linters.len(), "linter"));
    for linter in linters {
        if let Relevance::NotRelevant(why) = &linter.relevance {
            let _ = writeln!(text, "- {}: {}", escape(&linter.name), escape(why));
        }
    }
    text.push_str("\n</details>\n\n");
    text
}

/// How the fixes are applied.
fn mend(patch: &Patch, apply: Option<&Apply>) -> String {
    if patch.fixes == 0 {
        return String::new();
    }
    let (findings, files) = (counted(patch.fixes, "finding"), counted(patch.files, "file"));
    let mut text = format!("**{findings} can be fixed automatically**, in {files}");
    let plain =
        |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || "-_./".contains(*c)).collect::<String>();
    match apply {
        Some(Apply { file, run: Some((run, repository)) }) => {
            let (file, run, repository) = (plain(file), plain(run), plain(repository));
            // An artifact that a pattern names is put into a folder of its name.
            let download = format!("gh run download {run} --repo {repository} --pattern 'lint*' --dir lint-fixes");
            let _ = write!(text, ":\n\n```sh\n{download} && git apply lint-fixes/*/{file}\n```\n\n");
        }
        Some(Apply { file, run: None }) => {
            let _ = write!(text, ":\n\n```sh\ngit apply {}\n```\n\n", plain(file));
        }
        None => text.push_str("; `patch-path` names a file for the patch, `vaccel-lint --fix` applies it.\n\n"),
    }
    if patch.left_out > 0 {
        let noun = if patch.left_out == 1 { "fix is" } else { "fixes are" };
        let why = "the same lines are changed already; run again afterwards";
        let _ = write!(text, "{} more {noun} not in it: {why}.\n\n", patch.left_out);
    }
    text
}

/// The findings by file, the files with the worst first.
fn findings(findings: &[Finding]) -> String {
    let mut files: BTreeMap<Option<&PathBuf>, Vec<&Finding>> = BTreeMap::new();
    for finding in by_weight(findings) {
        files.entry(finding.path.as_ref()).or_default().push(finding);
    }
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(path, findings)| {
        let worst = findings.first().map(|finding| (finding.weight(), !finding.in_change));
        (path.is_some(), worst)
    });
    let mut text = String::new();
    for (index, (path, findings)) in files.iter().enumerate() {
        let part = file(path.map(PathBuf::as_path), findings);
        if text.len() + part.len() > LIMIT {
            let left: usize = files.get(index..).unwrap_or_default().iter().map(|(_, findings)| findings.len()).sum();
            let left_files = counted(files.len() - index, "file");
            let _ = writeln!(text, "… and {} in {left_files} more.", counted(left, "finding"));
            break;
        }
        text.push_str(&part);
    }
    text
}

fn file(path: Option<&std::path::Path>, findings: &[&Finding]) -> String {
    let name = path.map_or_else(|| "The repository".to_owned(), |path| code(&shown(path)));
    let counts = Counts::of(findings.iter().copied()).sentence();
    let mut text = format!("#### {name}: {counts}\n\n");
    let mut shown: Vec<_> = findings.iter().take(PER_FILE).collect();
    shown.sort_by_key(|finding| finding.span);
    for finding in shown {
        text.push_str(&line(finding));
    }
    if let Some(left) = findings.len().checked_sub(PER_FILE).filter(|left| *left > 0) {
        let _ = writeln!(text, "- … and {left} more");
    }
    text.push('\n');
    text
}

fn line(finding: &Finding) -> String {
    let severity = match finding.weight() {
        Severity::Error => "❌ error",
        Severity::Warning => "⚠️ warning",
        Severity::Notice => "ℹ️ notice",
    };
    let place = finding.span.map_or_else(String::new, |span| match span.column {
        Some(column) => format!("{}:{column} ", span.line),
        None => format!("{} ", span.line),
    });
    let mut message: String = finding.message.chars().take(MESSAGE).collect();
    if message.len() < finding.message.len() {
        message.push('…');
    }
    let rule = match (&finding.rule, &finding.rule_url) {
        (Some(rule), Some(link)) => format!(" [{}]({})", escape(&clipped(rule)), url(&clipped(link))),
        (rule, _) => escape(&bracketed(rule.as_deref().map(clipped).as_deref())),
    };
    let outside = if finding.in_change { "" } else { ", not in the change" };
    format!("- {place}{severity}: {} ({}{rule}{outside})\n", escape(&message), escape(&clipped(&finding.linter)))
}

fn clipped(text: &str) -> String {
    text.chars().take(MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{at, many, outcome};

    #[test]
    fn it_tells_linters_findings_and_the_way_out() {
        let patch = Patch { bytes: b"x".to_vec(), files: 2, fixes: 3, left_out: 2 };
        let run = Some(("1234".to_owned(), "nubificus/vaccel".to_owned()));
        let mut apply = Apply { file: "lint.patch".to_owned(), run };
        insta::assert_snapshot!(summary(&outcome(), &patch, Some(&apply)));
        apply.run = None;
        assert!(mend(&patch, Some(&apply)).contains("\ngit apply lint.patch\n"));
        assert!(mend(&patch, None).contains("`patch-path`"));
    }

    #[test]
    fn nothing_found_is_short() {
        let mut outcome = outcome();
        outcome.findings.clear();
        outcome.linters.truncate(2);
        outcome.linters.remove(0);
        insta::assert_snapshot!(summary(&outcome, &Patch::default(), None));
    }

    #[test]
    fn a_file_with_many_findings_does_not_hide_the_others() {
        let mut findings = many(Severity::Warning, 50);
        findings.push(at("other.c", 3, Severity::Notice));
        let text = summary(&Outcome { findings, ..Outcome::default() }, &Patch::default(), None);
        assert!(text.contains("- … and 30 more\n") && text.contains("`other.c`"));
    }

    #[test]
    fn its_size_is_bounded() {
        let long = "<".repeat(100_000);
        let finding = |number: u32| Finding { message: long.clone(), ..at(&format!("{number}.c"), 1, Severity::Error) };
        let findings: Vec<_> = (0..2000).map(finding).collect();
        let text = summary(&Outcome { findings, ..Outcome::default() }, &Patch::default(), None);
        assert!(text.len() < 700 * 1024, "{}", text.len());
        assert!(text.trim_end().ends_with("files more."), "{}", &text[text.len() - 100..]);
    }
}
