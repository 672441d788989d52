// SPDX-License-Identifier: Apache-2.0
//! Globs over paths relative to the root.

use glob::{MatchOptions, Pattern};
use std::path::Path;

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// A set of globs. One without `/` matches the name at any depth; `**` crosses folders.
#[derive(Clone, Debug, Default)]
pub struct Globs(Vec<Glob>);

#[derive(Clone, Debug)]
enum Glob {
    /// `*.sh`, by far the most frequent.
    Suffix(String),
    Name(Pattern),
    Path(Pattern),
}

/// A glob that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{glob:?} is no glob: {message}")]
pub struct GlobError {
    glob: String,
    message: &'static str,
}

impl Globs {
    /// Reads globs.
    pub fn new<S: AsRef<str>>(globs: &[S]) -> Result<Self, GlobError> {
        let parse = |glob: &S| {
            let glob = glob.as_ref();
            let special = |text: &str| text.contains(['*', '?', '[', '/']);
            if let Some(suffix) = glob.strip_prefix('*').filter(|suffix| !special(suffix)) {
                return Ok(Glob::Suffix(suffix.to_owned()));
            }
            let pattern = Pattern::new(glob.strip_prefix('/').unwrap_or(glob))
                .map_err(|error| GlobError { glob: glob.to_owned(), message: error.msg })?;
            Ok(if glob.contains('/') { Glob::Path(pattern) } else { Glob::Name(pattern) })
        };
        globs.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them matches; bytes that are not UTF-8 count as U+FFFD.
    pub fn matches(&self, path: &Path) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let path = path.to_string_lossy();
        let name = path.rsplit('/').next().unwrap_or(&path);
        self.0.iter().any(|glob| match glob {
            Glob::Suffix(suffix) => name.ends_with(suffix.as_str()),
            Glob::Name(pattern) => pattern.matches_with(name, OPTIONS),
            Glob::Path(pattern) => pattern.matches_with(&path, OPTIONS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn globs_match_names_at_any_depth_and_paths_from_the_root() {
        let cases = [
            ("*.sh", "a/b.sh", true),
            ("*.sh", "a/b.sh/c", false),
            ("*.sh", ".sh", true),
            ("Dockerfile", "x/Dockerfile", true),
            ("Dockerfile*", "x/Dockerfile.arm", true),
            (".github/workflows/*.yml", ".github/workflows/a.yml", true),
            (".github/workflows/*.yml", ".github/workflows/x/a.yml", false),
            (".github/workflows/*.yml", "x/.github/workflows/a.yml", false),
            ("**/action.yml", "action.yml", true),
            ("**/action.yml", "actions/x/action.yml", true),
            ("third_party/**", "third_party/a/b.c", true),
            ("/README.md", "README.md", true),
            ("/README.md", "x/README.md", false),
            ("[ab].c", "x/b.c", true),
        ];
        for (glob, path, expected) in cases {
            assert_eq!(Globs::new(&[glob]).unwrap().matches(Path::new(path)), expected, "{glob} {path}");
        }
        assert!(!Globs::default().matches(Path::new("a")));
        assert!(Globs::new(&["*.c"]).unwrap().matches(Path::new(OsStr::from_bytes(b"a\xff.c"))));
        assert!(Globs::new(&["[a"]).unwrap_err().to_string().starts_with("\"[a\" is no glob: "));
    }
}
