// SPDX-License-Identifier: Apache-2.0
//! What an ELF file requires of the machine that runs it, as far as it says so itself: the versions of
//! symbols, and the notes and attributes about its processor.
//!
//! Sources: the x86-64 psABI (GNU properties), the ABI for the Arm architecture, addenda (build
//! attributes). Code that asks the processor what it can do is not counted by either.

use artifact::{ArmFloat, Cpu, Requires, SymbolVersion};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};
use object::{ReadRef, elf};

/// A glibc that understands compact relocations.
const COMPACT_RELOCATIONS: (&str, &str) = ("ABI_DT_RELR", "2.36");

/// What a file requires; nothing where it cannot be read.
pub fn of<'data, H, R>(header: &H, endian: H::Endian, data: R, sections: &SectionTable<'data, H, R>) -> Requires
where
    H: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let mut requires = Requires::default();
    for name in versions(endian, data, sections).unwrap_or_default() {
        let newest = |known: &mut Option<SymbolVersion>, text: &str| {
            let compact = (text == COMPACT_RELOCATIONS.0).then_some(COMPACT_RELOCATIONS.1);
            *known = known.take().max(compact.unwrap_or(text).parse().ok());
        };
        match name.split_once('_') {
            Some(("GLIBC", version)) => newest(&mut requires.glibc, version),
            Some(("GLIBCXX", version)) => newest(&mut requires.libstdcxx, version),
            _ => {}
        }
    }
    requires.cpu = match header.e_machine(endian) {
        elf::EM_X86_64 => x86(header, endian, data),
        elf::EM_AARCH64 => Some(Cpu::Aarch64),
        elf::EM_ARM => arm(endian, data, sections).ok().flatten(),
        _ => None,
    };
    requires
}

/// The versions of the symbols that the file cannot do without.
fn versions<'data, H, R>(
    endian: H::Endian,
    data: R,
    sections: &SectionTable<'data, H, R>,
) -> object::read::Result<Vec<String>>
where
    H: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let mut found = Vec::new();
    let Some((mut files, link)) = sections.gnu_verneed(endian, data)? else { return Ok(found) };
    let strings = sections.strings(endian, data, link)?;
    while let Some((_, mut versions)) = files.next()? {
        while let Some(version) = versions.next()? {
            if version.vna_flags.get(endian).0 & elf::VER_FLG_WEAK.0 == 0 {
                found.push(String::from_utf8_lossy(version.name(endian, strings)?).into_owned());
            }
        }
    }
    Ok(found)
}

/// The level of x86-64 that the linker noted.
fn x86<'data, H, R>(header: &H, endian: H::Endian, data: R) -> Option<Cpu>
where
    H: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    for segment in header.program_headers(endian, data).ok()? {
        let Ok(Some(mut notes)) = segment.notes(endian, data) else { continue };
        while let Ok(Some(note)) = notes.next() {
            let Some(mut properties) = note.gnu_properties(endian) else { continue };
            while let Ok(Some(property)) = properties.next() {
                if property.pr_type() == elf::GNU_PROPERTY_X86_ISA_1_NEEDED {
                    let bits = property.data_u32(endian).ok()?;
                    let level = u8::try_from(32 - bits.leading_zeros()).ok()?;
                    return Some(Cpu::X86_64(level.clamp(1, 4)));
                }
            }
        }
    }
    None
}

/// The processor that the compiler was told of.
fn arm<'data, H, R>(
    endian: H::Endian,
    data: R,
    sections: &SectionTable<'data, H, R>,
) -> object::read::Result<Option<Cpu>>
where
    H: FileHeader<Endian = object::Endianness>,
    R: ReadRef<'data>,
{
    let is_it = |section: &&H::SectionHeader| section.sh_type(endian) == elf::SHT_ARM_ATTRIBUTES;
    let Some(section) = sections.iter().find(is_it) else { return Ok(None) };
    let (mut version, mut float, mut neon) = (0, ArmFloat::None, false);
    let mut vendors = section.attributes(endian, data)?.subsections()?;
    while let Some(vendor) = vendors.next()? {
        if vendor.vendor() != b"aeabi" {
            continue;
        }
        let mut scopes = vendor.subsubsections();
        while let Some(scope) = scopes.next()? {
            let mut attributes = scope.attributes();
            while let Some(tag) = attributes.read_tag()? {
                match tag {
                    // Names of processors, and above 32 every odd tag, are text.
                    4 | 5 | 65 | 67 => drop(attributes.read_string()?),
                    32 => {
                        attributes.read_integer()?;
                        attributes.read_string()?;
                    }
                    tag if tag > 32 && tag % 2 == 1 => drop(attributes.read_string()?),
                    6 => version = arm_version(attributes.read_integer()?),
                    10 => float = arm_float(attributes.read_integer()?),
                    12 => neon = attributes.read_integer()? > 0,
                    _ => drop(attributes.read_integer()?),
                }
            }
        }
    }
    Ok((version > 0).then_some(Cpu::Arm { version, float, neon }))
}

/// `Tag_CPU_arch`.
fn arm_version(value: u64) -> u8 {
    match value {
        0..=2 => 4,
        3..=5 => 5,
        6..=9 | 11 | 12 => 6,
        10 | 13 => 7,
        _ => 8,
    }
}

/// `Tag_FP_arch`.
fn arm_float(value: u64) -> ArmFloat {
    match value {
        0 => ArmFloat::None,
        1 | 2 => ArmFloat::V2,
        3 => ArmFloat::V3,
        4 => ArmFloat::V3D16,
        // The newer one with fewer registers has no name of its own here.
        _ => ArmFloat::V4,
    }
}
