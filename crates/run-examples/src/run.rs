//! What a run of the examples does, from the inputs to the outputs.

use crate::environment::{Scratch, SearchPaths, installed};
use crate::recorder::{Ending, Example, Recorder};
use crate::report::Report;
use crate::{Args, Outputs, script};
use artifact::{Arch, Outcome};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use toolkit::{Exit, Failure, Program, Result, ResultExt, RunError, Runner, Tool};

const VALGRIND: Tool = Tool { program: "valgrind", provided_by: "the Debian package valgrind" };

/// How many names of failed examples the final error lists.
const NAMED: usize = 5;

/// Finds the script, prepares what it needs, runs it, and tells how each example went.
pub fn run(args: Args, runner: &Runner) -> Result<Outputs> {
    let arch = Arch::host().ok_or_else(|| Failure::work("this machine has none of the architectures we know"))?;
    let source = source_folder(&args.source_path)?;
    let script = script::find(&source, args.script.as_deref())?;
    let search_paths = search_paths(&args, arch)?;
    if args.valgrind {
        VALGRIND.find()?;
    }
    let report_path = std::path::absolute(&args.report_path)?;
    // The report of an earlier run must not speak for this one.
    let _ = std::fs::remove_file(&report_path);

    runner.step(&format!("Run the examples of {} with {}", args.package, script.display()));
    let examples = execute(&args, &source, &script, &search_paths, runner)?;

    let report = Report { package: args.package, arch, valgrind: args.valgrind, examples };
    report.tell(runner);
    report.write(&report_path)?;
    runner.summary(&report.summary())?;
    let outputs = Outputs {
        passed: report.count(Outcome::Pass),
        failed: report.count(Outcome::Fail),
        skipped: report.count(Outcome::Skip),
        report: report_path,
    };
    if let Err(failure) = judge(&report) {
        // A step that fails has outputs too: whoever goes on regardless wants to know.
        runner.outputs(&outputs)?;
        return Err(failure);
    }
    Ok(outputs)
}

fn source_folder(path: &Path) -> Result<PathBuf> {
    match path.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder),
        _ => Err(Failure::input(format!("the source tree {} does not exist", path.display()))
            .help("check the repository out first, or correct source-path")),
    }
}

fn search_paths(args: &Args, arch: Arch) -> Result<SearchPaths> {
    let destdir = std::path::absolute(&args.destdir)?;
    let mut paths = SearchPaths::default();
    paths.add(&installed(&destdir, &args.prefix)?, arch.multiarch());
    for root in args.pkgconfig_prefix.iter().flat_map(|list| list.iter()) {
        paths.add_dependency(root, arch.multiarch())?;
    }
    Ok(paths)
}

fn execute(
    args: &Args,
    source: &Path,
    script: &Path,
    search_paths: &SearchPaths,
    runner: &Runner,
) -> Result<Vec<Example>> {
    let scratch = Scratch::new()?;
    let mut recorder = Recorder::new(Instant::now());
    let mut program = Program::new(script)
        .arg(args.package.as_str())
        .arg(if args.valgrind { "1" } else { "0" })
        .dir(source)
        .repository_code()
        .timeout(Duration::from_secs(args.timeout))
        .on_line(|line| recorder.line(line, Instant::now()));
    for (name, value) in search_paths.variables(|name| std::env::var_os(name))? {
        program = program.env(name, value);
    }
    for (name, folder) in scratch.variables() {
        program = program.env(name, folder);
    }
    if runner.env("TERM").is_none() {
        // Scripts call tput, which fails without one.
        program = program.env("TERM", "xterm");
    }
    let ending = ending(program.run(runner).map(|_| ()), script)?;
    let name = script.file_name().unwrap_or_default().to_string_lossy();
    Ok(recorder.finish(&name, &ending, Instant::now()))
}

/// A script that ended, however that was; a script that never began is an error.
fn ending(result: Result<(), RunError>, script: &Path) -> Result<Ending> {
    match result {
        Ok(()) => Ok(Ending::Well),
        Err(RunError::Failed { exit: Exit::Code(status), .. }) => Ok(Ending::Status(status)),
        Err(RunError::Failed { exit, .. }) => Ok(Ending::Otherwise(exit.to_string())),
        Err(RunError::TimedOut { after, .. }) => {
            Ok(Ending::Otherwise(format!("was stopped after {}", toolkit::human::duration(after))))
        }
        Err(error @ (RunError::NotFound { .. } | RunError::Start { .. })) => Err(error)
            .with_context(|| format!("the script {} could not be started", script.display()))
            .help("its first line must name an interpreter that exists, like #!/bin/sh"),
        Err(error @ RunError::Cancelled { .. }) => Err(error.into()),
    }
}

/// A failed example fails the step, after everything has been told.
fn judge(report: &Report) -> Result<()> {
    let failed: Vec<_> = report.with(Outcome::Fail).map(|example| example.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let more = failed.len().saturating_sub(NAMED);
    let names = failed.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let names = if more == 0 { names } else { format!("{names} and {more} more") };
    let plural = if report.examples.len() == 1 { "" } else { "s" };
    Err(Failure::work(format!("{} of {} example{plural} failed: {names}", failed.len(), report.examples.len())))
}
