// SPDX-License-Identifier: Apache-2.0
//! What a script runs under valgrind. It is asked to, and seen to: valgrind finds its tools in a folder of ours, in which
//! each of them notes what it starts.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use toolkit::{Failure, Result, ResultExt};

/// How the tools of valgrind are called that run programs: `memcheck-amd64-linux`.
const TOOLS: &str = "-linux";

/// What is noted.
#[derive(Debug)]
pub struct Watch {
    tools: PathBuf,
    record: PathBuf,
    /// Where programs are that are named without a folder.
    programs: Vec<PathBuf>,
}

/// A program that valgrind ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    process: u32,
    parent: u32,
    /// The program and its arguments.
    pub words: Vec<String>,
}

impl Watch {
    /// Prepares the folder, below one that lives as long as the run.
    pub fn new(valgrind: &Path, multiarch: &str, folder: &Path, programs: &[PathBuf]) -> Result<Self> {
        let original = library(valgrind, multiarch).ok_or_else(|| {
            Failure::work(format!(
                "the tools of {} were not found, so nothing could be seen to run under it",
                valgrind.display()
            ))
            .help("set VALGRIND_LIB to the folder that holds memcheck-*-linux")
        })?;
        let watch =
            Self { tools: folder.join("valgrind"), record: folder.join("valgrind-runs"), programs: programs.to_vec() };
        let prepare = || -> std::io::Result<()> {
            fs::create_dir(&watch.tools)?;
            fs::write(&watch.record, "")?;
            for entry in fs::read_dir(&original)? {
                let entry = entry?;
                let name = entry.file_name();
                let place = watch.tools.join(&name);
                if name.to_string_lossy().ends_with(TOOLS) {
                    fs::write(&place, wrapper(&entry.path(), &watch.record))?;
                    fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
                } else {
                    symlink(entry.path(), place)?;
                }
            }
            Ok(())
        };
        prepare().with_context(|| format!("failed to prepare the tools of valgrind in {}", watch.tools.display()))?;
        Ok(watch)
    }

    /// The variable by which valgrind finds them.
    pub fn variable(&self) -> (&'static str, OsString) {
        ("VALGRIND_LIB", self.tools.clone().into_os_string())
    }

    /// How many programs were started under valgrind; what they started in turn does not count.
    pub fn count(&self) -> usize {
        let runs = self.runs();
        runs.iter().enumerate().filter(|(index, run)| !run.is_child(runs.get(..*index).unwrap_or_default())).count()
    }

    /// The programs that ran under valgrind, in their order. Of a script only its interpreter does, unless valgrind
    /// follows children.
    pub fn runs(&self) -> Vec<Run> {
        let text = fs::read(&self.record).unwrap_or_default();
        let runs: Vec<_> = String::from_utf8_lossy(&text).split('\0').filter_map(Run::parse).collect();
        let followed = |run: &Run| runs.iter().any(|other| other != run && other.is_child(std::slice::from_ref(run)));
        runs.iter().filter(|run| !self.is_script(run) || followed(run)).cloned().collect()
    }

    fn is_script(&self, run: &Run) -> bool {
        let Some(program) = run.words.first() else { return false };
        let places = self.programs.iter().map(|folder| folder.join(program));
        let file = places.into_iter().find(|path| path.is_file()).unwrap_or_else(|| program.into());
        let mut beginning = [0; 2];
        fs::File::open(file).and_then(|mut file| file.read_exact(&mut beginning)).is_ok() && beginning == *b"#!"
    }
}

impl Run {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split('\x01');
        let (process, parent) = (lines.next()?.trim().parse().ok()?, lines.next()?.parse().ok()?);
        let words = lines.skip_while(|word| word.starts_with('-')).map(str::to_owned);
        Some(Self { process, parent, words: words.collect() }).filter(|run| !run.words.is_empty())
    }

    fn is_child(&self, others: &[Self]) -> bool {
        others.iter().any(|other| other.process == self.parent || other.process == self.process)
    }
}

/// A tool that notes what it is to run, and runs it.
fn wrapper(tool: &Path, record: &Path) -> String {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    format!(
        "#!/bin/sh\n{{ printf '%s\\001%s' \"$$\" \"$PPID\"; printf '\\001%s' \"$@\"; printf '\\0'; }} >>{}\nexec {} \"$@\"\n",
        quoted(record),
        quoted(tool)
    )
}

/// Where valgrind has its tools.
fn library(valgrind: &Path, multiarch: &str) -> Option<PathBuf> {
    let holds_tools = |folder: &PathBuf| {
        fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("memcheck-") && name.ends_with(TOOLS)
        })
    };
    let named = std::env::var_os("VALGRIND_LIB").map(PathBuf::from);
    let real = valgrind.canonicalize().ok();
    let prefixes = [Some(valgrind.to_path_buf()), real].into_iter().flatten();
    let prefixes = prefixes.filter_map(|program| Some(program.parent()?.parent()?.to_path_buf()));
    let below = prefixes.flat_map(|prefix| {
        ["libexec/valgrind".to_owned(), format!("lib/{multiarch}/valgrind"), "lib/valgrind".to_owned()]
            .map(|name| prefix.join(name))
    });
    named.into_iter().chain(below).find(holds_tools)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_read() {
        let text = "7\u{1}1\u{1}-q\u{1}--tool=memcheck\u{1}/x/noop\u{1}a b\0";
        let run = |text: &str| text.split('\0').filter_map(Run::parse).collect::<Vec<_>>();
        let found = run(&format!("{text}8\u{1}7\u{1}--trace-children=yes\u{1}/x/child\0half\u{1}"));
        assert_eq!(found[0].words, ["/x/noop", "a b"]);
        assert!(!found[0].is_child(&[]) && found[1].is_child(&found[..1]));
        assert_eq!(found.len(), 2);
    }
}
