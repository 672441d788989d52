// SPDX-License-Identifier: Apache-2.0
//! `stage-artifacts` against the plain sequence of tools: strip, dpkg-deb, tar, sha256sum, at the
//! same levels of compression. The sequence makes no debug package, no SBOM and no dependencies.

use super::measure::{self, Comparison, Sample};
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Libraries with debug symbols, about 1.8 MB each.
const LIBRARIES: usize = 10;
const FUNCTIONS: usize = 1500;
/// Data files, half of them numbers, half of them text.
const DATA_FILES: usize = 190;
const DATA_SIZE: usize = 168 * 1024;

pub fn run(executables: &Path, rounds: usize) -> Result<Vec<Comparison>> {
    let folder = tempfile::tempdir().context("could not make a folder")?;
    let place = Place { folder: folder.path() };
    place.make()?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("    round {} of {rounds}", round + 1);
        ours.push(place.ours(executables)?);
        peer.push(place.peer()?);
    }
    for name in ["dist", "plain"] {
        eprintln!("    {name}: {} bytes", size(&place.path(name))?);
    }
    Ok(vec![Comparison {
        name: "a tree of 50 MB as deb, dbgsym, tar.gz and so".to_owned(),
        ours: measure::median(ours),
        peer_name: "strip, dpkg-deb, tar, sha256sum",
        peer: measure::median(peer),
        ratio: 0.6,
        slack: Duration::ZERO,
        memory: None,
    }])
}

struct Place<'a> {
    folder: &'a Path,
}

impl Place<'_> {
    fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    /// The source repository and the install tree.
    fn make(&self) -> Result<()> {
        eprintln!("    compiling {LIBRARIES} libraries");
        let libraries = self.path("install/usr/lib/x86_64-linux-gnu");
        let data = self.path("install/usr/share/bench");
        for folder in [&libraries, &data, &self.path("source")] {
            fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        }
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        for index in 0..LIBRARIES {
            let (text, library) = (self.path("library.c"), libraries.join(format!("libbench-{index}.so")));
            fs::write(&text, library_text(&mut numbers)).context("could not write a library's text")?;
            command(Command::new("gcc").args(["-shared", "-fPIC", "-g", "-O1", "-o"]).arg(library).arg(text))?;
        }
        for index in 0..DATA_FILES {
            let content = if index % 2 == 0 { floats(&mut numbers) } else { prose(&mut numbers) };
            fs::write(data.join(format!("data-{index}")), content).context("could not write data")?;
        }
        let source = self.path("source");
        fs::write(source.join("LICENSE"), "Copyright (c) 2026 Bench\n").context("could not write the licence")?;
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "."],
            &["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "--quiet", "--message=bench"],
        ] {
            command(Command::new("git").current_dir(&source).args(arguments))?;
        }
        Ok(())
    }

    fn ours(&self, executables: &Path) -> Result<Sample> {
        let dist = self.path("dist");
        if dist.exists() {
            fs::remove_dir_all(&dist).context("could not remove the last bundle")?;
        }
        let mut command = Command::new(executables.join("vaccel-stage-artifacts"));
        command.args(["--package=bench", "--source-path=source", "--version=1.0.0", "--formats=deb,tar.gz,so"]);
        measure::run(command.current_dir(self.folder).env_remove("GITHUB_ACTIONS"))
    }

    /// What one would write by hand, on a copy that is made beforehand.
    fn peer(&self) -> Result<Sample> {
        let (tree, plain) = (self.path("tree"), self.path("plain"));
        for folder in [&tree, &plain] {
            if folder.exists() {
                fs::remove_dir_all(folder).context("could not remove the last packages")?;
            }
        }
        fs::create_dir_all(&plain).context("could not make a folder")?;
        command(Command::new("cp").args(["-a", "install", "tree"]).current_dir(self.folder))?;
        fs::create_dir(tree.join("DEBIAN")).context("could not make a folder")?;
        let control = "Package: bench\nVersion: 1.0.0-1\nArchitecture: amd64\nMaintainer: Bench <bench@example.org>\nDescription: bench\n";
        fs::write(tree.join("DEBIAN/control"), control).context("could not write the control file")?;
        let steps = [
            "strip --strip-unneeded tree/usr/lib/*/*.so",
            "dpkg-deb --root-owner-group -Zxz --build tree plain/bench.deb",
            "tar czf plain/bench.tar.gz install",
            "cp install/usr/lib/*/*.so plain",
            "cd plain && sha256sum * > SHA256SUMS",
        ];
        let mut total = Sample::default();
        for step in steps {
            let sample = measure::run(Command::new("sh").args(["-ec", step]).current_dir(self.folder))?;
            eprintln!("        {:>6} ms  {step}", sample.time.as_millis());
            total.time += sample.time;
        }
        Ok(total)
    }
}

fn command(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("could not start {}", command.get_program().display()))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

fn size(folder: &Path) -> Result<u64> {
    let sizes = fs::read_dir(folder)?.map(|item| Ok(item?.metadata()?.len()));
    sizes.sum::<std::io::Result<u64>>().with_context(|| format!("could not read {}", folder.display()))
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn library_text(numbers: &mut Numbers) -> String {
    let mut text = "#include <stdint.h>\n".to_owned();
    for function in 0..FUNCTIONS {
        let _ = writeln!(text, "struct s{function} {{ uint64_t a, b{}; uint32_t c; }};", numbers.below(99));
        let _ = writeln!(text, "uint64_t f{function}(struct s{function} *p, uint64_t x) {{");
        for _ in 0..3 + numbers.below(9) {
            let (mask, factor, shift) = (numbers.below(1 << 20), numbers.below(1 << 32), numbers.below(31));
            let _ = writeln!(text, "if (x & {mask}u) x = x * {factor}ull + p->a; else x ^= p->c >> {shift};");
        }
        text.push_str("return x; }\n");
    }
    text
}

/// As the weights of a model: hard to compress.
fn floats(numbers: &mut Numbers) -> Vec<u8> {
    let number = |_| {
        let number = u16::try_from(numbers.below(1 << 16)).unwrap_or_default();
        (f32::from(number) / 65536.0 - 0.5).to_le_bytes()
    };
    (0..DATA_SIZE / 4).flat_map(number).collect()
}

/// As texts and tables: easy to compress.
fn prose(numbers: &mut Numbers) -> Vec<u8> {
    const WORDS: [&str; 8] = ["tensor", "image", "classify", "accelerator", "plugin", "session", "resource", "device"];
    let mut text = String::with_capacity(DATA_SIZE + 32);
    while text.len() < DATA_SIZE {
        let word = WORDS.get(usize::try_from(numbers.below(8)).unwrap_or_default()).copied().unwrap_or_default();
        let _ = write!(text, "{word} {} ", numbers.below(1000));
    }
    text.into_bytes()
}
