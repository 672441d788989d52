// SPDX-License-Identifier: Apache-2.0
//! Calling linters in parallel, and reading what they say.

use crate::check;
use crate::definition::{Format, Linter, Stream};
use crate::finding::{Finding, Severity};
use crate::globs::Globs;
use crate::normalise::Known;
use crate::read::{self, Original, ReadError};
use crate::schedule::{Call, OUTPUT, as_argument, is_unusual};
use regex_lite::Regex;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use toolkit::{Collected, Exit, Program, RunError};

/// The rule of findings about a linter that did not do its work.
pub const COULD_NOT_READ: &str = "could-not-read";
/// The bytes of each stream of a call that are kept; a linter that says more is not read at all.
const OUTPUT_LIMIT: u64 = 64 << 20;
/// The time that telling a version may take.
const VERSION_TIME: Duration = Duration::from_secs(10);

/// A thing to do.
pub enum Task {
    /// A call of a program.
    Call(Call),
    /// A check of our own.
    Check {
        /// Which of the linters, by index.
        linter: usize,
        /// What it looks at.
        context: Box<check::Context>,
        /// Whether nothing that it finds counts.
        outside: bool,
    },
    /// Asks a program for its version.
    Version(usize),
}

impl Task {
    fn linter(&self) -> usize {
        match self {
            Self::Call(Call { linter, .. }) | Self::Check { linter, .. } | Self::Version(linter) => *linter,
        }
    }
}

/// What a task came to.
#[derive(Debug)]
pub struct Done {
    /// Which of the linters, by index.
    pub linter: usize,
    /// What it found.
    pub findings: Vec<Finding>,
    /// The version, if that was the question.
    pub version: Option<String>,
    /// Why it did not do its work, where that counts.
    pub trouble: Option<String>,
    /// The time that counts as the linter's.
    pub duration: Duration,
}

/// A linter and its program.
#[derive(Clone, Debug)]
pub struct Ready<'a> {
    /// The linter.
    pub linter: &'a Linter,
    /// Its program; absent for our own checks.
    pub tool: Option<PathBuf>,
}

