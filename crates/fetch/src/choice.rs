// SPDX-License-Identifier: Apache-2.0
//! Which files of a bundle are wanted.

use crate::Install;
use artifact::{FileEntry, FileKind, Manifest};
use glob::Pattern;
use toolkit::{Failure, Result, ResultExt};

/// The files that the patterns and the installation ask for. A pattern that nothing matches is an error unless
/// `allow_missing` is set.
pub fn choose(
    manifest: &Manifest,
    patterns: Option<&[String]>,
    install: Install,
    allow_missing: bool,
) -> Result<Vec<FileEntry>> {
    let needed = match install {
        Install::None => None,
        Install::Deb => Some(FileKind::Deb),
        Install::Prefix => Some(FileKind::Archive),
    };
    if let Some(kind) = needed.filter(|kind| !manifest.files.iter().any(|file| file.kind == *kind)) {
        return Err(Failure::work(format!(
            "the bundle has no file of the kind {}, which install needs",
            kind.as_str()
        ))
        .help(format!("it has {}", names(manifest))));
    }
    let matching = match patterns {
        None => manifest.files.iter().filter(|file| file.kind != FileKind::DebugDeb).collect(),
        Some(patterns) => matching(manifest, patterns, allow_missing)?,
    };
    let wanted = |file: &&FileEntry| matching.contains(file) || Some(file.kind) == needed;
    Ok(manifest.files.iter().filter(wanted).cloned().collect())
}

fn matching<'a>(manifest: &'a Manifest, patterns: &[String], allow_missing: bool) -> Result<Vec<&'a FileEntry>> {
    let mut found = Vec::new();
    for text in patterns {
        let pattern = Pattern::new(text).input(format!("{text:?} in files is not a pattern"))?;
        let before = found.len();
        found.extend(manifest.files.iter().filter(|file| pattern.matches(file.name.as_str())));
        if found.len() == before && !allow_missing {
            return Err(Failure::work(format!("no file of the bundle matches {text:?}"))
                .help(format!("it has {}", names(manifest))));
        }
    }
    Ok(found)
}

fn names(manifest: &Manifest) -> String {
    manifest.files.iter().map(|file| file.name.to_string()).collect::<Vec<_>>().join(", ")
}
