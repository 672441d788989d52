// SPDX-License-Identifier: Apache-2.0
//! The examples of a script: called as it always was, and listened to.

use crate::core_dump::Cores;
use crate::environment::Scratch;
use crate::examples::{Outside, gdb};
use crate::normal::Folders;
use crate::recorder::{Ending, Example, Recorder, shortened};
use crate::report::Report;
use crate::run::Settings;
use crate::trace::{PS4, Tracer};
use artifact::Outcome;
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};
use toolkit::{Exit, Failure, Program, Result, ResultExt, RunError, Runner, Supervisor, human};

/// How much of a script's output the log shows, in bytes.
const SHOWN: u64 = 16_000_000;

/// Runs the script and tells of its examples.
pub fn run(settings: &Settings<'_>, script: &Path, runner: &Runner) -> Result<Report> {
    let args = settings.args;
    if args.bless {
        return Err(Failure::input("only a manifest has golden files that could be written").help("leave --bless out"));
    }
    runner.step(&format!("Run the examples of {} with {}", args.package, script.display()));
    let name = script.file_name().unwrap_or_default().to_string_lossy();
    let mut notes = Vec::new();
    let outside = Outside::remember(&[&settings.source, &settings.destdir], &settings.written());
    let mut examples = match settings.machine.refuses_scripts() {
        Some(reason) => vec![Example { detail: Some(reason), ..Example::new(&*name, Outcome::Skip) }],
        None => execute(settings, script, &name, &mut notes, runner)?,
    };
    if settings.filter.is_some() {
        let names: Vec<_> = examples.iter().map(|example| example.name.clone()).collect();
        // What is wrong with the script as a whole is told whatever is wanted of it.
        let is_whole = |example: &Example| example.name == name && example.outcome != Outcome::Pass;
        examples.retain(|example| settings.wants(&example.name) || is_whole(example));
        if examples.is_empty() {
            return Err(settings.nothing_wanted(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }
    let report = Report {
        valgrind: args.valgrind,
        context: settings.context.names(),
        notes,
        leftovers: outside.changes(&[]),
        ..Report::new(args.package.clone(), settings.machine.arch(), examples)
    };
    report.tell(runner);
    Ok(report)
}

fn execute(
    settings: &Settings<'_>,
    script: &Path,
    name: &str,
    notes: &mut Vec<String>,
    runner: &Runner,
) -> Result<Vec<Example>> {
    let args = settings.args;
    let size = Cell::new(0);
    let scratch = Scratch::new()?;
    let mut folders = Folders::default();
    folders.add(scratch.root(), "<scratch>");
    folders.add(&settings.tree, "<tree>");
    folders.add(&settings.source, "<source>");
    let tree = settings.tree.canonicalize()?;
    let programs: Vec<_> = settings.search_paths.programs().iter().flat_map(|folder| folder.canonicalize()).collect();
    let tracer = Tracer::new(&settings.source, &tree, &programs, folders.clone());
    let mut recorder = Recorder::new(Instant::now()).with_tracer(tracer).with_folders(folders);
    let anew = Cell::new(false);
    let program =
        program(settings, script, &scratch, runner)?.output_limit(SHOWN, &size).timeout_anew(&anew).on_line(|line| {
            let before = recorder.count();
            recorder.line(line, Instant::now());
            anew.set(anew.get() || recorder.count() > before);
        });
    let supervisor = Supervisor::start().context("could not prepare for signals")?;
    let gdb = gdb().filter(|_| settings.machine.is_native() && !args.valgrind);
    let cores = Cores::allow(gdb, &[&settings.source, &scratch.path("tmp"), &scratch.path("run")]);
    let result = program.run(runner).map(|_| ());
    let left = supervisor.sweep()?;
    let backtraces = cores.map_or_else(Vec::new, |cores| cores.read(&supervisor));
    drop(supervisor);
    let mut note = |text: String| {
        runner.warning(&text);
        notes.push(text);
    };
    if !left.is_empty() {
        note(format!("the script left processes behind, which were ended: {}", left.join(", ")));
    }
    if size.get() > SHOWN {
        let (size, shown) = (human::bytes(size.get()), human::bytes(SHOWN));
        note(format!("the script wrote {size} of output, of which the log has the first {shown} and the last lines"));
    }
    let ending = ending(result, script)?;
    let mut examples = recorder.finish(name, &ending, Instant::now());
    explain_crashes(&mut examples, backtraces);
    Ok(examples)
}

/// The script as it is called, with what it expects around it.
fn program<'a>(settings: &Settings<'_>, script: &Path, scratch: &Scratch, runner: &Runner) -> Result<Program<'a>> {
    let mut program = Program::new(script)
        .arg(settings.args.package.as_str())
        .arg(if settings.args.valgrind { "1" } else { "0" })
        .dir(&settings.source)
        .repository_code()
        .timeout(Duration::from_secs(settings.args.timeout))
        .env("VACCEL_CI_CONTEXT", settings.context.names().join(","))
        .env("PS4", PS4);
    for (name, value) in settings.search_paths.variables(|name| std::env::var_os(name))? {
        program = program.env(name, value);
    }
    for (name, folder) in scratch.variables() {
        program = program.env(name, folder);
    }
    if let Some((name, value)) = settings.machine.variables() {
        program = program.env(name, value);
    }
    // bash takes no PS4 from the environment of root. A caller's own file is not passed on.
    let file = scratch.root().join("bash-env");
    std::fs::write(&file, format!("PS4='{PS4}'\n")).context("could not write into the scratch folder")?;
    program = program.env("BASH_ENV", file);
    if runner.env("TERM").is_none() {
        // Scripts call tput, which fails without one.
        program = program.env("TERM", "xterm");
    }
    Ok(program)
}

/// The kernel may keep only the last core, so the last crashes get the last backtraces. Each says which program it is of.
fn explain_crashes(examples: &mut [Example], backtraces: Vec<Vec<String>>) {
    let crashed = |example: &Example| example.detail.as_ref().is_some_and(|detail| detail.contains("killed by SIG"));
    let mut failed: Vec<_> = examples.iter_mut().filter(|example| example.outcome == Outcome::Fail).collect();
    if failed.iter().any(|example| crashed(example)) {
        failed.retain(|example| crashed(example));
    }
    for (example, backtrace) in failed.into_iter().rev().zip(backtraces.into_iter().rev()) {
        example.output.extend(backtrace.iter().map(|line| shortened(line)));
    }
}

/// A script that ended, however that was; a script that never began is an error.
fn ending(result: Result<(), RunError>, script: &Path) -> Result<Ending> {
    match result {
        Ok(()) => Ok(Ending::Well),
        Err(RunError::Failed { exit: Exit::Code(status), .. }) => Ok(Ending::Status(status)),
        Err(RunError::Failed { exit, .. }) => Ok(Ending::Otherwise(exit.to_string())),
        Err(RunError::TimedOut { after, .. }) => {
            Ok(Ending::Otherwise(format!("was stopped after {}", human::duration(after))))
        }
        Err(error @ (RunError::NotFound { .. } | RunError::Start { .. })) => Err(error)
            .with_context(|| format!("the script {} could not be started", script.display()))
            .help("its first line must name an interpreter that exists, like #!/bin/sh"),
        Err(error) => Err(error.into()),
    }
}
