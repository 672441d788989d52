// SPDX-License-Identifier: Apache-2.0
//! Why an install tree is not packaged.

use artifact::Arch;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

/// So many problems are told one by one.
const MOST_TOLD: usize = 10;

/// Why a tree is refused.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// There is no such folder.
    #[error("the install tree {} does not exist", .0.display())]
    Missing(PathBuf),
    /// It is something else.
    #[error("the install tree {} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// Nothing was installed.
    #[error("the install tree {} is empty: there is nothing to package", .0.display())]
    Empty(PathBuf),
    /// A part of it is wanted that it does not have.
    #[error("the install tree {} has no file {pattern}", .root.display())]
    NoMatch {
        /// The tree.
        root: PathBuf,
        /// What was looked for.
        pattern: String,
    },
    /// Something cannot be read.
    #[error("could not read {}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Some libraries of the tree are where the loader does not look.
    #[error("the loader will not find libraries that the install tree {} brings:{}", .root.display(), list(.problems))]
    OutOfReach {
        /// The tree.
        root: PathBuf,
        /// Who needs what, sorted by path.
        problems: Vec<Located>,
    },
    /// Some entries cannot be packaged.
    #[error("the install tree {} cannot be packaged:{}", .root.display(), list(.problems))]
    Unfit {
        /// The tree.
        root: PathBuf,
        /// All that is wrong, sorted by path.
        problems: Vec<Located>,
    },
}

/// A problem and where it is.
#[derive(Debug)]
pub struct Located {
    /// Path below the root of the tree.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with one entry; reads on from its path.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The name cannot be written in a package's lists.
    #[error("has a name that is not UTF-8")]
    NotUtf8,
    /// The name would break the lists' lines.
    #[error("has a control character in its name")]
    ControlCharacter,
    /// Neither file, folder nor link.
    #[error("is {0}")]
    Special(&'static str),
    /// Runs with the rights of its owner.
    #[error("is set-user-id or set-group-id; such rights are not packaged")]
    Privileged,
    /// Built for another processor.
    #[error("is built for {found}, not for {wanted}")]
    Foreign {
        /// The file's processor.
        found: String,
        /// The package's.
        wanted: Arch,
    },
    /// Begins like an ELF file and is none.
    #[error("is a broken ELF file: {0}")]
    BrokenElf(String),
    /// A link to a path of the machine that built.
    #[error("is a symbolic link to {target}, an absolute path")]
    AbsoluteLink {
        /// Where it points.
        target: String,
    },
    /// A link that leaves the tree.
    #[error("is a symbolic link to {target}, outside the tree")]
    EscapingLink {
        /// Where it points.
        target: String,
    },
    /// A link that leads nowhere.
    #[error("is a symbolic link to {target}, in a circle")]
    LinkLoop {
        /// Where it points.
        target: String,
    },
    /// Needs a library of the tree that the loader does not find.
    #[error("needs {library}, which is in {folder}")]
    OutOfReach {
        /// The library.
        library: String,
        /// The folder that it is in.
        folder: String,
    },
    /// The target cannot be written.
    #[error("is a symbolic link to a name that is not UTF-8")]
    NotUtf8Target,
}

fn list(problems: &[Located]) -> String {
    let mut text = String::new();
    for Located { path, problem } in problems.iter().take(MOST_TOLD) {
        let _ = write!(text, "\n  {path} {problem}");
    }
    if let Some(more) = problems.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}
