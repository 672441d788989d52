// SPDX-License-Identifier: Apache-2.0
//! valgrind for one example, and what it found in it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// How many lines of its findings are told.
const LINES: usize = 40;

/// How the lines begin that say nothing of the program.
const BANNER: [&str; 4] = ["Memcheck, a memory", "Copyright (C)", "Using Valgrind", "For lists of detected"];

/// What valgrind found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Errors {
    count: u64,
    /// How many processes it watched to their ends.
    processes: usize,
    /// The beginning of what it says of them.
    pub lines: Vec<String>,
}

/// The command under valgrind, which writes a log per process into the folder.
pub fn watched(valgrind: &Path, folder: &Path, words: Vec<OsString>) -> Vec<OsString> {
    let mut log = OsString::from("--log-file=");
    log.push(folder.join("valgrind.%p"));
    let mut watched = vec![valgrind.into(), log];
    let options = ["--trace-children=yes", "--leak-check=full", "--errors-for-leak-kinds=definite", "--num-callers=20"];
    watched.extend(options.map(OsString::from));
    watched.extend(words);
    watched
}

/// The errors in the logs of a folder.
pub fn errors(folder: &Path) -> Errors {
    let mut found = Errors::default();
    let mut logs: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    logs.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("valgrind.")));
    logs.sort();
    for log in logs {
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // One that was killed has none.
        let Some(count) = text.lines().filter_map(summary).next_back() else { continue };
        found.processes += 1;
        found.count += count;
        if count > 0 {
            let room = LINES.saturating_sub(found.lines.len());
            let says = |line: &&str| !line.is_empty() && !BANNER.iter().any(|start| line.starts_with(start));
            found.lines.extend(text.lines().map(plain).filter(says).take(room).map(str::to_owned));
        }
    }
    found
}

impl Errors {
    /// Whether anything ran under valgrind.
    pub fn has_run(&self) -> bool {
        self.processes > 0
    }

    /// The fault that they are.
    pub fn fault(&self) -> Option<String> {
        let plural = if self.count == 1 { "" } else { "s" };
        (self.count > 0).then(|| format!("valgrind found {} error{plural}", self.count))
    }
}

/// The number in `==7== ERROR SUMMARY: 2 errors from 1 contexts`.
fn summary(line: &str) -> Option<u64> {
    line.split_once("ERROR SUMMARY: ")?.1.split(' ').next()?.replace(',', "").parse().ok()
}

/// A line without `==7==`.
fn plain(line: &str) -> &str {
    let rest = line.strip_prefix("==").and_then(|rest| rest.split_once("==")).map_or(line, |(_, rest)| rest);
    rest.trim_end().strip_prefix(' ').unwrap_or(rest.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_all_processes_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("valgrind.7", "==7== Memcheck\n==7== \n==7== ERROR SUMMARY: 0 errors from 0 contexts (suppressed: 0)\n");
        assert!(errors(folder.path()).fault().is_none() && errors(folder.path()).has_run());
        assert!(!errors(&folder.path().join("nowhere")).has_run());
        write(
            "valgrind.8",
            "==8== Invalid read of size 4\n==8==    at 0x1: main (x.c:3)\n==8== ERROR SUMMARY: 1,002 errors from 1 contexts\n",
        );
        write("other", "==8== ERROR SUMMARY: 5 errors\n");
        let found = errors(folder.path());
        assert_eq!(found.fault().as_deref(), Some("valgrind found 1002 errors"));
        assert_eq!(found.lines[..2], ["Invalid read of size 4", "   at 0x1: main (x.c:3)"]);
    }
}
