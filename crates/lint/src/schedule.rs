// SPDX-License-Identifier: Apache-2.0
//! What is called, in which order: pure decisions about files and their sizes.

use crate::definition::{Linter, Per};
use crate::files::File;
use crate::trust::Configuration;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The bytes that the files of one call may have on a command line. The system allows two
/// megabytes for all arguments and the environment, or less where the stack is small.
const ARGUMENT_BYTES: usize = 96 * 1024;
/// A call is not divided below this cost, in milliseconds: starting a program costs too.
const SMALLEST: u64 = 1500;
/// This many bytes count as a file.
const USUAL_SIZE: u64 = 8 * 1024;

/// What stands for the file that a call writes.
pub const OUTPUT: &str = "{output}";

/// One call of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which of the linters, by index.
    pub linter: usize,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The variables that are set for it.
    pub variables: Vec<(String, OsString)>,
    /// Its configuration, as messages name it.
    pub configuration: Option<PathBuf>,
    /// Its files, relative to the root.
    pub files: Vec<PathBuf>,
    /// Whether its one file goes to standard input.
    pub stdin: bool,
    /// Whether nothing that it finds counts.
    pub outside: bool,
    /// What it is expected to take, in milliseconds; only good for comparing.
    pub cost: u64,
}

/// A linter that runs, as scheduling sees it.
#[derive(Debug)]
pub struct Work<'a> {
    /// The linter, by index.
    pub index: usize,
    /// The linter.
    pub linter: &'a Linter,
    /// Its files.
    pub files: &'a [&'a File],
    /// Its configuration.
    pub configuration: &'a Configuration,
    /// Its arguments, before files are put in.
    pub arguments: &'a [String],
    /// How many files a call takes.
    pub per: Per,
    /// Whether nothing that it finds counts.
    pub outside: bool,
}

impl<'a> Work<'a> {
    /// The work of finding: which of its arguments count depends on what is there.
    pub fn find(
        index: usize,
        linter: &'a Linter,
        files: &'a [&'a File],
        configuration: &'a Configuration,
        has_project: bool,
    ) -> Self {
        let run = &linter.run;
        let (arguments, per) = if has_project && !run.project_args.is_empty() {
            (&run.project_args, Per::Repository)
        } else if configuration.file.is_none() && !run.unconfigured_args.is_empty() {
            (&run.unconfigured_args, run.per)
        } else {
            (&run.args, run.per)
        };
        Self { index, linter, files, configuration, arguments, per, outside: false }
    }
}

/// The folders that arguments can name.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// What is linted.
    pub root: &'a Path,
    /// The build folder.
    pub build: Option<&'a Path>,
}

/// The calls that do the work on this many cores, those that take longest first.
pub fn calls(work: &[Work], jobs: usize, around: &Around) -> Vec<Call> {
    let total: u64 = work.iter().map(|work| cost(work.linter, work.files)).sum();
    let jobs = u64::try_from(jobs.max(1)).unwrap_or(1);
    let share = (total / (2 * jobs)).max(SMALLEST);
    let mut calls: Vec<Call> = Vec::new();
    for work in work {
        for files in batches(work, share) {
            calls.push(Call {
                linter: work.index,
                arguments: arguments(work, &files, around),
                variables: variables(work, around),
                configuration: work.configuration.named.clone(),
                stdin: work.linter.run.stdin,
                outside: work.outside,
                cost: cost(work.linter, &files),
                files: files.into_iter().map(|file| file.path.clone()).collect(),
            });
        }
    }
    calls.sort_by_key(|call| std::cmp::Reverse(call.cost));
    calls
}

fn cost(linter: &Linter, files: &[&File]) -> u64 {
    let size: u64 = files.iter().map(|file| 1 + file.size / USUAL_SIZE).sum();
    size.max(1).saturating_mul(linter.run.cost.max(1))
}

