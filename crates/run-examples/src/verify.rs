// SPDX-License-Identifier: Apache-2.0
//! Whether an example did what it must: exit status, output, files.

mod numbers;

use crate::manifest::{Expect, Text};
use crate::process::{Captured, End, Ended, KEPT};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use toolkit::human;

/// Contents of the golden files, by their path in the manifest.
pub type Golden = BTreeMap<PathBuf, Vec<u8>>;

/// What is not as it must be, a sentence each.
pub fn verify(expect: &Expect, ended: &Ended, tmp: &Path, golden: &Golden) -> Vec<String> {
    let mut faults: Vec<_> = verify_end(expect, &ended.end).into_iter().collect();
    if matches!(ended.end, End::TimedOut(_) | End::Cancelled | End::NotStarted(_)) {
        // What is missing then is no news.
        return faults;
    }
    for (name, expected, captured) in
        [("standard output", &expect.stdout, &ended.stdout), ("standard error", &expect.stderr, &ended.stderr)]
    {
        if let Some(text) = expected {
            faults.extend(verify_text(name, text, captured, golden));
        }
    }
    for file in &expect.files {
        let shown = file.path.display().to_string();
        let path = tmp.join(&file.path);
        if !path.is_file() {
            faults.push(format!("{shown} was not produced"));
            continue;
        }
        if let Some(expected) = &file.sha256 {
            match std::fs::File::open(&path).and_then(artifact::Sha256::of_reader) {
                Ok((found, _)) if found == *expected => {}
                Ok((found, _)) => faults.push(format!("{shown} has the digest {found}")),
                Err(error) => faults.push(format!("{shown} could not be read: {error}")),
            }
        }
        if let Some(text) = &file.content {
            match read(&path) {
                Ok(captured) => faults.extend(verify_text(&shown, text, &captured, golden)),
                Err(error) => faults.push(format!("{shown} could not be read: {error}")),
            }
        }
    }
    faults
}

/// The beginning of a produced file.
pub fn read(path: &Path) -> std::io::Result<Captured> {
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(KEPT as u64).read_to_end(&mut bytes)?;
    Ok(Captured { bytes, size })
}

/// How the end differs from the expected one.
pub fn verify_end(expect: &Expect, end: &End) -> Option<String> {
    let expected = i32::from(expect.status);
    Some(match end {
        End::Status(status) if *status == expected => return None,
        End::Status(status) if expected == 0 => crate::recorder::Ending::Status(*status).to_string(),
        End::Status(status) => format!("ended with exit status {status} instead of {expected}"),
        End::Signal(signal) => format!("was killed by {signal}"),
        End::TimedOut(after) => crate::run::timed_out(*after),
        End::Cancelled => "was stopped, because the run was cancelled".to_owned(),
        End::NotStarted(reason) => reason.clone(),
    })
}

fn verify_text(name: &str, expected: &Text, found: &Captured, golden: &Golden) -> Vec<String> {
    let mut faults = Vec::new();
    let text = String::from_utf8_lossy(&found.bytes);
    let file = expected.golden().and_then(|path| golden.get(path));
    let exact = expected.exact.as_ref().map(String::as_bytes).or_else(|| {
        // A file of numbers is not compared by its bytes.
        file.filter(|_| expected.file.is_some()).map(Vec::as_slice)
    });
    // What is missing behind the beginning may be there after it; what is found in it is found.
    let needs_all = exact.is_some()
        || expected.numbers.is_some()
        || expected.matches.iter().any(|pattern| !pattern.0.is_match(&text))
        || (!expected.lacks.is_empty() && !expected.lacks.iter().any(|pattern| pattern.0.is_match(&text)));
    if found.is_cut() && needs_all {
        faults.push(format!(
            "{name} is {}, of which only the first {} could be compared",
            human::bytes(found.size),
            human::bytes(KEPT as u64)
        ));
        return faults;
    }
    if let Some(exact) = exact
        && exact != found.bytes
    {
        faults.push(format!("{name} {}", difference(exact, &found.bytes)));
    }
    if let (Some(tolerance), Some(file)) = (&expected.numbers, file)
        && let Err(fault) = numbers::compare(&String::from_utf8_lossy(file), &text, tolerance)
    {
        faults.push(format!("{name} {fault}"));
    }
    for pattern in expected.matches.iter().filter(|pattern| !pattern.0.is_match(&text)) {
        faults.push(format!("{name} does not match `{}`", pattern.0));
    }
    for pattern in &expected.lacks {
        if let Some(found) = pattern.0.find(&text) {
            let line = text[..found.start()].matches('\n').count() + 1;
            faults.push(format!("{name} matches `{}` in line {line}", pattern.0));
        }
    }
    faults
}

/// The first line in which two texts differ.
fn difference(expected: &[u8], found: &[u8]) -> String {
    let (expected, found) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
    let (mut left, mut right) = (expected.split_inclusive('\n'), found.split_inclusive('\n'));
    let mut line = 0;
    loop {
        line += 1;
        match (left.next(), right.next()) {
            (Some(left), Some(right)) if left == right => {}
            (Some(left), Some(right)) if left.trim_end() == right.trim_end() => {
                return format!("differs in line {line} at its end: {left:?} was expected, and {right:?} came");
            }
            (Some(left), Some(right)) => {
                return format!("differs in line {line}: {} was expected, and {} came", quoted(left), quoted(right));
            }
            (Some(left), None) => return format!("ends before line {line}: {} was expected", quoted(left)),
            (None, Some(right)) => return format!("goes on in line {line}: {}", quoted(right)),
            (None, None) => return "differs in bytes that are not UTF-8".to_owned(),
        }
    }
}

fn quoted(line: &str) -> String {
    const SHOWN: usize = 120;
    let line = line.trim_end_matches('\n');
    let cut: String = line.chars().take(SHOWN).collect();
    format!("{cut:?}{}", if cut.len() < line.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests;
