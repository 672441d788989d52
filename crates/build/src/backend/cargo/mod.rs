// SPDX-License-Identifier: Apache-2.0
//! Cargo: programs and C libraries written in Rust, and libraries for other Rust projects.

mod config;
mod harness;
mod project;
mod target;

use self::config::Config;
use self::harness::Harness;
use self::project::{Made, Products, Project};
use self::target::Target;
use super::contract::{Backend, Facts, Job, Outcome, TestResult, explain, mark_as_ours};
use crate::BuildOption;
use crate::settings::Settings;
use crate::toolchain::Cache;
use artifact::BuildType;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const CARGO: Tool = Tool { program: "cargo", provided_by: "the Debian package cargo, or rustup" };

const RUSTC: Tool = Tool { program: "rustc", provided_by: "the Debian package rustc, or rustup" };

/// What measures coverage, as a command of Cargo's.
const LLVM_COV: Tool = Tool { program: "cargo-llvm-cov", provided_by: "it: cargo install cargo-llvm-cov" };

/// The options that are understood.
const OPTIONS: [&str; 5] = ["features", "no-default-features", "all-features", "package", "target"];

/// Those of them that are on or off.
const SWITCHES: [&str; 2] = ["no-default-features", "all-features"];

/// Cargo.
pub struct Cargo;

impl Backend for Cargo {
    fn name(&self) -> &'static str {
        "Cargo"
    }

    fn looks_for(&self) -> &'static str {
        "Cargo.toml"
    }

    fn recognises(&self, source: &Path) -> Result<bool> {
        Ok(source.join("Cargo.toml").is_file())
    }

    fn check_tools(&self, settings: &Settings, runner: &Runner) -> Result<()> {
        settings.refuse_valgrind("Cargo")?;
        settings.check_options("cargo", &OPTIONS)?;
        for BuildOption { name, value } in settings.options.iter() {
            if SWITCHES.contains(&name.as_str()) && !["true", "false"].contains(&value.as_str()) {
                return Err(Failure::input(format!(
                    "cargo's option `{name}` is `{value}`, which is neither true nor false"
                )));
            }
        }
        CARGO.find()?;
        RUSTC.find()?;
        if settings.coverage {
            LLVM_COV.find()?;
        }
        target::check(settings, &target(settings, runner)?)
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        let settings = job.settings;
        mark_as_ours(settings)?;
        target::prepare(settings)?;
        let target = target(settings, job.runner)?;
        if let Some(name) = target.name.as_ref().filter(|_| !target.overridden.is_empty()) {
            let overridden = target.overridden.join(", ");
            job.runner.info(&format!("build.target is {overridden}; for {} it is {name}", settings.arch));
        }
        Ok(match Project::read(job)?.products(&settings.options)? {
            Products::Some => "nothing to do".to_owned(),
            Products::Library => {
                job.runner.info("the project is a library for Rust projects: there will be nothing to install");
                "a library".to_owned()
            }
        })
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        let program = cargo(&["build"], job)?;
        job.run(program).map_err(|error| explain(job, error, "compilation failed"))?;
        Ok(())
    }

    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>> {
        if job.settings.coverage {
            let clean = llvm_cov("clean", job.settings)?.arg("--profraw-only");
            job.run(clean).context("could not remove the counters of earlier runs")?;
        }
        let command: &[&str] = if job.settings.coverage { &["llvm-cov", "--no-report", "test"] } else { &["test"] };
        let mut program = cargo(command, job)?.arg("--no-fail-fast");
        program = job.environment.with_libraries(program);
        if let Some(Err(reason)) = job.settings.cross.as_ref().map(|cross| &cross.emulator) {
            job.run(program.arg("--no-run")).context("the tests could not be built")?;
            let (name, detail) = ("all tests".to_owned(), Some(reason.clone()));
            return Ok(vec![TestResult { name, outcome: Outcome::Skipped, detail, duration: Duration::ZERO }]);
        }
        let mut harness = Harness::default();
        let run = job.run_and_read(program, |line| harness.read(line));
        match run {
            Err(RunError::Failed { .. }) if harness.has_failed() => Ok(harness.results),
            Err(error) => Err(explain(job, error, "the tests could not be run")),
            Ok(_) => Ok(harness.results),
        }
    }

    fn coverage(&self, job: &mut Job, report: &Path) -> Result<()> {
        let program = llvm_cov("report", job.settings)?.args(["--cobertura", "--output-path"]).arg(report);
        let program = program.args(["--profile", profile(job.settings.build_type).0]);
        let program = target(job.settings, job.runner)?.apply(program);
        job.run(program).context("coverage could not be measured")?;
        Ok(())
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let settings = job.settings;
        let project = Project::read(job)?;
        // Cargo knows where it put things; everything is built, so it only lists them.
        let program = cargo(&["build"], job)?.arg("--message-format=json");
        let messages = job.capture(program).context("cargo could not list what it built")?;
        let made = project.made(&messages);
        let root = destdir.join(settings.prefix.trim_start_matches('/'));
        for Made { file, is_program } in &made {
            let folder = if *is_program { "bin".to_owned() } else { settings.libdir() };
            copy(file, &root.join(folder))?;
        }
        if made.is_empty() && project.products(&settings.options)? != Products::Library {
            return Err(Failure::work("there is nothing to install: cargo built no program and no cdylib"));
        }
        Ok(())
    }

    fn facts(&self, job: &Job) -> Result<Facts> {
        let version = |program: &Path| -> Result<String> {
            let told = job.capture(Program::new(program).arg("--version").dir(&job.settings.source))?;
            Ok(told.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        };
        let Project { main, .. } = Project::read(job)?;
        Ok(Facts {
            project: main.name,
            project_version: main.version,
            compiler: version(&RUSTC.find()?)?,
            backend: version(&CARGO.find()?)?,
        })
    }
}

