// SPDX-License-Identifier: Apache-2.0
//! Whether the committed executables are what their commit gives.

use super::{Selection, files, read_record, rebuild};
use crate::git::Git;
use anyhow::{Context, Result, bail, ensure};
use artifact::{Arch, DistRecord, Executable, SHA256SUMS, Sha256};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How executables are built: we build with what is here, so it must be that of the commit.
const RECIPE: [&str; 3] = ["crates/xtask/src/dist", "tests/requirements.txt", "rust-toolchain.toml"];

/// Compares the documents with the files, and both with what the recorded commit gives.
pub fn run(root: &Path, selection: &Selection) -> Result<()> {
    let dist = root.join("dist");
    let mut record = read_record(&dist)?;
    let git = Git::new(root);
    check_recipe(&git, &record)?;
    agree(&record, &dist)?;
    record.executables.retain(|executable| {
        selection.actions.contains(&executable.action) && selection.archs.contains(&executable.arch)
    });
    ensure!(!record.executables.is_empty(), "dist/{} names none of these executables", DistRecord::FILE);
    let commit =
        record.commit.clone().context("dist/ was built from uncommitted changes, which nobody can build again")?;

    let folder = tempfile::tempdir().context("could not make a folder")?;
    eprintln!("==> Clone {commit}");
    let clone = git.clone_at(&folder.path().join("source"), &commit)?;
    let (target, out) = (root.join("target/dist"), folder.path().join("out"));
    let built = rebuild(clone.folder(), Some(commit.clone()), &target, std::env::vars_os(), selection, &out)?;
    let differences = differences(&record, &built);
    if !differences.is_empty() {
        bail!("{commit} gives other executables: {}", differences.join("; "));
    }
    println!("dist: {} executables are what {commit} gives", built.executables.len());
    Ok(())
}

/// Refuses to build a commit in another way than it was built.
fn check_recipe(git: &Git, record: &DistRecord) -> Result<()> {
    let Some(commit) = &record.commit else { return Ok(()) };
    let changed = git.run(["diff", "--name-only", commit.as_str(), "--"].into_iter().chain(RECIPE))?;
    if !changed.is_empty() {
        let changed = changed.lines().collect::<Vec<_>>().join(", ");
        let tag = format!("v{}", record.version);
        bail!(
            "dist/ was built in another way than we would build it now: since {commit}, {changed} changed; check it \
             where it was released: `git worktree add ../{tag} {tag}`, and there `cargo xtask dist --check`"
        );
    }
    Ok(())
}

/// Checks that documents and files in `dist/` say the same, and that callers can start the files.
fn agree(record: &DistRecord, dist: &Path) -> Result<()> {
    let sums = std::fs::read_to_string(dist.join(SHA256SUMS)).context("could not read dist/SHA256SUMS")?;
    ensure!(sums == record.sha256sums(), "dist/{SHA256SUMS} and dist/{} differ", DistRecord::FILE);
    let mut found = Vec::new();
    for arch in Arch::ALL.into_iter().filter(|arch| dist.join(arch.as_str()).is_dir()) {
        for path in files(&dist.join(arch.as_str()))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            let meta = path.metadata().with_context(|| format!("could not look at {}", path.display()))?;
            ensure!(meta.permissions().mode() & 0o111 != 0, "dist/{arch}/{name} is not executable");
            let action = name.strip_prefix("vaccel-").unwrap_or(&name).to_owned();
            found.push(Executable { action, arch, size: bytes.len() as u64, sha256: Sha256::of(&bytes) });
        }
    }
    let differences = differences(record, &DistRecord { executables: found, ..record.clone() });
    if !differences.is_empty() {
        bail!("dist/ is not what dist/{} says: {}", DistRecord::FILE, differences.join("; "));
    }
    Ok(())
}

/// How a second record differs from the first.
fn differences(first: &DistRecord, second: &DistRecord) -> Vec<String> {
    let facts = |record: &DistRecord| {
        let DistRecord { version, rustc, zig, cargo_zigbuild, lock, .. } = record.clone();
        [("version", version), ("rustc", rustc), ("zig", zig), ("cargo-zigbuild", cargo_zigbuild)]
            .into_iter()
            .chain([("Cargo.lock", lock.to_string())])
            .map(|(name, value)| (name.to_owned(), value))
            .chain(record.executables.iter().map(|e| (e.path(), format!("{} ({} bytes)", e.sha256, e.size))))
            .collect::<BTreeMap<_, _>>()
    };
    let (first, second) = (facts(first), facts(second));
    let mut differences = Vec::new();
    for (name, ours) in &first {
        match second.get(name) {
            None => differences.push(format!("{name} is missing")),
            Some(theirs) if theirs != ours => differences.push(format!("{name} is {ours}, and now {theirs}")),
            Some(_) => {}
        }
    }
    differences.extend(second.keys().filter(|name| !first.contains_key(*name)).map(|name| format!("{name} is new")));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::{place, write};
    use testbed::repository::Repository;

    fn record(executables: &[(&str, &[u8])]) -> DistRecord {
        let executable = |(action, bytes): &(&str, &[u8])| {
            let (action, size) = ((*action).to_owned(), bytes.len() as u64);
            Executable { action, arch: Arch::X86_64, size, sha256: Sha256::of(bytes) }
        };
        DistRecord {
            schema: DistRecord::SCHEMA,
            version: "0.1.0".into(),
            commit: None,
            rustc: "rustc 1".into(),
            zig: "1".into(),
            cargo_zigbuild: "1".into(),
            lock: Sha256::of(b"1"),
            executables: executables.iter().map(executable).collect(),
        }
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let first = record(&[("plan", b"1"), ("build", b"2"), ("fetch", b"3")]);
        let second = record(&[("plan", b"1"), ("build", b"22"), ("lint", b"4")]);
        let (version, rustc, zig, cargo_zigbuild) = ("0.2.0".into(), "rustc 2".into(), "2".into(), "2".into());
        let second = DistRecord { version, rustc, zig, cargo_zigbuild, lock: Sha256::of(b"2"), ..second };
        assert_eq!(differences(&first, &first), Vec::<String>::new());
        insta::assert_snapshot!(differences(&first, &second).join("\n"));
    }

    #[test]
    fn files_are_what_documents_say_and_callers_can_start_them() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(&[("plan", b"1")]);
        let path = folder.path().join("x86_64/vaccel-plan");
        place(&path, b"1").unwrap();
        write(&folder.path().join(SHA256SUMS), record.sha256sums().as_bytes()).unwrap();
        agree(&record, folder.path()).unwrap();

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let told = agree(&record, folder.path()).unwrap_err().to_string();
        assert_eq!(told, "dist/x86_64/vaccel-plan is not executable");

        place(&path, b"2").unwrap();
        let told = agree(&record, folder.path()).unwrap_err().to_string();
        assert!(told.contains("x86_64/vaccel-plan is "), "{told}");
    }

    #[test]
    fn another_way_of_building_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::from_fixture("examples-trace", folder.path()).unwrap();
        let git = Git::new(repository.folder());
        let record = DistRecord { commit: Some(git.head().unwrap()), ..record(&[]) };
        repository.write("README.md", "changed\n").unwrap();
        repository.commit("docs: change a page").unwrap();
        check_recipe(&git, &record).unwrap();

        repository.write("rust-toolchain.toml", "[toolchain]\n").unwrap();
        repository.commit("build: change the compiler").unwrap();
        let told = check_recipe(&git, &record).unwrap_err().to_string();
        insta::assert_snapshot!(told.replace(record.commit.unwrap().as_str(), "<commit>"));
    }
}
