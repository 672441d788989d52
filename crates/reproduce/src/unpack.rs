// SPDX-License-Identifier: Apache-2.0
//! What is in an archive: entries with their content, and what else there is about each.

use flate2::read::GzDecoder;
use std::io::{self, Read};

/// The most that is unpacked of one archive.
const MOST: u64 = 4 << 30;

/// Something in an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub name: String,
    /// Mode, owner, time and the like, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// Its bytes, unpacked.
    pub content: Vec<u8>,
}

/// The entries of an archive, or the content of something compressed; `None` if it is neither.
pub fn entries(bytes: &[u8]) -> io::Result<Option<Vec<Entry>>> {
    Ok(Some(match bytes {
        [0x1f, 0x8b, ..] => vec![gzip(bytes)?],
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => vec![plain("xz", liblzma::read::XzDecoder::new(bytes))?],
        [0x28, 0xb5, 0x2f, 0xfd, ..] => vec![plain("zstd", zstd::Decoder::new(bytes)?)?],
        _ if bytes.starts_with(b"!<arch>\n") => ar(bytes)?,
        _ if bytes.get(257..262) == Some(b"ustar") => tar(bytes)?,
        _ => return Ok(None),
    }))
}

fn plain(name: &str, reader: impl Read) -> io::Result<Entry> {
    let mut content = Vec::new();
    reader.take(MOST).read_to_end(&mut content)?;
    Ok(Entry { name: format!("({name})"), facts: Vec::new(), content })
}

fn gzip(bytes: &[u8]) -> io::Result<Entry> {
    let decoder = GzDecoder::new(bytes);
    let facts = decoder.header().map(|header| {
        let name = header.filename().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        vec![("time in its header", header.mtime().to_string()), ("name in its header", name)]
    });
    Ok(Entry { facts: facts.unwrap_or_default(), ..plain("gzip", decoder)? })
}

fn ar(bytes: &[u8]) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = bytes.get(8..).unwrap_or_default();
    while !rest.is_empty() {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a member of an ar archive is cut off");
        let header = rest.get(..60).ok_or_else(invalid)?;
        let field = |range: std::ops::Range<usize>| {
            header.get(range).map(|text| String::from_utf8_lossy(text).trim().to_owned()).unwrap_or_default()
        };
        let size: usize = field(48..58).parse().map_err(|_| invalid())?;
        let content = rest.get(60..60 + size).ok_or_else(invalid)?.to_vec();
        let facts = vec![
            ("time", field(16..28)),
            ("owner", format!("{}:{}", field(28..34), field(34..40))),
            ("mode", field(40..48)),
        ];
        entries.push(Entry { name: field(0..16).trim_end_matches('/').to_owned(), facts, content });
        rest = rest.get(60 + size + size % 2..).unwrap_or_default();
    }
    Ok(entries)
}

fn tar(bytes: &[u8]) -> io::Result<Vec<Entry>> {
    let mut archive = tar::Archive::new(bytes);
    let mut entries = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let header = entry.header();
        let facts = vec![
            ("type", format!("{:?}", header.entry_type())),
            ("mode", format!("{:o}", header.mode()?)),
            (
                "owner",
                format!(
                    "{}:{} {}:{}",
                    header.uid()?,
                    header.gid()?,
                    header.username().ok().flatten().unwrap_or_default(),
                    header.groupname().ok().flatten().unwrap_or_default()
                ),
            ),
            ("time", header.mtime()?.to_string()),
            ("target", entry.link_name()?.map(|link| link.display().to_string()).unwrap_or_default()),
        ];
        let name = entry.path()?.display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        entries.push(Entry { name, facts, content });
    }
    Ok(entries)
}
