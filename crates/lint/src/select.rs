// SPDX-License-Identifier: Apache-2.0
//! Which linters are relevant for a repository, and why.

use crate::changed::Changed;
use crate::definition::{Linter, Per};
use crate::files::{File, Tree};
use crate::globs::Globs;
use crate::normalise::relative;
use crate::outcome::Relevance;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The database that some linters need.
const COMPILE_COMMANDS: &str = "compile_commands.json";

/// What relevance depends on.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The root.
    pub root: &'a Path,
    /// The files.
    pub tree: &'a Tree,
    /// What the change under review touched, if only that counts.
    pub changed: Option<&'a Changed>,
    /// Whether untouched files are looked at, too.
    pub looks_at_all: bool,
    /// The build folder.
    pub build: Option<&'a Path>,
    /// How many commits are under review; `None` if nothing says what they are compared with.
    pub commits: Option<usize>,
}

/// A linter, and what it means here.
#[derive(Debug)]
pub struct Selected<'a> {
    /// The linter.
    pub linter: &'a Linter,
    /// The files that it looks at, and in which findings count.
    pub files: Vec<&'a File>,
    /// Files that it looks at as well, in which nothing counts.
    pub outside: Vec<&'a File>,
    /// Its program, where it has one and it is there.
    pub tool: Option<PathBuf>,
    /// Whether it runs.
    pub relevance: Relevance,
}

impl Selected<'_> {
    /// Whether it runs.
    pub fn runs(&self) -> bool {
        matches!(self.relevance, Relevance::Relevant(_))
    }

    /// Whether anything that it finds can count.
    pub fn counts(&self) -> bool {
        !self.files.is_empty() || self.outside.is_empty()
    }

    /// What asks for its version: the program and its arguments.
    pub fn version_question(&self) -> (Option<&Path>, &[String]) {
        (self.tool.as_deref(), &self.linter.run.version)
    }
}

/// Decides about one linter.
pub fn select<'a>(linter: &'a Linter, around: &Surroundings<'a>) -> Selected<'a> {
    let files = match conditions(linter, around) {
        Ok(()) => files(linter, around),
        Err(reason) => Err(reason),
    };
    let Matching { files, outside, reason } = match files {
        Ok(found) => found,
        Err(reason) => {
            let relevance = Relevance::NotRelevant(reason);
            return Selected { linter, files: Vec::new(), outside: Vec::new(), tool: None, relevance };
        }
    };
    let Some(program) = &linter.run.program else {
        return Selected { linter, files, outside, tool: None, relevance: Relevance::Relevant(reason) };
    };
    let tool = which::which(program).ok();
    let relevance = match &tool {
        Some(_) => Relevance::Relevant(reason),
        None if linter.run.optional => Relevance::NotRelevant(format!("{program} is not on PATH, and need not be")),
        None => Relevance::Missing(linter.provided_by.clone().unwrap_or_else(|| format!("{program} on PATH"))),
    };
    Selected { linter, files, outside, tool, relevance }
}

/// The files of a linter.
#[derive(Debug)]
struct Matching<'a> {
    files: Vec<&'a File>,
    outside: Vec<&'a File>,
    reason: String,
}

/// Whether the build folder has a database of compilations.
pub fn has_project(build: Option<&Path>) -> bool {
    build.is_some_and(|build| build.join(COMPILE_COMMANDS).is_file())
}

/// The files that a build compiles, relative to the root; `None` if the database does not say.
fn compiled(root: &Path, build: &Path) -> Option<BTreeSet<PathBuf>> {
    let commands: Value = serde_json::from_slice(&std::fs::read(build.join(COMPILE_COMMANDS)).ok()?).ok()?;
    let file = |command: &Value| {
        let at = |name: &str| command.get(name).and_then(Value::as_str);
        relative(root, &Path::new(at("directory").unwrap_or_default()).join(at("file")?))
    };
    Some(commands.as_array()?.iter().filter_map(file).collect())
}

