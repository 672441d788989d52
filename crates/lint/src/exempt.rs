// SPDX-License-Identifier: Apache-2.0
//! Files that a change takes out of the reach of linters in the same breath: by attributes, or by `exclude`.

use crate::base::Base;
use crate::changed::Changed;
use crate::files::attributed;
use crate::git::Git;
use crate::globs::Globs;
use crate::settings::FILE;
use std::collections::BTreeSet;
use std::path::Path;
use toolkit::{Result, ResultExt};

/// Names that the sentence has; the rest is counted.
const SHOWN: usize = 5;

/// A sentence about the touched files that no linter looks at, and that linters would have looked at with the rules of
/// the base commit; `None` if there are none.
pub fn sentence(git: &Git, base: &Base, changed: &Changed, before: &Globs, now: &Globs) -> Result<Option<String>> {
    let paths: Vec<&Path> = changed.paths().collect();
    let by_exclude: BTreeSet<&Path> =
        paths.iter().copied().filter(|path| now.matches(path) && !before.matches(path)).collect();
    let touches_attributes = paths.iter().any(|path| path.file_name().is_some_and(|name| name == ".gitattributes"));
    let by_attributes: BTreeSet<&Path> = if touches_attributes {
        let folder = tempfile::tempdir().context("failed to make a temporary folder")?;
        let of_base = git.with_index_of(&base.commit, &folder.path().join("index"))?;
        let (now, before) = (attributed(git, paths.iter().copied())?, attributed(&of_base, paths.iter().copied())?);
        paths.iter().copied().filter(|path| now.contains(*path) && !before.contains(*path)).collect()
    } else {
        BTreeSet::new()
    };
    let all: BTreeSet<&Path> = by_exclude.union(&by_attributes).copied().collect();
    if all.is_empty() {
        return Ok(None);
    }
    let means = [(by_attributes.is_empty(), ".gitattributes"), (by_exclude.is_empty(), FILE)];
    let means: Vec<_> = means.into_iter().filter(|(unused, _)| !unused).map(|(_, name)| name).collect();
    let names: Vec<_> =
        all.iter().take(SHOWN).map(|path| path.display().to_string().escape_debug().to_string()).collect();
    let more = all.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = if all.len() == 1 { "1 file".to_owned() } else { format!("{} files", all.len()) };
    Ok(Some(format!(
        "the change exempts {count} of its own from all linters, with {}: {}{more}",
        means.join(" and "),
        names.join(", ")
    )))
}