/// What the project is built for.
fn target(settings: &Settings, runner: &Runner) -> Result<Target> {
    Ok(Target::choose(settings, &Config::read(&settings.source, |name| runner.env(name))?))
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, folder.join(name)).with_context(|| format!("could not install {}", file.display()))?;
    Ok(())
}

/// Cargo's name of a profile, and what is to be changed about it.
fn profile(build_type: BuildType) -> (&'static str, &'static [&'static str]) {
    match build_type {
        BuildType::Plain | BuildType::Debug => ("dev", &[]),
        BuildType::DebugOptimized => ("release", &["profile.release.debug=true"]),
        BuildType::Release => ("release", &[]),
        BuildType::MinSize => ("release", &["profile.release.opt-level='s'"]),
    }
}

fn llvm_cov(command: &str, settings: &Settings) -> Result<Program<'static>> {
    let program = Program::new(CARGO.find()?).args(["llvm-cov", command]).dir(&settings.source);
    Ok(program.env("CARGO_TARGET_DIR", &settings.build))
}

fn cargo(command: &[&str], job: &Job) -> Result<Program<'static>> {
    let settings = job.settings;
    let (name, changes) = profile(settings.build_type);
    let mut program = Program::new(CARGO.find()?)
        .args(command)
        .args(["--profile", name])
        .env("CARGO_TARGET_DIR", &settings.build)
        .dir(&settings.source);
    let config = Config::read(&settings.source, |name| job.runner.env(name))?;
    let target = Target::choose(settings, &config);
    program = target.apply(program);
    if let Some(target) = &target.name {
        let variables = target::variables(settings, target);
        program = variables.into_iter().fold(program, |program, (name, value)| program.env(name, value));
    }
    program = match settings.cache {
        Cache::Off => program.env("RUSTC_WRAPPER", ""),
        Cache::Program("sccache") if job.runner.env("RUSTC_WRAPPER").is_none() => {
            program.env("RUSTC_WRAPPER", "sccache")
        }
        _ => program,
    };
    for change in changes {
        program = program.args(["--config", change]);
    }
    if settings.jobs > 0 {
        program = program.args(["--jobs", &settings.jobs.to_string()]);
    }
    for option in settings.options.iter() {
        program = match (option.name.as_str(), option.value.as_str()) {
            ("features", features) => program.args(["--features", features]),
            ("package", _) => project::packages(&settings.options)
                .fold(program, |program, package| program.args(["--package", package])),
            (name, "true") => program.arg(format!("--{name}")),
            _ => program,
        };
    }
    // The file names in panics and debug information are those of no particular machine.
    let home = job.runner.env("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| job.runner.env("HOME").map(|home| Path::new(&home).join(".cargo")));
    let maps = [(Some(settings.source.clone()), "."), (home, "/cargo")];
    // Coverage is told about files by their real names.
    let maps = maps.into_iter().filter(|_| !settings.coverage);
    let maps = maps.filter_map(|(path, name)| Some(format!("--remap-path-prefix={}={name}", path?.display())));
    let link = job.environment.link_flags.iter().map(|flag| format!("-Clink-arg={flag}"));
    let mut flags: Vec<_> = maps.chain(link).collect();
    if settings.werror {
        flags.push("-Dwarnings".to_owned());
    }
    // Cargo takes flags from one place only, so what the first of them holds already has to be kept.
    let variable = |name: &str, separator: &str| {
        let outer = job.runner.env(name)?;
        Some((name.to_owned(), format!("{outer}{separator}{}", flags.join(separator))))
    };
    let of_target = target.name.as_deref().unwrap_or(target::triple(settings.arch)).replace(['-', '.'], "_");
    let of_target = format!("CARGO_TARGET_{}_RUSTFLAGS", of_target.to_uppercase());
    let found = variable("CARGO_ENCODED_RUSTFLAGS", "\u{1f}")
        .or_else(|| variable("RUSTFLAGS", " "))
        .or_else(|| variable(&of_target, " "));
    if let Some((name, value)) = found {
        return Ok(program.env(name, value));
    }
    let table = if config.has_target_flags { "target.'cfg(all())'" } else { "build" };
    Ok(program.arg("--config").arg(format!("{table}.rustflags={}", serde_json::to_string(&flags)?)))
}
