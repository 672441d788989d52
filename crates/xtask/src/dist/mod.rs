// SPDX-License-Identifier: Apache-2.0
//! `dist`: the executables that callers of our actions run, in `dist/`.
//!
//! The same commit gives the same bytes, whoever builds it, where and when.

mod age;
mod archives;
mod check;
mod compile;
mod limits;
mod linkage;
mod prove;
mod sbom;
mod target;
mod toolchain;

use crate::generate;
use crate::git::Git;
use anyhow::{Context, Result, bail, ensure};
use artifact::{Arch, Commit, DistRecord, Executable, SHA256SUMS, Sha256};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use age::Level;
pub use compile::{SHARED, Selection};
pub use prove::run as prove;
use toolchain::Toolchain;

/// Arguments of `cargo xtask dist`.
#[derive(clap::Args)]
pub struct Args {
    /// Build only this action; may be given more than once, and needs --out or --check.
    #[arg(long)]
    action: Vec<String>,
    /// Build only for this architecture; may be given more than once, and needs --out or --check.
    #[arg(long)]
    arch: Vec<Arch>,
    /// Write there, and not into dist/; uncommitted changes may then be built.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Build the commit that dist/BUILD.json names, elsewhere, and compare.
    #[arg(long, conflicts_with = "out")]
    check: bool,
    /// Build nothing; tell when sources have changed since dist/ was built.
    #[arg(long, value_enum, conflicts_with_all = ["out", "check", "action", "arch"])]
    age: Option<Level>,
    /// Build nothing; pack dist/ into archives for a release on GitHub, in this folder.
    #[arg(long, conflicts_with_all = ["out", "check", "action", "arch", "age"])]
    archives: Option<PathBuf>,
}

/// Builds, proves and writes the executables, or looks at those that are there.
pub fn run(args: &Args) -> Result<()> {
    let root = testbed::workspace_root();
    if let Some(level) = args.age {
        return age::run(&root, level);
    }
    if let Some(folder) = &args.archives {
        return archives::run(&root, folder);
    }
    let selection = select(args)?;
    if args.check {
        return check::run(&root, &selection);
    }
    let is_part = !args.action.is_empty() || !args.arch.is_empty();
    ensure!(!is_part || args.out.is_some(), "a part of the executables is no release: give --out, a folder for them");
    let commit = committed(&Git::new(&root))?;
    ensure!(
        commit.is_some() || args.out.is_some(),
        "there are uncommitted changes; commit them, or give --out, a folder for executables that are not released"
    );
    build(&root, commit, &selection, args.out.as_deref().unwrap_or(&root.join("dist")))
}

/// Builds a source tree, proves that the executables run, and writes them with their record.
///
/// They come into `out` when all of them have run; until then it stays as it is. Older executables
/// for the same architectures are removed from it, and nothing else.
pub fn build(source: &Path, commit: Option<Commit>, selection: &Selection, out: &Path) -> Result<()> {
    let tools = testbed::tools::ensure(&|line| eprintln!("    {line}"))?;
    let folder = testbed::workspace_root().join("target/dist");
    let toolchain = Toolchain::of(&tools, source, &folder, std::env::vars_os())?;
    let unproven =
        tempfile::Builder::new().prefix("unproven-").tempdir_in(&folder).context("could not make a folder")?;
    let executables = compile::run(&toolchain, selection, unproven.path())?;
    let record = record(&toolchain, source, commit, executables)?;
    limits::check(&record)?;
    prove::run(&tools, &record, unproven.path())?;
    bring(&record, unproven.path(), out)?;
    for arch in &selection.archs {
        println!("{arch}: {}", toolkit::human::bytes(limits::total(&record, *arch)));
    }
    println!("dist: {} executables in {}", record.executables.len(), out.display());
    Ok(())
}

/// Builds without proof or record: for comparing. The tools write into `folder`; `surroundings` are
/// the variables that they may find.
pub fn compile(
    source: &Path,
    folder: &Path,
    surroundings: impl Iterator<Item = (OsString, OsString)>,
    selection: &Selection,
    out: &Path,
) -> Result<Vec<Executable>> {
    Ok(rebuild(source, None, folder, surroundings, selection, out)?.executables)
}

/// The same, with the record: what it would say of that commit, which is checked out in `source`.
fn rebuild(
    source: &Path,
    commit: Option<Commit>,
    folder: &Path,
    surroundings: impl Iterator<Item = (OsString, OsString)>,
    selection: &Selection,
    out: &Path,
) -> Result<DistRecord> {
    let tools = testbed::tools::ensure(&|line| eprintln!("    {line}"))?;
    let toolchain = Toolchain::of(&tools, source, folder, surroundings)?;
    let executables = compile::run(&toolchain, selection, out)?;
    record(&toolchain, source, commit, executables)
}

