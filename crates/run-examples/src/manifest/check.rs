// SPDX-License-Identifier: Apache-2.0
//! What the document's types do not say: names are unique, texts are said once, paths stay inside.

use super::{Command, Description, Manifest, Text};
use crate::placeholder;
use std::collections::HashSet;
use std::path::{Component, Path};

/// The index of the example that is wrong, and what is wrong with it.
type Wrong = (Option<usize>, String);

/// Refuses what could not be run or verified.
pub fn check(manifest: &Manifest) -> Result<(), Wrong> {
    if manifest.examples.is_empty() {
        return Err((None, "it describes no example".to_owned()));
    }
    let mut names = HashSet::new();
    for (index, example) in manifest.examples.iter().enumerate() {
        let wrong = |message: String| (Some(index), message);
        if example.name.trim().is_empty() || example.name.chars().any(char::is_control) {
            return Err(wrong(format!("{:?} is not a name", example.name)));
        }
        if !names.insert(example.name.as_str()) {
            return Err(wrong(format!("there are two examples called {}", example.name)));
        }
        check_example(example).map_err(|message| wrong(format!("{}: {message}", example.name)))?;
    }
    Ok(())
}

fn check_example(example: &Description) -> Result<(), String> {
    let words = match &example.command {
        Command::Shell(text) => std::slice::from_ref(text),
        Command::Program(words) => words.as_slice(),
    };
    if words.first().is_none_or(|word| word.trim().is_empty()) {
        return Err("the command is empty".to_owned());
    }
    let plugin = !example.plugins.is_empty();
    for text in words.iter().chain(example.env.values()) {
        placeholder::check(text, plugin)?;
    }
    for name in example.env.keys() {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(format!("{name:?} cannot be the name of a variable"));
        }
    }
    if !example.timeout.is_none_or(|seconds| (1..=86_400).contains(&seconds)) {
        return Err("a time-out is from 1 to 86400 seconds".to_owned());
    }
    if !example.repeat.is_none_or(|times| (1..=1000).contains(&times)) {
        return Err("repeat is from 1 to 1000".to_owned());
    }
    let mut plugins = HashSet::new();
    for plugin in &example.plugins {
        if plugin.is_empty() || plugin.contains(|c: char| !(c.is_ascii_alphanumeric() || "._+-".contains(c))) {
            return Err(format!("{plugin:?} is not the name of a plugin"));
        }
        if !plugins.insert(plugin) {
            return Err(format!("the plugin {plugin} is listed twice"));
        }
    }
    let expect = &example.expect;
    for text in expect.stdout.iter().chain(&expect.stderr) {
        check_text(text)?;
    }
    for file in &expect.files {
        let shown = file.path.display();
        if !is_inside(&file.path) {
            return Err(format!("the produced file {shown} is not below {{tmp}}"));
        }
        if file.sha256.is_some() && file.content.is_some() {
            return Err(format!("{shown} has a digest and a content; one is enough"));
        }
        file.content.as_ref().map_or(Ok(()), check_text)?;
    }
    Ok(())
}

fn check_text(text: &Text) -> Result<(), String> {
    let whole = [text.exact.is_some(), text.file.is_some(), text.numbers.is_some()];
    match whole.iter().filter(|is| **is).count() {
        0 if text.matches.is_empty() && text.lacks.is_empty() => {
            return Err("an expected text needs exact, file, matches, lacks or numbers".to_owned());
        }
        0 | 1 => {}
        _ => return Err("exact, file and numbers exclude each other".to_owned()),
    }
    if let Some(numbers) = &text.numbers
        && ![numbers.absolute, numbers.relative].iter().all(|tolerance| tolerance.is_finite() && *tolerance >= 0.0)
    {
        return Err("a tolerance is a number from 0 on".to_owned());
    }
    match text.golden() {
        Some(file) if !is_inside(file) => Err(format!("{} is not below the manifest's folder", file.display())),
        _ => Ok(()),
    }
}

/// Whether a path stays in the folder that it is relative to.
fn is_inside(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}
