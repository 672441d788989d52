// SPDX-License-Identifier: Apache-2.0
//! `upload` and `fetch` against `s5cmd`, which neither hashes nor commits.

use super::measure::{self, Comparison, Sample};
use anyhow::{Context, Result};
use artifact::{Arch, BuildType, BuiltBy, Bundle, FileEntry, FileKind, Manifest, Sha256, Timestamp};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testbed::s3::Server;
use testbed::tools::Tools;

const MEMORY: u64 = 64 * 1024 * 1024;

/// Name, number of files and their size in bytes.
const LOADS: [(&str, usize, usize); 3] = [
    ("1000 files of 64 KiB", 1000, 64 * 1024),
    ("one file of 512 MiB", 1, 512 * 1024 * 1024),
    ("12 files, 20 MB", 12, 20_000_000 / 12),
];

pub fn run(tools: &Tools, executables: &Path, rounds: usize) -> Result<Vec<Comparison>> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let mut comparisons = Vec::new();
    for (name, count, size) in LOADS {
        // A fresh server, so that no load suffers from what an earlier one left.
        let server = Server::start(tools)?;
        let bench = Bench { tools, executables, server, folder: folder.path() };
        let bundle = bench.bundle(count, size)?;
        let (mut up, mut peer_up, mut down, mut peer_down) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            eprintln!("    {name}, round {} of {rounds}", round + 1);
            up.push(bench.upload(&bundle, round)?);
            peer_up.push(bench.peer_upload(&bundle, round)?);
            down.push(bench.fetch(round)?);
            peer_down.push(bench.peer_fetch(round)?);
        }
        for (what, ours, peer) in [("upload", up, peer_up), ("fetch", down, peer_down)] {
            comparisons.push(Comparison {
                name: format!("{what}, {name}"),
                ours: measure::median(ours),
                peer_name: "s5cmd",
                peer: measure::median(peer),
                ratio: 1.0,
                slack: Duration::ZERO,
                memory: Some(MEMORY),
            });
        }
    }
    Ok(comparisons)
}

struct Bench<'a> {
    tools: &'a Tools,
    executables: &'a Path,
    server: Server,
    folder: &'a Path,
}

impl Bench<'_> {
    /// A bundle of files with content that does not repeat.
    fn bundle(&self, count: usize, size: usize) -> Result<PathBuf> {
        let folder = self.folder.join(format!("bundle-{count}-{size}"));
        std::fs::create_dir_all(&folder)?;
        let mut files = Vec::new();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for index in 0..count {
            let mut content = Vec::with_capacity(size + 8);
            while content.len() < size {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                content.extend_from_slice(&state.to_le_bytes());
            }
            content.truncate(size);
            let name = format!("file-{index}_1.0.0.bin");
            std::fs::write(folder.join(&name), &content)?;
            let sha256 = Sha256::of(&content);
            files.push(FileEntry {
                name: name.parse()?,
                kind: FileKind::Other,
                size: size as u64,
                sha256,
                soname: None,
            });
        }
        let manifest = Manifest {
            schema: Manifest::SCHEMA,
            package: "bench".parse()?,
            version: "1.0.0".parse()?,
            debian_version: "1.0.0-1".into(),
            git_ref: "v1.0.0".parse()?,
            commit: "0".repeat(40).parse()?,
            repository: "nubificus/bench".into(),
            arch: Arch::X86_64,
            build_type: BuildType::Release,
            created: Timestamp::from_epoch(0),
            built_by: BuiltBy {
                vaccel_ci: "0".into(),
                compiler: "none".into(),
                backend: "none".into(),
                options: Vec::new(),
            },
            run: None,
            tree_sha256: None,
            examples: Vec::new(),
            requires: None,
            files,
        };
        Bundle::write(&folder, &manifest)?;
        Ok(folder)
    }

    fn ours(&self, program: &str, round: usize) -> Command {
        let mut command = Command::new(self.executables.join(program));
        command
            .args(["--bucket", Server::BUCKET, "--endpoint-url", &self.server.endpoint()])
            .args(["--base-path", &format!("ours-{round}")])
            .env("INPUT_ACCESS_KEY", self.server.access_key())
            .env("INPUT_SECRET_KEY", self.server.secret_key());
        command
    }

    fn peer(&self) -> Command {
        let mut command = Command::new(self.tools.bin("s5cmd"));
        command
            .args(["--endpoint-url", &self.server.endpoint(), "cp"])
            .env("AWS_ACCESS_KEY_ID", self.server.access_key())
            .env("AWS_SECRET_ACCESS_KEY", self.server.secret_key())
            .env("AWS_REGION", "us-east-1");
        command
    }

    fn upload(&self, bundle: &Path, round: usize) -> Result<Sample> {
        measure::run(
            self.ours("vaccel-upload", round)
                .args(["--latest=false", "--plain-names=false", "--dist-path"])
                .arg(bundle),
        )
    }

    fn peer_upload(&self, bundle: &Path, round: usize) -> Result<Sample> {
        let target = format!("s3://{}/peer-{round}/", Server::BUCKET);
        measure::run(self.peer().arg(format!("{}/", bundle.display())).arg(target))
    }

    fn fetch(&self, round: usize) -> Result<Sample> {
        let target = self.empty("fetched")?;
        let mut command = self.ours("vaccel-fetch", round);
        measure::run(
            command.args(["--package", "bench", "--version", "^1", "--arch", "x86_64", "--local-path"]).arg(target),
        )
    }

    fn peer_fetch(&self, round: usize) -> Result<Sample> {
        let target = self.empty("peer-fetched")?;
        let source = format!("s3://{}/peer-{round}/*", Server::BUCKET);
        measure::run(self.peer().arg(source).arg(format!("{}/", target.display())))
    }

    fn empty(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}
