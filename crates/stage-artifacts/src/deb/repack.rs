// SPDX-License-Identifier: Apache-2.0
//! Compresses what dpkg-deb has put together.
//!
//! dpkg-deb makes the archives, and checks the control files; it can compress them as well, but
//! cuts the input into blocks that are too large to keep every processor busy. So it leaves them
//! as they are, and they are compressed here. A package is an `ar` archive of two of them.

use crate::compress::{Compressor, Xz, XzLevel};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// Where the size is in a member's header.
const SIZE: std::ops::Range<usize> = 48..58;

/// Rewrites a package whose members are not compressed; `to` is a new file.
pub fn compress(from: &Path, mut to: File, level: XzLevel) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut magic = [0; MAGIC.len()];
    from.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(invalid("it is not an ar archive"));
    }
    to.write_all(MAGIC)?;
    while let Some(member) = Member::read(&mut from)? {
        let mut content = (&mut from).take(member.size);
        to = member.write(&mut content, to, level)?;
        if member.size % 2 == 1 {
            from.seek(SeekFrom::Current(1))?;
        }
    }
    to.sync_all()
}

struct Member {
    header: [u8; HEADER],
    size: u64,
}

impl Member {
    /// The next member; `None` at the end.
    fn read(from: &mut File) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER];
        match from.read(&mut header)? {
            0 => return Ok(None),
            count => from.read_exact(header.get_mut(count..).unwrap_or_default())?,
        }
        let size = header.get(SIZE).and_then(|digits| std::str::from_utf8(digits).ok()?.trim().parse().ok());
        Ok(Some(Self { header, size: size.ok_or_else(|| invalid("a member has no size"))? }))
    }

    fn name(&self) -> String {
        let name = self.header.get(..16).unwrap_or_default();
        String::from_utf8_lossy(name).trim_end().trim_end_matches('/').to_owned()
    }

    /// Writes the member, compressed if it is an archive, with its new header.
    fn write(&self, content: &mut impl Read, mut to: File, level: XzLevel) -> io::Result<File> {
        let start = to.stream_position()?;
        to.write_all(&self.header)?;
        let name = self.name();
        let is_archive = Path::new(&name).extension().is_some_and(|extension| extension == "tar");
        if is_archive {
            let mut xz = Xz::with_level(to, level)?;
            io::copy(content, &mut xz)?;
            to = xz.finish()?;
        } else {
            io::copy(content, &mut to)?;
        }
        let end = to.stream_position()?;
        let size = end - start - HEADER as u64;
        let name = if is_archive { format!("{name}.xz") } else { name };
        let rest = self.header.get(16..SIZE.start).unwrap_or_default();
        to.seek(SeekFrom::Start(start))?;
        to.write_all(format!("{name:<16}").as_bytes())?;
        to.write_all(rest)?;
        to.write_all(format!("{size:<10}").as_bytes())?;
        to.seek(SeekFrom::Start(end))?;
        if size % 2 == 1 {
            to.write_all(b"\n")?;
        }
        Ok(to)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the package of dpkg-deb cannot be read: {what}"))
}
