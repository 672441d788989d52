// SPDX-License-Identifier: Apache-2.0
//! Go modules: programs, with or without C code, and libraries for other Go projects.

mod coverage;
mod events;
mod module;

use self::events::Events;
use self::module::Module;
use super::contract::{Backend, Facts, Job, Outcome, TestResult, explain, mark_as_ours};
use crate::environment::dependency_maps;
use crate::settings::Settings;
use crate::toolchain::Cache;
use artifact::{Arch, BuildType};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolkit::{Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const GO: Tool = Tool { program: "go", provided_by: "the Debian package golang-go, or Go from https://go.dev/dl" };

/// The options that are understood.
const OPTIONS: [&str; 3] = ["packages", "tags", "ldflags"];

/// What is built unless the option says otherwise; tests always run in all of it.
const ALL: &str = "./...";

/// Go's own flags for C code, which ours are added to.
const CGO_FLAGS: &str = "-g -O2";

/// Where the programs, the profile of the tests and the caches are in the build folder.
const PROGRAMS: &str = "bin";
const PROFILE: &str = "vaccel-build-coverage.out";
const CACHE: &str = "go-cache";

/// Go.
pub struct Go;

impl Backend for Go {
    fn name(&self) -> &'static str {
        "Go"
    }

    fn looks_for(&self) -> &'static str {
        "go.mod"
    }

    fn recognises(&self, source: &Path) -> Result<bool> {
        Ok(source.join("go.mod").is_file())
    }

    fn check_tools(&self, settings: &Settings, runner: &Runner) -> Result<()> {
        settings.refuse_valgrind("Go")?;
        settings.check_options("go", &OPTIONS)?;
        let program = Program::new(GO.find()?).arg("version").env("GOTOOLCHAIN", "local").dir(&settings.source);
        let version = program.repository_code().capture().context("failed to ask go for its version")?;
        let may_download = runner.env("GOTOOLCHAIN").is_none_or(|choice| choice != "local");
        Module::read(&settings.source)?.check_version(&version, may_download)
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        mark_as_ours(job.settings)?;
        if programs(job)?.is_empty() {
            job.runner.info("the module has no program: there will be nothing to install");
            return Ok("a library".to_owned());
        }
        Ok("nothing to do".to_owned())
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        let settings = job.settings;
        let folder = settings.build.join(PROGRAMS);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("could not remove {}", folder.display()))?;
        }
        let mut program = go("build", job)?;
        // Go refuses a place for programs if there are none.
        if !programs(job)?.is_empty() {
            program = program.arg("-o").arg(format!("{}/", folder.display()));
        }
        job.run(program.args(packages(settings))).map_err(|error| explain(job, error, "compilation failed"))?;
        Ok(())
    }

    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>> {
        let settings = job.settings;
        // Results of an earlier run would be shown in place of new ones.
        let mut program = job.environment.with_libraries(go("test", job)?).args(["-json", "-count=1"]);
        let mut skipped = None;
        match settings.cross.as_ref().map(|cross| &cross.emulator) {
            Some(Ok(emulator)) => program = program.args(["-exec", &emulator.join(" ")]),
            Some(Err(reason)) => {
                program = program.args(["-exec", "true"]);
                skipped = Some(reason.clone());
            }
            None => {}
        }
        if settings.coverage {
            let profile = settings.build.join(PROFILE);
            program = program.args(["-covermode=set", "-coverpkg=./..."]);
            program = program.arg(format!("-coverprofile={}", profile.display()));
        }
        let mut events = Events::default();
        let run = job.run_rendered(program.arg(ALL), events::render, |line| events.read(line));
        let results = events.finish();
        match run {
            Err(RunError::Failed { .. }) if results.iter().any(|test| test.outcome == Outcome::Failed) => Ok(results),
            Err(error) => Err(explain(job, error, "the tests could not be run")),
            Ok(_) => Ok(match skipped {
                None => results,
                Some(reason) => {
                    let (name, detail) = ("all tests".to_owned(), Some(reason));
                    vec![TestResult { name, outcome: Outcome::Skipped, detail, duration: Duration::ZERO }]
                }
            }),
        }
    }

    fn coverage(&self, job: &mut Job, report: &Path) -> Result<()> {
        let profile = job.settings.build.join(PROFILE);
        let text = fs::read_to_string(&profile).with_context(|| format!("could not read {}", profile.display()))?;
        let module = Module::read(&job.settings.source)?;
        let xml = coverage::cobertura(&text, &module.path, &job.settings.source)
            .with_context(|| format!("could not understand {}", profile.display()))?;
        fs::write(report, xml).with_context(|| format!("could not write {}", report.display()))
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let folder = job.settings.build.join(PROGRAMS);
        if !folder.is_dir() {
            return Ok(());
        }
        let bin = destdir.join(job.settings.prefix.trim_start_matches('/')).join("bin");
        fs::create_dir_all(&bin).with_context(|| format!("could not make {}", bin.display()))?;
        let doing = || format!("could not install {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(doing)? {
            let entry = entry.with_context(doing)?;
            fs::copy(entry.path(), bin.join(entry.file_name())).with_context(doing)?;
        }
        Ok(())
    }

    fn facts(&self, job: &Job) -> Result<Facts> {
        let module = Module::read(&job.settings.source)?;
        let told = job.capture(Program::new(GO.find()?).arg("version").dir(&job.settings.source))?;
        let version = module::installed(&told).map_or_else(|| "go".to_owned(), |version| format!("go {version}"));
        Ok(Facts {
            project: module.name().to_owned(),
            project_version: "0.0.0".to_owned(),
            compiler: version.clone(),
            backend: version,
        })
    }
}

