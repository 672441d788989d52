// SPDX-License-Identifier: Apache-2.0
//! Which configuration a linter may use.
//!
//! Some linters run what their configuration names. In a pull request that would be code that
//! nobody has looked at yet, so for these the configuration is the one of the base commit.

use crate::base::Base;
use crate::changed;
use crate::definition::{Linter, Run};
use crate::git::Git;
use crate::globs::Globs;
use crate::select::{has_section, split};
use crate::yaml;
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
    /// The same, where the linter would not find it itself.
    pub shared: Option<PathBuf>,
    /// Its name in the repository, for messages.
    pub named: Option<PathBuf>,
    /// One that is not used, since the linter has one of its own.
    pub unused: Option<String>,
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
    let from_tree = || -> Result<Configuration> {
        let in_tree = |files: &[String]| -> Result<Option<String>> {
            Ok(first(files, &|name| Ok(in_tree(name)))?.map(|(name, _)| name))
        };
        let (configured, shared) = (in_tree(&run.configuration)?, in_tree(&run.shared_configuration)?);
        let own = if run.own_configuration.is_empty() { configured.clone() } else { in_tree(&run.own_configuration)? };
        let unused = shared.clone().filter(|_| own.is_some());
        let shared = shared.filter(|_| own.is_none());
        let named = own.or_else(|| shared.clone());
        let name = configured.or_else(|| shared.clone());
        let mut found = Configuration {
            file: name.as_ref().map(|name| root.join(name)),
            shared: shared.map(|name| root.join(name)),
            named: named.map(PathBuf::from),
            unused,
            ..Configuration::default()
        };
        if let Some(text) = &run.default_configuration {
            let named = found.named.as_ref().map(|name| root.join(name));
            let merged = underlaid(text, named.as_deref())?;
            let copy = folder.join(&linter.name).with_extension("yml");
            fs::write(&copy, merged).with_context(|| format!("failed to write {}", copy.display()))?;
            found.file = Some(copy.clone());
            found.shared = Some(copy);
        }
        Ok(found)
    };
    let Trust::Base(git, base) = trust else { return from_tree() };
    if !run.executes_configuration {
        return from_tree();
    }
    let at_base = |name: &str| changed::file_at(git, base, name);
    // Where there are others that it finds itself, those run nothing.
    let shared = if run.own_configuration.is_empty() { run.shared_configuration.as_slice() } else { &[] };
    let all = run.configuration.iter().chain(shared);
    let mut names = all.map(|condition| split(condition).0).filter(|name| !name.contains('*'));
    let touched = names.try_fold(None, |touched, name| {
        Ok::<_, toolkit::Failure>(touched.or((in_tree(name) != at_base(name)?).then(|| name.to_owned())))
    })?;
    let touched = match touched {
        Some(touched) => Some(touched),
        None => touched_anywhere(run, git, base)?,
    };
    // As it was reviewed: then it may stay where it is, with everything that is relative to it.
    let Some(touched) = touched else { return from_tree() };
    let own = first(&run.configuration, &at_base)?;
    let is_shared = own.is_none();
    let found = match own {
        Some(own) => Some(own),
        None => first(shared, &at_base)?,
    };
    match found {
        Some((name, text)) if takes_file(linter, is_shared) => {
            let folder = folder.join(&linter.name);
            let copy = folder.join(Path::new(&name).file_name().unwrap_or_default());
            fs::create_dir_all(&folder).and_then(|()| fs::write(&copy, text)).with_context(|| {
                format!("could not copy the configuration of {} to {}", linter.name, copy.display())
            })?;
            let shared = is_shared.then(|| copy.clone());
            Ok(Configuration {
                file: Some(copy),
                shared,
                named: Some(name.into()),
                touched: Some(touched),
                ..Configuration::default()
            })
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

/// The first of these files that is there, with the section that it must have.
fn first(conditions: &[String], read: &dyn Fn(&str) -> Result<Option<Vec<u8>>>) -> Result<Option<(String, Vec<u8>)>> {
    for condition in conditions {
        let (name, section) = split(condition);
        if let Some(text) = read(name)?.filter(|text| section.is_none_or(|section| has_section(name, text, section))) {
            return Ok(Some((name.to_owned(), text)));
        }
    }
    Ok(None)
}

/// The configuration of a repository over one that is given. One that does not parse is reported elsewhere.
fn underlaid(below: &str, file: Option<&Path>) -> Result<String> {
    let mut merged = yaml::parse(below).context("failed to read a default configuration")?;
    let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    yaml::over(&mut merged, &yaml::parse(&text).unwrap_or_default());
    // JSON is YAML.
    Ok(merged.to_string())
}

fn takes_file(linter: &Linter, is_shared: bool) -> bool {
    let run = &linter.run;
    let takes = |argument: &String| {
        argument.contains("{config}")
            || is_shared && (argument.contains("{shared-config}") || argument.contains("{shared-folder}"))
    };
    run.args.iter().any(takes) || run.env.values().any(takes)
}
