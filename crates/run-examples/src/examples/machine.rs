// SPDX-License-Identifier: Apache-2.0
//! How programs of an architecture run on this machine: themselves, or through qemu-user.

use crate::environment::SearchPaths;
use artifact::Arch;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use toolkit::Tool;

/// How programs run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    arch: Arch,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// This machine's own.
    Native,
    /// The kernel starts qemu-user for them.
    Registered,
    /// We start qemu-user for them.
    Qemu { program: PathBuf, root: Option<PathBuf> },
    /// Not at all; why.
    Not(String),
}

impl Machine {
    /// Looks for a way.
    pub fn detect(arch: Arch, host: Option<Arch>) -> Self {
        let qemu = arch.qemu();
        if host == Some(arch) {
            return Self { arch, way: Way::Native };
        }
        let registered = std::fs::read_to_string(format!("/proc/sys/fs/binfmt_misc/qemu-{qemu}"));
        if registered.is_ok_and(|text| text.starts_with("enabled")) {
            return Self { arch, way: Way::Registered };
        }
        let names = [format!("qemu-{qemu}-static"), format!("qemu-{qemu}")];
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let found = names.iter().find_map(|name| in_paths(name.as_ref(), std::env::split_paths(&paths)));
        let way = match found {
            Some(program) => Way::Qemu { program, root: root(arch) },
            None => Way::Not(format!("programs for {arch} need qemu-user, and qemu-{qemu} was not found")),
        };
        Self { arch, way }
    }

    /// The architecture of the programs.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// Whether it is this machine's own.
    pub fn is_native(&self) -> bool {
        self.way == Way::Native
    }

    /// Why a script, which starts programs by itself, cannot run.
    pub fn refuses_scripts(&self) -> Option<String> {
        match &self.way {
            Way::Native | Way::Registered => None,
            Way::Not(reason) => Some(reason.clone()),
            Way::Qemu { .. } => Some(format!(
                "scripts that start programs for {} need qemu-user to be registered with the kernel (binfmt_misc)",
                self.arch
            )),
        }
    }

    /// Variables that qemu-user takes its libraries from.
    pub fn variables(&self) -> Option<(OsString, OsString)> {
        let root = root(self.arch)?;
        (!self.is_native()).then(|| ("QEMU_LD_PREFIX".into(), root.into()))
    }

    /// The words that start a command here, or why it cannot be started.
    pub fn words(&self, words: Vec<OsString>, shell: bool, paths: &SearchPaths) -> Result<Vec<OsString>, String> {
        let Some(first) = words.first() else { return Ok(words) };
        let program = if Path::new(first).components().count() > 1 {
            PathBuf::from(first)
        } else {
            // A program of the tree is found before the caller's.
            in_paths(first, paths.programs().iter().cloned()).unwrap_or_else(|| first.into())
        };
        let replaced = [program.clone().into_os_string()].into_iter().chain(words.iter().skip(1).cloned());
        match &self.way {
            Way::Qemu { program: qemu, root } if !shell && is_elf(&program) => {
                let mut line = vec![qemu.clone().into_os_string()];
                line.extend(root.iter().flat_map(|root| ["-L".into(), root.clone().into_os_string()]));
                line.extend(replaced);
                Ok(line)
            }
            Way::Native | Way::Registered => Ok(replaced.collect()),
            _ => Err(self.refuses_scripts().unwrap_or_default()),
        }
    }
}

/// Where Debian's cross packages put the target's own loader and libraries.
fn root(arch: Arch) -> Option<PathBuf> {
    Some(Path::new("/usr").join(arch.triple())).filter(|root| root.is_dir())
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}

fn in_paths(name: &OsStr, mut folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file()))
}

/// gdb, where it is installed.
pub fn gdb() -> Option<PathBuf> {
    Tool { program: "gdb", provided_by: "the Debian package gdb" }.find().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_programs_run_through_qemu() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("hello"), b"\x7fELF...").unwrap();
        std::fs::write(bin.join("script"), b"#!/bin/sh\n").unwrap();
        let mut paths = SearchPaths::default();
        paths.add(folder.path(), "x");
        let way = Way::Qemu { program: "/usr/bin/qemu-aarch64".into(), root: Some("/usr/aarch64-linux-gnu".into()) };
        let machine = Machine { arch: Arch::Aarch64, way };
        let words = |words: &[&str], shell| {
            let words = machine.words(words.iter().map(OsString::from).collect(), shell, &paths);
            let words =
                words.map(|words| words.iter().map(|word| word.display().to_string()).collect::<Vec<_>>().join(" "));
            words.unwrap_or_else(|reason| reason).replace(&bin.display().to_string(), "<bin>")
        };
        let told = [words(&["hello", "x"], false), words(&["script"], false), words(&["/bin/sh", "-c", "hello"], true)];
        insta::assert_snapshot!(told.join("\n"), @r"
        /usr/bin/qemu-aarch64 -L /usr/aarch64-linux-gnu <bin>/hello x
        scripts that start programs for aarch64 need qemu-user to be registered with the kernel (binfmt_misc)
        scripts that start programs for aarch64 need qemu-user to be registered with the kernel (binfmt_misc)
        ");
        let native = Machine::detect(Arch::X86_64, Some(Arch::X86_64));
        assert!(native.is_native() && native.refuses_scripts().is_none());
    }
}
