// SPDX-License-Identifier: Apache-2.0
//! Automatic fixes: tried in a copy, put together as one patch, and applied if that is asked for.

use super::{Repository, Selected};
use crate::definition::{Fix, Linter, Per};
use crate::files::File;
use crate::finding::Finding;
use crate::fix;
use crate::git;
use crate::normalise::Known;
use crate::patch;
use crate::report;
use crate::run::{self, Ready};
use crate::schedule::{self, Work};
use crate::trust::Configuration;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt, Runner};

/// A file as it is and as it would be fixed.
struct Fixed {
    path: PathBuf,
    old: Vec<u8>,
    new: Vec<u8>,
}

/// A larger file is none that a linter's configuration is in.
const LARGEST: u64 = 8 << 20;

impl Repository {
    /// Fixes the work tree: applies what would be the patch.
    pub fn fix(&self, linters: &[Linter], runner: &Runner) -> Result<()> {
        let outcome = self.lint(linters, true, runner)?;
        let merged = report::merge(&outcome.findings, &self.prefix, &|path| report::read(&self.root, path));
        if merged.fixes == 0 {
            return Ok(());
        }
        let mut file = tempfile::NamedTempFile::new().context("failed to make a temporary file")?;
        file.write_all(&merged.bytes).context("failed to write a temporary file")?;
        git::apply(self.top(), file.path())
    }

    /// Gives findings the fixes that their linters have for them, and changes nothing.
    pub(super) fn suggest(
        &self,
        selected: &[Selected],
        configurations: &[Configuration],
        findings: &mut [Finding],
    ) -> Result<()> {
        let mut copy = None;
        for (selected, configuration) in selected.iter().zip(configurations) {
            let Some(fix) = &selected.linter.fix else { continue };
            let name = &selected.linter.name;
            let wants = |finding: &&Finding| finding.linter == *name && finding.fix.is_none();
            let paths: BTreeSet<&Path> =
                findings.iter().filter(wants).filter_map(|finding| finding.path.as_deref()).collect();
            let files: Vec<&File> =
                selected.files.iter().copied().filter(|file| paths.contains(file.path.as_path())).collect();
            if files.is_empty() || !selected.runs() || configuration.touched.is_some() {
                continue;
            }
            let copy = match &mut copy {
                Some(copy) => copy,
                None => copy.insert(self.copy()?),
            };
            let fixed = if fix.prints_diff {
                self.told(selected, configuration, fix, &files)?
            } else {
                self.tried(selected, configuration, fix, &files, copy.path())?
            };
            if fixed.is_empty() {
                continue;
            }
            let left = self.left(selected, configuration, &fixed, copy.path())?;
            for Fixed { path, old, new } in fixed {
                let left: Vec<_> = left.iter().filter(|finding| finding.path.as_ref() == Some(&path)).collect();
                let left: Vec<_> = left.iter().map(|found| (found.rule.clone(), found.message.clone())).collect();
                fix::attach(findings, name, &path, &old, &new, &left);
            }
        }
        Ok(())
    }

    /// What a linter still finds in the files that it fixed; the copy is as before afterwards.
    fn left(
        &self,
        selected: &Selected,
        configuration: &Configuration,
        fixed: &[Fixed],
        copy: &Path,
    ) -> Result<Vec<Finding>> {
        let write = |path: &Path, bytes: &[u8]| {
            fs::write(copy.join(path), bytes).with_context(|| format!("failed to write {}", path.display()))
        };
        for Fixed { path, new, .. } in fixed {
            write(path, new)?;
        }
        let linter = selected.linter;
        let is_fixed = |file: &&&File| fixed.iter().any(|fixed| fixed.path == file.path);
        let files: Vec<&File> = selected.files.iter().filter(is_fixed).copied().collect();
        let work = Work::find(0, linter, &files, configuration, false);
        let ready = Ready { linter, tool: selected.tool.clone() };
        let known = Known::new(copy, &self.tree);
        let mut left = Vec::new();
        for call in schedule::calls(&[work], 1, &self.around()) {
            left.extend(run::find(&call, &ready, copy, &known)?);
        }
        for Fixed { path, old, .. } in fixed {
            write(path, old)?;
        }
        Ok(left)
    }

    /// Runs the calls of a fix below a root, and gives what they print.
    fn call(
        &self,
        selected: &Selected,
        configuration: &Configuration,
        fix: &Fix,
        files: &[&File],
        root: &Path,
    ) -> Result<Result<Vec<u8>, String>> {
        let linter = selected.linter;
        let per = linter.run.per;
        let work = Work { index: 0, linter, files, configuration, arguments: &fix.args, per, outside: false };
        let ready = Ready { linter, tool: selected.tool.clone() };
        let mut printed = Vec::new();
        for call in schedule::calls(&[work], 1, &self.around()) {
            match run::fix(&call, &ready, root)? {
                Ok(bytes) => printed.extend(bytes),
                Err(message) => return Ok(Err(message)),
            }
        }
        Ok(Ok(printed))
    }

    /// The files, as they are and as a diff of the linter would have them. What cannot be mended, or is
    /// told in another way, is no error: the findings stand without it.
    fn told(
        &self,
        selected: &Selected,
        configuration: &Configuration,
        fix: &Fix,
        files: &[&File],
    ) -> Result<Vec<Fixed>> {
        let printed = self.call(selected, configuration, fix, files, &self.root)?.unwrap_or_default();
        let patches = patch::parse(&printed).unwrap_or_default();
        let fixed = patches.into_iter().filter_map(|patch| {
            let named = patch.old.as_ref().or(patch.new.as_ref())?;
            let path = named.strip_prefix("./").unwrap_or(named);
            let file = files.iter().find(|file| file.path == path)?;
            let old = report::read(&self.root, &file.path)?;
            let new = patch.apply(&old)?;
            Some(Fixed { path: file.path.clone(), old, new })
        });
        Ok(fixed.collect())
    }

    /// The files, as they are and as the linter makes them in a copy.
    fn tried(
        &self,
        selected: &Selected,
        configuration: &Configuration,
        fix: &Fix,
        files: &[&File],
        copy: &Path,
    ) -> Result<Vec<Fixed>> {
        // Those that it changed before it failed are not mended.
        let is_done = self.call(selected, configuration, fix, files, copy)?.is_ok();
        let touched = if selected.linter.run.per == Per::Repository { &selected.files } else { files };
        let mut fixed = Vec::new();
        for file in touched {
            let (old, new) = (report::read(&self.root, &file.path), report::read(copy, &file.path));
            let Some(old) = old.filter(|old| new.as_ref() != Some(old)) else { continue };
            let path = copy.join(&file.path);
            fs::write(&path, &old).with_context(|| format!("failed to write {}", path.display()))?;
            if let Some(new) = new.filter(|_| is_done) {
                fixed.push(Fixed { path: file.path.clone(), old, new });
            }
        }
        Ok(fixed)
    }

    /// A copy of the files of the work tree, without links.
    fn copy(&self) -> Result<tempfile::TempDir> {
        let folder = tempfile::tempdir().context("failed to make a temporary folder")?;
        for path in &self.tree.all {
            let from = self.root.join(path);
            let is_wanted = from.symlink_metadata().is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
            let Some(parent) = path.parent().filter(|_| is_wanted) else { continue };
            fs::create_dir_all(folder.path().join(parent))
                .and_then(|()| fs::copy(&from, folder.path().join(path)))
                .map_err(Failure::from)
                .with_context(|| format!("failed to copy {}", from.display()))?;
        }
        Ok(folder)
    }
}
