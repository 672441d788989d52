// SPDX-License-Identifier: Apache-2.0
//! What code of a repository must not see or touch: credentials in the environment, and the
//! runner's command files.

use crate::Runner;
use std::path::{Path, PathBuf};

/// Environment variables that name the runner's command files.
const COMMAND_FILES: [&str; 5] = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

/// Whether a variable is kept from programs that run code of the repository.
pub fn is_private(name: &str) -> bool {
    const PREFIXES: [&str; 3] = ["INPUT_", "AWS_", "ACTIONS_"];
    const NAMES: [&str; 4] = ["GITHUB_TOKEN", "GH_TOKEN", "GITHUB_PAT", "RUNNER_TOKEN"];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name) || COMMAND_FILES.contains(&name)
}

/// 128 random bits in hexadecimal, for delimiters and markers that nobody can guess.
pub fn random_token() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// The runner's command files as they were before code of a repository ran. It does not learn their names, but it could
/// search for them, so what it did to them is undone afterwards.
pub struct CommandFiles(Vec<(PathBuf, Option<Vec<u8>>)>);

impl CommandFiles {
    /// Remembers the contents of every command file.
    pub fn remember(runner: &Runner) -> Self {
        let files = COMMAND_FILES.iter().filter_map(|name| runner.env(name)).map(PathBuf::from);
        Self(files.map(|path| (path.clone(), std::fs::read(path).ok())).collect())
    }

    /// Puts back what was changed, with a warning for each.
    pub fn put_back(self, runner: &Runner) -> std::io::Result<()> {
        for file in self.restore()? {
            let name = Path::new(&file).file_name().unwrap_or_default().to_string_lossy();
            runner
                .warning(&format!("code of the repository wrote to the runner's command file {name}; that was undone"));
        }
        Ok(())
    }

    /// Puts changed files back; gives the names of those that had been changed.
    fn restore(&self) -> std::io::Result<Vec<String>> {
        let mut changed = Vec::new();
        for (path, before) in &self.0 {
            let is_link = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_symlink());
            if !is_link && std::fs::read(path).ok() == *before {
                continue;
            }
            changed.push(path.display().to_string());
            if path.symlink_metadata().is_ok() {
                std::fs::remove_file(path)?;
            }
            if let Some(before) = before {
                std::fs::write(path, before)?;
            }
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_command_files_are_private() {
        for name in ["INPUT_SECRET_KEY", "AWS_ACCESS_KEY_ID", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "GITHUB_ENV"] {
            assert!(is_private(name), "{name}");
        }
        for name in ["PATH", "HOME", "CI", "GITHUB_ACTIONS", "GITHUB_REPOSITORY", "CC"] {
            assert!(!is_private(name), "{name}");
        }
    }

    #[test]
    fn a_changed_command_file_is_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output");
        std::fs::write(&file, "a=1\n").unwrap();
        let name = file.display().to_string();
        let (runner, recording) = Runner::recording([("GITHUB_OUTPUT", name.as_str())]);
        let files = CommandFiles::remember(&runner);
        assert!(files.restore().unwrap().is_empty());

        std::fs::write(&file, "a=1\nevil=1\n").unwrap();
        assert_eq!(files.restore().unwrap(), std::slice::from_ref(&name));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a=1\n");

        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "a=1\n").unwrap();
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        files.put_back(&runner).unwrap();
        assert!(recording.text().contains("the runner's command file output; that was undone"), "{}", recording.text());
        assert!(!file.symlink_metadata().unwrap().file_type().is_symlink());
    }
}
