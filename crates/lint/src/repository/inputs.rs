// SPDX-License-Identifier: Apache-2.0
//! What the inputs, the event and the settings say together.

use crate::catalogue;
use crate::changed::{self, Base};
use crate::definition::Category;
use crate::git::Git;
use crate::settings::{FILE, Settings, locate};
use crate::{Args, ChangedOnly};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Table;
use toolkit::event::Event;
use toolkit::{Annotation, Failure, List, Result, ResultExt, Runner};

/// Where the change began. Without one, nothing says what changed; that matters if it `is_needed`.
pub fn base(args: &Args, git: Option<&Git>, event: Option<&Event>, is_needed: bool) -> Result<Option<Base>> {
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
    match (&args.base, event.and_then(changed::base_of)) {
        (Some(name), _) => changed::base(git, name).map(Some),
        (None, Some(commit)) if is_needed => changed::base(git, &commit).map(Some),
        // What was pushed over may be gone.
        (None, Some(commit)) => Ok(changed::base(git, &commit).ok()),
        (None, None) if args.changed_only == ChangedOnly::True => {
            Err(Failure::input("changed-only needs a commit to compare with, and nothing names one").help("give base"))
        }
        (None, None) => Ok(None),
    }
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
