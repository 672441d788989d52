// SPDX-License-Identifier: Apache-2.0
//! Meson, with ninja below it.

mod coverage;
mod introspect;
mod setup;

use super::contract::{Backend, Facts, Job, Outcome, TestResult, explain};
use crate::environment::shell_quote;
use crate::settings::Settings;
use crate::{TestMode, suppressions};
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const MESON: Tool = Tool { program: "meson", provided_by: "the Debian package meson, or `pip install meson`" };
const NINJA: Tool = Tool { program: "ninja", provided_by: "the Debian package ninja-build, or `pip install ninja`" };
const CC: Tool = Tool { program: "cc", provided_by: "the Debian package gcc (or clang, and set CC=clang)" };
const PKG_CONFIG: Tool = Tool { program: "pkg-config", provided_by: "the Debian package pkgconf" };

const VALGRIND: Tool = Tool { program: "valgrind", provided_by: "the Debian package valgrind" };

/// What valgrind is asked for: whatever it can find is a failure.
const WATCH: [&str; 6] = [
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=all",
    "--errors-for-leak-kinds=all",
    "--track-origins=yes",
    "--num-callers=20",
];

/// The exit status by which valgrind says that it found something; Meson knows 77 and 99 itself.
const FOUND: i32 = 98;

/// Other names and makes of ninja.
const NINJAS: [&str; 2] = ["ninja-build", "samu"];

/// Meson.
pub struct Meson;

impl Backend for Meson {
    fn name(&self) -> &'static str {
        "Meson"
    }

    fn looks_for(&self) -> &'static str {
        "meson.build"
    }

    fn recognises(&self, source: &Path) -> Result<bool> {
        Ok(source.join("meson.build").is_file())
    }

    fn check_tools(&self, settings: &Settings, runner: &Runner) -> Result<()> {
        MESON.find()?;
        ninja()?;
        // Meson looks for more compilers than this one, but names no package when it finds none.
        if settings.cross.is_none() && runner.env("CC").is_none() {
            CC.find()?;
        }
        if !settings.dependencies.pkgconfig.is_empty() && runner.env("PKG_CONFIG").is_none() {
            PKG_CONFIG.find()?;
        }
        if settings.coverage {
            coverage::check_tools(settings)?;
        }
        if settings.test == TestMode::Valgrind {
            if settings.cross.is_some() {
                return Err(Failure::input(format!(
                    "valgrind runs programs of this machine only, not of {}",
                    settings.arch
                ))
                .help("set test to `run`, or run this action on a machine of that architecture"));
            }
            VALGRIND.find()?;
        }
        Ok(())
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        setup::configure(&MESON.find()?, job)
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        // More than the first error, so that one run shows most of what is to be repaired.
        let program = Program::new(ninja()?).arg("-C").arg(&job.settings.build).args(["-k", "10"]);
        let program = match job.settings.jobs {
            0 => program,
            jobs => program.args(["-j", &jobs.to_string()]),
        };
        job.run(program).map_err(|error| explain(job, error, "compilation failed"))?;
        Ok(())
    }

    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>> {
        let settings = job.settings;
        let watched = settings.test == TestMode::Valgrind;
        let log = introspect::test_log(&settings.build, watched.then_some(VALGRIND.program));
        // A project without tests writes none, and would show those of an earlier run.
        let _ = std::fs::remove_file(&log);
        let mut program = meson("test", settings)?.args(["--no-rebuild", "--print-errorlogs"]);
        if settings.jobs > 0 {
            program = program.args(["--num-processes", &settings.jobs.to_string()]);
        }
        program = job.environment.with_libraries(program);
        if watched {
            // Programs run many times longer.
            program = program.args(["--timeout-multiplier=10", "--wrapper", &watcher(job)?]);
        }
        if settings.coverage {
            coverage::reset(&settings.build)?;
        }
        let run = job.run(program);
        let mut results = introspect::test_results(&log)?;
        if watched {
            let found = format!("exit status {FOUND}");
            for test in results.iter_mut().filter(|test| test.detail.as_ref() == Some(&found)) {
                test.detail = Some("valgrind found errors".to_owned());
            }
        }
        if let Some(Err(reason)) = settings.cross.as_ref().map(|cross| &cross.emulator) {
            for test in results.iter_mut().filter(|test| test.outcome == Outcome::Skipped) {
                test.detail.get_or_insert_with(|| reason.clone());
            }
        }
        match run {
            // Meson's exit status is the number of tests that failed.
            Err(RunError::Failed { .. }) if !results.is_empty() => Ok(results),
            Err(error) => Err(error).context("the tests could not be run"),
            Ok(_) => Ok(results),
        }
    }

    fn coverage(&self, job: &mut Job, report: &Path) -> Result<()> {
        coverage::measure(job, report)
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let mut program = meson("install", job.settings)?.arg("--no-rebuild").arg("--destdir").arg(destdir);
        if !job.settings.subprojects {
            program = program.arg("--skip-subprojects");
        }
        job.run(program).map_err(|error| explain(job, error, "installation failed"))?;
        Ok(())
    }

    fn facts(&self, job: &Job) -> Result<Facts> {
        introspect::facts(&job.settings.build)
    }
}

/// The command that tests run under, as a shell would be given it.
fn watcher(job: &Job) -> Result<String> {
    let mut words = vec![VALGRIND.find()?.display().to_string(), format!("--error-exitcode={FOUND}")];
    words.extend(WATCH.map(str::to_owned));
    let files = suppressions::find(job.settings)?;
    for file in &files {
        job.runner.info(&format!("valgrind's suppressions: {}", file.display()));
    }
    words.extend(files.iter().map(|file| format!("--suppressions={}", file.display())));
    Ok(words.iter().map(|word| shell_quote(word)).collect::<Vec<_>>().join(" "))
}

fn meson(command: &str, settings: &Settings) -> Result<Program<'static>> {
    Ok(Program::new(MESON.find()?).arg(command).arg("-C").arg(&settings.build))
}

fn ninja() -> Result<PathBuf> {
    let other = || NINJAS.iter().find_map(|program| Tool { program, ..NINJA }.find().ok());
    NINJA.find().or_else(|failure| other().ok_or(failure))
}
