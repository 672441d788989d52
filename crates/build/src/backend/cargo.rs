//! Cargo: programs and C libraries written in Rust.

use super::{Backend, Facts, Job, Outcome, TestResult, mark_as_ours};
use crate::settings::Settings;
use artifact::BuildType;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const CARGO: Tool = Tool { program: "cargo", provided_by: "the Debian package cargo, or rustup" };

const RUSTC: Tool = Tool { program: "rustc", provided_by: "the Debian package rustc, or rustup" };

/// The options that are understood.
const OPTIONS: [&str; 3] = ["features", "no-default-features", "all-features"];

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
        if settings.cross.is_some() {
            return Err(Failure::input(format!("cargo builds for this machine only here, not for {}", settings.arch))
                .help("run this action on a machine of that architecture"));
        }
        if let Some(option) = settings.options.iter().find(|option| !OPTIONS.contains(&option.name.as_str())) {
            return Err(Failure::input(format!("cargo has no option `{}`", option.name))
                .help(format!("there are {}", OPTIONS.join(", "))));
        }
        CARGO.find()?;
        RUSTC.find().map(|_| ())
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        mark_as_ours(job.settings)?;
        Ok("nothing to do".to_owned())
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        let program = cargo("build", job)?;
        job.run(program).context("compilation failed")?;
        Ok(())
    }

    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>> {
        let mut program = cargo("test", job)?.arg("--no-fail-fast");
        if let Some(path) = &job.environment.library_path {
            program = program.env("LD_LIBRARY_PATH", path);
        }
        let mut results = Vec::new();
        let run = job.run_and_read(program, |line| results.extend(test_result(line)));
        match run {
            Err(RunError::Failed { .. }) if results.iter().any(|test| test.outcome == Outcome::Failed) => Ok(results),
            Err(error) => Err(error).context("the tests could not be run"),
            Ok(_) => Ok(results),
        }
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let settings = job.settings;
        let built = settings.build.join(profile(settings.build_type).1);
        let root = destdir.join(settings.prefix.trim_start_matches('/'));
        let mut installed = 0;
        for target in metadata(settings)?.packages.iter().flat_map(|package| &package.targets) {
            let is = |kind: &str| target.kind.iter().any(|known| known == kind);
            let (name, folder) = if is("bin") {
                (target.name.clone(), root.join("bin"))
            } else if is("cdylib") {
                (format!("lib{}.so", target.name.replace('-', "_")), root.join(settings.libdir()))
            } else {
                continue;
            };
            let file = built.join(&name);
            // One that needs a feature which is off was not built.
            if file.is_file() {
                copy(&file, &folder, &name)?;
                installed += 1;
            }
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

fn copy(file: &Path, folder: &Path, name: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
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

fn cargo(command: &str, job: &Job) -> Result<Program<'static>> {
    let settings = job.settings;
    let (name, _, changes) = profile(settings.build_type);
    let mut program = Program::new(CARGO.find()?)
        .args([command, "--profile", name, "--message-format=short", "--target-dir"])
        .arg(&settings.build)
        .dir(&settings.source);
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
    let mut flags = vec![format!("--remap-path-prefix={}=.", settings.source.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display())));
    if settings.werror {
        flags.push("-Dwarnings".to_owned());
    }
    // The variable wins over configuration files, so what it holds already has to be kept.
    Ok(match job.runner.env("RUSTFLAGS") {
        Some(outer) => program.env("RUSTFLAGS", format!("{outer} {}", flags.join(" "))),
        None => program.arg("--config").arg(format!("build.rustflags={}", serde_json::to_string(&flags)?)),
    })
}

/// `test name ... ok`, as the test harness writes it.
fn test_result(line: &str) -> Option<TestResult> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let outcome = match result.split([' ', ',']).next()? {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::Skipped,
        "FAILED" => Outcome::Failed,
        _ => return None,
    };
    let detail = result.strip_prefix("ignored, ").map(str::to_owned);
    Some(TestResult { name: name.to_owned(), outcome, detail, duration: Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_s_lines_are_results() {
        let lines = ["test a::b ... ok", "test c ... FAILED", "test d ... ignored, slow", "test result: ok. 1", "x"];
        let found: Vec<_> = lines.iter().filter_map(|line| test_result(line)).collect();
        let found: Vec<_> =
            found.iter().map(|test| (test.name.as_str(), test.outcome, test.detail.as_deref())).collect();
        let expected =
            [("a::b", Outcome::Passed, None), ("c", Outcome::Failed, None), ("d", Outcome::Skipped, Some("slow"))];
        assert_eq!(found, expected);
    }
}
