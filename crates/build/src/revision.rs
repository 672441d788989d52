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
        let Ok(commit) = repository.head() else { return Ok(Self { version: written, time: None }) };
        let time = Some(repository.commit_time()?);
        if written.is_some() {
            return Ok(Self { version: written, time });
        }
        let state = GitState {
            exact_tags: repository.tags_at("HEAD")?,
            describe: repository.describe(|tag| Version::from_tag(tag).is_ok())?,
            commits: repository.commit_count()?,
            commit,
            dirty: repository.is_dirty()?,
        };
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
