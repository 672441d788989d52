// SPDX-License-Identifier: Apache-2.0
//! What the inputs, the event and the settings say together.

use crate::base::{self, Base, Wanted};
use crate::catalogue;
use crate::changed;
use crate::definition::Category;
use crate::git::Git;
use crate::globs::Globs;
use crate::settings::{FILE, Settings, locate};
use crate::{Args, ChangedOnly};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Table;
use toolkit::event::Event;
use toolkit::{Annotation, Failure, List, Result, ResultExt, Runner};

/// The folder that is linted.
pub fn root(args: &Args) -> Result<PathBuf> {
    let source = args.source_path.display();
    let root = args.source_path.canonicalize().map_err(|_| {
        Failure::input(format!("there is no folder {source}"))
            .help("check the sources out first, or correct source-path")
    })?;
    if !root.is_dir() {
        return Err(Failure::input(format!("{source} is not a folder")));
    }
    Ok(root)
}

/// Where the change began. Without one, nothing says what changed.
pub fn base(args: &Args, git: Option<&Git>, event: Option<&Event>) -> Result<Option<Base>> {
    let Some(git) = git else {
        let wants = args.base.is_some() || args.changed_only == ChangedOnly::True;
        return if wants {
            Err(Failure::input(format!(
                "{} is in no git repository, so nothing says what changed",
                args.source_path.display()
            )))
        } else {
            Ok(None)
        };
    };
    let wanted = event.and_then(base::of_event);
    let found = match (&args.base, &wanted) {
        (Some(name), _) => Some(base::merge_base(git, name)?),
        // What was pushed over may be gone; where all counts anyway, that is no error.
        (None, Some(wanted @ Wanted::FirstOf(_))) if args.changed_only == ChangedOnly::False => {
            base::find(git, wanted).ok().flatten()
        }
        (None, Some(wanted)) => base::find(git, wanted)?,
        (None, None) => None,
    };
    if found.is_none() && args.changed_only == ChangedOnly::True {
        let message = "changed-only needs a commit to compare with, and nothing names one";
        return Err(Failure::input(message).help("give base"));
    }
    Ok(found)
}

/// The name that a baseline is told apart by: the package, else the repository's.
pub fn package(args: &Args, root: &Path, prefix: &Path, git: Option<&Git>, runner: &Runner) -> Result<String> {
    if let Some(package) = args.package.as_ref().filter(|package| !package.is_empty()) {
        return Ok(package.clone());
    }
    let remote = match git {
        Some(git) => git.answer_line(&["config", "--get", "remote.origin.url"])?,
        None => None,
    };
    let address = runner.env("GITHUB_REPOSITORY").or(remote).filter(|address| !address.is_empty());
    let top = root.ancestors().nth(prefix.components().count()).unwrap_or(root);
    let folder = || top.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = address.map(|address| {
        let address = address.trim_end_matches('/');
        let address = address.strip_suffix(".git").unwrap_or(address);
        address.rsplit(['/', ':']).next().unwrap_or(address).to_owned()
    });
    Ok(name.filter(|name| !name.is_empty()).unwrap_or_else(folder))
}

/// The files that the settings of the base commit exclude.
pub fn exclude_at(git: &Git, base: &Base) -> Result<Globs> {
    let text = changed::file_at(git, base, FILE)?.unwrap_or_default();
    // What cannot be read excludes nothing.
    let settings = Settings::parse(&String::from_utf8_lossy(&text)).unwrap_or_default();
    Ok(Globs::new(&settings.exclude).unwrap_or_default())
}

fn usable(definitions: &BTreeMap<String, Table>, text: &str) -> Result<()> {
    match catalogue::merged(definitions) {
        Ok(_) => Ok(()),
        Err((name, error)) => Err(Failure::from(locate(text, &name, error)).as_input()),
    }
}

/// The settings, and the text that its definitions of linters are in. They run programs, so in a pull
/// request they are those of the base commit.
pub fn settings(root: &Path, git: Option<&Git>, base: Option<&Base>, runner: &Runner) -> Result<(Settings, String)> {
    let path = root.join(FILE);
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| Failure::input(format!("{FILE} is no UTF-8")))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context(format!("could not read {}", path.display())),
    };
    let mut settings = Settings::parse(&text).map_err(|error| Failure::from(error).as_input())?;
    let (Some(git), Some(base)) = (git, base) else { return Ok((settings, text)) };
    let at_base = changed::file_at(git, base, FILE)?.unwrap_or_default();
    let at_base = String::from_utf8_lossy(&at_base).into_owned();
    if at_base == text {
        return Ok((settings, text));
    }
    // The change is judged as it is; a base that cannot be used must not stand in the way of mending it.
    usable(&settings.linter, &text)?;
    let trusted = Settings::parse(&at_base).map(|settings| settings.linter).unwrap_or_default();
    let trusted = if usable(&trusted, &at_base).is_ok() { trusted } else { BTreeMap::new() };
    if trusted != settings.linter {
        let message = "the definitions of linters in this file run programs, so those of the base commit are used \
                       until the change is merged";
        runner.annotate(&Annotation::notice(message).at(FILE, 1, None));
    }
    let is_new = |name: &String| {
        settings.linter.contains_key(name) && !trusted.contains_key(name) && !catalogue::is_shipped(name)
    };
    if let Some(names) = &mut settings.linters {
        names.retain(|name| !is_new(name));
    }
    settings.linter = trusted;
    Ok((settings, at_base))
}

/// The categories of these names.
pub fn categories(list: &List) -> Result<Vec<Category>> {
    let parse = |name: &String| {
        Category::named(name).ok_or_else(|| {
            let known: Vec<_> = Category::ALL.iter().map(|category| category.name()).collect();
            Failure::input(format!("unknown category {name:?}; there are {}", known.join(", ")))
        })
    };
    list.iter().map(parse).collect()
}
