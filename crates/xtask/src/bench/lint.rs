// SPDX-License-Identifier: Apache-2.0
//! `lint` against the same tools, one after the other, on the same files.

mod corpus;

use super::measure::{self, Comparison, Sample};
use anyhow::{Context, Result, bail};
use corpus::{Corpus, Kind};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use testbed::tools::{self, LINT, Tools};

/// What ours may take of the tools' time.
const TOGETHER: f64 = 0.65;
/// What a run for a few changed files may take of one for all.
const CHANGED: f64 = 0.15;
/// What everything that is no tool may take.
const OVERHEAD: Duration = Duration::from_millis(150);

/// The tools with the arguments that the linters give them, and their files.
const TOOLS: &[(&str, &[&str], Kind)] = &[
    ("clang-format", &["--dry-run", "--style=file", "--fallback-style=none"], Kind::C),
    (
        "cppcheck",
        &["--enable=warning,style,performance,portability", "--inline-suppr", "--quiet", "--template-location="],
        Kind::C,
    ),
    ("ruff", &["check", "--output-format=sarif", "--no-cache", "--force-exclude"], Kind::Python),
    ("ruff", &["format", "--diff", "--no-cache", "--force-exclude"], Kind::Python),
    ("shellcheck", &["--format=json1"], Kind::Shell),
    ("shfmt", &["--diff", "--apply-ignore"], Kind::Shell),
    ("rumdl", &["check", "--output-format=sarif", "--no-cache", "--no-code-block-tools"], Kind::Markdown),
    ("typos", &["--format=sarif", "--force-exclude"], Kind::All),
    ("yamllint", &["--format=parsable"], Kind::Yaml),
];

/// What a tool says that finds nothing, where silence would be no answer.
const NOTHING: &[(&str, &str)] = &[
    ("ruff", "{\"runs\":[]}"),
    ("rumdl", "{\"runs\":[]}"),
    ("typos", "{\"runs\":[]}"),
    ("shellcheck", "{\"comments\":[]}"),
];

pub fn run(tools: &Tools, executables: &Path, rounds: usize) -> Result<Vec<Comparison>> {
    tools::require(&[LINT], &|line| eprintln!("    {line}"))?;
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let corpus = Corpus::make(&folder.path().join("corpus"))?;
    let silent = silent(&folder.path().join("silent"))?;
    let bench = Bench { program: &executables.join("vaccel-lint"), corpus: &corpus, tools: &tools.path() };
    let (mut ours, mut peer, mut changed, mut overhead, mut nothing) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for round in 0..rounds {
        eprintln!("    round {} of {rounds}", round + 1);
        peer.push(bench.one_after_the_other(bench.tools)?);
        ours.push(bench.ours(bench.tools, &["--changed-only=false"])?);
        changed.push(bench.ours(bench.tools, &["--changed-only=true", "--base=HEAD~1"])?);
        nothing.push(bench.one_after_the_other(&silent)?);
        overhead.push(bench.ours(&silent, &["--changed-only=false"])?);
    }
    let full = measure::median(ours);
    let comparison = |name: &str, ours, peer_name, peer, ratio, slack| Comparison {
        name: name.to_owned(),
        ours,
        peer_name,
        peer,
        ratio,
        slack,
        memory: None,
    };
    let files = corpus.files(Kind::All).len();
    let none = Duration::ZERO;
    Ok(vec![
        comparison(
            &format!("lint of {files} files"),
            full,
            "one tool after the other",
            measure::median(peer),
            TOGETHER,
            none,
        ),
        comparison(
            "the same with tools that do nothing",
            measure::median(overhead),
            "these alone",
            measure::median(nothing),
            1.0,
            OVERHEAD,
        ),
        comparison("lint of 5 changed files", measure::median(changed), "lint of all", full, CHANGED, none),
    ])
}

struct Bench<'a> {
    program: &'a Path,
    corpus: &'a Corpus,
    tools: &'a OsString,
}

impl Bench<'_> {
    fn ours(&self, path: &OsString, arguments: &[&str]) -> Result<Sample> {
        let mut command = Command::new(self.program);
        command.arg("--source-path").arg(self.corpus.folder()).args(arguments);
        command.args(["--fail-on=warning", "--missing=warn", "--jobs=2"]);
        measure::run(command.env("PATH", path).env_remove("GITHUB_ACTIONS"))
    }

    fn one_after_the_other(&self, path: &OsString) -> Result<Sample> {
        let mut total = Sample::default();
        for (tool, arguments, kind) in TOOLS {
            let Some(program) = std::env::split_paths(path).map(|folder| folder.join(tool)).find(|tool| tool.is_file())
            else {
                bail!("{tool} is not installed");
            };
            let mut command = Command::new(program);
            command.current_dir(self.corpus.folder()).args(*arguments).args(self.corpus.files(*kind));
            total.time += measure::run(command.env("PATH", path))?.time;
        }
        Ok(total)
    }
}

/// A `PATH` with tools that find nothing, at once.
fn silent(folder: &Path) -> Result<OsString> {
    std::fs::create_dir_all(folder).context("could not make a folder")?;
    for (tool, ..) in TOOLS {
        let says = NOTHING.iter().find(|(name, _)| name == tool).map_or("", |(_, says)| says);
        let program = folder.join(tool);
        // A formatter's diff is empty.
        let text = format!("#!/bin/sh\ncase $1 in format) ;; *) printf '%s' '{says}' ;; esac\n");
        std::fs::write(&program, text).context("could not write a tool")?;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).context("could not make a tool executable")?;
    }
    let mut path = folder.as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    Ok(path)
}
