// SPDX-License-Identifier: Apache-2.0
//! A repository in which the linters find nothing.

use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kind of files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    All,
    C,
    Markdown,
    Python,
    Shell,
    Yaml,
}

/// Makes the text of a file from its number.
type Text = fn(usize) -> String;

/// How many files there are of each kind, where they are, and how they are made.
const KINDS: [(Kind, usize, &str, Text); 5] = [
    (Kind::C, 100, "src/part-#.c", c),
    (Kind::Markdown, 80, "docs/part-#.md", markdown),
    (Kind::Python, 80, "tools/part_#.py", python),
    (Kind::Shell, 80, "scripts/part-#.sh", shell),
    (Kind::Yaml, 60, "data/part-#.yml", yaml),
];
/// How many functions, sections or entries a file has.
const PARTS: usize = 20;

/// The repository: all files in one commit, one of each kind changed in another.
pub struct Corpus {
    folder: PathBuf,
    files: Vec<(Kind, String)>,
}

impl Corpus {
    pub fn make(folder: &Path) -> Result<Self> {
        let mut corpus = Self { folder: folder.to_owned(), files: Vec::new() };
        for (kind, count, name, text) in KINDS {
            for number in 0..count {
                let name = name.replace('#', &number.to_string());
                corpus.write(&name, &text(number))?;
                corpus.files.push((kind, name));
            }
        }
        corpus.write(".clang-format", "BasedOnStyle: LLVM\n")?;
        corpus.write(".editorconfig", "root = true\n\n[*.sh]\nindent_style = space\nindent_size = 2\n")?;
        corpus.write(".yamllint", "extends: relaxed\n")?;
        corpus.git(&["init", "--quiet", "--initial-branch", "main"])?;
        corpus.commit("feat: first version")?;
        for (_, count, name, text) in KINDS {
            // As long as the others, and different.
            corpus.write(&name.replace('#', "0"), &text(count))?;
        }
        corpus.commit("feat: change one of each kind")?;
        Ok(corpus)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files of a kind, relative to the folder.
    pub fn files(&self, wanted: Kind) -> Vec<&str> {
        let files = self.files.iter().filter(|(kind, _)| wanted == Kind::All || *kind == wanted);
        files.map(|(_, name)| name.as_str()).collect()
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).context("could not make a folder")?;
        }
        std::fs::write(&path, text).with_context(|| format!("could not write {name}"))
    }

    fn commit(&self, message: &str) -> Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])
    }

    fn git(&self, arguments: &[&str]) -> Result<()> {
        let identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
        let output = Command::new("git").current_dir(&self.folder).args(identity).args(arguments).output();
        let output = output.context("could not start git")?;
        if !output.status.success() {
            bail!("git: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

/// A text with a part for each number, and something before.
fn parts(start: String, part: impl Fn(&mut String, usize)) -> String {
    (0..PARTS).fold(start, |mut text, number| {
        part(&mut text, number);
        text
    })
}

fn c(file: usize) -> String {
    parts(format!("/* Part {file} of the corpus. */\n"), |text, part| {
        let _ = write!(
            text,
            "\nint clamp_{file}_{part}(int value, int low, int high) {{\n  if (value < low)\n    return low;\n  \
             if (value > high)\n    return high;\n  return value;\n}}\n"
        );
    })
}

fn markdown(file: usize) -> String {
    parts(format!("# Part {file}\n\nIt is about one thing.\n"), |text, part| {
        let _ = write!(
            text,
            "\n## Section {part} of part {file}\n\nIt begins where [the part before](part-0.md) ends:\n\n- with `one` \
             entry,\n- and with another.\n\n```sh\necho {part}\n```\n"
        );
    })
}

fn python(file: usize) -> String {
    parts(format!("\"\"\"Part {file} of the corpus.\"\"\"\n"), |text, part| {
        let _ = write!(
            text,
            "\n\ndef clamp_{part}(value: int, low: int, high: int) -> int:\n    \"\"\"Keeps a value between \
             others.\"\"\"\n    if value < low:\n        return low\n    if value > high:\n        return high\n    \
             return value\n"
        );
    })
}

fn shell(file: usize) -> String {
    parts(format!("#!/bin/sh\n# Part {file} of the corpus.\nset -eu\n"), |text, part| {
        let _ = write!(
            text,
            "\nstep_{part}() {{\n  if [ -z \"$2\" ]; then\n    printf '%s: nothing\\n' \"$1\" >&2\n    return 1\n  \
             fi\n  printf '%s: %s\\n' \"$1\" \"$2\"\n}}\n\nstep_{part} first \"{part}\"\n"
        );
    })
}

fn yaml(file: usize) -> String {
    parts(format!("---\n# Part {file} of the corpus.\nname: part-{file}\nentries:\n"), |text, part| {
        let _ = write!(
            text,
            "  - name: entry-{part}\n    values: [1, 2, 3]\n    nested:\n      key: \"{part}\"\n      other: true\n"
        );
    })
}
