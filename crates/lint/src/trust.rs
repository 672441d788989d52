// SPDX-License-Identifier: Apache-2.0
//! Which configuration a linter may use.
//!
//! Some linters run what their configuration names. In a pull request that would be code that
//! nobody has looked at yet, so for these the configuration is the one of the base commit.

use crate::changed::{self, Base};
use crate::definition::{Linter, Run};
use crate::git::Git;
use crate::globs::Globs;
use crate::select::{has_section, split};
use std::fs;
use std::path::{Path, PathBuf};
use toolkit::{Result, ResultExt};

/// Where configuration is taken from.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// From the work tree.
    Tree,
    /// From the base commit, for linters that run what it names.
    Base(&'a Git, &'a Base),
}

/// The configuration of one linter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file; absent if there is none.
    pub file: Option<PathBuf>,
    /// Arguments that keep the linter from what the work tree has.
    pub arguments: Vec<String>,
    /// What of it the change touched, where that is not to be trusted. The work tree is then no place to
    /// call the linter in, but for finding, with what is told here.
    pub touched: Option<String>,
    /// It must not run at all: it cannot be kept from what the work tree has.
    pub refused: bool,
}

/// Decides about one linter; a copy of a file of the base commit goes into the folder.
pub fn configuration(linter: &Linter, root: &Path, trust: Trust, folder: &Path) -> Result<Configuration> {
    let run = &linter.run;
    let in_tree = |name: &str| fs::read(root.join(name)).ok();
    let first = |read: &dyn Fn(&str) -> Result<Option<Vec<u8>>>| -> Result<Option<(String, Vec<u8>)>> {
        for condition in &run.configuration {
            let (name, section) = split(condition);
            if let Some(text) =
                read(name)?.filter(|text| section.is_none_or(|section| has_section(name, text, section)))
            {
                return Ok(Some((name.to_owned(), text)));
            }
        }
        Ok(None)
    };
    let from_tree = || -> Result<Configuration> {
        let found = first(&|name| Ok(in_tree(name)))?;
        Ok(Configuration { file: found.map(|(name, _)| root.join(name)), ..Configuration::default() })
    };
    let Trust::Base(git, base) = trust else { return from_tree() };
    if !run.executes_configuration {
        return from_tree();
    }
    let at_base = |name: &str| changed::file_at(git, base, name);
    let mut names = run.configuration.iter().map(|condition| split(condition).0).filter(|name| !name.contains('*'));
    let touched = names.try_fold(None, |touched, name| {
        Ok::<_, toolkit::Failure>(touched.or((in_tree(name) != at_base(name)?).then(|| name.to_owned())))
    })?;
    let touched = match touched {
        Some(touched) => Some(touched),
        None => touched_anywhere(run, git, base)?,
    };
    // As it was reviewed: then it may stay where it is, with everything that is relative to it.
    let Some(touched) = touched else { return from_tree() };
    match first(&at_base)? {
        Some((name, text)) if takes_file(linter) => {
            let folder = folder.join(&linter.name);
            let copy = folder.join(Path::new(&name).file_name().unwrap_or_default());
            fs::create_dir_all(&folder).and_then(|()| fs::write(&copy, text)).with_context(|| {
                format!("could not copy the configuration of {} to {}", linter.name, copy.display())
            })?;
            Ok(Configuration { file: Some(copy), touched: Some(touched), ..Configuration::default() })
        }
        _ if !run.without_configuration.is_empty() => {
            let arguments = run.without_configuration.clone();
            Ok(Configuration { arguments, touched: Some(touched), ..Configuration::default() })
        }
        _ => Ok(Configuration { touched: Some(touched), refused: true, ..Configuration::default() }),
    }
}

/// A touched file that a glob among the configuration matches: some linters read one in each folder.
fn touched_anywhere(run: &Run, git: &Git, base: &Base) -> Result<Option<String>> {
    let globs: Vec<_> = run.configuration.iter().filter(|name| name.contains('*')).collect();
    if globs.is_empty() {
        return Ok(None);
    }
    let globs = Globs::new(&globs).context("could not read the globs of configuration files")?;
    let changed = changed::since(git, base)?;
    let touched = changed.paths().find(|path| globs.matches(path)).map(|path| path.display().to_string());
    Ok(touched)
}

fn takes_file(linter: &Linter) -> bool {
    let run = &linter.run;
    run.args.iter().any(|argument| argument.contains("{config}"))
}