/// What is built.
fn packages(settings: &Settings) -> Vec<&str> {
    match settings.options.get("packages") {
        Some(packages) => packages.split_whitespace().collect(),
        None => vec![ALL],
    }
}

/// The import paths of the programs that are built.
fn programs(job: &Job) -> Result<Vec<String>> {
    const NAMES: &str = "{{if eq .Name \"main\"}}{{.ImportPath}}{{end}}";
    let program = base("list", job)?.args(["-f", NAMES]).args(packages(job.settings));
    let text = job.capture(program).context("go could not read the project")?;
    let programs: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let mut by_name: BTreeMap<&str, &str> = BTreeMap::new();
    for program in &programs {
        if let Some(other) = by_name.insert(module::last_part(program), program) {
            let name = module::last_part(program);
            return Err(Failure::input(format!("{other} and {program} would both be the program {name}"))
                .help("name what is built with the option `packages`, for instance `packages=./cmd/...`"));
        }
    }
    Ok(programs)
}

/// A command of Go's that has no flags for building.
fn base(command: &str, job: &Job) -> Result<Program<'static>> {
    let settings = job.settings;
    let mut program = Program::new(GO.find()?).arg(command).dir(&settings.source);
    if let Some(tags) = settings.options.get("tags") {
        program = program.arg(format!("-tags={}", tags.split_whitespace().collect::<Vec<_>>().join(",")));
    }
    for (name, value) in variables(settings, &job.environment.link_flags, |name| job.runner.env(name)) {
        program = program.env(name, value);
    }
    Ok(program)
}

/// A command of Go's that builds something.
fn go(command: &str, job: &Job) -> Result<Program<'static>> {
    let settings = job.settings;
    // Equal sources give equal bytes: no paths, no state of the repository, no identifier that depends on flags.
    let mut linker = "-buildid=".to_owned();
    if settings.build_type == BuildType::MinSize {
        linker.push_str(" -s -w");
    }
    if let Some(flags) = settings.options.get("ldflags") {
        linker = format!("{linker} {flags}");
    }
    let mut program = base(command, job)?.args(["-trimpath", "-buildvcs=false", &format!("-ldflags={linker}")]);
    if matches!(settings.build_type, BuildType::Debug | BuildType::Plain) {
        program = program.arg("-gcflags=all=-N -l");
    }
    if settings.jobs > 0 {
        program = program.arg(format!("-p={}", settings.jobs));
    }
    Ok(program)
}