/// The actions and architectures that the arguments name; every one where they name none.
fn select(args: &Args) -> Result<Selection> {
    let known: Vec<_> = generate::definitions().iter().map(|action| action.name.to_owned()).collect();
    if let Some(unknown) = args.action.iter().find(|action| !known.contains(action)) {
        bail!("there is no action {unknown:?}; there are {}", known.join(", "));
    }
    let is_wanted = |action: &String| args.action.is_empty() || args.action.contains(action);
    let actions = known.into_iter().filter(is_wanted).collect();
    let archs = Arch::ALL.into_iter().filter(|arch| args.arch.is_empty() || args.arch.contains(arch)).collect();
    Ok(Selection { actions, archs })
}

/// The commit, if nothing differs from it but `dist/` itself.
fn committed(git: &Git) -> Result<Option<Commit>> {
    let changed = git.run(["status", "--porcelain", "--", ".", ":!dist"])?;
    Ok(if changed.is_empty() { Some(git.head()?) } else { None })
}

fn record(
    toolchain: &Toolchain,
    source: &Path,
    commit: Option<Commit>,
    executables: Vec<Executable>,
) -> Result<DistRecord> {
    let read = |name: &str| std::fs::read(source.join(name)).with_context(|| format!("could not read {name}"));
    let manifest = String::from_utf8(read("Cargo.toml")?).context("Cargo.toml is not text")?;
    Ok(DistRecord {
        schema: DistRecord::SCHEMA,
        version: crate::manifest::version(&manifest)?.to_string(),
        commit,
        rustc: toolchain.rustc.clone(),
        zig: toolchain.zig.clone(),
        cargo_zigbuild: toolchain.cargo_zigbuild.clone(),
        lock: Sha256::of(&read("Cargo.lock")?),
        executables,
    })
}

/// Copies the executables and writes the documents; removes executables for these architectures that
/// are in none of them.
fn bring(record: &DistRecord, from: &Path, out: &Path) -> Result<()> {
    for executable in &record.executables {
        let (from, to) = (from.join(executable.path()), out.join(executable.path()));
        if let Ok(target) = std::fs::read_link(&from) {
            link(&to, &target)?;
        } else {
            let bytes = std::fs::read(&from).with_context(|| format!("could not read {}", from.display()))?;
            place(&to, &bytes)?;
        }
    }
    let named: BTreeSet<_> = record.executables.iter().map(|executable| out.join(executable.path())).collect();
    let archs: BTreeSet<_> = record.executables.iter().map(|executable| executable.arch.as_str()).collect();
    for arch in archs {
        for path in files(&out.join(arch))? {
            let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vaccel-"));
            if is_ours && !named.contains(&path) {
                std::fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
            }
        }
    }
    write(&out.join(SHA256SUMS), record.sha256sums().as_bytes())?;
    write(&out.join(DistRecord::FILE), &record.to_canonical_json())
}

/// Reads the record in a folder such as `dist/`.
pub fn read_record(folder: &Path) -> Result<DistRecord> {
    let path = folder.join(DistRecord::FILE);
    let text = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    DistRecord::parse(&text).with_context(|| format!("could not understand {}", path.display()))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Writes a link to an executable beside it.
fn link(path: &Path, target: &Path) -> Result<()> {
    let _ = std::fs::remove_file(path);
    std::os::unix::fs::symlink(target, path).with_context(|| format!("could not link {}", path.display()))
}

/// Writes an executable.
fn place(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("an executable has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    // A new file: the old one may be running.
    let _ = std::fs::remove_file(path);
    write(path, bytes)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .with_context(|| format!("could not mark {} as executable", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_replace_older_ones_for_the_same_architectures_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let executable = |action: &str| Executable {
            action: action.into(),
            arch: Arch::X86_64,
            size: 3,
            sha256: Sha256::of(b"new"),
        };
        for name in ["x86_64/vaccel-plan", "x86_64/vaccel-lint", "x86_64/notes.txt", "aarch64/vaccel-lint", "run"] {
            place(&path(name), b"old").unwrap();
        }
        let unproven = tempfile::tempdir().unwrap();
        place(&unproven.path().join("x86_64/vaccel-plan"), b"new").unwrap();
        link(&unproven.path().join("x86_64/vaccel-build"), "vaccel-plan".as_ref()).unwrap();
        let record = DistRecord {
            schema: DistRecord::SCHEMA,
            version: "0.1.0".into(),
            commit: None,
            rustc: "rustc".into(),
            zig: "zig".into(),
            cargo_zigbuild: "cargo-zigbuild".into(),
            lock: Sha256::of(b""),
            executables: vec![executable("plan"), executable("build")],
        };
        bring(&record, unproven.path(), folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        assert_eq!((read("x86_64/vaccel-plan"), read("x86_64/vaccel-build")), ("new".into(), "new".into()));
        assert_eq!(std::fs::read_link(path("x86_64/vaccel-build")).unwrap(), Path::new("vaccel-plan"));
        assert!(!path("x86_64/vaccel-lint").exists());
        for name in ["x86_64/notes.txt", "aarch64/vaccel-lint", "run"] {
            assert_eq!(read(name), "old", "{name}");
        }
        assert_eq!(read_record(folder.path()).unwrap(), record);
    }
}
