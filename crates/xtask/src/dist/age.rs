// SPDX-License-Identifier: Apache-2.0
//! Whether `dist/` is older than the sources that it was built from.

use super::read_record;
use crate::git::Git;
use anyhow::{Result, bail};
use artifact::DistRecord;
use std::path::Path;

/// What comes of old executables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// They are told; between releases nothing else is to be expected.
    Notice,
    /// They are refused.
    Error,
}

/// What executables are made from, besides crates: files, and folders with all that is in them.
const SOURCES: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    ".github/runners.toml",
    // It pins zig and cargo-zigbuild, and the tools of runner images.
    "tests/requirements.txt",
    // How they are built.
    "crates/xtask/src/dist/",
];
/// Crates that are in no executable.
const TOOLS: [&str; 2] = ["xtask", "testbed"];

/// Tells or refuses old executables.
pub fn run(root: &Path, level: Level) -> Result<()> {
    let dist = root.join("dist");
    if !dist.join(DistRecord::FILE).exists() {
        return verdict(level, "dist/ holds no executables yet");
    }
    let record = read_record(&dist)?;
    let Some(commit) = record.commit else {
        return verdict(level, "dist/ was built from uncommitted changes");
    };
    let changed = Git::new(root).run(["diff", "--name-only", "--no-renames", commit.as_str(), "HEAD"])?;
    match changed.lines().filter(|path| is_source(path)).count() {
        0 => {
            println!("dist/ is what {commit} and the current sources give");
            Ok(())
        }
        count => verdict(level, &format!("dist/ is older than its sources: {count} files differ from {commit}")),
    }
}

/// Whether executables are made from a file of the repository.
fn is_source(path: &str) -> bool {
    if SOURCES.iter().any(|source| path == *source || source.ends_with('/') && path.starts_with(source)) {
        return true;
    }
    let file = path.strip_prefix("crates/").and_then(|path| path.split_once('/'));
    file.is_some_and(|(name, path)| {
        !TOOLS.contains(&name) && !path.starts_with("tests/") && Path::new(path).extension() != Some("md".as_ref())
    })
}

fn verdict(level: Level, message: &str) -> Result<()> {
    if level == Level::Error {
        bail!("{message}; make a release with `cargo xtask release`");
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        println!("::notice title=Executables::{message}");
    } else {
        println!("{message}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use artifact::Sha256;
    use std::path::PathBuf;
    use testbed::repository::Repository;

    fn write(repository: &Repository, path: &str, text: &str) {
        std::fs::create_dir_all(repository.folder().join(path).parent().unwrap()).unwrap();
        repository.write(path, text).unwrap();
    }

    #[test]
    fn executables_are_old_when_something_has_changed_that_they_are_made_from() {
        let changes = [
            ("Cargo.lock", true),
            (".cargo/config.toml", true),
            (".github/runners.toml", true),
            ("tests/requirements.txt", true),
            ("crates/plan/src/main.rs", true),
            ("crates/plan/Cargo.toml", true),
            ("crates/xtask/src/dist/no-unwinding.ld", true),
            ("crates/xtask/src/main.rs", false),
            ("crates/testbed/src/lib.rs", false),
            ("crates/plan/tests/cli.rs", false),
            ("crates/ARCHITECTURE.md", false),
            (".github/workflows/ci.yml", false),
            ("tests/requirements.in", false),
            ("README.md", false),
        ];
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::from_fixture("examples-trace", folder.path()).unwrap();
        for (path, is_source) in changes {
            let record = DistRecord {
                schema: DistRecord::SCHEMA,
                version: "0.1.0".into(),
                commit: Some(repository.head().unwrap().parse().unwrap()),
                rustc: "rustc".into(),
                zig: "zig".into(),
                cargo_zigbuild: "cargo-zigbuild".into(),
                lock: Sha256::of(b""),
                executables: Vec::new(),
            };
            write(&repository, "dist/BUILD.json", &String::from_utf8(record.to_canonical_json()).unwrap());
            repository.commit("build: bring executables").unwrap();
            run(repository.folder(), Level::Error).unwrap();

            write(&repository, path, "changed");
            repository.commit("feat: change a file").unwrap();
            let told = run(repository.folder(), Level::Error).map_err(|error| error.to_string());
            assert_eq!(told.is_err(), is_source, "{path}: {told:?}");
            assert!(told.err().is_none_or(|told| told.contains("1 files differ")), "{path}");
            run(repository.folder(), Level::Notice).unwrap();
        }
    }

    #[test]
    fn whatever_executables_include_is_a_source() {
        let root = testbed::workspace_root();
        let mut included = Vec::new();
        for name in std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().file_name()) {
            let folder = root.join("crates").join(&name).join("src");
            if folder.is_dir() && !TOOLS.iter().any(|tool| name == *tool) {
                find(&folder, &mut included);
            }
        }
        let included: Vec<_> =
            included.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        assert!(included.contains(&".github/runners.toml"), "{included:?}");
        let unknown: Vec<_> = included.iter().filter(|path| !is_source(path)).collect();
        assert!(unknown.is_empty(), "add to SOURCES what executables include: {unknown:?}");
    }

    /// What the Rust files below a folder include by name, but for their tests.
    fn find(folder: &Path, included: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                find(&path, included);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                for macro_name in ["include_str!(\"", "include_bytes!(\""] {
                    for rest in text.split(macro_name).skip(1) {
                        let name = rest.split('"').next().unwrap();
                        included.push(folder.join(name).canonicalize().unwrap());
                    }
                }
            }
        }
    }
}
