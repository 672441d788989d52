// SPDX-License-Identifier: Apache-2.0
//! Compiler messages: gathered from the output while it runs past, told once, and few at a time.

mod parse;

pub use parse::{Diagnostic, Place, Severity, Speaker};

use self::parse::Parser;
use crate::settings::normalise;
use std::collections::HashSet;
use std::path::PathBuf;
use toolkit::{Annotation, Runner};

/// How many of each severity are shown; the rest is counted.
pub const SHOWN: usize = 10;

/// How many different ones are remembered, so that no output fills the memory.
const REMEMBERED: usize = 1000;

/// What a build said, each thing once, with paths relative to the repository.
#[derive(Debug)]
pub struct Diagnostics {
    /// Folders that printed paths may be relative to, the likeliest first.
    bases: Vec<PathBuf>,
    /// The repository's top folder.
    root: PathBuf,
    parser: Parser,
    errors: Tally,
    warnings: Tally,
}

/// The messages of one severity.
#[derive(Debug, Default)]
struct Tally {
    seen: HashSet<Diagnostic>,
    shown: Vec<Diagnostic>,
    count: usize,
}

impl Tally {
    fn add(&mut self, diagnostic: Diagnostic) {
        // A header's warning comes back with every file that includes it.
        if self.seen.contains(&diagnostic) {
            return;
        }
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(diagnostic.clone());
        }
        if self.seen.len() < REMEMBERED {
            self.seen.insert(diagnostic);
        }
    }
}

impl Diagnostics {
    /// Nothing said yet. `root` and `bases` are absolute.
    pub fn new(root: impl Into<PathBuf>, bases: impl IntoIterator<Item = PathBuf>) -> Self {
        let bases = bases.into_iter().collect();
        Self {
            bases,
            root: root.into(),
            parser: Parser::default(),
            errors: Tally::default(),
            warnings: Tally::default(),
        }
    }

    /// Takes one line of output.
    pub fn read(&mut self, line: &str) {
        let Some(mut diagnostic) = self.parser.read(line) else { return };
        if let Some(place) = &mut diagnostic.place {
            place.file = self.locate(&place.file);
        }
        match diagnostic.severity {
            Severity::Error => self.errors.add(diagnostic),
            Severity::Warning => self.warnings.add(diagnostic),
        }
    }

    /// How many different errors there were.
    pub fn errors(&self) -> usize {
        self.errors.count
    }

    /// How many different warnings there were.
    pub fn warnings(&self) -> usize {
        self.warnings.count
    }

    /// What is shown of them, errors first.
    pub fn shown(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors.shown.iter().chain(&self.warnings.shown)
    }

    /// Makes annotations of what is shown.
    pub fn annotate(&self, runner: &Runner) {
        for diagnostic in self.shown() {
            runner.annotate(&diagnostic.annotation());
        }
    }

    /// A printed path as the repository knows it; as printed if it is not a file anywhere.
    fn locate(&self, printed: &str) -> String {
        let candidates = self.bases.iter().map(|base| normalise(&base.join(printed)));
        for candidate in candidates {
            if candidate.is_file() {
                return candidate.strip_prefix(&self.root).unwrap_or(&candidate).display().to_string();
            }
        }
        printed.to_owned()
    }
}

impl Diagnostic {
    fn annotation(&self) -> Annotation {
        let title = match (&self.flag, self.speaker, self.severity) {
            (Some(flag), ..) => flag,
            (None, Speaker::Compiler, Severity::Warning) => "Compiler warning",
            (None, Speaker::Compiler, Severity::Error) => "Compiler error",
            (None, Speaker::Linker, _) => "Linker error",
            (None, Speaker::BuildSystem, _) => "Build system error",
        };
        let annotation = match self.severity {
            Severity::Error => Annotation::error(&self.message),
            Severity::Warning => Annotation::warning(&self.message),
        };
        let annotation = annotation.title(title);
        match &self.place {
            Some(place) => annotation.at(&place.file, place.line, place.column),
            None => annotation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, Diagnostics) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in ["lib/src/a.c", "lib/src/a.h", "lib/build/gen.c"] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "").unwrap();
        }
        let bases = [root.join("lib/build"), root.join("lib")];
        let diagnostics = Diagnostics::new(&root, bases);
        (folder, diagnostics)
    }

    #[test]
    fn paths_become_the_repository_s() {
        let (_folder, diagnostics) = tree();
        let root = diagnostics.root.display().to_string();
        let cases = [
            ("../src/a.c", "lib/src/a.c".to_owned()),
            ("src/a.c", "lib/src/a.c".to_owned()),
            ("./build/../src/a.c", "lib/src/a.c".to_owned()),
            ("gen.c", "lib/build/gen.c".to_owned()),
            (&format!("{root}/lib/build/../src/a.c"), "lib/src/a.c".to_owned()),
            ("/etc/passwd", "/etc/passwd".to_owned()),
            ("<command-line>", "<command-line>".to_owned()),
        ];
        for (printed, file) in cases {
            assert_eq!(diagnostics.locate(printed), file, "{printed}");
        }
    }

    #[test]
    fn a_message_counts_once_over_translation_units() {
        let (_folder, mut diagnostics) = tree();
        for _ in 0..3 {
            diagnostics.read("../src/a.h:1:2: warning: shadowed [-Wshadow]");
        }
        diagnostics.read("../src/a.h:1:3: warning: shadowed [-Wshadow]");
        assert_eq!((diagnostics.errors(), diagnostics.warnings()), (0, 2));
    }

    #[test]
    fn ten_of_each_are_shown_and_all_are_counted() {
        let (_folder, mut diagnostics) = tree();
        for line in 1..=2000 {
            diagnostics.read(&format!("../src/a.c:{line}:1: warning: no [-Wno]"));
        }
        for line in 1..=12 {
            diagnostics.read(&format!("../src/a.c:{line}:1: error: no"));
        }
        assert_eq!(diagnostics.warnings(), 2000);
        assert_eq!(diagnostics.errors(), 12);
        assert_eq!(diagnostics.shown().count(), 2 * SHOWN);
    }

    #[test]
    fn annotations_put_errors_first() {
        let (_folder, mut diagnostics) = tree();
        diagnostics.read("../src/a.c:3:7: warning: unused variable 'x' [-Wunused-variable]");
        diagnostics.read("../src/a.c:9:1: error: expected ';', found end");
        diagnostics.read("a.c:(.text+0x9): undefined reference to `g'");
        let (runner, recording) = Runner::recording([("GITHUB_ACTIONS", "true")]);
        diagnostics.annotate(&runner);
        insta::assert_snapshot!(recording.text(), @r"
        ::error file=lib/src/a.c,line=9,col=1,title=Compiler error::expected ';', found end
        ::error title=Linker error::a.c: undefined reference to `g'
        ::warning file=lib/src/a.c,line=3,col=7,title=-Wunused-variable::unused variable 'x'
        ");
    }
}
