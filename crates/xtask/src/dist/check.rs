// SPDX-License-Identifier: Apache-2.0
//! Whether the committed executables are what their commit gives.

use super::{Selection, compile, files, read_record};
use crate::git::Git;
use anyhow::{Context, Result, bail, ensure};
use artifact::{Arch, DistRecord, Executable, SHA256SUMS, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Compares the documents with the files, and the files with what the recorded commit gives.
pub fn run(root: &Path, selection: &Selection) -> Result<()> {
    let dist = root.join("dist");
    let record = read_record(&dist)?;
    let is_wanted = |executable: &&Executable| {
        selection.actions.contains(&executable.action) && selection.archs.contains(&executable.arch)
    };
    let recorded: Vec<_> = record.executables.iter().filter(is_wanted).cloned().collect();
    ensure!(!recorded.is_empty(), "dist/{} names none of these executables", DistRecord::FILE);
    agree(&record, &dist)?;
    let commit = record.commit.context("dist/ was built from uncommitted changes, which nobody can build again")?;

    let folder = tempfile::tempdir().context("could not make a folder")?;
    eprintln!("==> Clone {commit}");
    let clone = Git::new(root).clone_at(&folder.path().join("source"), &commit)?;
    let target = root.join("target/dist");
    let mut built = Vec::new();
    for arch in Arch::ALL {
        let actions: Vec<_> = recorded.iter().filter(|e| e.arch == arch).map(|e| e.action.clone()).collect();
        if !actions.is_empty() {
            let selection = Selection { actions, archs: vec![arch] };
            let out = folder.path().join("out");
            built.extend(compile(clone.folder(), &target, std::env::vars_os(), &selection, &out)?);
        }
    }
    let differences = differences(&recorded, &built);
    if !differences.is_empty() {
        bail!("{commit} gives other executables: {}", differences.join("; "));
    }
    println!("dist: {} executables are what {commit} gives", built.len());
    Ok(())
}

/// Checks that documents and files in `dist/` say the same.
fn agree(record: &DistRecord, dist: &Path) -> Result<()> {
    let sums = std::fs::read_to_string(dist.join(SHA256SUMS)).context("could not read dist/SHA256SUMS")?;
    ensure!(sums == record.sha256sums(), "dist/{SHA256SUMS} and dist/{} differ", DistRecord::FILE);
    let mut found = Vec::new();
    for arch in Arch::ALL.into_iter().filter(|arch| dist.join(arch.as_str()).is_dir()) {
        for path in files(&dist.join(arch.as_str()))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            let action = name.strip_prefix("vaccel-").unwrap_or(&name).to_owned();
            found.push(Executable { action, arch, size: bytes.len() as u64, sha256: Sha256::of(&bytes) });
        }
    }
    let differences = differences(&record.executables, &found);
    if !differences.is_empty() {
        bail!("dist/ is not what dist/{} says: {}", DistRecord::FILE, differences.join("; "));
    }
    Ok(())
}

/// How a second list differs from the first, an executable each.
fn differences(first: &[Executable], second: &[Executable]) -> Vec<String> {
    let table = |list: &[Executable]| {
        list.iter().map(|executable| (executable.path(), executable.clone())).collect::<BTreeMap<_, _>>()
    };
    let (first, second) = (table(first), table(second));
    let mut differences = Vec::new();
    for (path, ours) in &first {
        match second.get(path) {
            None => differences.push(format!("{path} is missing")),
            Some(theirs) if theirs.sha256 != ours.sha256 => {
                let sides = [ours, theirs].map(|side| format!("{} ({} bytes)", side.sha256, side.size));
                differences.push(format!("{path} is {}, and now {}", sides[0], sides[1]));
            }
            Some(_) => {}
        }
    }
    differences.extend(second.keys().filter(|path| !first.contains_key(*path)).map(|path| format!("{path} is new")));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executable(action: &str, bytes: &[u8]) -> Executable {
        let size = bytes.len() as u64;
        Executable { action: action.to_owned(), arch: Arch::X86_64, size, sha256: Sha256::of(bytes) }
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let first = [executable("plan", b"1"), executable("build", b"2"), executable("fetch", b"3")];
        let second = [executable("plan", b"1"), executable("build", b"22"), executable("lint", b"4")];
        assert_eq!(differences(&first, &first), Vec::<String>::new());
        insta::assert_snapshot!(differences(&first, &second).join("\n"));
    }
}
