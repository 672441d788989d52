// SPDX-License-Identifier: Apache-2.0
//! Which version of the source tree is built, and when it was committed.

use artifact::{GitState, Version};
use std::path::Path;
use toolkit::git::Repository;
use toolkit::{Failure, Result, ResultExt};

/// What the source tree says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The version; none in a tree without `.version` that is not under git.
    pub version: Option<Version>,
    /// The commit's time in seconds since the epoch.
    pub time: Option<i64>,
}

impl Revision {
    /// Reads `.version`, else asks git.
    pub fn of(source: &Path) -> Result<Self> {
        let written = written_version(source)?;
        let Some(repository) = Repository::open(source)? else { return Ok(Self { version: written, time: None }) };
        // A repository without a commit has no time.
        let Ok(time) = repository.commit_time() else { return Ok(Self { version: written, time: None }) };
        let time = Some(time);
        if written.is_some() {
            return Ok(Self { version: written, time });
        }
        // Every question is a process: what is known already is not asked.
        let is_version = |tag: &str| Version::from_tag(tag).is_ok();
        let exact_tags = repository.tags_at("HEAD")?;
        let is_released = exact_tags.iter().any(|tag| is_version(tag));
        let describe = if is_released { None } else { repository.describe(Version::of_tag)? };
        let (commits, commit) = if is_released || describe.is_some() {
            (0, String::new())
        } else {
            (repository.commit_count()?, repository.head()?)
        };
        let state = GitState { exact_tags, describe, commits, commit, dirty: repository.is_dirty()? };
        Ok(Self { version: Some(Version::from_git(&state)?), time })
    }
}

fn written_version(source: &Path) -> Result<Option<Version>> {
    let file = source.join(".version");
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let version = text.trim().parse();
            version.map(Some).input(format!("{} holds no version", file.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::from(error).context(format!("could not read {}", file.display()))),
    }
}
