// SPDX-License-Identifier: Apache-2.0
//! What a build does, from the inputs to the outputs.

use crate::backend::{self, Backend, Job, Outcome, TestResult};
use crate::coverage::Coverage;
use crate::dependencies::Dependencies;
use crate::diagnostics::Diagnostics;
use crate::environment::Environment;
use crate::report::{Report, count, tally};
use crate::revision::Revision;
use crate::section::Section;
use crate::settings::{self, Settings};
use crate::state::State;
use crate::toolchain::{Cache, Cross};
use crate::{Args, Outputs, TestMode, apt, install, junit, submodules};
use artifact::{Arch, BuildRecord};
use std::path::{Path, PathBuf};
use toolkit::{Annotation, Failure, Result, Runner, human, on_path};

/// Where the results of the tests are in the build folder.
const TEST_REPORT: &str = "vaccel-build-tests.xml";

/// Where the lines that they reach are in the build folder.
const COVERAGE_REPORT: &str = "vaccel-build-coverage.xml";

/// How many failed tests become annotations.
const SHOWN_TESTS: usize = 10;

/// Checks, configures, compiles, tests, installs, and tells about it, whatever came of it.
pub fn run(args: Args, runner: &Runner) -> Result<Outputs> {
    let choice = args.backend;
    let settings = settings(args)?;
    let backend = backend::pick(choice, &settings.source)?;
    submodules::check(&settings.source)?;
    apt::provide(&settings, runner)?;
    // A repository can bring a toolchain of its own, which answers here.
    runner.guarded(|| backend.check_tools(&settings, runner))??;
    install::check(&settings.destdir, &State::load(&settings.build)?.installed)?;
    if let Some(cross) = &settings.cross {
        runner.info(&format!("{}: {}", cross.arch, cross.describe()));
    }
    let revision = Revision::of(&settings.source)?;
    let environment = Environment::new(&settings, revision.time, |name| runner.env(name))?;

    let root = repository_root(&settings.source, runner);
    let mut diagnostics = Diagnostics::new(root, [settings.build.clone(), settings.source.clone()]);
    let mut report = Report { version: revision.version.as_ref().map(ToString::to_string), ..Report::default() };
    let mut job = Job { settings: &settings, environment: &environment, diagnostics: &mut diagnostics, runner };
    let result = steps(backend, &mut job, &mut report);
    diagnostics.annotate(runner);
    let told = runner.summary(&report.render(&settings, &diagnostics));
    result?;
    told?;
    Ok(Outputs {
        destdir: settings.destdir,
        build_path: settings.build,
        version: report.version.unwrap_or_default(),
        compiler: report.facts.map(|facts| facts.compiler).unwrap_or_default(),
        arch: settings.arch.to_string(),
        test_report: report.junit.unwrap_or_default(),
        coverage_report: report.cobertura.unwrap_or_default(),
        tree_sha256: report.tree_sha256.map(|digest| digest.to_string()).unwrap_or_default(),
        warnings: diagnostics.warnings(),
    })
}

fn settings(args: Args) -> Result<Settings> {
    let host = Arch::host().ok_or_else(|| {
        Failure::work("this machine has none of the architectures that packages are built for")
            .help("the known ones are x86_64, aarch64 and armv7l")
    })?;
    let arch = args.arch.unwrap_or(host);
    let cross = if arch == host { None } else { Some(Cross::find(arch, on_path, Path::new("/"))?) };
    let source = settings::source_folder(&args.source_path)?;
    let settings = Settings {
        section: Section::read(&source)?,
        source,
        build: settings::folder("build-path", &args.build_path)?,
        destdir: settings::folder("destdir", &args.destdir)?,
        prefix: settings::prefix(&args.prefix)?,
        build_type: args.build_type,
        arch,
        cross,
        options: args.options.unwrap_or_default(),
        dependencies: Dependencies::find(&args.pkgconfig_prefix.unwrap_or_default(), arch.multiarch())?,
        subprojects: args.subprojects,
        test: args.test,
        coverage: args.coverage,
        cache: Cache::find(args.compiler_cache, on_path),
        jobs: args.jobs,
        werror: args.werror,
    };
    settings.check_folders()?;
    if settings.coverage && settings.test == TestMode::None {
        return Err(Failure::input("coverage is what tests reach, and none are to run").help("set test to `run`"));
    }
    Ok(settings)
}

