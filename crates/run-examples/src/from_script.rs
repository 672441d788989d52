// SPDX-License-Identifier: Apache-2.0
//! The examples of a script: called as it always was, and listened to.

use crate::core_dump::Cores;
use crate::environment::Scratch;
use crate::examples::{Outside, gdb};
use crate::normal::Folders;
use crate::recorder::{Ending, Example, Recorder, Source, Told, shortened};
use crate::report::Report;
use crate::run::{Settings, timed_out};
use crate::shell::Script;
use crate::trace::{Known, PS4, Tracer, bash_env, events};
use crate::watch::Watch;
use artifact::Outcome;
use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};
use toolkit::{Exit, Failure, Program, Result, ResultExt, RunError, Runner, Stream, Supervisor, human};

/// How much of a script's output the log shows, in bytes.
const SHOWN: u64 = 16_000_000;

/// Runs the script and reports its examples.
pub fn run(settings: &Settings<'_>, file: &Path, runner: &Runner) -> Result<Report> {
    let args = settings.args;
    if args.bless {
        return Err(Failure::input("only a manifest has golden files that could be written").help("leave --bless out"));
    }
    let script = Script::read(file)?;
    runner.step(&format!("Run the examples of {} with {}", args.package, file.display()));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let outside = Outside::remember(&[&settings.source, &settings.destdir], &settings.written());
    let mut report = Report::new(args.package.clone(), settings.machine.arch(), Vec::new());
    match settings.machine.refuses_scripts() {
        Some(reason) => {
            report.examples.push(Example { detail: Some(reason), ..Example::new(&*name, Outcome::Skip) });
        }
        None => execute(settings, file, &script, &name, &mut report, runner)?,
    }
    if settings.filter.is_some() {
        let names: Vec<_> = report.examples.iter().map(|example| example.name.clone()).collect();
        // What is wrong with the script as a whole is reported whatever is wanted of it.
        let is_whole = |example: &Example| example.name == name && example.outcome != Outcome::Pass;
        report.examples.retain(|example| settings.wants(&example.name) || is_whole(example));
        if report.examples.is_empty() {
            return Err(settings.nothing_wanted(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }
    report.valgrind = args.valgrind;
    settings.require_valgrind(&mut report.examples);
    report.context = settings.context.names();
    report.leftovers = outside.changes(&[]);
    report.tell(runner);
    Ok(report)
}

fn execute(
    settings: &Settings<'_>,
    file: &Path,
    script: &Script,
    name: &str,
    report: &mut Report,
    runner: &Runner,
) -> Result<()> {
    let args = settings.args;
    let size = Cell::new(0);
    let scratch = Scratch::new()?;
    let multiarch = settings.machine.arch().multiarch();
    // A path with a folder starts from the source tree, where the script runs.
    let programs: Vec<_> = settings.search_paths.programs().iter().chain([&settings.source]).cloned().collect();
    let watch = settings.valgrind.as_deref();
    let watch = watch.map(|valgrind| Watch::new(valgrind, multiarch, scratch.root(), &programs));
    let watch = watch.transpose()?;
    let mut recorder = recorder(settings, script, &scratch)?;
    let anew = Cell::new(false);
    let reported = scratch.root().join("events");
    let mut program = program(settings, file, &scratch, &reported, runner)?.output_limit(SHOWN, &size);
    if let Some((name, value)) = watch.as_ref().map(Watch::variable) {
        program = program.env(name, value);
    }
    let mut listen = |line: &str, source: Source| {
        let before = recorder.count();
        recorder.line(line, source, Instant::now(), || watch.as_ref().map_or(0, Watch::count));
        anew.set(anew.get() || recorder.count() > before);
    };
    let program = program.timeout_anew(&anew);
    // The trace is on standard error, and says what comes on standard output.
    let program = if script.traces() && !script.speaks_tap() {
        program.on_line(|line| listen(line, Source::Both))
    } else {
        program.on_line_of(|stream, line| {
            listen(line, if stream == Stream::Out { Source::Out } else { Source::Err });
        })
    };
    let supervisor = Supervisor::start().context("could not prepare for signals")?;
    let gdb = gdb().filter(|_| settings.machine.is_native() && !args.valgrind);
    let cores = Cores::allow(gdb, &[&settings.source, &scratch.path("tmp"), &scratch.path("run")]);
    let result = program.run(runner).map(|_| ());
    let left = supervisor.sweep()?;
    let backtraces = cores.map_or_else(Vec::new, |cores| cores.read(&supervisor));
    drop(supervisor);
    if !left.is_empty() {
        report.note(format!("the script left processes behind, which were ended: {}", left.join(", ")), runner);
    }
    if size.get() > SHOWN {
        let (size, shown) = (human::bytes(size.get()), human::bytes(SHOWN));
        let note =
            format!("the script wrote {size} of output, of which the log has the first {shown} and the last lines");
        report.note(note, runner);
    }
    let ending = ending(result, file, &recorder, script)?;
    let blind = recorder.tracer().filter(|tracer| tracer.has_lines() || script.traces());
    let blind = blind.and_then(|tracer| script.blind(|name| tracer.is_program(name)));
    let blind = blind.map(|blind| {
        let what = format!("{} {} in line {}", file.display(), blind.what, blind.line);
        format!("{what}, so its trace does not show every result")
    });
    let events = events(&String::from_utf8_lossy(&std::fs::read(&reported).unwrap_or_default()));
    let runs = watch.as_ref().map(Watch::runs);
    let known = Known { script, events: &events, ending: &ending, watched: runs.as_deref(), blind: blind.as_deref() };
    let Told { mut examples, not_run, missing } = recorder.finish(name, known, Instant::now());
    explain_crashes(&mut examples, backtraces);
    report.examples = examples;
    report.not_run = not_run;
    if !missing.is_empty() {
        let named: Vec<_> = missing.iter().map(String::as_str).collect();
        report.note(format!("not run, because the script stopped: {}", crate::run::listed(&named)), runner);
    }
    report.refused = blind.map(|blind| {
        Failure::input(blind).help("take that out of the script, or let the script write a TAP line for each example")
    });
    Ok(())
}

fn recorder(settings: &Settings<'_>, script: &Script, scratch: &Scratch) -> Result<Recorder> {
    let multiarch = settings.machine.arch().multiarch();
    let tree = settings.tree.canonicalize()?;
    let mut folders = Folders::default();
    folders.add(scratch.root(), "<scratch>");
    // Names of examples are the same on every architecture.
    for lib in [format!("lib/{multiarch}"), "lib64".to_owned(), "lib".to_owned()] {
        folders.add(&settings.tree.join(lib), "<lib>");
    }
    folders.add(&settings.tree, "<tree>");
    folders.add(&settings.source, "<source>");
    folders.add_word(multiarch, "<triple>");
    let programs: Vec<_> = settings.search_paths.programs().iter().flat_map(|folder| folder.canonicalize()).collect();
    let tracer = Tracer::new(&settings.source, &tree, &programs, folders.clone()).with_script(script);
    Ok(Recorder::new(Instant::now()).with_tracer(tracer).with_folders(folders))
}

/// The script as it is called, with what it expects around it.
fn program<'a>(
    settings: &Settings<'_>,
    file: &Path,
    scratch: &Scratch,
    events: &Path,
    runner: &Runner,
) -> Result<Program<'a>> {
    let program = match crate::script::interpreter(file)? {
        Some(interpreter) => Program::new(interpreter).arg(file),
        None => Program::new(file),
    };
    let mut program = program
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
    // A caller's own file is not passed on.
    let bash = scratch.root().join("bash-env");
    std::fs::write(&bash, bash_env(events)).context("could not write into the scratch folder")?;
    program = program.env("BASH_ENV", bash);
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
fn ending(result: Result<(), RunError>, file: &Path, recorder: &Recorder, script: &Script) -> Result<Ending> {
    match result {
        Ok(()) => Ok(Ending::Well),
        Err(RunError::Failed { exit: Exit::Code(status), .. }) => Ok(Ending::Status(status)),
        Err(RunError::Failed { exit, .. }) => Ok(Ending::Otherwise(exit.to_string())),
        Err(RunError::TimedOut { after, running, .. }) => {
            let traced = recorder.tracer().and_then(|tracer| tracer.last(script));
            let named = script.positions(&running).into_iter().find(|command| script.is_named(*command));
            let line = named.and_then(|command| script.line(command));
            let running = traced.or((!running.is_empty()).then_some((running, line))).map_or_else(
                String::new,
                |(command, line)| match line {
                    Some(line) => format!(" in line {line}: {command}"),
                    None => format!(": {command}"),
                },
            );
            Ok(Ending::Otherwise(format!("{}{running}", timed_out(after))))
        }
        Err(error @ (RunError::NotFound { .. } | RunError::Start { .. })) => Err(error)
            .with_context(|| format!("the script {} could not be started", file.display()))
            .help("its first line must name an interpreter that exists, like #!/bin/sh"),
        Err(error) => Err(error.into()),
    }
}
