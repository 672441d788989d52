// SPDX-License-Identifier: Apache-2.0
//! What valgrind is told to overlook: suppression files of the repository.

use crate::settings::Settings;
use artifact::SETTINGS;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// How deep below the source tree files are looked for.
const DEPTH: usize = 6;

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    valgrind: Section,
}

/// The section `[valgrind]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    suppressions: Option<Vec<String>>,
}

/// The files that the repository names; all of its `*.supp` if it names none.
pub fn find(settings: &Settings) -> Result<Vec<PathBuf>> {
    let source = &settings.source;
    let file = source.join(SETTINGS);
    let known: File = toolkit::read_toml(&file)?;
    if let Some(named) = known.valgrind.suppressions {
        return named.iter().map(|name| existing(source, name, &file)).collect();
    }
    let mut found = Vec::new();
    search(source, &[&settings.build, &settings.destdir], DEPTH, &mut found)
        .with_context(|| format!("could not look for suppression files in {}", source.display()))?;
    found.sort();
    Ok(found)
}

fn existing(source: &Path, name: &str, file: &Path) -> Result<PathBuf> {
    let path = source.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::input(format!("the suppression file {name} does not exist"))
        .help(format!("{} names it under [valgrind], relative to the source tree", file.display())))
}

fn search(folder: &Path, without: &[&Path], depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if kind.is_dir() && !hidden && depth > 0 && !without.contains(&path.as_path()) {
            search(&path, without, depth - 1, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "supp") && is_valgrind_s(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// The sanitizers' files have the same ending, but no blocks in braces.
fn is_valgrind_s(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.trim() == "{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_s_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |name: &str, text: &str| {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), text).unwrap();
        };
        for name in ["top.supp", "tests/data/b.supp", "build/c.supp", "install/d.supp", ".git/e.supp", "tests/f.txt"] {
            write(name, "{\n  x\n  Memcheck:Leak\n}\n");
        }
        write("lsan.supp", "leak:libfoo\n");
        let path = |name: &str| root.join(name).display().to_string();
        let settings = Settings::plain(&path(""), &path("build"), &path("install"));
        let names = || -> Result<Vec<String>> {
            let found = find(&settings)?;
            Ok(found.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect())
        };
        assert_eq!(names().unwrap(), ["tests/data/b.supp", "top.supp"]);
        write(SETTINGS, "[valgrind]\nsuppressions = ['build/c.supp']\n");
        assert_eq!(names().unwrap(), ["build/c.supp"]);
        for (text, message) in [
            ("[valgrind]\nsuppressions = ['nowhere.supp']\n", "the suppression file nowhere.supp does not exist"),
            ("[valgrind]\nsuppression = []\n", ":2: unknown field `suppression`"),
        ] {
            write(SETTINGS, text);
            let failure = names().unwrap_err();
            assert!(failure.messages().iter().any(|line| line.contains(message)), "{failure}");
            assert_eq!(failure.status().code(), 2);
        }
    }
}
