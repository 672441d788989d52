// SPDX-License-Identifier: Apache-2.0
//! Commands of the repository's own, for trees that no build system here knows.
//!
//! `.github/vaccel-ci.toml` names them; the README says what they find in their environment.

use super::contract::{Backend, Facts, Job, Outcome, TestResult, mark_as_ours};
use crate::section::Section;
use crate::settings::Settings;
use crate::toolchain::Cache;
use artifact::SETTINGS;
use std::path::Path;
use std::time::Instant;
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner};

/// Commands of the repository's own.
pub struct Script;

/// What is run, each a line for `sh`.
struct Commands {
    command: String,
    install: String,
    test: Option<String>,
}

impl Backend for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn looks_for(&self) -> &'static str {
        ".github/vaccel-ci.toml with a `command` in its section [build]"
    }

    fn recognises(&self, source: &Path) -> Result<bool> {
        Ok(Section::read(source)?.has_commands())
    }

    fn check_tools(&self, settings: &Settings, _: &Runner) -> Result<()> {
        settings.refuse_coverage("a script")?;
        settings.refuse_valgrind("a script")?;
        commands(settings).map(|_| ())
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        mark_as_ours(job.settings)?;
        Ok("nothing to do".to_owned())
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        let line = commands(job.settings)?.command;
        run(job, &line, None).context("the build command failed")
    }

    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>> {
        let Some(line) = commands(job.settings)?.test else { return Ok(Vec::new()) };
        let started = Instant::now();
        let (outcome, detail) = match job.settings.cross.as_ref().map(|cross| &cross.emulator) {
            Some(Err(reason)) => (Outcome::Skipped, Some(reason.clone())),
            _ => match run(job, &line, None) {
                Ok(()) => (Outcome::Passed, None),
                Err(RunError::Failed { exit, .. }) => (Outcome::Failed, Some(exit.to_string())),
                Err(error) => return Err(error).context("the test command could not be run"),
            },
        };
        Ok(vec![TestResult { name: line, outcome, detail, duration: started.elapsed() }])
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let line = commands(job.settings)?.install;
        run(job, &line, Some(destdir)).context("the install command failed")
    }

    fn facts(&self, job: &Job) -> Result<Facts> {
        let settings = job.settings;
        let cc = settings.cross.as_ref().map_or_else(|| vec!["cc".to_owned()], |cross| cross.cc.clone());
        let (program, arguments) = cc.split_first().ok_or_else(|| Failure::work("there is no compiler"))?;
        // Not every script needs a compiler.
        let told = job.capture(Program::new(program).args(arguments).arg("--version")).unwrap_or_default();
        let project = settings.source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let compiler = told.lines().next().unwrap_or("unknown").to_owned();
        Ok(Facts { project, project_version: "0.0.0".to_owned(), compiler, backend: "script".to_owned() })
    }
}

fn commands(settings: &Settings) -> Result<Commands> {
    let Section { command, install, test, .. } = settings.section.clone();
    let missing = |name: &str| {
        let file = settings.source.join(SETTINGS);
        Failure::input(format!("the section [build] of {} has no `{name}`", file.display()))
            .help("it names a `command` and an `install` command, and perhaps one to `test`")
    };
    let command = command.ok_or_else(|| missing("command"))?;
    Ok(Commands { command, install: install.ok_or_else(|| missing("install"))?, test })
}

fn run(job: &mut Job, line: &str, destdir: Option<&Path>) -> Result<(), RunError> {
    let mut program = Program::new("/bin/sh").args(["-e", "-c", line]).dir(&job.settings.source);
    for (name, value) in environment(job.settings) {
        program = program.env(name, value);
    }
    if let Some(path) = &job.environment.library_path {
        program = program.env("VACCEL_CI_LIBRARY_PATH", path);
    }
    if let Some(destdir) = destdir {
        program = program.env("VACCEL_CI_DESTDIR", destdir);
    }
    job.run(program).map(|_| ())
}

/// What a command finds in its environment; the README lists it.
fn environment(settings: &Settings) -> Vec<(&'static str, String)> {
    let options: Vec<_> = settings.options.iter().map(ToString::to_string).collect();
    let jobs = match settings.jobs {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs as usize,
    };
    let mut variables = vec![
        ("VACCEL_CI_SOURCE", settings.source.display().to_string()),
        ("VACCEL_CI_BUILD", settings.build.display().to_string()),
        ("VACCEL_CI_PREFIX", settings.prefix.clone()),
        ("VACCEL_CI_LIBDIR", settings.libdir()),
        ("VACCEL_CI_ARCH", settings.arch.to_string()),
        ("VACCEL_CI_TRIPLE", settings.arch.triple().to_owned()),
        ("VACCEL_CI_BUILD_TYPE", settings.build_type.to_string()),
        ("VACCEL_CI_OPTIONS", options.join("\n")),
        ("VACCEL_CI_JOBS", jobs.to_string()),
        ("VACCEL_CI_WERROR", settings.werror.to_string()),
    ];
    if let Cache::Program(name) = settings.cache {
        variables.push(("VACCEL_CI_COMPILER_CACHE", name.to_owned()));
    }
    if let Some(cross) = &settings.cross {
        variables.push(("CC", cross.cc.join(" ")));
        variables.push(("CXX", cross.cxx.join(" ")));
        variables.push(("AR", cross.ar.join(" ")));
        variables.push(("PKG_CONFIG_LIBDIR", cross.pkgconfig().join(":")));
        if let Ok(emulator) = &cross.emulator {
            variables.push(("VACCEL_CI_EMULATOR", emulator.join(" ")));
        }
    }
    variables
}
