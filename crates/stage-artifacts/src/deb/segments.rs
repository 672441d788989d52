// SPDX-License-Identifier: Apache-2.0
//! What the loader puts into memory: stripping must not change a byte of it.
//!
//! The header of an ELF file lies in the first loaded segment and says where the section table is.
//! Loaders do not read these few bytes, and taking sections away has to change them; nothing else
//! may differ.

use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind, ReadCache, elf};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

const CHUNK: usize = 256 * 1024;

/// A part of the file that the loader maps.
#[derive(Debug, PartialEq, Eq)]
struct Segment {
    file: Range<u64>,
    address: u64,
    memory: u64,
    flags: u32,
    align: u64,
}

/// What is loaded, and where the header speaks of sections.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    segments: Vec<Segment>,
    section_fields: [Range<u64>; 2],
}

/// Whether two ELF files are the same to the loader.
pub fn are_equal(one: &Path, two: &Path) -> io::Result<bool> {
    let layout = layout(File::open(one)?)?;
    if layout != self::layout(File::open(two)?)? {
        return Ok(false);
    }
    let (mut one, mut two) = (File::open(one)?, File::open(two)?);
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    for segment in &layout.segments {
        let mut at = segment.file.start;
        while at < segment.file.end {
            let size = usize::try_from(segment.file.end - at).unwrap_or(CHUNK).min(CHUNK);
            for (file, buffer) in [(&mut one, &mut left), (&mut two, &mut right)] {
                buffer.resize(size, 0);
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(buffer)?;
                blank(buffer, at, &layout.section_fields);
            }
            if left != right {
                return Ok(false);
            }
            at += size as u64;
        }
    }
    Ok(true)
}

/// Makes the fields about sections zero.
fn blank(buffer: &mut [u8], at: u64, fields: &[Range<u64>]) {
    for offset in fields.iter().cloned().flatten() {
        let byte = offset.checked_sub(at).and_then(|index| usize::try_from(index).ok());
        if let Some(byte) = byte.and_then(|index| buffer.get_mut(index)) {
            *byte = 0;
        }
    }
}

fn layout(file: File) -> io::Result<Layout> {
    let cache = ReadCache::new(file);
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    match FileKind::parse(&cache).map_err(invalid)? {
        FileKind::Elf32 => {
            let segments = segments::<elf::FileHeader32<Endianness>, _>(&cache).map_err(invalid)?;
            // e_shoff; e_shentsize, e_shnum and e_shstrndx
            Ok(Layout { segments, section_fields: [0x20..0x24, 0x2E..0x34] })
        }
        FileKind::Elf64 => {
            let segments = segments::<elf::FileHeader64<Endianness>, _>(&cache).map_err(invalid)?;
            Ok(Layout { segments, section_fields: [0x28..0x30, 0x3A..0x40] })
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn segments<'data, H, R>(data: R) -> object::read::Result<Vec<Segment>>
where
    H: FileHeader<Endian = Endianness>,
    R: object::ReadRef<'data>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let loaded = header.program_headers(endian, data)?.iter().filter(|header| header.p_type(endian) == elf::PT_LOAD);
    let segments = loaded.map(|header| {
        let (offset, size) = header.file_range(endian);
        Segment {
            file: offset..offset.saturating_add(size),
            address: header.p_vaddr(endian).into(),
            memory: header.p_memsz(endian).into(),
            flags: header.p_flags(endian).0,
            align: header.p_align(endian).into(),
        }
    });
    Ok(segments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// This test's own executable, and a copy of which one byte is changed.
    fn changed(offset: usize) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let original = std::env::current_exe().unwrap();
        let mut bytes = fs::read(&original).unwrap();
        bytes[offset] ^= 1;
        let copy = folder.path().join("copy");
        fs::write(&copy, bytes).unwrap();
        are_equal(&original, &copy).unwrap()
    }

    #[test]
    fn only_the_section_table_may_be_elsewhere() {
        let exe = std::env::current_exe().unwrap();
        assert!(are_equal(&exe, &exe).unwrap());
        let fields = layout(File::open(&exe).unwrap()).unwrap().section_fields;
        for offset in fields.into_iter().flatten() {
            let mut buffer = vec![0xff; 64];
            blank(&mut buffer, 0, std::slice::from_ref(&(offset..offset + 1)));
            assert_eq!(buffer[usize::try_from(offset).unwrap()], 0);
        }
        let last = layout(File::open(&exe).unwrap()).unwrap().segments.pop().unwrap();
        for offset in [0x08, last.file.start, last.file.end - 1] {
            assert!(!changed(usize::try_from(offset).unwrap()), "{offset:#x}");
        }
    }

    #[test]
    fn other_files_have_no_segments() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        fs::write(&text, "text").unwrap();
        assert!(are_equal(&text, &text).is_err());
    }
}
