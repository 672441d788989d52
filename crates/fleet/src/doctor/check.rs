// SPDX-License-Identifier: Apache-2.0
//! What is checked, and how the machine is asked; everything at once, each with a limit.

use super::machine;
use super::report::{Finding, State};
use super::{Args, version};
use artifact::Arch;
use artifact::runners::{Provided, Runners, Tag};
use std::time::Duration;
use toolkit::{Exit, Program, RunError, Runner};

/// How long one question may take; all of them are asked at once.
const LIMIT: Duration = Duration::from_secs(3);

/// One thing to look for.
pub struct Thing {
    name: String,
    way: Way,
    wanted: Option<semver::VersionReq>,
}

/// How the machine is asked for it.
enum Way {
    Command(String),
    PkgConfig(String),
    Python(String),
    File(String),
}

/// What the tag provides on this architecture, and what cross builds need.
pub fn things(runners: &Runners, tag: &Tag, arch: Arch, args: &Args) -> Vec<Thing> {
    let is_here = |thing: &&Provided| {
        thing.architectures.as_ref().is_none_or(|list| list.iter().any(|name| name.get_ref().as_str() == arch.runner()))
    };
    let mut things: Vec<_> = tag
        .provides
        .iter()
        .filter(|(_, thing)| is_here(thing))
        .map(|(name, thing)| Thing { name: name.clone(), way: way(name, thing), wanted: thing.version.clone() })
        .collect();
    for other in runners.built_on(arch).filter(|other| tag.architectures.contains(other)) {
        let compiler = format!("{}-gcc", other.triple());
        let qemu = format!("qemu-{}-static", other.qemu());
        for program in [compiler, qemu] {
            things.push(Thing { way: Way::Command(format!("{program} --version")), name: program, wanted: None });
        }
        if !args.in_image {
            let path = format!("/proc/sys/fs/binfmt_misc/qemu-{}", other.qemu());
            things.push(Thing { name: format!("binfmt for {}", other.qemu()), way: Way::File(path), wanted: None });
        }
    }
    things
}

fn way(name: &str, thing: &Provided) -> Way {
    match thing {
        Provided { pkg_config: Some(module), .. } => Way::PkgConfig(module.clone()),
        Provided { python: Some(module), .. } => Way::Python(module.clone()),
        Provided { file: Some(path), .. } => Way::File(path.clone()),
        Provided { command, .. } => Way::Command(command.clone().unwrap_or_else(|| format!("{name} --version"))),
    }
}

/// Asks for everything at once, then for the machine itself.
pub fn all(things: Vec<Thing>, args: &Args, runner: &Runner) -> Vec<Finding> {
    let mut findings: Vec<Finding> = std::thread::scope(|scope| {
        let asked: Vec<_> = things.iter().map(|thing| scope.spawn(|| ask(thing))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    findings.extend(machine::findings(args.free_disk, args.in_image, runner));
    findings
}

fn ask(thing: &Thing) -> Finding {
    let finding = |state, found: String| Finding {
        name: thing.name.clone(),
        wanted: thing.wanted.as_ref().map(ToString::to_string).unwrap_or_default(),
        found,
        state,
    };
    let output = match &thing.way {
        Way::File(path) if std::path::Path::new(path).exists() => return finding(State::Passed, path.clone()),
        Way::File(path) => return finding(State::Failed, format!("{path} does not exist")),
        Way::Command(line) => capture(line.split_whitespace()),
        Way::PkgConfig(module) => capture(["pkg-config", "--modversion", module]),
        Way::Python(module) => {
            // The module's own version, or that of the distribution of its name.
            let code = format!(
                "import importlib, importlib.metadata as m\nx = importlib.import_module({module:?})\nprint(getattr(x, '__version__', None) or m.version({module:?}))"
            );
            capture(["python3", "-c", &code])
        }
    };
    let output = match output {
        Ok(output) => output,
        Err(reason) => return finding(State::Failed, reason),
    };
    match version::find(&output) {
        Some(found) if version::fits(&found, thing.wanted.as_ref()) => finding(State::Passed, found.to_string()),
        Some(found) => finding(State::Failed, found.to_string()),
        None if thing.wanted.is_none() => finding(State::Passed, "found".to_owned()),
        None => finding(State::Failed, "found, but it names no version".to_owned()),
    }
}

/// What a program says on both outputs, or why it does not.
fn capture<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default();
    let collected = Program::new(program).args(words).timeout(LIMIT).collect(64 << 10);
    let collected = collected.map_err(|error| match error {
        RunError::NotFound { program } => format!("{program} is not on PATH"),
        other => other.to_string(),
    })?;
    let text = [collected.stdout, collected.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    match collected.exit {
        Exit::Code(0) => Ok(text),
        exit => {
            let last = text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", line.trim()));
            Err(format!("{program} {exit}{}", last.unwrap_or_default()))
        }
    }
}
