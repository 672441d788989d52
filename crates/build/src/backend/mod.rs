//! The build systems we drive. Each is one file that implements [`Backend`]; [`BACKENDS`] lists
//! them in the order in which a source tree is tried.

mod meson;

use crate::diagnostics::Diagnostics;
use crate::environment::Environment;
use crate::settings::Settings;
use std::path::Path;
use std::time::Duration;
use toolkit::{Failure, Finished, Program, Result, RunError, Runner};

/// All build systems.
pub const BACKENDS: &[&dyn Backend] = &[&meson::Meson];

/// A build system.
pub trait Backend: Sync {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// The file at the top of a source tree by which it is recognised.
    fn marker(&self) -> &'static str;

    /// Makes sure that the programs it needs are there, before any work is done.
    fn check_tools(&self, settings: &Settings, runner: &Runner) -> Result<()>;

    /// Prepares the build folder; says in a few words what had to be done.
    fn configure(&self, job: &mut Job) -> Result<String>;

    /// Compiles.
    fn compile(&self, job: &mut Job) -> Result<()>;

    /// Runs the project's tests. Tests that fail are results, not an error.
    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>>;

    /// Installs into a folder that stands for the root of the target machine.
    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()>;

    /// What a configured build folder says of the project and its tools.
    fn facts(&self, settings: &Settings) -> Result<Facts>;
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
        let diagnostics = &mut *self.diagnostics;
        self.environment
            .variables
            .iter()
            .fold(program, |program, (name, value)| program.env(name, value))
            .repository_code()
            .on_line(|line| diagnostics.read(line))
            .run(self.runner)
    }
}

/// The build system of a source tree.
pub fn detect(source: &Path) -> Result<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|backend| source.join(backend.marker()).is_file()).ok_or_else(|| {
        let markers: Vec<_> = BACKENDS.iter().map(|backend| backend.marker()).collect();
        let systems: Vec<_> = BACKENDS.iter().map(|backend| backend.name()).collect();
        Failure::input(format!("no {} in {}", markers.join(", "), source.display())).help(format!(
            "the build systems known here: {}; correct source-path if it is elsewhere",
            systems.join(", ")
        ))
    })
}
