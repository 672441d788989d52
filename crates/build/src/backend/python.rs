// SPDX-License-Identifier: Apache-2.0
//! Python packages: a source archive and a wheel by way of the project's own build backend.
//!
//! Everything happens on a copy of the source tree in the build folder, since build backends write
//! into the tree they build. The wheel is made from the source archive: what is missing in there
//! shows at once.

use super::{Backend, Facts, Job, Outcome, TestResult, mark_as_ours};
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

/// Where we work in the build folder.
const WORK: &str = "python";

/// Below the prefix; Debian's Python looks there whatever its minor version.
const MODULES: &str = "lib/python3/dist-packages";

/// Prints what there is to know about a project, as JSON on the last line.
const FACTS: &str = "\
import build, build.util, importlib.metadata, json, platform, sys
told = build.util.project_wheel_metadata(sys.argv[1], isolated=False)
print()
print(json.dumps({'name': told['Name'], 'version': told['Version'],
    'python': platform.python_implementation() + ' ' + platform.python_version(),
    'front': importlib.metadata.version('build')}))
";

/// Unpacks wheels as the format has it, except for commands, which belong to one machine.
const UNPACK: &str = "\
import sys, zipfile
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            parts = member.filename.split('/')
            if parts[0].endswith('.data'):
                if parts[1] not in ('purelib', 'platlib'):
                    continue
                member.filename = '/'.join(parts[2:])
            archive.extract(member, sys.argv[1])
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
        settings.refuse_coverage("Python")?;
        settings.refuse_valgrind("Python")?;
        TAR.find()?;
        let mut modules = vec![("build", "the Debian package python3-build, or `pip install build`")];
        if settings.test == TestMode::Run {
            modules.push(("pytest", "the Debian package python3-pytest, or `pip install pytest`"));
        }
        for (module, provided_by) in modules {
            let probe = python(settings)?.args(["-c", &format!("import {module}")]).capture();
            match probe {
                Ok(_) => {}
                Err(RunError::Failed { .. }) => {
                    return Err(Failure::work(format!("Python's module {module} was not found"))
                        .title(format!("{module} is missing"))
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
        Ok("copied the source tree".to_owned())
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
        let wheel = single(&wheels, ".whl")?;
        if settings.cross.is_some() && !wheel.to_string_lossy().ends_with("-any.whl") {
            let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Failure::work(format!("{name} has compiled parts, which are built for this machine only"))
                .help(format!("run this action on a machine of the architecture {}", settings.arch)));
        }
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
        let (site, report) = (work.join("site"), work.join("pytest.xml"));
        remove(&site)?;
        unpack(job, &site)?;
        let outer = job.runner.env("PYTHONPATH");
        let path = crate::dependencies::search_path(&[site], outer)?;
        // The copy of the tree has the tests; the modules are those of the wheel.
        let mut program = python(settings)?.args(["-m", "pytest", "-p", "no:cacheprovider"]);
        program = program.arg(format!("--junit-xml={}", report.display())).dir(tree(settings));
        program = program.env("PYTHONPATH", path).env("PYTHONSAFEPATH", "1");
        if let Some(path) = &job.environment.library_path {
            program = program.env("LD_LIBRARY_PATH", path);
        }
        let run = job.run(program);
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

    fn install(&self, job: &mut Job, destdir: &Path) -> Result<()> {
        let prefix = job.settings.prefix.trim_start_matches('/');
        unpack(job, &destdir.join(prefix).join(MODULES))
    }

    fn facts(&self, settings: &Settings) -> Result<Facts> {
        let program = python(settings)?.args(["-c", FACTS]).arg(tree(settings)).repository_code();
        let text = program.capture().map_err(|error| explain(settings, error, "the project could not be read"))?;
        let told: Told = serde_json::from_str(text.lines().next_back().unwrap_or_default())
            .context("could not understand what is said of the project")?;
        let backend = format!("build {}", told.front);
        Ok(Facts { project: told.name, project_version: told.version, compiler: told.python, backend })
    }
}

/// The copy of the source tree.
fn tree(settings: &Settings) -> PathBuf {
    settings.build.join(WORK).join("tree")
}

/// The interpreter, which leaves nothing beside what it runs.
fn python(settings: &Settings) -> Result<Program<'static>> {
    Ok(Program::new(PYTHON.find()?).env("PYTHONDONTWRITEBYTECODE", "1").dir(&settings.source))
}

/// `[build-system]` of the project, if there is one.
fn build_system(source: &Path) -> Result<Option<BuildSystem>> {
    let project: PyProject = toolkit::read_toml(&source.join("pyproject.toml"))?;
    Ok(project.build_system)
}

/// Has the project's build backend make one kind of file.
fn build(job: &mut Job, kind: &str, from: &Path, into: &Path) -> Result<()> {
    let settings = job.settings;
    // What it needs is installed already: a build that fetches things is another one every day.
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

/// A failure, with what the project needs to be built: mostly that is what is missing.
fn explain(settings: &Settings, error: RunError, what: &str) -> Failure {
    const MISSING: [&str; 3] = ["Missing dependencies", "Unmet dependencies", "No module named"];
    let missing = error.tail().iter().any(|line| MISSING.iter().any(|text| line.contains(text)));
    let RunError::Failed { tail, .. } = &error else { return Failure::from(error).context(what) };
    let help = match build_system(&settings.source) {
        Ok(Some(system)) if missing && !system.requires.is_empty() => {
            format!("install what the project is built with: pip install {}", quoted(&system.requires))
        }
        _ if missing => "install what the project is built with: pip install setuptools wheel".to_owned(),
        _ => "the output above says why".to_owned(),
    };
    // The front end marks its own errors; a traceback ends with its error.
    let said = tail.iter().find(|line| line.starts_with("ERROR "));
    let said = said.or_else(|| tail.iter().rev().find(|line| !line.trim().is_empty()));
    let message = said.map_or_else(|| what.to_owned(), |line| format!("{what}\n{}", line.trim()));
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

/// Unpacks the wheel that was built.
fn unpack(job: &mut Job, into: &Path) -> Result<()> {
    let wheel = single(&job.settings.build.join(BuildRecord::DISTRIBUTIONS), ".whl")?;
    make(into)?;
    let program = python(job.settings)?.args(["-c", UNPACK]).arg(into).arg(wheel);
    job.run(program).context("the wheel could not be unpacked")?;
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
