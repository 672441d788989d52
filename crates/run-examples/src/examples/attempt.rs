// SPDX-License-Identifier: Apache-2.0
//! One example: run as often as it wants, each time in fresh folders, and verified.

use super::{Case, Relevance, Setting, backtrace, skipped, valgrind};
use crate::environment::Scratch;
use crate::manifest::{Command, Text};
use crate::normal::Folders;
use crate::placeholder::Places;
use crate::process::{self, Captured, End, Ended, Launch};
use crate::recorder::{Example, TAIL_LINES, shortened};
use crate::verify::{self, Golden};
use artifact::{Outcome, Sha256};
use std::ffi::OsString;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;
use toolkit::{Supervisor, human};

/// What came of one run.
struct Attempt {
    faults: Vec<String>,
    ended: Ended,
    digest: Option<Sha256>,
    /// What is told in addition to the output.
    remarks: Vec<String>,
    /// Whether it ran under valgrind, if it should.
    under_valgrind: Option<bool>,
}

/// Runs a case to its verdict.
pub fn run(case: &Case<'_>, setting: &Setting, supervisor: &Supervisor) -> Example {
    if let Relevance::Missing(reason) = &case.relevance {
        return skipped(case, reason);
    }
    let mut example = Example { plugin: case.plugin.clone(), ..Example::new(&case.name, Outcome::Pass) };
    let mut durations = Vec::new();
    let mut digests = Vec::new();
    for _ in 0..case.description.repeat.unwrap_or(setting.repeat).max(1) {
        let attempt = match attempt(case, setting, supervisor) {
            Ok(attempt) => attempt,
            Err(Hindrance::Skip(reason)) => return skipped(case, &reason),
            Err(Hindrance::Fail(reason)) => {
                return Example { outcome: Outcome::Fail, detail: Some(reason), ..example };
            }
        };
        durations.push(attempt.ended.duration);
        digests.push(attempt.digest);
        example.output = output(&attempt);
        if let Some(watched) = attempt.under_valgrind {
            *example.under_valgrind.get_or_insert(true) &= watched;
        }
        for leftover in &attempt.ended.leftovers {
            if !example.leftovers.contains(leftover) {
                example.leftovers.push(leftover.clone());
            }
        }
        if !attempt.faults.is_empty() {
            example.outcome = Outcome::Fail;
            example.detail = Some(shortened(&attempt.faults.join("; ")));
            break;
        }
    }
    example.duration = median(durations);
    // What differs between two runs of this machine says nothing about another's.
    let first = digests.first().copied().flatten();
    example.digest = first.filter(|first| digests.iter().all(|digest| *digest == Some(*first)));
    example
}

/// Why an example could not run at all.
enum Hindrance {
    Skip(String),
    Fail(String),
}

fn attempt(case: &Case<'_>, setting: &Setting, supervisor: &Supervisor) -> Result<Attempt, Hindrance> {
    let scratch = Scratch::new().map_err(|failure| Hindrance::Fail(failure.to_string()))?;
    let tmp = scratch.path("tmp");
    let places = Places {
        bin: setting.tree.join("bin"),
        lib: setting.lib(),
        share: setting.tree.join("share"),
        source: setting.source.clone(),
        tmp: tmp.clone(),
        plugin: case.plugin.clone(),
    };
    let description = case.description;
    let (words, shell): (Vec<OsString>, bool) = match &description.command {
        Command::Program(words) => (words.iter().map(|word| places.fill(word).into()).collect(), false),
        Command::Shell(text) => (vec!["/bin/sh".into(), "-c".into(), places.fill_quoted(text).into()], true),
    };
    let mut environment = setting.environment.clone();
    let scratch_variables = scratch.variables().map(|(name, folder)| (name.into(), folder.into()));
    environment.extend(scratch_variables);
    environment.extend(case.plugin.as_ref().map(|plugin| ("VACCEL_PLUGINS".into(), setting.plugin(plugin))));
    environment.extend(description.env.iter().map(|(name, value)| (name.into(), places.fill(value).into())));
    let words = setting.machine.words(words, shell, &setting.search_paths).map_err(Hindrance::Skip)?;
    let timeout = description.timeout.map_or(setting.timeout, Duration::from_secs);
    let mut launch = Launch { words, folder: tmp.clone(), environment, timeout };
    let plain = launch.clone();
    if let Some(program) = &setting.valgrind {
        if !setting.machine.is_native() {
            return Err(Hindrance::Skip("valgrind watches programs of this machine's architecture only".to_owned()));
        }
        launch.words = valgrind::watched(program, scratch.root(), launch.words);
    }

    let mut ended = process::run(&launch, supervisor);
    let golden = bless(case, setting, &ended, &tmp).map_err(Hindrance::Fail)?;
    let mut faults = verify::verify(&description.expect, &ended, &tmp, &golden);
    if let (End::TimedOut(_), Some(fault)) = (&ended.end, faults.first_mut()) {
        let words: Vec<_> = plain.words.iter().map(|word| word.to_string_lossy()).collect();
        *fault = format!("{fault}: {}", setting.folders.normalise(&words.join(" ")));
    }
    let mut remarks = Vec::new();
    let mut under_valgrind = None;
    if setting.valgrind.is_some() {
        let errors = valgrind::errors(scratch.root());
        under_valgrind = Some(errors.has_run());
        faults.extend(errors.fault());
        remarks.extend(errors.lines);
    } else if !faults.is_empty()
        && let Some(gdb) = &setting.gdb
        && backtrace::has_crashed(&ended.end)
    {
        remarks.extend(backtrace::of(gdb, &plain, shell, supervisor));
    }
    let mut folders = setting.folders.clone();
    folders.add(&tmp, "<tmp>");
    folders.add(scratch.root(), "<scratch>");
    let digest = digest(case, &folders, &ended);
    for leftover in &mut ended.leftovers {
        *leftover = folders.normalise(leftover);
    }
    Ok(Attempt { faults, ended, digest, remarks, under_valgrind })
}

