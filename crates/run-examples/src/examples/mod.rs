// SPDX-License-Identifier: Apache-2.0
//! The examples of a manifest, from their descriptions to how each went.

mod attempt;
mod backtrace;
mod cases;
mod machine;
mod outside;
mod valgrind;

pub use cases::{Case, Relevance, cases};
pub use machine::{Machine, gdb};
pub use outside::Outside;

use crate::environment::SearchPaths;
use crate::normal::Folders;
use crate::recorder::Example;
use crate::verify::Golden;
use artifact::Outcome;
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use toolkit::{Result, ResultExt, Supervisor};

/// What all examples of a run have in common.
#[derive(Debug)]
pub struct Setting {
    /// The folder of the prefix in the install tree.
    pub tree: PathBuf,
    /// The source tree.
    pub source: PathBuf,
    /// The folder of the manifest, from which golden files are named.
    pub folder: PathBuf,
    /// The environment, with the search paths.
    pub environment: Vec<(OsString, OsString)>,
    /// Where libraries and programs are looked for.
    pub search_paths: SearchPaths,
    /// How programs of the install tree run here.
    pub machine: Machine,
    /// valgrind, if it is to watch them.
    pub valgrind: Option<PathBuf>,
    /// gdb, if it is there.
    pub gdb: Option<PathBuf>,
    /// How long an example may take that does not say.
    pub timeout: Duration,
    /// How often an example runs that does not say.
    pub repeat: u32,
    /// Folders whose place says nothing.
    pub folders: Folders,
    /// What the golden files hold.
    pub golden: Mutex<Golden>,
    /// The golden files that were written in this run; `None` if none may be.
    pub blessed: Option<Mutex<HashSet<PathBuf>>>,
}

/// Runs the cases, `jobs` at once, and tells of each as it ends. The result is in their order; with it come the
/// processes that some example left behind, nobody can tell which one.
pub fn run(
    cases: &[Case<'_>],
    setting: &Setting,
    jobs: usize,
    mut tell: impl FnMut(&mut Example),
) -> Result<(Vec<Example>, Vec<String>)> {
    let supervisor = Supervisor::start().context("could not prepare for signals")?;
    let next = AtomicUsize::new(0);
    let (sender, ended) = channel();
    let mut examples: Vec<Option<Example>> = vec![None; cases.len()];
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, cases.len().max(1)) {
            let (sender, next, supervisor) = (sender.clone(), &next, &supervisor);
            scope.spawn(move || {
                while let Some((index, case)) = take(cases, next) {
                    let example = attempt::run(case, setting, supervisor);
                    if sender.send((index, example)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (index, mut example) in ended {
            tell(&mut example);
            if let Some(place) = examples.get_mut(index) {
                *place = Some(example);
            }
        }
    });
    let left = supervisor.sweep()?;
    if supervisor.is_cancelled() {
        return Err(toolkit::Failure::work("the run was cancelled"));
    }
    Ok((examples.into_iter().flatten().collect(), left))
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}

impl Setting {
    /// `{lib}`: the folder of the architecture, if there is one.
    fn lib(&self) -> PathBuf {
        let lib = self.tree.join("lib");
        let multiarch = lib.join(self.machine.arch().multiarch());
        if multiarch.is_dir() { multiarch } else { lib }
    }

    /// What `VACCEL_PLUGINS` is for a plugin.
    fn plugin(&self, name: &str) -> OsString {
        let file = format!("libvaccel-{name}.so");
        self.search_paths.libraries(&file).into_iter().next().map_or_else(|| file.into(), PathBuf::into_os_string)
    }
}

fn skipped(case: &Case<'_>, reason: &str) -> Example {
    Example { detail: Some(reason.to_owned()), plugin: case.plugin.clone(), ..Example::new(&case.name, Outcome::Skip) }
}
