// SPDX-License-Identifier: Apache-2.0
//! Output without what differs from run to run, so that two runs can be compared.

use artifact::{Hasher, Sha256};
use regex_lite::Regex;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Folders whose place says nothing, and the names that they get.
#[derive(Clone, Debug, Default)]
pub struct Folders(Vec<(String, &'static str)>);

/// From this size on, output is not looked at any more: it says nothing that the beginning does not.
const COMPARED: usize = 1024 * 1024;

/// Output that comes line by line, to be compared with another run's.
#[derive(Clone, Debug, Default)]
pub struct Spoken {
    hasher: Hasher,
    size: usize,
}

impl Spoken {
    /// Takes a line.
    pub fn line(&mut self, line: &str, folders: &Folders) {
        if self.size < COMPARED {
            self.size += line.len() + 1;
            let normal = folders.normalise(line);
            // Unless nothing is left of it.
            if !normal.is_empty() || line.is_empty() {
                self.hasher.update(normal.as_bytes());
                self.hasher.update(b"\n");
            }
        }
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The digest of what has come, and a new beginning.
    pub fn take(&mut self) -> Sha256 {
        std::mem::take(self).hasher.finish()
    }
}

/// What differs, and what stands for it; in this order.
static VOLATILE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let rules = [
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r"\b0[xX][0-9a-fA-F]+\b", "<address>"),
        // What valgrind counts is another matter than what the program says.
        (r"(?m)^(?:==|--)\d+(?:==|--).*\n?", ""),
        // As mktemp names them.
        (r"(<(?:scratch|tmp)>[^\s:]*\.)[0-9A-Za-z]{6,12}\b", "$1<random>"),
        (
            r"\b\d{4}[-./]\d{2}[-./]\d{2}(?:[T \-]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
            "<time>",
        ),
        (r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b", "<time>"),
        (
            r"\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s?(?:ns|us|µs|ms|nsec|usec|msec|secs?|seconds?|s|minutes?)\b",
            "<duration>",
        ),
    ];
    // An expression that does not compile would be found by the test of its rule.
    rules.into_iter().filter_map(|(rule, by)| Some((Regex::new(rule).ok()?, by))).collect()
});

impl Folders {
    /// Adds a folder. One that holds another is added after it.
    pub fn add(&mut self, folder: &std::path::Path, name: &'static str) {
        let mut forms: Vec<PathBuf> = vec![folder.to_owned()];
        forms.extend(folder.canonicalize().ok().filter(|real| real != folder));
        self.0.extend(forms.into_iter().map(|form| (form.display().to_string(), name)));
    }

    /// Adds a word that differs from architecture to architecture.
    pub fn add_word(&mut self, word: &str, name: &'static str) {
        self.0.push((word.to_owned(), name));
    }

    /// The text without the places of folders, as a name.
    pub fn name(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (folder, name)| text.replace(folder, name))
    }

    /// The text without what differs from run to run.
    pub fn normalise(&self, text: &str) -> String {
        let mut text = self.name(text);
        for (rule, by) in VOLATILE.iter() {
            text = rule.replace_all(&text, *by).into_owned();
        }
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// The digest of several texts, normalised.
    pub fn digest(&self, texts: &[&[u8]]) -> Sha256 {
        let texts: Vec<_> = texts.iter().map(|text| self.normalise(&String::from_utf8_lossy(text))).collect();
        Sha256::of(texts.join("\0").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_taken_out() {
        let mut folders = Folders::default();
        folders.add("/tmp/x/1".as_ref(), "<tmp>");
        folders.add("/tmp/x".as_ref(), "<source>");
        let text = "2024.11.07-12:34:56.78 - <info> Loaded /tmp/x/1/a at 0x7f00ab\n12:00:01 ready  \n==4711== 12 allocs\n\
            took 12.5 ms, then 3s or 7 nsec\n<tmp>/run/x.aB3dE9/y: <tmp>/out.txt\n\u{1b}[31mred\u{1b}[0m /tmp/x/b\nresult: 42 of 99\n2024-11-07T12:34:56Z done\n\n";
        insta::assert_snapshot!(folders.normalise(text), @r"
        <time> - <info> Loaded <tmp>/a at <address>
        <time> ready
        took <duration>, then <duration> or <duration>
        <tmp>/run/x.<random>/y: <tmp>/out.txt
        red <source>/b
        result: 42 of 99
        <time> done
        ");
        assert_eq!(VOLATILE.len(), 7);
    }
}
