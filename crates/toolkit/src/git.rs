// SPDX-License-Identifier: Apache-2.0
//! Facts of a git work tree, read with the git command.

use crate::{Failure, Program, Result, ResultExt, RunError, Tool};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const GIT: Tool = Tool { program: "git", provided_by: "the Debian package git" };

/// The work tree of a git repository.
#[derive(Clone, Debug)]
pub struct Repository {
    git: PathBuf,
    folder: PathBuf,
}

impl Repository {
    /// The repository that holds the folder; `None` if none does.
    pub fn open(folder: &Path) -> Result<Option<Self>> {
        let repository = Self { git: GIT.find()?, folder: folder.to_owned() };
        match repository.git(&["rev-parse", "--is-inside-work-tree"]) {
            Ok(text) if text == "true" => Ok(Some(repository)),
            Ok(_) | Err(RunError::Failed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The full hash of the checked-out commit.
    pub fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "--verify", "HEAD^{commit}"])
            .with_context(|| format!("{} has no commit", self.folder.display()))
    }

    /// As `git describe --long --abbrev=8` prints it, `<tag>-<commits>-g<hash>`, of the tag `v<digit>…` that ranks
    /// highest among all that lead to `HEAD`; `None` without one that has a rank. Git itself takes the nearest one, and
    /// of several on a commit any.
    pub fn describe<T: Ord>(&self, rank: impl Fn(&str) -> Option<T>) -> Result<Option<String>> {
        let tags = match self.git(&["tag", "--merged", "HEAD", "--list", "v[0-9]*"]) {
            Ok(tags) => tags,
            // There is no commit yet.
            Err(RunError::Failed { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let ranked = tags.lines().filter_map(|tag| Some((rank(tag)?, tag)));
        let Some((_, tag)) = ranked.max_by(|(a, _), (b, _)| a.cmp(b)) else { return Ok(None) };
        let commits = self.git(&["rev-list", "--count", &format!("refs/tags/{tag}..HEAD"), "--"])?;
        let hash = self.git(&["rev-parse", "--short=8", "HEAD"])?;
        Ok(Some(format!("{tag}-{commits}-g{hash}")))
    }

    /// A file of a commit, by its path from the top; `None` if the commit does not have it.
    pub fn file_at(&self, commit: &str, path: &str) -> Result<Option<String>> {
        let file = format!("{commit}:{path}");
        match self.git(&["rev-parse", "--quiet", "--verify", &format!("{commit}^{{commit}}")]) {
            Err(RunError::Failed { .. }) => {
                return Err(Failure::work(format!("the commit {commit} is not in the checkout"))
                    .help("check out with `fetch-depth: 0`"));
            }
            other => other?,
        };
        match self.git(&["cat-file", "blob", &file]) {
            Ok(text) => Ok(Some(text)),
            Err(RunError::Failed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The tags `v<digit>…` on a commit.
    pub fn tags_at(&self, revision: &str) -> Result<Vec<String>> {
        let text = self.git(&["tag", "--points-at", revision, "--list", "v[0-9]*"])?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Whether tracked files differ from the commit.
    pub fn is_dirty(&self) -> Result<bool> {
        Ok(!self.git(&["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none"])?.is_empty())
    }

    /// How many commits lead to `HEAD`, itself included.
    pub fn commit_count(&self) -> Result<u64> {
        Ok(self.git(&["rev-list", "--count", "HEAD"])?.parse()?)
    }

    /// The committer time of `HEAD` in seconds since the epoch.
    pub fn commit_time(&self) -> Result<i64> {
        Ok(self.git(&["log", "-1", "--no-show-signature", "--format=%ct"])?.parse()?)
    }

    /// The checked-out branch; `None` for a detached head.
    pub fn branch(&self) -> Result<Option<String>> {
        match self.git(&["symbolic-ref", "--quiet", "--short", "HEAD"]) {
            Ok(text) => Ok(Some(text)),
            Err(RunError::Failed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether history is cut off, so that versions cannot be computed from it.
    pub fn is_shallow(&self) -> Result<bool> {
        Ok(self.git(&["rev-parse", "--is-shallow-repository"])? == "true")
    }

    /// The address of a remote, if it is configured.
    pub fn remote(&self, name: &str) -> Result<Option<String>> {
        match self.git(&["remote", "get-url", name]) {
            Ok(text) => Ok(Some(text)),
            Err(RunError::Failed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The nearest release tag, `v<digit>…`, before `HEAD`; `None` if there is none.
    pub fn previous_tag(&self) -> Result<Option<String>> {
        // Tags of `HEAD` itself are of this version, and a first commit has no parent.
        match self.git(&["describe", "--tags", "--match", "v[0-9]*", "--abbrev=0", "HEAD^"]) {
            Ok(text) => Ok(Some(text)),
            Err(RunError::Failed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The first lines of the commits after a tag, or of all, newest first, without merges.
    pub fn subjects_since(&self, tag: Option<&str>) -> Result<Vec<String>> {
        let range = tag.map_or_else(|| "HEAD".to_owned(), |tag| format!("refs/tags/{tag}..HEAD"));
        let text = self.git(&["log", "--no-show-signature", "--no-merges", "--format=%s", &range, "--"])?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The submodules that a commit has below this folder: paths, relative to it, and commits.
    pub fn submodules(&self, commit: &str) -> Result<Vec<(String, String)>> {
        let text = self.git(&["ls-tree", "-r", "-z", commit])?;
        let entries = text.split('\0').filter_map(|line| line.split_once('\t'));
        let commits = entries
            .filter_map(|(facts, path)| Some((path.to_owned(), facts.strip_prefix("160000 commit ")?.to_owned())));
        Ok(commits.collect())
    }

    /// Writes this folder as it is at a commit to a tar file; links and modes are kept.
    pub fn archive(&self, commit: &str, output: &Path) -> Result<()> {
        let output = format!("--output={}", std::path::absolute(output)?.display());
        self.git(&["archive", "--format=tar", &output, commit])?;
        Ok(())
    }

    fn git<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, RunError> {
        // A runner's workspace may belong to another user; and reading must not start a monitor, nor
        // write the index.
        let text = Program::new(&self.git)
            .args(["--no-optional-locks", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C"])
            .arg(&self.folder)
            .args(arguments)
            .env("LC_ALL", "C")
            .capture()?;
        Ok(text.trim_end().to_owned())
    }
}

impl Repository {
    /// Like [`Repository::open`], for callers that cannot do without.
    pub fn require(folder: &Path) -> Result<Self> {
        Self::open(folder)?.ok_or_else(|| {
            Failure::work(format!("{} is not in a git repository", folder.display()))
                .help("check the repository out, or give the value that git would have told")
        })
    }
}