/// The golden files, after what may be written was written.
fn bless(case: &Case<'_>, setting: &Setting, ended: &Ended, tmp: &Path) -> Result<Golden, String> {
    let expect = &case.description.expect;
    let mut golden = setting.golden.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(blessed) = setting.blessed.as_ref().filter(|_| verify::verify_end(expect, &ended.end).is_none()) {
        let mut blessed = blessed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut save = |text: &Text, found: &Captured| -> Result<(), String> {
            let Some(path) = text.golden().filter(|path| blessed.insert((*path).to_owned())) else { return Ok(()) };
            let target = setting.folder.join(path);
            if found.is_cut() {
                let size = human::bytes(found.size);
                return Err(format!("{} was not written: {size} are too much for a golden file", target.display()));
            }
            let folder = target.parent().map_or(Ok(()), std::fs::create_dir_all);
            folder
                .and_then(|()| std::fs::write(&target, &found.bytes))
                .map_err(|error| format!("{} could not be written: {error}", target.display()))?;
            golden.insert(path.to_owned(), found.bytes.clone());
            Ok(())
        };
        for (text, found) in [(&expect.stdout, &ended.stdout), (&expect.stderr, &ended.stderr)] {
            text.as_ref().map_or(Ok(()), |text| save(text, found))?;
        }
        for file in &expect.files {
            if let (Some(text), Ok(found)) = (&file.content, verify::read(&tmp.join(&file.path))) {
                save(text, &found)?;
            }
        }
    }
    Ok(golden.clone())
}

/// The digest of what can be compared with another run.
fn digest(case: &Case<'_>, folders: &Folders, ended: &Ended) -> Option<Sha256> {
    let expect = &case.description.expect;
    if case.description.volatile || !matches!(ended.end, End::Status(_)) {
        return None;
    }
    let comparable = |text: Option<&Text>, found: &Captured| {
        // Numbers that may differ do.
        let numbers = text.is_some_and(|text| text.numbers.is_some());
        if numbers { Vec::new() } else { found.bytes.clone() }
    };
    let stdout = comparable(expect.stdout.as_ref(), &ended.stdout);
    let stderr = comparable(expect.stderr.as_ref(), &ended.stderr);
    Some(folders.digest(&[&stdout, &stderr]))
}

/// The last lines of the output, and what is known besides.
fn output(attempt: &Attempt) -> Vec<String> {
    let text = String::from_utf8_lossy(&attempt.ended.tail);
    let lines: Vec<_> = text.lines().collect();
    let mut shown = Vec::new();
    let size = attempt.ended.stdout.size + attempt.ended.stderr.size;
    if lines.len() > TAIL_LINES || size > attempt.ended.tail.len() as u64 {
        shown.push(format!("(the end of {} of output)", human::bytes(size)));
    }
    shown.extend(lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| shortened(line)));
    shown.extend(attempt.remarks.iter().map(|line| shortened(line)));
    shown
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    let middle = durations.len() / 2;
    match durations.get(middle) {
        Some(upper) if durations.len().is_multiple_of(2) => (durations[middle - 1] + *upper) / 2,
        Some(middle) => *middle,
        None => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_the_slowest() {
        let of = |milliseconds: &[u64]| {
            median(milliseconds.iter().map(|milliseconds| Duration::from_millis(*milliseconds)).collect()).as_millis()
        };
        assert_eq!((of(&[]), of(&[7]), of(&[1, 3]), of(&[900, 3, 1])), (0, 7, 2, 3));
    }
}
