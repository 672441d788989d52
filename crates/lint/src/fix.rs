// SPDX-License-Identifier: Apache-2.0
//! Which fix belongs to which finding: pure decisions about lines.

use crate::finding::Finding;
use crate::patch::{Hunk, of_file};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many lines of context a fix has.
const CONTEXT: usize = 3;

/// Gives the findings of one linter in one file their fixes: `new` is the file as the linter fixes it, `left` what it
/// still finds then, as rules and messages. What is found as often as before is not fixed.
pub fn attach(findings: &mut [Finding], linter: &str, path: &Path, old: &[u8], new: &[u8], left: &[Left]) {
    let hunks = Hunk::between(old, new, 0);
    let own = fixed(findings, linter, path, &hunks, left);
    for (members, hunks) in groups(findings, &own, hunks) {
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

/// What is still found: rule and message.
pub type Left = (Option<String>, String);

/// The findings that a linter no longer has: of equal ones those that are nearest to what changes.
fn fixed(findings: &[Finding], linter: &str, path: &Path, hunks: &[Hunk], left: &[Left]) -> Vec<usize> {
    let is_own =
        |finding: &Finding| finding.linter == linter && finding.path.as_deref() == Some(path) && finding.fix.is_none();
    let mut alike: BTreeMap<(Option<&str>, &str), Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate().filter(|(_, finding)| is_own(finding)) {
        alike.entry((finding.rule.as_deref(), &finding.message)).or_default().push(index);
    }
    let mut fixed = Vec::new();
    for ((rule, message), mut indexes) in alike {
        let left = left.iter().filter(|(other, words)| other.as_deref() == rule && words == message).count();
        indexes.sort_by_key(|index| hunks.iter().map(|hunk| distance(findings, *index, hunk)).min());
        indexes.truncate(indexes.len().saturating_sub(left));
        fixed.extend(indexes);
    }
    fixed.sort_unstable();
    fixed
}

/// How many lines lie between a finding and a change; 0 where it touches it.
fn distance(findings: &[Finding], index: usize, hunk: &Hunk) -> u32 {
    let (first, last, _, _) = hunk.changed();
    let span = findings.get(index).and_then(|finding| finding.span).unwrap_or_default();
    let (start, end) = (span.line, span.end_line.unwrap_or(span.line).max(span.line));
    start.saturating_sub(last).max(first.saturating_sub(end))
}

/// Findings and the hunks that fix them together: those that touch the same lines, else the nearest. Each finding is in
/// one of them.
fn groups(findings: &[Finding], own: &[usize], hunks: Vec<Hunk>) -> Vec<(BTreeSet<usize>, Vec<Hunk>)> {
    let mut groups: Vec<(BTreeSet<usize>, Vec<Hunk>)> = Vec::new();
    for hunk in hunks {
        let Some(nearest) = own.iter().map(|index| distance(findings, *index, &hunk)).min() else { return groups };
        let is_near = |index: &usize| distance(findings, *index, &hunk) == nearest;
        let members: Vec<usize> = own.iter().copied().filter(is_near).collect();
        // Findings at the same distance, but not in the same lines, are not meant all.
        let members = if nearest == 0 { members } else { members.into_iter().take(1).collect() };
        let (joined, rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(known, _)| members.iter().any(|index| known.contains(index)));
        let mut group: (BTreeSet<usize>, Vec<Hunk>) = (members.into_iter().collect(), Vec::new());
        for (known, hunks) in joined {
            group.0.extend(known);
            group.1.extend(hunks);
        }
        group.1.push(hunk);
        groups = rest;
        groups.push(group);
    }
    for index in own {
        if groups.iter().any(|(members, _)| members.contains(index)) {
            continue;
        }
        // What fixes it lies elsewhere, as where a blank line is missing.
        let far = |hunks: &[Hunk]| hunks.iter().map(|hunk| distance(findings, *index, hunk)).min();
        if let Some((members, _)) = groups.iter_mut().min_by_key(|(_, hunks)| far(hunks)) {
            members.insert(*index);
        }
    }
    groups
}

#[cfg(test)]
mod tests;