/// A flag as Go splits them: with quotes, but without escapes.
fn quote(flag: &str) -> String {
    if flag.contains([' ', '\'']) { format!("\"{flag}\"") } else { flag.to_owned() }
}

/// The variables that name the machine, and what C code is built with.
fn variables(
    settings: &Settings,
    link_flags: &[String],
    outer: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, String)> {
    let (arch, arm) = match settings.arch {
        Arch::X86_64 => ("amd64", None),
        Arch::Aarch64 => ("arm64", None),
        Arch::Armv7l => ("arm", Some("7")),
    };
    let flags = |name: &str| outer(name).unwrap_or_else(|| CGO_FLAGS.to_owned());
    let mut variables = vec![("GOOS", "linux".to_owned()), ("GOARCH", arch.to_owned())];
    variables.extend(arm.map(|arm| ("GOARM", arm.to_owned())));
    // Go maps its own paths; C code sees those of the dependencies' headers.
    let compile: Vec<_> = dependency_maps(settings)
        .chain(settings.werror.then(|| "-Werror".to_owned()))
        .map(|flag| quote(&flag))
        .collect();
    for name in ["CGO_CFLAGS", "CGO_CXXFLAGS"].into_iter().filter(|_| !compile.is_empty()) {
        variables.push((name, format!("{} {}", flags(name), compile.join(" "))));
    }
    if !link_flags.is_empty() {
        let all: Vec<_> = link_flags.iter().map(|flag| quote(flag)).collect();
        variables.push(("CGO_LDFLAGS", format!("{} {}", flags("CGO_LDFLAGS"), all.join(" "))));
    }
    if settings.cache == Cache::Off {
        let cache: PathBuf = settings.build.join(CACHE);
        variables.push(("GOCACHE", cache.display().to_string()));
    }
    if let Some(cross) = &settings.cross {
        // Without this Go leaves out whatever has C code.
        variables.push(("CGO_ENABLED", outer("CGO_ENABLED").unwrap_or_else(|| "1".to_owned())));
        variables.push(("CC", cross.cc.join(" ")));
        variables.push(("CXX", cross.cxx.join(" ")));
        variables.push(("AR", cross.ar.join(" ")));
        variables.push(("PKG_CONFIG_LIBDIR", cross.pkgconfig().join(":")));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_has_go_s_name() {
        for (arch, expected) in [
            (Arch::X86_64, "GOOS=linux GOARCH=amd64"),
            (Arch::Aarch64, "GOOS=linux GOARCH=arm64"),
            (Arch::Armv7l, "GOOS=linux GOARCH=arm GOARM=7"),
        ] {
            let settings = Settings { arch, ..Settings::plain("/p", "/p/build", "/p/install") };
            let told: Vec<_> =
                variables(&settings, &[], |_| None).iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(told.join(" "), expected);
        }
    }

    #[test]
    fn flags_for_c_code_are_added() {
        let settings = Settings { werror: true, cache: Cache::Off, ..Settings::plain("/p", "/p/build", "/p/install") };
        let told = variables(&settings, &["-Wl,-rpath-link,/d c".to_owned()], |name| {
            (name == "CGO_CFLAGS").then(|| "-O1".to_owned())
        });
        let told: Vec<_> = told.iter().skip(2).map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            told,
            [
                "CGO_CFLAGS=-O1 -Werror",
                "CGO_CXXFLAGS=-g -O2 -Werror",
                "CGO_LDFLAGS=-g -O2 \"-Wl,-rpath-link,/d c\"",
                "GOCACHE=/p/build/go-cache"
            ]
        );
    }
}
