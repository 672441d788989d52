//! The runner's command files while code of the repository runs beside us: examples do not learn
//! their names, and what they do to them nevertheless is undone.

use std::path::PathBuf;
use toolkit::{Result, ResultExt, Runner};

const FILES: [&str; 5] = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

/// The files as they were.
pub struct Seal(Vec<(&'static str, PathBuf, Option<Vec<u8>>)>);

impl Seal {
    /// Remembers them.
    pub fn close(runner: &Runner) -> Self {
        let named = FILES.iter().filter_map(|name| Some((*name, PathBuf::from(runner.env(name)?))));
        Self(named.map(|(name, path)| (name, path.clone(), std::fs::read(path).ok())).collect())
    }

    /// Puts back what was changed, and says so.
    pub fn open(self, runner: &Runner) -> Result<()> {
        for (name, path, before) in self.0 {
            let is_link = path.symlink_metadata().is_ok_and(|meta| meta.file_type().is_symlink());
            if !is_link && std::fs::read(&path).ok() == before {
                continue;
            }
            let restore = || {
                if path.symlink_metadata().is_ok() {
                    std::fs::remove_file(&path)?;
                }
                before.as_ref().map_or(Ok(()), |before| std::fs::write(&path, before))
            };
            restore().with_context(|| format!("could not restore the file of {name}"))?;
            runner.warning(&format!("an example wrote to the runner's command file of {name}; that was undone"));
        }
        Ok(())
    }
}
