// SPDX-License-Identifier: Apache-2.0
//! What a build system is to the rest of this crate, and what it is given to work with.

use crate::diagnostics::{Diagnostics, Speaker};
use crate::environment::Environment;
use crate::settings::Settings;
use crate::state::State;
use std::path::Path;
use std::time::Duration;
use toolkit::{Failure, Finished, Program, Render, Result, RunError, Runner};

/// What is said of a project that its build system does not accept.
pub const NOT_CONFIGURED: &str = "the project could not be configured";

/// A build system.
pub trait Backend: Sync {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// What it needs to find in a source tree, for people.
    fn looks_for(&self) -> &'static str;

    /// Whether a source tree is made for it.
    fn recognises(&self, source: &Path) -> Result<bool>;

    /// Makes sure that the programs it needs are there, before any work is done.
    fn check_tools(&self, settings: &Settings, runner: &Runner) -> Result<()>;

    /// Prepares the build folder; says in a few words what had to be done.
    fn configure(&self, job: &mut Job) -> Result<String>;

    /// Compiles.
    fn compile(&self, job: &mut Job) -> Result<()>;

    /// Runs the project's tests. Tests that fail are results, not an error.
    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>>;

    /// Writes what the tests reached into a file, as Cobertura XML. Not called where
    /// [`check_tools`](Self::check_tools) refuses `coverage`.
    fn coverage(&self, _job: &mut Job, _report: &Path) -> Result<()> {
        Err(Failure::input(format!("there is no coverage report for projects built with {}", self.name())))
    }

    /// Installs into a folder that stands for the root of the target machine.
    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()>;

    /// What a configured build folder says of the project and its tools.
    fn facts(&self, job: &Job) -> Result<Facts>;
}

/// What a build system knows after it configured the project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The project's name for itself.
    pub project: String,
    /// The project's version for itself.
    pub project_version: String,
    /// The compiler and its version, `gcc 12.2.0`.
    pub compiler: String,
    /// The build system and its version, `meson 1.12.1`.
    pub backend: String,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// It does not apply here.
    Skipped,
}

/// One of the project's tests.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, for one that did not pass: `exit status 1`.
    pub detail: Option<String>,
    /// How long it took.
    pub duration: Duration,
}

/// One build in progress: what is built, and who listens.
pub struct Job<'a> {
    /// What is built.
    pub settings: &'a Settings,
    /// What its programs see.
    pub environment: &'a Environment,
    /// What they said.
    pub diagnostics: &'a mut Diagnostics,
    /// Where it is told.
    pub runner: &'a Runner,
}

impl Job<'_> {
    /// Runs a program of the build. Build files are code of the repository like any other.
    pub fn run(&mut self, program: Program) -> Result<Finished, RunError> {
        self.run_and_read(program, |_| ())
    }

    /// The same; `observe` sees every line as well.
    pub fn run_and_read(&mut self, program: Program, mut observe: impl FnMut(&str)) -> Result<Finished, RunError> {
        let program = self.environment.apply(program).repository_code();
        let diagnostics = &mut *self.diagnostics;
        let read = |line: &str| {
            diagnostics.read(line);
            observe(line);
        };
        program.on_line(read).run(self.runner)
    }

    /// The same for a program that writes for machines: the log and the diagnostics get what `render` makes of a line,
    /// `observe` gets the line.
    pub fn run_rendered(
        &mut self,
        program: Program,
        render: Render,
        mut observe: impl FnMut(&str),
    ) -> Result<Finished, RunError> {
        let program = self.environment.apply(program).repository_code();
        let diagnostics = &mut *self.diagnostics;
        let read = |line: &str| {
            if let Some(text) = render(line) {
                diagnostics.read(&text);
            }
            observe(line);
        };
        program.rendered(render).on_line(read).run(self.runner)
    }

    /// Runs a program of the build silently, in the same environment, and returns its standard output.
    pub fn capture(&self, program: Program) -> Result<String, RunError> {
        let program = self.environment.apply(program).repository_code();
        self.runner.guarded(|| program.capture())?
    }
}

/// Notes in the build folder that it is ours.
pub fn mark_as_ours(settings: &Settings) -> Result<()> {
    State::load(&settings.build)?.save(&settings.build)
}

/// A failed program, with the first of the errors it told of.
pub fn explain(job: &Job, error: RunError, what: &str) -> Failure {
    let RunError::Failed { .. } = error else { return Failure::from(error).context(what) };
    let count = job.diagnostics.errors();
    let Some(first) = job.diagnostics.shown().next().filter(|_| count > 0) else {
        return Failure::work(what).because(error).help("the output above says why");
    };
    // Ninja sets the folder up again when the build files have changed, and that may be what failed.
    let what = if first.speaker == Speaker::BuildSystem { NOT_CONFIGURED } else { what };
    let more = if count == 1 { String::new() } else { format!(", with {count} errors; the first is") };
    Failure::work(format!("{what}{more}\n{first}")).because(error)
}
