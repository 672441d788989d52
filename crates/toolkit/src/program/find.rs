// SPDX-License-Identifier: Apache-2.0
//! Which file a program is. A program of ours, such as git, is never one that code of the repository could have put
//! in front of it.

use super::RunError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Variables that name folders in which earlier steps, and so code of the repository, can leave programs.
const WRITABLE: [&str; 4] = ["GITHUB_WORKSPACE", "RUNNER_TEMP", "RUNNER_TOOL_CACHE", "HOME"];

/// The file of a program. A path stays as it is, from the folder of this process; a name is looked for on `path`. On
/// GitHub one that we `trust` is not taken from a folder that code of the repository can write.
pub fn executable(program: &Path, path: Option<&OsStr>, trust: bool) -> Result<PathBuf, RunError> {
    let is_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let writable = if trust && is_github { writable_folders(|name| std::env::var_os(name)) } else { Vec::new() };
    choose(program, path, &writable)
}

fn choose(program: &Path, path: Option<&OsStr>, writable: &[PathBuf]) -> Result<PathBuf, RunError> {
    let is_writable = |file: &Path| {
        let real = file.parent().and_then(|folder| folder.canonicalize().ok());
        writable
            .iter()
            .any(|folder| file.starts_with(folder) || real.as_ref().is_some_and(|real| real.starts_with(folder)))
    };
    let name = program.file_name().unwrap_or(program.as_os_str());
    let named = program.parent().is_some_and(|folder| !folder.as_os_str().is_empty());
    let not_found = || RunError::NotFound { program: program.display().to_string() };
    if named {
        // A relative one would otherwise start from the folder in which the program runs.
        let file = std::path::absolute(program).map_err(|_| not_found())?;
        if !is_writable(&file) {
            return Ok(file);
        }
    }
    let found: Vec<_> = which::which_in_all(name, path, "/").map_err(|_| not_found())?.collect();
    match found.iter().find(|file| !is_writable(file)) {
        Some(file) => Ok(file.clone()),
        None if named || !found.is_empty() => {
            let folder = if named { program.parent() } else { found.first().and_then(|file| file.parent()) };
            let folder = folder.unwrap_or(Path::new("/")).to_owned();
            Err(RunError::Writable { program: name.to_string_lossy().into_owned(), folder })
        }
        None => Err(not_found()),
    }
}

fn writable_folders(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Vec<PathBuf> {
    let folders = WRITABLE.iter().filter_map(|name| variable(name)).map(PathBuf::from);
    let real = |folder: PathBuf| [folder.canonicalize().unwrap_or_else(|_| folder.clone()), folder];
    folders.flat_map(real).filter(|folder| folder.is_absolute() && folder.parent().is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_planted_program_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in ["home/.cargo/bin/git", "home/.cargo/bin/planted", "usr/bin/git"] {
            let file = root.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("home/.cargo/bin"), root.join("link")).unwrap();
        let home = root.join("home");
        let writable = writable_folders(|name| (name == "HOME").then(|| home.clone().into_os_string()));
        let path =
            std::env::join_paths([root.join("home/.cargo/bin"), root.join("link"), root.join("usr/bin")]).unwrap();
        let told = |program: &str, writable: &[PathBuf]| {
            match choose(Path::new(program), Some(&path), writable) {
                Ok(file) => file.display().to_string(),
                Err(error) => error.to_string(),
            }
            .replace(&root.display().to_string(), "<root>")
        };
        let planted = root.join("home/.cargo/bin/git").display().to_string();
        let cases = [
            ("git", &writable[..], "<root>/usr/bin/git"),
            ("git", &[], "<root>/home/.cargo/bin/git"),
            (planted.as_str(), &writable, "<root>/usr/bin/git"),
            (
                "planted",
                &writable,
                "planted was found only in <root>/home/.cargo/bin, where code of the repository can write",
            ),
            ("absent", &writable, "absent was not found"),
        ];
        for (program, writable, expected) in cases {
            assert_eq!(told(program, writable), expected, "{program}");
        }
        assert_eq!(writable_folders(|_| Some("/".into())), Vec::<PathBuf>::new(), "a user without a home");
    }
}
