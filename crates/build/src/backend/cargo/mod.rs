// SPDX-License-Identifier: Apache-2.0
//! Cargo: programs and C libraries written in Rust.

mod harness;
mod target;

use self::harness::Harness;
use super::{Backend, Facts, Job, Outcome, TestResult, explain, mark_as_ours};
use crate::BuildOption;
use crate::settings::Settings;
use crate::toolchain::Cache;
use artifact::BuildType;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const CARGO: Tool = Tool { program: "cargo", provided_by: "the Debian package cargo, or rustup" };

const RUSTC: Tool = Tool { program: "rustc", provided_by: "the Debian package rustc, or rustup" };

/// What measures coverage, as a command of Cargo's.
const LLVM_COV: Tool = Tool { program: "cargo-llvm-cov", provided_by: "it: cargo install cargo-llvm-cov" };

/// The options that are understood.
const OPTIONS: [&str; 4] = ["features", "no-default-features", "all-features", "target"];

/// Those of them that are on or off.
const SWITCHES: [&str; 2] = ["no-default-features", "all-features"];

/// Cargo.
pub struct Cargo;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

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

    fn check_tools(&self, settings: &Settings, _: &Runner) -> Result<()> {
        settings.refuse_valgrind("Cargo")?;
        if let Some(option) = settings.options.iter().find(|option| !OPTIONS.contains(&option.name.as_str())) {
            return Err(Failure::input(format!("cargo has no option `{}`", option.name))
                .help(format!("there are {}", OPTIONS.join(", "))));
        }
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
        target::check(settings)
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        mark_as_ours(job.settings)?;
        target::prepare(job.settings)?;
        Ok("nothing to do".to_owned())
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        for Product { file, .. } in products(job.settings)? {
            remove_earlier(&file)?;
        }
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
        if let Some(path) = &job.environment.library_path {
            program = program.env("LD_LIBRARY_PATH", path);
        }
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
        let program = match target::target(job.settings) {
            Some(target) => program.args(["--target", &target]),
            None => program,
        };
        job.run(program).context("coverage could not be measured")?;
        Ok(())
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let root = destdir.join(job.settings.prefix.trim_start_matches('/'));
        let mut installed = 0;
        // One that needs a feature which is off was not built.
        for Product { file, folder } in products(job.settings)?.into_iter().filter(|product| product.file.is_file()) {
            copy(&file, &root.join(folder))?;
            installed += 1;
        }
        if installed == 0 {
            return Err(Failure::work("there is nothing to install: the project has no program and no cdylib"));
        }
        Ok(())
    }

    fn facts(&self, settings: &Settings) -> Result<Facts> {
        let metadata = metadata(settings)?;
        let version = |program: &Path| -> Result<String> {
            let told = Program::new(program).arg("--version").dir(&settings.source).repository_code().capture()?;
            Ok(told.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        };
        let first = metadata.packages.first().ok_or_else(|| Failure::work("the project has no package"))?;
        Ok(Facts {
            project: first.name.clone(),
            project_version: first.version.clone(),
            compiler: version(&RUSTC.find()?)?,
            backend: version(&CARGO.find()?)?,
        })
    }
}

/// What the project may have built for others to use.
struct Product {
    /// Where it is then.
    file: PathBuf,
    /// Where it goes, below the prefix.
    folder: PathBuf,
}

fn products(settings: &Settings) -> Result<Vec<Product>> {
    let built = target::folder(settings, profile(settings.build_type).1);
    let packages = metadata(settings)?.packages;
    let product = |target: &Target| {
        let is = |kind: &str| target.kind.iter().any(|known| known == kind);
        if is("bin") {
            Some(Product { file: built.join(&target.name), folder: "bin".into() })
        } else if is("cdylib") {
            let name = format!("lib{}.so", target.name.replace('-', "_"));
            Some(Product { file: built.join(name), folder: settings.libdir().into() })
        } else {
            None
        }
    };
    Ok(packages.iter().flat_map(|package| &package.targets).filter_map(product).collect())
}

/// Cargo leaves what it built with other features where it is.
fn remove_earlier(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, folder.join(name)).with_context(|| format!("could not install {}", file.display()))?;
    Ok(())
}

fn metadata(settings: &Settings) -> Result<Metadata> {
    let program = Program::new(CARGO.find()?).args(["metadata", "--no-deps", "--format-version=1"]);
    let text = program.dir(&settings.source).repository_code().capture().context("cargo could not read the project")?;
    serde_json::from_str(&text).context("could not understand what cargo says of the project")
}

/// Cargo's name of a profile, its folder, and what is to be changed about it.
fn profile(build_type: BuildType) -> (&'static str, &'static str, &'static [&'static str]) {
    match build_type {
        BuildType::Plain | BuildType::Debug => ("dev", "debug", &[]),
        BuildType::DebugOptimized => ("release", "release", &["profile.release.debug=true"]),
        BuildType::Release => ("release", "release", &[]),
        BuildType::MinSize => ("release", "release", &["profile.release.opt-level='s'"]),
    }
}

fn llvm_cov(command: &str, settings: &Settings) -> Result<Program<'static>> {
    let program = Program::new(CARGO.find()?).args(["llvm-cov", command]).dir(&settings.source);
    Ok(program.env("CARGO_TARGET_DIR", &settings.build))
}

fn cargo(command: &[&str], job: &Job) -> Result<Program<'static>> {
    let settings = job.settings;
    let (name, _, changes) = profile(settings.build_type);
    let mut program = Program::new(CARGO.find()?)
        .args(command)
        .args(["--profile", name])
        .env("CARGO_TARGET_DIR", &settings.build)
        .dir(&settings.source);
    if let Some(target) = target::target(settings) {
        let variables = target::variables(settings, &target);
        program =
            variables.into_iter().fold(program.args(["--target", &target]), |p, (name, value)| p.env(name, value));
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
    // The variable wins over configuration files, so what it holds already has to be kept.
    Ok(match job.runner.env("RUSTFLAGS") {
        Some(outer) => program.env("RUSTFLAGS", format!("{outer} {}", flags.join(" "))),
        None => program.arg("--config").arg(format!("build.rustflags={}", serde_json::to_string(&flags)?)),
    })
}