/// The files of each call.
fn batches<'a>(work: &Work<'a>, share: u64) -> Vec<Vec<&'a File>> {
    match work.per {
        Per::Repository => return vec![work.files.to_vec()],
        Per::File => return work.files.iter().map(|file| vec![*file]).collect(),
        Per::Batch => {}
    }
    // What a linter makes of such a name must not spoil what it says of the others.
    let (unusual, usual): (Vec<&File>, Vec<&File>) = work.files.iter().partition(|file| is_unusual(&file.path));
    let total = cost(work.linter, work.files);
    let parts = total.div_ceil(share).max(1);
    let limit = total.div_ceil(parts);
    let mut batches: Vec<Vec<&File>> = Vec::new();
    let (mut bytes, mut sum) = (0, 0);
    for file in usual {
        let length = file.path.as_os_str().len() + "./".len() + 1;
        let own = cost(work.linter, &[file]);
        let is_full = bytes + length > ARGUMENT_BYTES || (sum > 0 && sum + own > limit);
        match batches.last_mut() {
            Some(batch) if !is_full => batch.push(file),
            _ => {
                batches.push(vec![file]);
                (bytes, sum) = (0, 0);
            }
        }
        bytes += length;
        sum += own;
    }
    batches.extend(unusual.into_iter().map(|file| vec![file]));
    batches
}

/// Whether a name is one that a line of output cannot hold or end with.
pub fn is_unusual(path: &Path) -> bool {
    path.to_str().is_none_or(|name| name.contains(|c: char| c.is_control() || c == ':') || name.trim() != name)
}

/// A path that is no option whatever its first character.
pub fn as_argument(path: &Path) -> OsString {
    let mut argument = OsString::from("./");
    argument.push(path);
    argument
}

/// What stands for values in an argument.
type Values<'a> = [(&'a str, Option<&'a OsStr>); 5];

fn values<'a>(work: &'a Work, around: &'a Around) -> Values<'a> {
    let shared = work.configuration.shared.as_deref();
    [
        ("{config}", work.configuration.file.as_deref().map(Path::as_os_str)),
        ("{shared-config}", shared.map(Path::as_os_str)),
        ("{shared-folder}", shared.and_then(Path::parent).map(Path::as_os_str)),
        ("{build-path}", around.build.map(Path::as_os_str)),
        ("{root}", Some(around.root.as_os_str())),
    ]
}

/// Whether a text names a configuration that is not there.
fn lacks(text: &str, values: &Values) -> bool {
    values.iter().any(|(name, value)| value.is_none() && *name != "{build-path}" && text.contains(name))
}

fn variables(work: &Work, around: &Around) -> Vec<(String, OsString)> {
    let values = values(work, around);
    let env = work.linter.run.env.iter().filter(|(_, value)| !lacks(value, &values));
    env.map(|(name, value)| (name.clone(), filled(value, &values))).collect()
}

fn arguments(work: &Work, files: &[&File], around: &Around) -> Vec<OsString> {
    let mut result: Vec<OsString> = work.configuration.arguments.iter().map(OsString::from).collect();
    let values = values(work, around);
    for argument in work.arguments {
        if let Some(prefix) = argument.strip_suffix("{files}") {
            if work.per != Per::Repository {
                result.extend(
                    files.iter().map(|file| [OsStr::new(prefix), &as_argument(&file.path)].into_iter().collect()),
                );
            }
            continue;
        }
        if lacks(argument, &values) {
            // `--config {config}` goes as a whole.
            let is_bare = values.iter().any(|(name, _)| name == argument);
            if is_bare && result.last().is_some_and(|last| last.as_bytes().starts_with(b"-")) {
                result.pop();
            }
            continue;
        }
        let file = files.first().filter(|_| work.per == Per::File).map(|file| as_argument(&file.path));
        let all: Vec<_> = [("{file}", file.as_deref())].into_iter().chain(values).collect();
        result.push(filled(argument, &all));
    }
    result
}

/// Puts values in the place of their names; what a value holds is not looked at again.
fn filled(argument: &str, values: &[(&str, Option<&OsStr>)]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = argument;
    while !rest.is_empty() {
        let found = values.iter().find_map(|(name, value)| Some((rest.strip_prefix(name)?, (*value)?)));
        if let Some((behind, value)) = found {
            bytes.extend_from_slice(value.as_bytes());
            rest = behind;
        } else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            let (character, behind) = rest.split_at(length);
            bytes.extend_from_slice(character.as_bytes());
            rest = behind;
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests;
