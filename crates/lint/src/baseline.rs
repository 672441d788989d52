// SPDX-License-Identifier: Apache-2.0
//! A baseline: the findings of an earlier run, as its SARIF has them, so that only new ones count. Lines may have moved
//! in between, so places are compared by fingerprints, and what is left by messages.

use crate::finding::Finding;
use crate::report::{self, sarif};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result};

/// Findings that were there before, by linter and rule, and by path as SARIF has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(HashMap<(String, String), Vec<Before>>);

/// A finding that was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Before {
    print: Option<String>,
    message: String,
}

impl Baseline {
    /// Reads a SARIF file that `sarif-path` of an earlier run wrote for the same package.
    pub fn read(path: &Path, package: &str) -> Result<Self> {
        let bytes = std::fs::read(path);
        let bytes = bytes
            .map_err(|error| Failure::input(format!("failed to read the baseline {}: {error}", path.display())))?;
        let help = "give a file that sarif-path of a run with `changed-only: false` wrote";
        let invalid =
            |why: &str| Failure::input(format!("{} is not a valid baseline: {why}", path.display())).help(help);
        let log: Value = serde_json::from_slice(&bytes).map_err(|error| invalid(&error.to_string()))?;
        let runs = log.get("runs").and_then(Value::as_array).ok_or_else(|| invalid("it has no runs"))?;
        let other = log.pointer("/properties/package").and_then(Value::as_str);
        let other = other.ok_or_else(|| invalid("it names no package"))?;
        if other != package {
            return Err(Failure::input(format!("{} is the baseline of {other}, not of {package}", path.display()))
                .help("give the baseline of this package, or name the package with `package`"));
        }
        if log.pointer("/properties/complete") != Some(&Value::Bool(true)) {
            return Err(invalid("its run did not look at everything, or found more than the file can hold"));
        }
        let mut baseline = Self::default();
        for run in runs {
            let name = run.pointer("/tool/driver/name").and_then(Value::as_str).unwrap_or_default();
            for result in run.get("results").and_then(Value::as_array).into_iter().flatten() {
                baseline.add(name, result);
            }
        }
        Ok(baseline)
    }

    fn add(&mut self, linter: &str, result: &Value) {
        let at = |pointer: &str| result.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let rule = sarif::full_rule(linter, &at("/ruleId").unwrap_or_default());
        let path = at("/locations/0/physicalLocation/artifactLocation/uri").unwrap_or_default();
        let print = at("/partialFingerprints/primaryLocationLineHash");
        let before = Before { print, message: at("/message/text").unwrap_or_default() };
        self.0.entry((rule, path)).or_default().push(before);
    }

    /// Marks the findings that were there before, as often as they were; those of no file are always new.
    pub fn mark(&self, findings: &mut [Finding], root: &Path, prefix: &Path) {
        let mut before = self.0.clone();
        let mut prints: HashMap<PathBuf, Vec<String>> = HashMap::new();
        let mut open: Vec<(&mut Finding, (String, String), Option<String>)> = Vec::new();
        for finding in findings.iter_mut() {
            let Some(path) = &finding.path else { continue };
            let prints = prints.entry(path.clone()).or_insert_with(|| {
                let text = report::read(root, path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                text.map(|text| sarif::fingerprints(&text)).unwrap_or_default()
            });
            let line = finding.span.map_or(1, |span| span.line.max(1));
            let print = usize::try_from(line - 1).ok().and_then(|line| prints.get(line)).cloned();
            let own = finding.rule.as_deref().unwrap_or(&finding.linter);
            let key = (sarif::full_rule(&finding.linter, own), sarif::uri(&prefix.join(path)));
            open.push((finding, key, print));
        }
        // First those of which all is the same, then those whose line is, then those whose words are.
        for (needs_line, needs_words) in [(true, true), (true, false), (false, true)] {
            open.retain_mut(|(finding, key, print)| {
                let fits = |known: &Before| {
                    let is_same_line = known.print.is_some() && known.print == *print;
                    (!needs_line || is_same_line) && (!needs_words || known.message == finding.message)
                };
                let is_known = take(&mut before, key, fits);
                finding.in_change &= !is_known;
                !is_known
            });
        }
    }
}

/// Takes out a finding that fits.
fn take(
    before: &mut HashMap<(String, String), Vec<Before>>,
    key: &(String, String),
    fits: impl Fn(&Before) -> bool,
) -> bool {
    let Some(known) = before.get_mut(key) else { return false };
    let Some(at) = known.iter().position(fits) else { return false };
    known.swap_remove(at);
    true
}
