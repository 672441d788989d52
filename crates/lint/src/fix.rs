// SPDX-License-Identifier: Apache-2.0
//! Which fix belongs to which finding: pure decisions about lines.

use crate::finding::Finding;
use crate::patch::{Hunk, of_file};
use std::collections::BTreeSet;
use std::path::Path;

/// How many lines of context a fix has.
const CONTEXT: usize = 3;

/// Gives the findings of one linter in one file their fixes: `new` is the file as the linter mends it.
pub fn attach(findings: &mut [Finding], linter: &str, path: &Path, old: &[u8], new: &[u8]) {
    let own: Vec<usize> = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| {
            finding.linter == linter && finding.path.as_deref() == Some(path) && finding.fix.is_none()
        })
        .map(|(index, _)| index)
        .collect();
    for (members, hunks) in groups(findings, &own, Hunk::between(old, new, 0)) {
        let bytes: Vec<u8> = hunks.iter().flat_map(|hunk| hunk.alone(old, CONTEXT).to_bytes()).collect();
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let fix = of_file(path, &text);
        for index in members {
            if let Some(finding) = findings.get_mut(index) {
                finding.fix = Some(fix.clone());
            }
        }
    }
}

/// Findings and the hunks that mend them together: those that touch the same lines, else the nearest finding.
fn groups(findings: &[Finding], own: &[usize], hunks: Vec<Hunk>) -> Vec<(BTreeSet<usize>, Vec<Hunk>)> {
    let mut groups: Vec<(BTreeSet<usize>, Vec<Hunk>)> = Vec::new();
    for hunk in hunks {
        let (first, last, _, _) = hunk.changed();
        let distance = |index: &usize| {
            let span = findings.get(*index).and_then(|finding| finding.span).unwrap_or_default();
            let (start, end) = (span.line, span.end_line.unwrap_or(span.line).max(span.line));
            start.saturating_sub(last).max(first.saturating_sub(end))
        };
        let Some(nearest) = own.iter().map(distance).min() else { return groups };
        let members: Vec<usize> = own.iter().copied().filter(|index| distance(index) == nearest).collect();
        // Findings that are mended at the same distance, but not in the same lines, are not meant all.
        let members = if nearest == 0 { members } else { members.into_iter().take(1).collect() };
        match groups.iter_mut().find(|(known, _)| members.iter().any(|index| known.contains(index))) {
            Some((known, hunks)) => {
                known.extend(members);
                hunks.push(hunk);
            }
            None => groups.push((members.into_iter().collect(), vec![hunk])),
        }
    }
    groups
}

#[cfg(test)]
mod tests;
