// SPDX-License-Identifier: Apache-2.0
//! Installation of files that have been verified.

use crate::unpack;
use artifact::FileKind;
use registry::FetchedFile;
use std::path::{Path, PathBuf};
use toolkit::{Failure, Program, Result, ResultExt, Runner, Tool};

const DPKG: Tool = Tool { program: "dpkg", provided_by: "the Debian package dpkg, or use install: prefix" };
const SUDO: Tool =
    Tool { program: "sudo", provided_by: "the Debian package sudo, run as root, or use install: prefix" };
const ID: Tool = Tool { program: "id", provided_by: "the Debian package coreutils" };

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

/// Unpacks the archive below a folder; gives the folder.
pub fn prefix(files: &[FetchedFile], folder: &Path, runner: &Runner) -> Result<PathBuf> {
    let archive = files
        .iter()
        .find(|file| file.entry.kind == FileKind::Archive && file.entry.name.as_str().ends_with(".tar.gz"))
        .ok_or_else(|| Failure::work("the bundle has no archive .tar.gz to unpack"))?;
    let count = unpack::unpack(&archive.path, folder)
        .with_context(|| format!("could not unpack {} below {}", archive.entry.name, folder.display()))?;
    runner.info(&format!("unpacked {count} entries of {} below {}", archive.entry.name, folder.display()));
    Ok(folder.to_owned())
}
