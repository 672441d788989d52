// SPDX-License-Identifier: Apache-2.0
//! Takes symbols out of programs and libraries, into debug files that are found by build id.
//!
//! What the loader reads stays as it was tested, byte for byte: every stripped file is compared
//! with the tested one, and goes into the package unstripped should any tool have changed more.

use super::segments;
use crate::file;
use crate::format::Job;
use crate::tree::{Elf, Entry, Machine};
use artifact::Arch;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use toolkit::{Failure, Program, Result, ResultExt};

/// So many files are given to one run of the tool: a command line has an end.
const MOST_FILES: usize = 200;
/// Where debuggers look for debug files by build id.
const DEBUG_FOLDER: &str = "usr/lib/debug/.build-id";

/// Strips the copies below `place`, which gives the copy of a path of the tree; puts debug files
/// below `debug_root`. Gives the build ids that have one, sorted.
pub fn strip(job: &Job<'_>, place: impl Fn(&Entry) -> PathBuf, debug_root: &Path) -> Result<Vec<String>> {
    let files: Vec<(&Entry, &Elf)> = job.tree.elf_files().filter(|(_, elf)| is_ours(elf)).collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let tool = find(job.subject.arch)?;
    warn_of_lost_symbols(job, &files);
    let mut debug_files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (entry, elf) in &files {
        let Some(id) = elf.build_id.as_deref() else { continue };
        let Some((folder, name)) = id.split_at_checked(2) else { continue };
        let path = debug_root.join(DEBUG_FOLDER).join(folder).join(format!("{name}.debug"));
        // The same file may be installed twice.
        if debug_files.insert(id.to_owned(), path.clone()).is_none() {
            file::folder(path.parent().unwrap_or(debug_root))?;
            file::place(&job.tree.root().join(&entry.path), &path, 0o644)?;
        }
    }
    let copies: Vec<PathBuf> = files.iter().map(|(entry, _)| place(entry)).collect();
    let debug_copies: Vec<PathBuf> = debug_files.values().cloned().collect();
    thread::scope(|scope| {
        let debug = scope.spawn(|| run(&tool, "--only-keep-debug", &debug_copies));
        run(&tool, "--strip-unneeded", &copies)?;
        debug.join().unwrap_or_else(|_| Err(Failure::work("the thread for debug files panicked")))
    })?;
    for path in &debug_copies {
        file::set_mode(path, 0o644)?;
    }
    for ((entry, _), copy) in files.iter().zip(&copies) {
        keep_if_changed(job, entry, copy)?;
    }
    Ok(debug_files.into_keys().collect())
}

/// Code for other machines than the package's is data that its own tools must look after.
fn is_ours(elf: &Elf) -> bool {
    elf.has_debug && matches!(elf.machine, Machine::Ours(_))
}

fn warn_of_lost_symbols(job: &Job<'_>, files: &[(&Entry, &Elf)]) {
    let mut without = files.iter().filter(|(_, elf)| elf.build_id.is_none());
    if let Some((entry, _)) = without.next() {
        let others = without.count();
        let more = if others > 0 { format!(" and {others} more have") } else { " has".to_owned() };
        job.runner.warning(&format!(
            "{}{more} no build id, so the debug package has no symbols of it; link with -Wl,--build-id",
            entry.path
        ));
    }
}

fn run(tool: &Path, option: &str, files: &[PathBuf]) -> Result<()> {
    let run = |files: &[PathBuf]| Program::new(tool).arg(option).args(files).env("LC_ALL", "C").capture();
    for chunk in files.chunks(MOST_FILES) {
        run(chunk).with_context(|| format!("could not take the symbols out of the files ({option})"))?;
    }
    Ok(())
}

fn keep_if_changed(job: &Job<'_>, entry: &Entry, copy: &Path) -> Result<()> {
    let tested = job.tree.root().join(&entry.path);
    let doing = || format!("could not compare {} with its stripped copy", tested.display());
    if segments::are_equal(&tested, copy).with_context(doing)? {
        return file::set_mode(copy, entry.mode());
    }
    job.runner.warning(&format!(
        "stripping {} would change what is loaded of it; it is packaged as it was tested, with its symbols",
        entry.path
    ));
    fs::remove_file(copy).with_context(doing)?;
    file::place(&tested, copy, entry.mode())
}

/// The tool for an architecture: that of its own binutils, or one that knows many.
fn find(arch: Arch) -> Result<PathBuf> {
    let own = format!("{}-strip", arch.triple());
    let is_host = Arch::host() == Some(arch);
    let names = [Some(own.as_str()), is_host.then_some("strip"), Some("llvm-strip")];
    let found = names.into_iter().flatten().find_map(|name| toolkit::on_path(name).map(|path| (name, path)));
    found.map(|(_, path)| path).ok_or_else(|| {
        let package = if is_host { "binutils".to_owned() } else { format!("binutils-{}", arch.triple()) };
        Failure::work(format!("no tool that strips programs for {arch} was found: neither {own} nor llvm-strip"))
            .title(format!("{own} is missing"))
            .help(format!("install the Debian package {package}, or llvm"))
    })
}
