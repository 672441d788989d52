// SPDX-License-Identifier: Apache-2.0
//! The git command, for names that need not be text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use toolkit::{Collected, Exit, Failure, Program, Result, ResultExt, Tool};

const GIT: Tool = Tool { program: "git", provided_by: "the Debian package git" };
/// More than any list of names; a diff that is larger is an error.
const LIMIT: u64 = 1 << 30;

/// The work tree of a git repository.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
    root: PathBuf,
    /// Another index than the repository's.
    index: Option<PathBuf>,
}

impl Git {
    /// The repository that holds the folder; `None` if none does.
    pub fn open(root: &Path) -> Result<Option<Self>> {
        let git = Self { program: GIT.find()?, root: root.to_owned(), index: None };
        let told = git.collect(&["rev-parse", "--is-inside-work-tree"], None)?;
        Ok((told.exit == Exit::Code(0) && told.stdout.trim_ascii() == b"true").then_some(git))
    }

    /// What a command prints.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>> {
        self.output_with(arguments, None)
    }

    /// What a command prints that reads a file from its standard input.
    pub fn output_with<S: AsRef<OsStr>>(&self, arguments: &[S], stdin: Option<&Path>) -> Result<Vec<u8>> {
        let told = self.collect(arguments, stdin)?;
        let name = || arguments.first().map(|name| name.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
        if told.exit != Exit::Code(0) {
            let why = String::from_utf8_lossy(&told.stderr).trim().to_owned();
            return Err(Failure::work(why).context(format!("git {} {}", name(), told.exit)));
        }
        if told.truncated {
            return Err(Failure::work(format!("git {} printed more than {LIMIT} bytes", name())));
        }
        Ok(told.stdout)
    }

    /// What a command prints if it succeeds; its failure is an answer too.
    pub fn answer<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Option<Vec<u8>>> {
        let told = self.collect(arguments, None)?;
        Ok((told.exit == Exit::Code(0)).then_some(told.stdout))
    }

    /// The same as a line of text.
    pub fn answer_line<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Option<String>> {
        Ok(self.answer(arguments)?.map(|bytes| String::from_utf8_lossy(bytes.trim_ascii()).into_owned()))
    }

    /// Whether history is cut off.
    pub fn is_shallow(&self) -> Result<bool> {
        Ok(self.answer_line(&["rev-parse", "--is-shallow-repository"])?.as_deref() == Some("true"))
    }

    /// Where the folder is in its repository; empty for the top.
    pub fn prefix(&self) -> Result<PathBuf> {
        let mut prefix = self.output(&["rev-parse", "--show-prefix"])?;
        while prefix.last().is_some_and(|byte| [b'\n', b'/'].contains(byte)) {
            prefix.pop();
        }
        Ok(PathBuf::from(OsStr::from_bytes(&prefix)))
    }

    /// The same repository with an index of its own that holds a commit, so that attributes are those of the commit.
    pub fn with_index_of(&self, commit: &str, index: &Path) -> Result<Self> {
        let git = Self { index: Some(index.to_owned()), ..self.clone() };
        git.output(&["read-tree", commit]).context("failed to read the tree of the base commit")?;
        Ok(git)
    }

    /// Whether the index is that of a commit.
    pub fn has_own_index(&self) -> bool {
        self.index.is_some()
    }

    fn collect<S: AsRef<OsStr>>(&self, arguments: &[S], stdin: Option<&Path>) -> Result<Collected> {
        let mut program = Program::new(&self.program)
            // A runner's workspace may belong to another user; and reading must not start a monitor.
            .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"])
            // Attributes are those of the repository, and what only has another time is no change.
            .args(["-c", "core.attributesFile=/dev/null", "-c", "diff.autoRefreshIndex=true", "-C"])
            .arg(&self.root)
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_ATTR_NOSYSTEM", "1")
            // Reading takes no lock.
            .env("GIT_OPTIONAL_LOCKS", "0");
        if let Some(stdin) = stdin {
            program = program.stdin(stdin);
        }
        if let Some(index) = &self.index {
            program = program.env("GIT_INDEX_FILE", index);
        }
        program.collect(LIMIT).context("failed to ask git")
    }
}

/// Applies a patch to the files below a folder, which need not be in a repository.
pub fn apply(root: &Path, patch: &Path) -> Result<()> {
    let program = Program::new(GIT.find()?).args(["apply", "--whitespace=nowarn"]).arg(patch).dir(root);
    program.capture().context("could not apply the fixes").map(drop)
}

/// The names in a list that NUL bytes separate.
pub fn names(list: &[u8]) -> impl Iterator<Item = &Path> {
    list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(|name| Path::new(OsStr::from_bytes(name)))
}
