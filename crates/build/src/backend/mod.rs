// SPDX-License-Identifier: Apache-2.0
//! The build systems we drive. Each is a module that implements [`Backend`]; [`BACKENDS`] lists
//! them in the order in which a source tree is tried.

mod cargo;
mod contract;
mod golang;
mod meson;
mod python;
mod script;

pub use contract::{Backend, Facts, Job, Outcome, TestResult};

use clap::ValueEnum;
use std::path::Path;
use toolkit::{Failure, Result};

/// All build systems.
pub const BACKENDS: &[&dyn Backend] = &[&script::Script, &python::Python, &meson::Meson, &cargo::Cargo, &golang::Go];

/// Which build system to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The one that the source tree is made for.
    Auto,
    /// Meson.
    Meson,
    /// Cargo.
    Cargo,
    /// Go modules.
    Go,
    /// The build backend that a Python project names.
    Python,
    /// The commands in `.github/vaccel-ci.toml`.
    Script,
}

/// The build system that is named, or that the source tree is made for.
pub fn pick(choice: Choice, source: &Path) -> Result<&'static dyn Backend> {
    match choice {
        Choice::Auto => detect(source),
        Choice::Meson => named(&meson::Meson, source),
        Choice::Cargo => named(&cargo::Cargo, source),
        Choice::Go => named(&golang::Go, source),
        Choice::Python => named(&python::Python, source),
        Choice::Script => named(&script::Script, source),
    }
}

fn named(backend: &'static dyn Backend, source: &Path) -> Result<&'static dyn Backend> {
    if backend.recognises(source)? {
        return Ok(backend);
    }
    Err(Failure::input(format!("{} cannot build {}", backend.name(), source.display()))
        .help(format!("it needs {} there", backend.looks_for())))
}

fn detect(source: &Path) -> Result<&'static dyn Backend> {
    for backend in BACKENDS {
        if backend.recognises(source)? {
            return Ok(*backend);
        }
    }
    let looked: Vec<_> =
        BACKENDS.iter().map(|backend| format!("{} ({})", backend.looks_for(), backend.name())).collect();
    Err(Failure::input(format!("no build system known here can build {}", source.display()))
        .help(format!("looked for {}; correct source-path if it is elsewhere", looked.join(", "))))
}
