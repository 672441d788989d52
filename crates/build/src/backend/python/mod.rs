// SPDX-License-Identifier: Apache-2.0
//! Python packages: a source archive and a wheel by way of the project's own build backend.
//!
//! Everything happens on a copy of the source tree in the build folder, since build backends write
//! into the tree they build. The wheel is made from the source archive: what is missing in there
//! shows at once. What the project is built and tested with is installed into virtual environments
//! of our own, unless the settings say that the machine has it.

mod coverage;
mod venv;
mod wheel;

use self::venv::Venv;
use super::contract::{Backend, Facts, Job, Outcome, TestResult, mark_as_ours};
use crate::copy::Copy;
use crate::settings::Settings;
use crate::{TestMode, junit};
use artifact::BuildRecord;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use toolkit::{Exit, Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const PYTHON: Tool = Tool { program: "python3", provided_by: "the Debian package python3" };
const TAR: Tool = Tool { program: "tar", provided_by: "the Debian package tar" };

/// Where we work in the build folder, and the environments to build and to test in.
const WORK: &str = "python";
const BUILD_ENVIRONMENT: &str = "python-build";
const TEST_ENVIRONMENT: &str = "python-test";

/// How the name of a wheel ends.
const DISTRIBUTIONS_END: &str = ".whl";

/// What builds a project that does not say what it is built with.
const LEGACY: [&str; 2] = ["setuptools>=40.8.0", "wheel"];

/// Prints what there is to know about a project, as JSON on the last line.
const FACTS: &str = "\
import build, build.util, importlib.metadata, json, packaging.specifiers, platform, pyproject_hooks, sys
try:
    told = build.util.project_wheel_metadata(
        sys.argv[1], isolated=False, runner=pyproject_hooks.default_subprocess_runner)
except build.BuildBackendException as error:
    sys.exit('ERROR ' + str(error))
needs = told['Requires-Python'] or ''
fits = packaging.specifiers.SpecifierSet(needs).contains(platform.python_version(), prereleases=True)
print()
print(json.dumps({'name': told['Name'], 'version': told['Version'],
    'python': platform.python_implementation() + ' ' + platform.python_version(),
    'needs': '' if fits else needs, 'front': importlib.metadata.version('build')}))
";

/// Prints what the build backend wants beside what is declared, one requirement a line.
const WANTS: &str = "\
import build, sys
builder = build.ProjectBuilder(sys.argv[1])
try:
    wanted = builder.get_requires_for_build('sdist') | builder.get_requires_for_build('wheel')
except build.BuildBackendException as error:
    sys.exit('ERROR ' + str(error))
print()
print('requirements:')
print(*sorted(wanted), sep='\\n')
";

/// Python.
pub struct Python;

#[derive(Default, Deserialize)]
struct PyProject {
    #[serde(rename = "build-system")]
    build_system: Option<BuildSystem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildSystem {
    #[serde(default)]
    requires: Vec<String>,
}

#[derive(Deserialize)]
struct Told {
    name: String,
    version: String,
    python: String,
    needs: String,
    front: String,
}

impl Backend for Python {
    fn name(&self) -> &'static str {
        "Python"
    }

    fn looks_for(&self) -> &'static str {
        "pyproject.toml with a section [build-system] or setup.py"
    }

    fn recognises(&self, source: &Path) -> Result<bool> {
        // Linters keep their settings in pyproject.toml, too.
        Ok(source.join("setup.py").is_file() || build_system(source)?.is_some())
    }

    fn check_tools(&self, settings: &Settings, _: &Runner) -> Result<()> {
        settings.refuse_valgrind("Python")?;
        TAR.find()?;
        venv::check(&settings.section.pip, &settings.source)?;
        let mut modules = Vec::new();
        if is_isolated(settings) {
            modules.push(("ensurepip", "the Debian package python3-venv"));
        } else {
            if !settings.section.pip.is_empty() {
                return Err(Failure::input("`pip` of [build] is not installed where `isolated` is false")
                    .help("take one of them out of .github/vaccel-ci.toml"));
            }
            modules.push(("build", "the Debian package python3-build, or `pip install build`"));
            if settings.test == TestMode::Run {
                modules.push(("pytest", "the Debian package python3-pytest, or `pip install pytest`"));
            }
            if settings.coverage {
                modules.push(("coverage", "the Debian package python3-coverage, or `pip install coverage`"));
            }
        }
        for (module, provided_by) in modules {
            let probe = Program::new(PYTHON.find()?).args(["-c", &format!("import {module}")]).dir(&settings.source);
            match probe.env("PYTHONDONTWRITEBYTECODE", "1").repository_code().capture() {
                Ok(_) => {}
                Err(error @ RunError::Failed { .. }) => {
                    return Err(Failure::work(format!("Python's module {module} was not found"))
                        .title(format!("{module} is missing"))
                        .because(error)
                        .help(format!("install {provided_by}")));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn configure(&self, job: &mut Job) -> Result<String> {
        let settings = job.settings;
        mark_as_ours(settings)?;
        let work = settings.build.join(WORK);
        remove(&work)?;
        let copy = Copy { without: &[&settings.build, &settings.destdir], time: job.environment.time };
        copy.folder(&settings.source, &tree(settings))?;
        if !is_isolated(settings) {
            return Ok("copied the source tree".to_owned());
        }
        let declared = build_system(&settings.source)?.map(|system| system.requires).filter(|all| !all.is_empty());
        let declared = declared.unwrap_or_else(|| LEGACY.map(str::to_owned).into());
        let requirements: Vec<_> =
            ["build".to_owned()].into_iter().chain(declared).chain(settings.section.pip.iter().cloned()).collect();
        let environment = Venv::named(BUILD_ENVIRONMENT, settings);
        let note = environment.provide(job, &requirements)?;
        let program = python(settings)?.args(["-c", WANTS]).arg(tree(settings));
        let text = job.capture(program).map_err(|error| explain(settings, error, "the project could not be read"))?;
        let wanted = text.lines().skip_while(|line| *line != "requirements:").skip(1).filter(|line| !line.is_empty());
        environment.install(job, &wanted.map(str::to_owned).collect::<Vec<_>>())?;
        Ok(note)
    }

    fn compile(&self, job: &mut Job) -> Result<()> {
        let settings = job.settings;
        let work = settings.build.join(WORK);
        let (archives, wheels, unpacked) = (work.join("sdist"), work.join("wheel"), work.join("unpacked"));
        build(job, "--sdist", &tree(settings), &archives)?;
        let archive = single(&archives, ".tar.gz")?;
        make(&unpacked)?;
        let program = Program::new(TAR.find()?).arg("-xzf").arg(&archive).arg("-C").arg(&unpacked);
        job.run(program).context("the source archive could not be unpacked")?;
        pack(job, &archive, &unpacked)?;
        build(job, "--wheel", &single(&unpacked, "")?, &wheels)?;
        let wheel = single(&wheels, DISTRIBUTIONS_END)?;
        wheel::check(job, python(settings)?, &wheel)?;
        let dist = settings.build.join(BuildRecord::DISTRIBUTIONS);
        remove(&dist)?;
        make(&dist)?;
        for file in [archive, wheel] {
            let name = file.file_name().unwrap_or_default();
            fs::rename(&file, dist.join(name)).with_context(|| format!("could not move {}", file.display()))?;
        }
        Ok(())
    }

    fn test(&self, job: &mut Job) -> Result<Vec<TestResult>> {
        let settings = job.settings;
        let work = settings.build.join(WORK);
        let (site, report) = (site(settings), work.join("pytest.xml"));
        remove(&site)?;
        wheel::unpack(job, python(settings)?, &site)?;
        let interpreter = test_python(job, &site)?;
        let mut program = Program::new(interpreter).env("PYTHONDONTWRITEBYTECODE", "1").arg("-m");
        if settings.coverage {
            program = program.args(["coverage", "run"]).arg(format!("--source={}", site.display())).arg("-m");
            program = program.env("COVERAGE_FILE", work.join("coverage"));
        }
        // The copy of the tree has the tests; the modules are those of the wheel.
        program = program.args(["pytest", "-p", "no:cacheprovider"]);
        program = program.arg(format!("--junit-xml={}", report.display())).dir(tree(settings));
        let path = crate::dependencies::search_path(&[site], job.runner.env("PYTHONPATH"))?;
        program = program.env("PYTHONPATH", path).env("PYTHONSAFEPATH", "1");
        let run = job.run(job.environment.with_libraries(program));
        match (run, junit::read(&report)) {
            // With this status pytest says that it found no tests.
            (Err(RunError::Failed { exit: Exit::Code(5), .. }), _) => Ok(Vec::new()),
            (Err(RunError::Failed { .. }), Ok(tests)) if tests.iter().any(|test| test.outcome == Outcome::Failed) => {
                Ok(tests)
            }
            (Err(error), _) => Err(error).context("the tests could not be run"),
            (Ok(_), tests) => tests,
        }
    }

    fn coverage(&self, job: &mut Job, report: &Path) -> Result<()> {
        let settings = job.settings;
        let program = Program::new(test_interpreter(settings)?).args(["-m", "coverage", "xml", "-o"]).arg(report);
        let program = program.env("COVERAGE_FILE", settings.build.join(WORK).join("coverage")).dir(tree(settings));
        job.run(program).context("coverage could not be measured")?;
        coverage::relocate(report, &site(settings), &settings.source)
    }

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let settings = job.settings;
        let prefix = settings.prefix.trim_start_matches('/');
        let modules = modules(job)?;
        wheel::unpack(job, python(settings)?, &destdir.join(prefix).join(modules))
    }

    fn facts(&self, job: &Job) -> Result<Facts> {
        let settings = job.settings;
        let program = python(settings)?.args(["-c", FACTS]).arg(tree(settings));
        let text = job.capture(program).map_err(|error| explain(settings, error, "the project could not be read"))?;
        let told: Told = serde_json::from_str(text.lines().next_back().unwrap_or_default())
            .context("could not understand what is said of the project")?;
        if !told.needs.is_empty() {
            return Err(Failure::input(format!(
                "the project needs Python {}, and this is {}",
                told.needs, told.python
            ))
            .help("put another interpreter on PATH (actions/setup-python), or correct `requires-python`"));
        }
        let backend = format!("build {}", told.front);
        Ok(Facts { project: told.name, project_version: told.version, compiler: told.python, backend })
    }
}

/// Whether the project is built with nothing but what it declares.
fn is_isolated(settings: &Settings) -> bool {
    settings.section.isolated.unwrap_or(true)
}

/// Where modules go, below the prefix. Debian's Python looks below `/usr` whatever its minor version, and below
/// `/usr/local` in a folder of its version.
fn modules(job: &Job) -> Result<String> {
    const VERSION: &str = "import sys; print('%d.%d' % sys.version_info[:2])";
    if job.settings.prefix != "/usr/local" {
        return Ok("lib/python3/dist-packages".to_owned());
    }
    let version = job.capture(python(job.settings)?.args(["-c", VERSION]))?;
    Ok(format!("lib/python{}/dist-packages", version.trim()))
}

/// The copy of the source tree.
fn tree(settings: &Settings) -> PathBuf {
    settings.build.join(WORK).join("tree")
}

/// The unpacked wheel, for tests.
fn site(settings: &Settings) -> PathBuf {
    settings.build.join(WORK).join("site")
}

/// The interpreter that builds, which leaves nothing beside what it runs.
fn python(settings: &Settings) -> Result<Program<'static>> {
    let program = if is_isolated(settings) {
        // Modules of the machine are not the project's.
        let python = Venv::named(BUILD_ENVIRONMENT, settings).python();
        Program::new(python).env_remove("PYTHONPATH").env_remove("PYTHONHOME")
    } else {
        Program::new(PYTHON.find()?)
    };
    Ok(program.env("PYTHONDONTWRITEBYTECODE", "1").dir(&settings.source))
}

/// The interpreter that runs tests.
fn test_interpreter(settings: &Settings) -> Result<PathBuf> {
    if is_isolated(settings) { Ok(Venv::named(TEST_ENVIRONMENT, settings).python()) } else { PYTHON.find() }
}

/// The interpreter that runs tests, with what they and the wheel need.
fn test_python(job: &mut Job, site: &Path) -> Result<PathBuf> {
    let settings = job.settings;
    if is_isolated(settings) {
        let mut requirements = vec!["pytest".to_owned()];
        requirements.extend(settings.coverage.then(|| "coverage".to_owned()));
        requirements.extend(settings.section.pip.iter().cloned());
        requirements.extend(wheel::requirements(job, python(settings)?, site)?);
        Venv::named(TEST_ENVIRONMENT, settings).provide(job, &requirements)?;
    }
    test_interpreter(settings)
}

/// `[build-system]` of the project, if there is one.
fn build_system(source: &Path) -> Result<Option<BuildSystem>> {
    let project: PyProject = toolkit::read_toml(&source.join("pyproject.toml"))?;
    Ok(project.build_system)
}

/// Has the project's build backend make one kind of file.
fn build(job: &mut Job, kind: &str, from: &Path, into: &Path) -> Result<()> {
    let settings = job.settings;
    // The environment is ours, or the machine's: the front end does not make another one.
    let mut program = python(settings)?.args(["-m", "build", "--no-isolation", kind, "--outdir"]).arg(into);
    for option in settings.options.iter() {
        program = program.arg(format!("--config-setting={option}"));
    }
    if settings.jobs > 0 {
        program = program.env("MAX_JOBS", settings.jobs.to_string());
    }
    if settings.werror {
        let flags = job.environment.variables.get("CFLAGS").map_or("", String::as_str);
        program = program.env("CFLAGS", format!("{flags} -Werror"));
    }
    job.run(program.arg(from)).map_err(|error| explain(settings, error, "the package could not be built"))?;
    Ok(())
}

/// A failure, with the way out where a module is missing: mostly that is why.
fn explain(settings: &Settings, error: RunError, what: &str) -> Failure {
    const MISSING: [&str; 3] = ["Missing dependencies", "Unmet dependencies", "No module named"];
    let missing = error.tail().iter().any(|line| MISSING.iter().any(|text| line.contains(text)));
    let RunError::Failed { tail, unseen, .. } = &error else { return Failure::from(error).context(what) };
    let help = match (missing, is_isolated(settings), build_system(&settings.source)) {
        (true, true, _) => {
            "add what is missing to `requires` of [build-system] in pyproject.toml, or to `pip` of [build] in \
                            .github/vaccel-ci.toml"
                .to_owned()
        }
        (true, false, Ok(Some(system))) if !system.requires.is_empty() => {
            format!("install what the project is built with: pip install {}", quoted(&system.requires))
        }
        (true, false, _) => "install what the project is built with: pip install setuptools wheel".to_owned(),
        (false, ..) => "the output above says why".to_owned(),
    };
    // The front end marks its own errors; a traceback ends with its error. Captured output follows as the cause.
    let said = tail.iter().find(|line| line.starts_with("ERROR "));
    let said = said.or_else(|| tail.iter().rev().find(|line| !line.trim().is_empty())).filter(|_| unseen.is_none());
    let message = said.map_or_else(|| what.to_owned(), |line| format!("{what}\n{}", line.trim()));
    let help = if unseen.is_some() && !missing { "correct what the output says" } else { &help };
    Failure::work(message).because(error).help(help)
}

fn quoted(requirements: &[String]) -> String {
    let quoted: Vec<_> = requirements.iter().map(|requirement| format!("'{requirement}'")).collect();
    quoted.join(" ")
}

/// Packs the source archive again, so that it says nothing of who made it, when and where.
fn pack(job: &mut Job, archive: &Path, unpacked: &Path) -> Result<()> {
    let top = single(unpacked, "")?;
    let program = Program::new(TAR.find()?)
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX", "--format=posix"])
        .args([
            "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
            "--use-compress-program=gzip -9n",
        ])
        .arg(format!("--mtime=@{}", job.environment.time.unwrap_or(0)))
        .arg("-cf")
        .arg(archive)
        .arg("-C")
        .arg(unpacked)
        .arg(top.file_name().unwrap_or_default());
    job.run(program).context("the source archive could not be packed")?;
    Ok(())
}

/// The one thing in a folder whose name ends so.
fn single(folder: &Path, end: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("could not read {}", folder.display()))?.path();
        if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    match <[PathBuf; 1]>::try_from(found) {
        Ok([path]) => Ok(path),
        Err(found) => Err(Failure::work(format!(
            "{} should hold one thing named *{end} and holds {}",
            folder.display(),
            found.len()
        ))
        .help("a project makes one source archive and one wheel")),
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