fn steps(backend: &dyn Backend, job: &mut Job, report: &mut Report) -> Result<()> {
    let (settings, runner) = (job.settings, job.runner);
    let record = settings.build.join(BuildRecord::FILE);
    // A record of an earlier build must not speak for one that fails.
    let _ = std::fs::remove_file(&record);

    {
        let _group = runner.group(&format!("Configure with {}", backend.name()));
        report.steps.measure("Configure", || backend.configure(job), Clone::clone)?;
    }
    let facts = backend.facts(job)?;
    let facts = report.facts.insert(facts).clone();
    let version = report.version.get_or_insert(facts.project_version).clone();

    runner.step("Compile");
    let compiled = report.steps.measure("Compile", || backend.compile(job), |()| "done".to_owned());
    compiled?;

    if settings.test != TestMode::None {
        runner.step("Test");
        toolkit::provide_runtime_folder(runner);
        let tests = report.steps.measure("Test", || backend.test(job), |tests| tally(tests))?;
        let file = settings.build.join(TEST_REPORT);
        let xml = junit::render(&facts.project, &tests);
        toolkit::write_file(&file, xml.as_bytes())?;
        report.junit = Some(file);
        let verdict = judge(&tests, runner);
        report.tests = Some(tests);
        verdict?;
    }

    if settings.coverage {
        runner.step("Coverage");
        let file = settings.build.join(COVERAGE_REPORT);
        let measure = || {
            backend.coverage(job, &file)?;
            Coverage::read(&file)
        };
        report.coverage = Some(report.steps.measure("Coverage", measure, Coverage::note)?);
        report.cobertura = Some(file);
    }

    {
        let _group = runner.group("Install");
        let install = || install::whole(&settings.destdir, |folder| backend.install(job, folder));
        let note = |tree: &install::Tree| format!("{}, {}", count(tree.files, "file"), human::bytes(tree.bytes));
        report.tree = Some(report.steps.measure("Install", install, note)?);
    }
    let tree_sha256 = Some(tree::digest(&settings.destdir)?);
    report.tree_sha256 = tree_sha256;
    let mut state = State::load(&settings.build)?;
    state.add_installed(&settings.destdir);
    state.save(&settings.build)?;

    let built = BuildRecord {
        schema: BuildRecord::SCHEMA,
        compiler: facts.compiler,
        backend: facts.backend,
        options: settings.options.iter().map(ToString::to_string).collect(),
        version,
        arch: settings.arch,
        build_type: settings.build_type,
        tree_sha256,
    };
    toolkit::write_file(&record, &built.to_canonical_json())
}

/// A failed test fails the build: what failed its own tests is not installed.
fn judge(tests: &[TestResult], runner: &Runner) -> Result<()> {
    let failed: Vec<_> = tests.iter().filter(|test| test.outcome == Outcome::Failed).collect();
    for test in failed.iter().take(SHOWN_TESTS) {
        let detail = test.detail.as_deref().unwrap_or("failed");
        runner.annotate(&Annotation::error(format!("{}: {detail}", test.name)).title("Test failed"));
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::work(format!("{} of {} failed", failed.len(), count(tests.len(), "test")))
        .help("their output is in the log above"))
}

/// The folder that paths of annotations start from: the runner's workspace, or git's.
fn repository_root(source: &Path, runner: &Runner) -> PathBuf {
    let workspace = runner.env("GITHUB_WORKSPACE").and_then(|path| PathBuf::from(path).canonicalize().ok());
    let workspace = workspace.filter(|folder| source.starts_with(folder));
    let git = || source.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    workspace.or_else(git).unwrap_or_else(|| source.to_owned())
}