/// Does tasks in their order, as many at the same time as there are jobs. Only that we were asked
/// to end is an error.
pub fn all(
    tasks: Vec<Task>,
    linters: &[Ready],
    root: &Path,
    known: &Known,
    jobs: usize,
) -> Result<Vec<Done>, RunError> {
    let workers = jobs.clamp(1, tasks.len().max(1));
    let queue = Mutex::new(VecDeque::from(tasks));
    let results: Mutex<Vec<Result<Done, RunError>>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(task) = next else { return };
                    let Some(ready) = linters.get(task.linter()) else { continue };
                    let done = one(&task, ready, root, known);
                    if done.is_err() {
                        queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(done);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

fn one(task: &Task, ready: &Ready, root: &Path, known: &Known) -> Result<Done, RunError> {
    let started = Instant::now();
    let name = &ready.linter.name;
    let mut done =
        Done { linter: task.linter(), findings: Vec::new(), version: None, trouble: None, duration: Duration::ZERO };
    match task {
        Task::Check { context, .. } => {
            let builtin = ready.linter.run.builtin.as_deref().unwrap_or_default();
            done.findings = check::run(builtin, context)
                .unwrap_or_else(|failure| vec![trouble(name, &format!("the check could not do its work: {failure}"))]);
            for finding in &mut done.findings {
                finding.linter.clone_from(name);
            }
            done.duration = started.elapsed();
        }
        Task::Version(_) => done.version = version(ready, root)?,
        Task::Call(call) => {
            match collect(call, ready, root) {
                Err(cancelled @ RunError::Cancelled { .. }) => return Err(cancelled),
                Err(error) => {
                    let error = ReadError::new(error.to_string(), &joined(&error));
                    done.findings = vec![not_read(name, &error, call.configuration.as_deref())];
                }
                Ok(told) => done.findings = findings(call, ready.linter, &told, root, known),
            }
            done.duration = started.elapsed();
        }
    }
    let trouble = done.findings.iter().find(|finding| finding.rule.as_deref() == Some(COULD_NOT_READ));
    done.trouble = trouble.map(|finding| finding.message.lines().next().unwrap_or_default().to_owned());
    if matches!(task, Task::Call(Call { outside: true, .. }) | Task::Check { outside: true, .. }) {
        for finding in &mut done.findings {
            // What nobody asked for is not changed either.
            (finding.in_change, finding.fix) = (false, None);
        }
        done.trouble = None;
    }
    Ok(done)
}

/// Runs a call that fixes below a root and gives what it prints; its failure is a message.
pub fn fix(call: &Call, ready: &Ready, root: &Path) -> Result<Result<Vec<u8>, String>, RunError> {
    let name = &ready.linter.name;
    let failed =
        |why: &str, raw: &[u8]| Err(format!("{name} could not be asked for fixes: {}", ReadError::new(why, raw)));
    match collect(call, ready, root) {
        Err(cancelled @ RunError::Cancelled { .. }) => Err(cancelled),
        Err(error) => Ok(failed(&error.to_string(), &joined(&error))),
        Ok(Told { collected: told, .. }) => Ok(match told.exit {
            Exit::Code(code) if ready.linter.run.statuses.contains(&code) && !told.truncated => Ok(told.stdout),
            exit => failed(&format!("it {exit}"), &told.stderr),
        }),
    }
}

fn joined(error: &RunError) -> Vec<u8> {
    error.tail().join("\n").into_bytes()
}

/// Runs a program as code of the repository: its configuration and what it reads may be anybody's.
fn program<'a>(ready: &Ready, root: &Path) -> Program<'a> {
    let program = Program::new(ready.tool.clone().unwrap_or_default()).dir(root).repository_code();
    // Output is to be the same everywhere: without colours, and in the format that was asked for.
    let program = program.env("NO_COLOR", "1").env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
    ["CLICOLOR_FORCE", "FORCE_COLOR", "GITHUB_ACTIONS"].iter().fold(program, Program::env_remove)
}

/// What a call said, and the file that it wrote.
struct Told {
    collected: Collected,
    file: Vec<u8>,
}

fn collect(call: &Call, ready: &Ready, root: &Path) -> Result<Told, RunError> {
    let program = program(ready, root);
    let program = call.variables.iter().fold(program, |program, (name, value)| program.env(name, value));
    let output = tempfile::NamedTempFile::new()
        .map_err(|source| RunError::Start { program: ready.linter.name.clone(), source })?;
    let name = output.path().as_os_str().as_bytes();
    let arguments = call.arguments.iter().map(|argument| replaced(argument.as_bytes(), OUTPUT.as_bytes(), name));
    let mut program =
        program.args(arguments.map(OsString::from_vec)).timeout(Duration::from_secs(ready.linter.run.timeout));
    if let Some(file) = call.files.first().filter(|_| call.stdin) {
        program = program.stdin(root.join(file));
    }
    let collected = program.collect(OUTPUT_LIMIT)?;
    let mut file = Vec::new();
    if let Ok(written) = std::fs::File::open(output.path()) {
        // One byte more than is read of other output makes it too much.
        let _ = written.take(OUTPUT_LIMIT + 1).read_to_end(&mut file);
    }
    let truncated = collected.truncated || u64::try_from(file.len()).is_ok_and(|length| length > OUTPUT_LIMIT);
    Ok(Told { collected: Collected { truncated, ..collected }, file })
}

/// Runs a call that finds below a root, as far as it can be read.
pub fn find(call: &Call, ready: &Ready, root: &Path, known: &Known) -> Result<Vec<Finding>, RunError> {
    Ok(findings(call, ready.linter, &collect(call, ready, root)?, root, known))
}

fn version(ready: &Ready, root: &Path) -> Result<Option<String>, RunError> {
    let asked = program(ready, root)
        .args(&ready.linter.run.version)
        .timeout(VERSION_TIME.min(Duration::from_secs(ready.linter.run.timeout)))
        .collect(64 << 10);
    match asked {
        Ok(told) => Ok([told.stdout, told.stderr].iter().find_map(|text| version_in(&String::from_utf8_lossy(text)))),
        Err(cancelled @ RunError::Cancelled { .. }) => Err(cancelled),
        Err(_) => Ok(None),
    }
}

/// The first word with a number and a dot after it: `1.2.3` of `tool 1.2.3 (abc)`.
fn version_in(text: &str) -> Option<String> {
    let words = text.split(|character: char| character.is_whitespace() || ",()[]".contains(character));
    words.map(|word| word.trim_start_matches(['v', 'V']).trim_end_matches(['.', ':', ';'])).find_map(|word| {
        let (number, rest) = word.split_once('.')?;
        let is_version = !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && rest.starts_with(|character: char| character.is_ascii_digit());
        is_version.then(|| word.to_owned())
    })
}

/// Reads what a call said. Whatever is not understood is a finding too.
fn findings(call: &Call, linter: &Linter, told: &Told, root: &Path, known: &Known) -> Vec<Finding> {
    match read_call(call, linter, told, root, known) {
        Ok(findings) => findings,
        Err(error) => vec![not_read(&linter.name, &error, call.configuration.as_deref())],
    }
}

fn read_call(call: &Call, linter: &Linter, told: &Told, root: &Path, known: &Known) -> Result<Vec<Finding>, ReadError> {
    let Some(reading) = &linter.read else { return Err(ReadError::new("nothing says how it is read", b"")) };
    let said = [told.collected.stdout.as_slice(), &told.collected.stderr].concat();
    let (output, other) = match reading.from {
        Stream::Stdout => (&told.collected.stdout, &told.collected.stderr),
        Stream::Stderr => (&told.collected.stderr, &told.collected.stdout),
        Stream::File => (&told.file, &said),
    };
    let told = &told.collected;
    let words = if other.trim_ascii().is_empty() { output } else { other };
    if let Some(trouble) = reading.trouble.as_ref().and_then(|trouble| Regex::new(trouble).ok())
        && let Some(line) = String::from_utf8_lossy(other).lines().find(|line| trouble.is_match(line))
    {
        return Err(ReadError::new("it reports trouble of its own", line.as_bytes()));
    }
    if told.truncated {
        return Err(ReadError::new(format!("it said more than {} MiB", OUTPUT_LIMIT >> 20), output));
    }
    let code = match &told.exit {
        Exit::Code(code) if linter.run.statuses.contains(code) => *code,
        exit => return Err(ReadError::new(format!("it {exit}"), words)),
    };
    let bytes = match call.files.first() {
        Some(file) if matches!(reading.format, Format::Formatted) => {
            let bytes = std::fs::read(root.join(file));
            bytes.map_err(|error| ReadError::new(format!("could not read {}: {error}", file.display()), b""))?
        }
        _ => Vec::new(),
    };
    let original = call.files.first().map(|path| Original { path, bytes: &bytes });
    // Such a file has a call of its own.
    let unusual = call.files.first().filter(|file| call.files.len() == 1 && is_unusual(file));
    let (output, other) = match (&reading.format, unusual) {
        (Format::Regex { .. } | Format::Diff, Some(file)) => (&with_alias(output, file), &with_alias(other, file)),
        _ => (output, other),
    };
    let mut raw = read::errors(reading, other)?;
    // What could not be parsed has no form that it should have.
    if raw.is_empty() || !output.trim_ascii().is_empty() {
        raw.extend(read::read(reading, output, other, original)?);
    }
    if raw.is_empty() && code != 0 {
        // An error of its own that it does not tell where findings are.
        return Err(ReadError::new(format!("it ended with exit status {code} and told of no finding"), words));
    }
    let found = raw.into_iter().filter_map(|mut raw| {
        if let [file] = call.files.as_slice()
            && (call.stdin || raw.path.as_deref().is_none_or(|path| path == Path::new(ALIAS)))
        {
            raw.path = Some(file.clone());
        }
        known.finding(&linter.name, reading, raw)
    });
    // One that looks at the whole repository looks at these, too.
    let exclude = Globs::new(&linter.files.exclude).unwrap_or_default();
    let found: Vec<_> =
        found.filter(|finding| finding.path.as_ref().is_none_or(|path| !exclude.matches(path))).collect();
    let is_told = found.iter().any(|finding| finding.severity == Severity::Error);
    if linter.run.error_statuses.contains(&code) && !is_told {
        let message = format!("it ended with exit status {code}, and what kept it is in no file that is linted");
        return Err(ReadError::new(message, words));
    }
    Ok(found)
}

/// What stands for a name that no line of output can hold.
const ALIAS: &str = "./unusual-name";

/// Output in which the file's name is replaced by one that a line can hold, with and without `./`.
fn with_alias(output: &[u8], file: &Path) -> Vec<u8> {
    let output = replaced(output, as_argument(file).as_bytes(), ALIAS.as_bytes());
    let name = file.as_os_str().as_bytes();
    // Shorter ones may be anything.
    if name.len() < 4 { output } else { replaced(&output, name, ALIAS.as_bytes()) }
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(from) {
            result.extend_from_slice(to);
            rest = behind;
        } else {
            result.push(*first);
            rest = behind;
        }
    }
    result
}

fn not_read(linter: &str, error: &ReadError, configuration: Option<&Path>) -> Finding {
    let configuration = configuration.map(|file| format!(" with {}", file.display())).unwrap_or_default();
    trouble(linter, &format!("could not read what {linter} said{configuration}: {error}"))
}

/// An error finding about a linter itself.
pub fn trouble(linter: &str, message: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        path: None,
        span: None,
        linter: linter.to_owned(),
        rule: Some(COULD_NOT_READ.to_owned()),
        rule_url: None,
        message: message.to_owned(),
        fix: None,
        in_change: true,
    }
}

#[cfg(test)]
mod tests;
