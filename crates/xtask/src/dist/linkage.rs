// SPDX-License-Identifier: Apache-2.0
//! What an executable needs of the machine that it starts on.

use super::target::{GLIBC_FLOOR, Target};
use anyhow::{Context, Result, bail, ensure};
use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, elf};

/// What the dynamic loader would have to find.
#[derive(Debug, PartialEq, Eq)]
struct Linkage {
    /// The ELF number of the machine.
    machine: elf::Machine,
    /// Whether the executable asks for a dynamic loader.
    has_interpreter: bool,
    /// The shared libraries.
    libraries: Vec<String>,
    /// Versions of symbols, such as `GLIBC_2.4`.
    versions: Vec<String>,
}

/// Checks that an executable is for the machine and starts on the oldest system that it may meet.
pub fn check(bytes: &[u8], target: &Target) -> Result<()> {
    let linkage = read(bytes)?;
    let machine = match target.arch {
        artifact::Arch::X86_64 => elf::EM_X86_64,
        artifact::Arch::Aarch64 => elf::EM_AARCH64,
        artifact::Arch::Armv7l => elf::EM_ARM,
    };
    ensure!(linkage.machine == machine, "it is for the ELF machine {}, not for {}", linkage.machine.0, target.arch);
    verify(&linkage, target.is_static)
}

fn verify(linkage: &Linkage, is_static: bool) -> Result<()> {
    if is_static {
        let libraries = linkage.libraries.join(", ");
        ensure!(!linkage.has_interpreter && libraries.is_empty(), "it is not static: it needs a loader, {libraries}");
        return Ok(());
    }
    let (major, minor) = GLIBC_FLOOR;
    for version in &linkage.versions {
        match glibc(version) {
            Some(needed) if needed <= GLIBC_FLOOR => {}
            Some(_) => bail!("it needs {version}, newer than glibc {major}.{minor}"),
            None => bail!("it needs {version}, which is not of glibc"),
        }
    }
    Ok(())
}

/// Major and minor number of `GLIBC_2.28` or `GLIBC_2.3.4`.
fn glibc(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn read(bytes: &[u8]) -> Result<Linkage> {
    match FileKind::parse(bytes).context("it is no object file")? {
        FileKind::Elf32 => read_elf::<FileHeader32<Endianness>>(bytes),
        FileKind::Elf64 => read_elf::<FileHeader64<Endianness>>(bytes),
        kind => bail!("it is not ELF but {kind:?}"),
    }
}

fn read_elf<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Linkage> {
    let header = Elf::parse(bytes)?;
    let endian = header.endian()?;
    let mut linkage = Linkage {
        machine: header.e_machine(endian),
        has_interpreter: header.program_headers(endian, bytes)?.iter().any(|s| s.p_type(endian) == elf::PT_INTERP),
        libraries: Vec::new(),
        versions: Vec::new(),
    };
    let sections = header.sections(endian, bytes)?;
    if let Some((entries, strings)) = sections.dynamic(endian, bytes)? {
        let strings = sections.strings(endian, bytes, strings)?;
        for entry in entries.iter().filter(|entry| entry.tag(endian) == elf::DT_NEEDED) {
            linkage.libraries.push(text(entry.string(endian, strings)?));
        }
    }
    if let Some((mut needs, strings)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, strings)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                linkage.versions.push(text(version.name(endian, strings)?));
            }
        }
    }
    Ok(linkage)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linkage(libraries: &[&str], versions: &[&str]) -> Linkage {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Linkage {
            machine: elf::EM_ARM,
            has_interpreter: !libraries.is_empty(),
            libraries: owned(libraries),
            versions: owned(versions),
        }
    }

    #[test]
    fn what_old_systems_lack_is_refused() {
        let cases = [
            (linkage(&[], &[]), true, "fine"),
            (linkage(&["libc.so.6"], &[]), true, "it is not static: it needs a loader, libc.so.6"),
            (linkage(&["libc.so.6"], &["GLIBC_2.4", "GLIBC_2.28", "GLIBC_2.3.4"]), false, "fine"),
            (linkage(&["libc.so.6"], &["GLIBC_2.29"]), false, "it needs GLIBC_2.29, newer than glibc 2.28"),
            (linkage(&["libc.so.6"], &["GLIBC_3.1"]), false, "it needs GLIBC_3.1, newer than glibc 2.28"),
            (linkage(&["libgcc_s.so.1"], &["GCC_3.5"]), false, "it needs GCC_3.5, which is not of glibc"),
            (linkage(&["libc.so.6"], &["GLIBC_PRIVATE"]), false, "it needs GLIBC_PRIVATE, which is not of glibc"),
        ];
        for (linkage, is_static, expected) in cases {
            let verdict = verify(&linkage, is_static).map_or_else(|error| error.to_string(), |()| "fine".to_owned());
            assert_eq!(verdict, expected, "{linkage:?}");
        }
    }

    #[test]
    fn this_test_is_read_as_what_it_is() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let linkage = read(&bytes).unwrap();
        assert!(linkage.has_interpreter);
        assert!(linkage.libraries.iter().any(|library| library.starts_with("libc.so")), "{linkage:?}");
        assert!(linkage.versions.iter().any(|version| glibc(version).is_some()), "{linkage:?}");
        let message = check(&bytes, &Target::of(artifact::Arch::Armv7l)).unwrap_err().to_string();
        assert!(message.ends_with("not for armv7l"), "{message}");
    }

    #[test]
    fn other_files_are_refused() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"] {
            assert!(read(bytes).is_err());
        }
    }
}
