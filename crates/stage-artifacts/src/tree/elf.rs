// SPDX-License-Identifier: Apache-2.0
//! What an ELF file says about itself: its machine, its name as a library, and what it needs.
//!
//! Reads the few parts of the file that hold this, so that large files cost nothing.

mod requires;

use crate::file;
use artifact::{Arch, Requires};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader};
use object::{FileKind, ReadCache, ReadRef, elf};
use std::fs::File;
use std::io::{self, Read, Seek};

/// One ELF file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elf {
    /// For what processor it is, if for one at all.
    pub machine: Machine,
    /// Whether it is a library that programs link with or load.
    pub is_shared_library: bool,
    /// The name under which programs ask the loader for it.
    pub soname: Option<String>,
    /// The names of the libraries it asks for.
    pub needed: Vec<String>,
    /// Where it asks the loader to look first.
    pub run_paths: Vec<String>,
    /// Whether they are of the older kind (`DT_RPATH`), which counts for what it loads as well.
    pub run_paths_are_inherited: bool,
    /// The digest by which debuggers find its debug symbols, in hexadecimal digits.
    pub build_id: Option<String>,
    /// What it requires of the machine.
    pub requires: Requires,
    /// Whether it has symbols that running it does not need.
    pub has_debug: bool,
}

/// The processor of an ELF file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// One of ours.
    Ours(Arch),
    /// A device that works beside any processor: a GPU, the kernel's byte code.
    #[default]
    Device,
    /// Any other processor.
    Foreign(String),
}

impl Elf {
    /// Reads an ELF file; `None` if it is something else.
    pub fn read(mut file: File) -> io::Result<Option<Self>> {
        let mut magic = [0u8; 4];
        match file.read_exact(&mut magic) {
            Ok(()) if magic == elf::ELFMAG => file.rewind()?,
            Ok(()) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let cache = ReadCache::new(file);
        let elf = match FileKind::parse(&cache) {
            Ok(FileKind::Elf32) => read::<elf::FileHeader32<object::Endianness>, _>(&cache),
            Ok(FileKind::Elf64) => read::<elf::FileHeader64<object::Endianness>, _>(&cache),
            Ok(_) => return Ok(None),
            Err(error) => Err(error),
        };
        elf.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

fn read<'data, H, R>(data: R) -> object::read::Result<Elf>
where
    H: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, data)?;
    let has_interpreter = segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP);

    let mut elf = Elf { machine: machine(header.e_machine(endian), header.is_class_64()), ..Elf::default() };
    let sections = header.sections(endian, data)?;
    let is_loaded = matches!(header.e_type(endian), elf::ET_DYN | elf::ET_EXEC);
    let has = |wanted: &dyn Fn(&H::SectionHeader, &[u8]) -> bool| {
        let named = |section| sections.section_name(endian, section).unwrap_or_default();
        sections.iter().any(|section| wanted(section, named(section)))
    };
    // Separate debug files have the code's sections without the code.
    let is_debug_file = has(&|section, name| name == b".text" && section.sh_type(endian) == elf::SHT_NOBITS);
    elf.has_debug = is_loaded
        && !is_debug_file
        && has(&|section, name| section.sh_type(endian) == elf::SHT_SYMTAB || name.starts_with(b".debug_"));
    elf.build_id = segments.iter().find_map(|segment| build_id::<H, R>(segment, endian, data));
    elf.requires = requires::of(header, endian, data, &sections);
    // Separate debug files keep the section but not its content; they need nothing.
    let Some((entries, strings)) = sections.dynamic(endian, data)? else { return Ok(elf) };
    let strings = sections.strings(endian, data, strings)?;
    let mut is_program = false;
    let (mut run_path, mut old_run_path) = (None, None);
    for entry in entries {
        let text = || -> object::read::Result<String> {
            let bytes = entry.string(endian, strings)?;
            Ok(String::from_utf8_lossy(bytes).into_owned())
        };
        match entry.tag(endian) {
            elf::DT_SONAME => elf.soname = Some(text()?),
            elf::DT_NEEDED => elf.needed.push(text()?),
            elf::DT_RUNPATH => run_path = Some(text()?),
            elf::DT_RPATH => old_run_path = Some(text()?),
            elf::DT_FLAGS_1 => is_program |= entry.val(endian) & elf::DF_1_PIE.0 != 0,
            _ => {}
        }
    }
    // The newer kind makes the loader ignore the older one.
    elf.run_paths_are_inherited = run_path.is_none() && old_run_path.is_some();
    elf.run_paths = run_path.or(old_run_path).iter().flat_map(|paths| paths.split(':')).map(str::to_owned).collect();
    // Position-independent programs have the type of libraries; older linkers did not flag them.
    is_program |= has_interpreter && elf.soname.is_none();
    elf.is_shared_library = header.e_type(endian) == elf::ET_DYN && !is_program;
    Ok(elf)
}

/// Notes that cannot be read are no hindrance to anybody.
fn build_id<'data, H, R>(segment: &H::ProgramHeader, endian: H::Endian, data: R) -> Option<String>
where
    H: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let mut notes = segment.notes(endian, data).ok().flatten()?;
    while let Ok(Some(note)) = notes.next() {
        if note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_BUILD_ID {
            return Some(file::hex(note.desc()));
        }
    }
    None
}

fn machine(number: elf::Machine, is_64: bool) -> Machine {
    match (number, is_64) {
        (elf::EM_X86_64, true) => Machine::Ours(Arch::X86_64),
        (elf::EM_AARCH64, true) => Machine::Ours(Arch::Aarch64),
        (elf::EM_ARM, false) => Machine::Ours(Arch::Armv7l),
        (elf::EM_BPF | elf::EM_CUDA | elf::EM_AMDGPU, _) => Machine::Device,
        (elf::EM_386, _) => Machine::Foreign("i386".to_owned()),
        (elf::EM_X86_64, false) => Machine::Foreign("x32".to_owned()),
        (elf::EM_RISCV, _) => Machine::Foreign("riscv".to_owned()),
        (elf::EM_PPC64, _) => Machine::Foreign("ppc64".to_owned()),
        (elf::EM_S390, _) => Machine::Foreign("s390".to_owned()),
        _ => Machine::Foreign(format!("ELF machine {}", number.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn other_files_are_none_of_ours() {
        for bytes in [&b""[..], b"\x7fE", b"#!/bin/sh\n", b"!<arch>\n"] {
            assert_eq!(Elf::read(file(bytes)).unwrap(), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_truncated_file_is_an_error() {
        let error = Elf::read(file(b"\x7fELF\x02\x01\x01")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn the_running_test_is_a_program_of_this_machine() {
        let elf = Elf::read(File::open(std::env::current_exe().unwrap()).unwrap()).unwrap().unwrap();
        assert_eq!(elf.machine, Machine::Ours(Arch::host().unwrap()));
        assert!(!elf.is_shared_library);
        assert!(elf.needed.iter().any(|name| name.starts_with("libc.so")), "{:?}", elf.needed);
    }

    #[test]
    fn machines_are_told_apart() {
        let cases = [
            (62, true, Machine::Ours(Arch::X86_64)),
            (62, false, Machine::Foreign("x32".to_owned())),
            (183, true, Machine::Ours(Arch::Aarch64)),
            (40, false, Machine::Ours(Arch::Armv7l)),
            (3, false, Machine::Foreign("i386".to_owned())),
            (190, true, Machine::Device),
            (9999, true, Machine::Foreign("ELF machine 9999".to_owned())),
        ];
        for (number, is_64, expected) in cases {
            assert_eq!(machine(elf::Machine(number), is_64), expected, "{number}");
        }
    }
}
