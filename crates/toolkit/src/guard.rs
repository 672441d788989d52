// SPDX-License-Identifier: Apache-2.0
//! The runner is closed to code of a repository: from the first such program to the end of the step no line of output
//! is read as a command, except for our own, and what happens to the runner's files is undone.

use crate::command::Command;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Environment variables that name files which the runner, or a later step, reads.
const FILES: [&str; 6] =
    ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"];

/// 128 random bits in hexadecimal, for delimiters and markers that nobody can guess.
pub fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// What is closed once code of the repository has run.
pub struct Guard {
    /// What ends the time in which no command is read.
    marker: String,
    files: RunnerFiles,
    programs: Programs,
}

impl Guard {
    /// Remembers the files; with it comes the command that stops commands.
    pub fn close(variable: impl Fn(&str) -> Option<String>) -> io::Result<(Self, String)> {
        let marker = random_token().map_err(io::Error::other)?;
        let line = format!("{}\n", Command::new("stop-commands", &marker));
        let programs = Programs::remember(variable("GITHUB_ACTION_PATH").map(PathBuf::from).as_deref());
        Ok((Self { marker, files: RunnerFiles::remember(variable), programs }, line))
    }

    /// A command of ours, as one piece: commands are read from its first line to its last, and another marker is
    /// needed afterwards, since this one has been seen.
    pub fn wrap(&mut self, command: &Command) -> Option<String> {
        let next = random_token().ok()?;
        let last = std::mem::replace(&mut self.marker, next);
        Some(format!("::{last}::\n{command}\n{}\n", Command::new("stop-commands", &self.marker)))
    }

    /// Undoes what happened to the files; gives their names.
    pub fn restore(&self) -> io::Result<Vec<String>> {
        self.files.restore()
    }

    /// Files of ours, which later steps start, that are not what they were.
    pub fn changed_programs(&self) -> Vec<String> {
        self.programs.changed()
    }

    /// Remembers what this action itself appended to one of the files.
    pub fn appended(&mut self, file: &Path, text: &str) {
        for (path, content) in &mut self.files.0 {
            if path == file {
                content.get_or_insert_default().extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// The runner's files as they should be. Code of the repository does not learn their names, but could search for them.
struct RunnerFiles(Vec<(PathBuf, Option<Vec<u8>>)>);

impl RunnerFiles {
    fn remember(variable: impl Fn(&str) -> Option<String>) -> Self {
        let files = FILES.iter().filter_map(|name| variable(name)).map(PathBuf::from);
        Self(files.map(|path| (path.clone(), std::fs::read(path).ok())).collect())
    }

    /// Puts changed files back; gives the names of those that had been changed.
    fn restore(&self) -> io::Result<Vec<String>> {
        let mut changed = Vec::new();
        for (path, before) in &self.0 {
            let meta = path.symlink_metadata().ok();
            // The size first: what is there now may be endless.
            let size = |content: &Option<Vec<u8>>| content.as_ref().map(|content| content.len() as u64);
            let is_same = match &meta {
                Some(meta) => meta.is_file() && Some(meta.len()) == size(before) && std::fs::read(path).ok() == *before,
                None => before.is_none(),
            };
            if is_same {
                continue;
            }
            changed.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
            match meta {
                Some(meta) if meta.is_dir() => std::fs::remove_dir_all(path)?,
                Some(_) => std::fs::remove_file(path)?,
                None => {}
            }
            if let Some(before) = before {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                std::fs::write(path, before)?;
            }
        }
        Ok(changed)
    }
}

/// The launcher, the executables and the definitions of our actions, as they are in the runner's copy of vaccel-ci.
/// Code of the repository can write there, and later steps start what is there.
#[derive(Default)]
struct Programs(Vec<(PathBuf, Option<Stamp>)>);

/// What no program can set: a file that was written, replaced or renamed has another change time or number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    number: u64,
    size: u64,
    changed: (i64, i64),
}

impl Programs {
    fn remember(action: Option<&Path>) -> Self {
        let Some(root) = action.and_then(|action| Some(action.parent()?.parent()?.to_owned())) else {
            return Self::default();
        };
        let list =
            |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let folders = list(root.join("dist")).filter(|path| path.is_dir());
        let executables: Vec<_> = folders.flat_map(list).collect();
        let definitions = list(root.join("actions")).map(|folder| folder.join("action.yml"));
        let files = executables.into_iter().chain(definitions).chain([root.join("dist/run")]);
        Self(files.map(|path| (path.clone(), Stamp::of(&path))).collect())
    }

    fn changed(&self) -> Vec<String> {
        let changed = self.0.iter().filter(|(path, stamp)| Stamp::of(path) != *stamp);
        changed.map(|(path, _)| path.display().to_string()).collect()
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let meta = path.symlink_metadata().ok()?;
        let changed = (meta.ctime(), meta.ctime_nsec());
        Some(Self { device: meta.dev(), number: meta.ino(), size: meta.size(), changed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn whatever_is_done_to_a_file_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("commands/env");
        fs::create_dir(folder.path().join("commands")).unwrap();
        fs::write(&file, "A=1\n").unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "A=1\n").unwrap();
        let (mut guard, _) = Guard::close(|name| (name == "GITHUB_ENV").then(|| file.display().to_string())).unwrap();
        assert!(guard.restore().unwrap().is_empty());
        let attacks: [(&str, &dyn Fn()); 6] = [
            ("appended", &|| fs::write(&file, "A=1\nPATH=/evil\n").unwrap()),
            ("removed", &|| fs::remove_file(&file).unwrap()),
            ("a link to equal content", &|| {
                fs::remove_file(&file).unwrap();
                std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
            }),
            ("a folder", &|| {
                fs::remove_file(&file).unwrap();
                fs::create_dir_all(file.join("x")).unwrap();
            }),
            ("removed with its folder", &|| fs::remove_dir_all(file.parent().unwrap()).unwrap()),
            ("a pipe", &|| {
                fs::remove_file(&file).unwrap();
                assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
            }),
        ];
        for (name, attack) in attacks {
            attack();
            assert_eq!(guard.restore().unwrap(), ["env"], "{name}");
            assert_eq!(fs::read_to_string(&file).unwrap(), "A=1\n", "{name}");
            assert!(!file.symlink_metadata().unwrap().file_type().is_symlink(), "{name}");
        }
        fs::write(&file, "A=1\nB=2\n").unwrap();
        guard.appended(&file, "B=2\n");
        assert!(guard.restore().unwrap().is_empty(), "what the action wrote itself stays");
    }

    #[test]
    fn a_replaced_program_is_found_whatever_its_time_says() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["dist/run", "dist/x86_64/vaccel-build", "actions/build/action.yml"] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "ours").unwrap();
        }
        let programs = Programs::remember(Some(&root.join("actions/build")));
        assert!(programs.changed().is_empty());
        for name in ["dist/run", "dist/x86_64/vaccel-build", "actions/build/action.yml"] {
            let programs = Programs::remember(Some(&root.join("actions/build")));
            let file = root.join(name);
            let time = file.metadata().unwrap().modified().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            fs::write(&file, "evil").unwrap();
            fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
            assert_eq!(programs.changed(), [file.display().to_string()]);
        }
        assert!(Programs::remember(None).changed().is_empty());
    }
}