fn conditions(linter: &Linter, around: &Surroundings) -> Result<(), String> {
    let is_there = |condition: &String| holds(around, condition);
    let files = &linter.files;
    if !files.only_with.is_empty() && !files.only_with.iter().any(is_there) {
        return Err(format!("there is no {}", files.only_with.join(" or ")));
    }
    if let Some(other) = files.unless.iter().find(|condition| is_there(condition)) {
        return Err(format!("there is {other}"));
    }
    if linter.run.needs_compile_commands {
        match around.build {
            None => return Err(format!("no build-path with {COMPILE_COMMANDS} was given")),
            Some(build) if !has_project(Some(build)) => {
                return Err(format!("there is no {COMPILE_COMMANDS} in {}", build.display()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn files<'a>(linter: &Linter, around: &Surroundings<'a>) -> Result<Matching<'a>, String> {
    let all = |files: Vec<&'a File>, reason: String| Ok(Matching { files, outside: Vec::new(), reason });
    if linter.run.builtin.as_deref() == Some("commits") {
        return match around.commits {
            None => Err("nothing says which commits are under review: give base".to_owned()),
            Some(0) => Err("no commits are under review".to_owned()),
            Some(count) => all(Vec::new(), counted(count, "commit")),
        };
    }
    let of = &linter.files;
    if of.globs.is_empty() && of.shebangs.is_empty() {
        return all(Vec::new(), "the whole repository".to_owned());
    }
    // Both were checked when the definition was read.
    let (globs, exclude) = (Globs::new(&of.globs).unwrap_or_default(), Globs::new(&of.exclude).unwrap_or_default());
    let looks_at = |file: &File| {
        (globs.matches(&file.path)
            || (!of.shebangs.is_empty()
                && file.interpreter(around.root).is_some_and(|name| of.shebangs.iter().any(|known| known == name))))
            && !exclude.matches(&file.path)
    };
    let mut matching: Vec<&File> = around.tree.files.iter().filter(|file| looks_at(file)).collect();
    if matching.is_empty() {
        let shebangs = of.shebangs.iter().map(|name| format!("#!{name}"));
        let wanted: Vec<_> = of.globs.iter().cloned().chain(shebangs).collect();
        return Err(format!("no file matches {}", wanted.join(", ")));
    }
    if let Some(compiled) =
        around.build.filter(|_| linter.run.needs_compile_commands).and_then(|build| compiled(around.root, build))
    {
        let total = counted(matching.len(), "file");
        // How another one is compiled is not known, and guessing finds errors where there are none.
        matching.retain(|file| compiled.contains(&file.path));
        if matching.is_empty() {
            return Err(format!("none of {total} is in {COMPILE_COMMANDS}"));
        }
    }
    let Some(changed) = around.changed else {
        let reason = counted(matching.len(), "file");
        return all(matching, reason);
    };
    let total = counted(matching.len(), "file");
    let (touched, rest): (Vec<_>, Vec<_>) = matching.iter().copied().partition(|file| changed.has_file(&file.path));
    let reason = |count: usize| format!("{count} of {total} changed");
    match touched.len() {
        0 if around.looks_at_all => Ok(Matching { files: Vec::new(), outside: matching, reason: reason(0) }),
        0 => Err(format!("none of {total} changed")),
        // It cannot look at less than everything.
        count if linter.run.per == Per::Repository => all(matching, reason(count)),
        count => {
            let outside = if around.looks_at_all { rest } else { Vec::new() };
            Ok(Matching { files: touched, outside, reason: reason(count) })
        }
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Whether a file of a condition is there: a path or a glob, `#` and a section if it needs one.
fn holds(around: &Surroundings, condition: &str) -> bool {
    let (file, section) = split(condition);
    if section.is_none() && file.contains(['*', '?', '[']) {
        let globs = Globs::new(&[file]).unwrap_or_default();
        return around.tree.all.iter().any(|path| globs.matches(path));
    }
    let path = around.root.join(file);
    match section {
        None => path.exists(),
        Some(section) => std::fs::read(path).is_ok_and(|text| has_section(file, &text, section)),
    }
}

/// `pyproject.toml#tool.ruff` is a file and its section.
pub fn split(condition: &str) -> (&str, Option<&str>) {
    condition.split_once('#').map_or((condition, None), |(file, section)| (file, Some(section)))
}

/// Whether a TOML or INI file has a section.
pub fn has_section(name: &str, text: &[u8], section: &str) -> bool {
    let text = String::from_utf8_lossy(text);
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let table = toolkit::check_toml(&text).ok().and_then(|()| text.parse::<toml::Table>().ok());
        let Some(table) = table else { return false };
        let mut value = Some(&toml::Value::Table(table)).cloned();
        for key in section.split('.') {
            value = value.and_then(|value| value.get(key).cloned());
        }
        return value.is_some();
    }
    text.lines().any(|line| line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']')) == Some(section))
}
