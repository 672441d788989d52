// SPDX-License-Identifier: Apache-2.0
//! The examples of a manifest: those that make sense here, each on its own.

use crate::examples::{self, Case, Outside, Relevance, Setting, cases, gdb};
use crate::manifest::Manifest;
use crate::normal::Folders;
use crate::report::{Report, tell_line, tell_output};
use crate::run::Settings;
use crate::verify::Golden;
use artifact::Outcome;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use toolkit::{Failure, Result, ResultExt, Runner, repository_environment};

/// Runs the examples of the file and tells of each as it ends.
pub fn run(settings: &Settings<'_>, file: &Path, runner: &Runner) -> Result<Report> {
    let args = settings.args;
    if args.bless && (runner.is_github() || runner.env("CI").is_some()) {
        return Err(Failure::input("golden files are not written where nobody looks at them")
            .help("run with --bless on your own machine, look at what changed, and commit it"));
    }
    let manifest = Manifest::read(file)?;
    let cases = wanted(settings, &manifest)?;
    let folder = file.parent().unwrap_or(&settings.source);
    let golden = golden(&manifest, folder, args.bless)?;
    let setting = setting(settings, folder, golden, runner)?;

    runner.step(&format!("Run the examples of {} in {}", args.package, file.display()));
    let outside = Outside::remember(&[&settings.source, &settings.destdir], &settings.written());
    let run = || {
        examples::run(&cases, &setting, args.jobs, |example| {
            settings.require_valgrind(std::slice::from_mut(example));
            tell_line(example, runner);
            if example.outcome == Outcome::Fail {
                tell_output(example, runner);
            }
        })
    };
    let ended = runner.guarded(run)?;
    let blessed = setting.blessed.map(|blessed| blessed.into_inner().unwrap_or_else(PoisonError::into_inner));
    let mut blessed: Vec<_> = blessed.into_iter().flatten().map(|path| folder.join(path)).collect();
    blessed.sort();
    for path in &blessed {
        runner.info(&format!("wrote {}", path.display()));
    }
    let (examples, left) = ended?;
    let mut notes = Vec::new();
    if !left.is_empty() {
        let note = format!("examples left processes behind, which were ended: {}", left.join(", "));
        runner.warning(&note);
        notes.push(note);
    }
    Ok(Report {
        valgrind: args.valgrind,
        context: settings.context.names(),
        notes,
        leftovers: outside.changes(&blessed),
        ..Report::new(args.package.clone(), settings.machine.arch(), examples)
    })
}

/// The cases that the filter wants; none at all, or none that makes sense here, is an error.
fn wanted<'a>(settings: &Settings<'_>, manifest: &'a Manifest) -> Result<Vec<Case<'a>>> {
    let found = cases(manifest, &settings.context, settings.filter.as_ref());
    if found.is_empty() {
        let names: Vec<_> = manifest.examples.iter().map(|example| example.name.as_str()).collect();
        return Err(settings.nothing_wanted(&names));
    }
    let relevant = found.iter().any(|case| case.relevance == Relevance::Relevant);
    if !relevant && !settings.args.allow_empty {
        let missing = found.iter().take(5).filter_map(|case| match &case.relevance {
            Relevance::Missing(reason) => Some(format!("{} {reason}", case.name)),
            Relevance::Relevant => None,
        });
        let context = settings.context.names().join(", ");
        return Err(Failure::input(format!(
            "none of the {} examples can run here, where there is {context}",
            found.len()
        ))
        .help(format!(
            "{}; say in `context` what this machine has, or set allow-empty",
            missing.collect::<Vec<_>>().join("; ")
        )));
    }
    Ok(found)
}

/// The golden files; one that is missing is an error, unless it is to be written.
fn golden(manifest: &Manifest, folder: &Path, bless: bool) -> Result<Golden> {
    let mut golden = Golden::new();
    for (example, path) in manifest.golden() {
        let file = folder.join(path);
        match std::fs::read(&file) {
            Ok(content) => {
                golden.insert(path.to_owned(), content);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && bless => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let missing = format!("{} does not exist, with which {} is compared", file.display(), example.name);
                return Err(Failure::input(missing).help(
                    "vaccel-run-examples --bless writes it from what the example says now; look at it, and commit it",
                ));
            }
            Err(error) => return Err(error).input(format!("could not read {}", file.display())),
        }
    }
    Ok(golden)
}

fn setting(settings: &Settings<'_>, folder: &Path, golden: Golden, runner: &Runner) -> Result<Setting> {
    let args = settings.args;
    let mut environment = repository_environment();
    if runner.env("TERM").is_none() {
        environment.push(("TERM".into(), "xterm".into()));
    }
    let paths = settings.search_paths.variables(|name| std::env::var_os(name))?;
    environment.extend(paths.into_iter().map(|(name, value)| (name.into(), value)));
    environment.extend(settings.machine.variables());
    let mut folders = Folders::default();
    folders.add(&settings.tree, "<tree>");
    folders.add(&settings.destdir, "<destdir>");
    folders.add(&settings.source, "<source>");
    Ok(Setting {
        tree: settings.tree.clone(),
        source: settings.source.clone(),
        folder: folder.to_owned(),
        environment,
        search_paths: settings.search_paths.clone(),
        machine: settings.machine.clone(),
        valgrind: settings.valgrind.clone(),
        gdb: gdb().filter(|_| settings.machine.is_native()),
        timeout: Duration::from_secs(args.timeout),
        repeat: args.repeat,
        folders,
        golden: Mutex::new(golden),
        blessed: args.bless.then(|| Mutex::new(HashSet::new())),
    })
}
