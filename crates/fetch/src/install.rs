// SPDX-License-Identifier: Apache-2.0
//! Installation of files that have been verified.

use crate::Args;
use crate::compression::Compression;
use crate::unpack::{self, Limits, UnpackError};
use artifact::FileKind;
use registry::FetchedFile;
use std::path::PathBuf;
use toolkit::{Failure, Program, Result, ResultExt, Runner, Tool};

const DPKG: Tool = Tool { program: "dpkg", provided_by: "the Debian package dpkg, or use install: prefix" };
const SUDO: Tool =
    Tool { program: "sudo", provided_by: "the Debian package sudo, run as root, or use install: prefix" };
const ID: Tool = Tool { program: "id", provided_by: "the Debian package coreutils" };

const MIB: u64 = 1024 * 1024;
/// How much larger than an archive its content may be, unless the input says otherwise: ours are four times as large.
const FACTOR: u64 = 100;
/// What even a small archive may unpack to.
const LEAST: u64 = 256 * MIB;

/// Installs the Debian packages into the system; gives its root.
pub fn deb(files: &[FetchedFile], runner: &Runner) -> Result<PathBuf> {
    let dpkg = DPKG.find()?;
    let is_root = Program::new(ID.find()?).arg("--user").capture()?.trim() == "0";
    let program =
        if is_root { Program::new(dpkg) } else { Program::new(SUDO.find()?).arg("--non-interactive").arg(dpkg) };
    let packages = files.iter().filter(|file| file.entry.kind == FileKind::Deb).map(|file| &file.path);
    program
        .arg("--install")
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Packages bring scripts of their own.
        .repository_code()
        .run(runner)
        .context("could not install the Debian packages")
        .help("dpkg says above what is missing; apt-get install --fix-broken brings it")?;
    Ok(PathBuf::from("/"))
}

/// Unpacks the archive below install-prefix; returns that folder.
pub fn prefix(args: &Args, files: &[FetchedFile], runner: &Runner) -> Result<PathBuf> {
    let folder = &args.install_prefix;
    let archives = files.iter().filter(|file| file.entry.kind == FileKind::Archive);
    let archives = archives.filter_map(|file| Some((file, Compression::of(file.entry.name.as_str())?)));
    let (archive, compression) = archives
        .min_by_key(|(file, _)| file.entry.size)
        .ok_or_else(|| Failure::work("the bundle has no archive that can be unpacked"))?;
    let bytes = match args.max_unpacked_size {
        0 => archive.entry.size.saturating_mul(FACTOR).max(LEAST),
        size => size.saturating_mul(MIB),
    };
    let limits = Limits { entries: args.max_entries, bytes };
    let name = &archive.entry.name;
    let count = unpack::unpack(&archive.path, compression, folder, limits).map_err(|error| {
        let help = match &error {
            UnpackError::Limit { input, .. } => Some(format!("if it is what it should be, allow more with {input}")),
            _ => None,
        };
        let failure = Failure::from(error).context(format!("failed to unpack {name} below {}", folder.display()));
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    })?;
    runner.info(&format!("unpacked {count} entries of {name} below {}", folder.display()));
    Ok(folder.clone())
}
