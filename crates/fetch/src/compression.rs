// SPDX-License-Identifier: Apache-2.0
//! Which archives can be unpacked, and how they are read.

use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use std::fs::File;
use std::io::{self, BufReader, Read};

/// Memory that one archive may ask for: our own need 8 MiB.
const MEMORY: u64 = 64 * 1024 * 1024;
/// The same as the logarithm of zstd's window.
const WINDOW: u32 = 26;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `.tar.gz`
    Gzip,
    /// `.tar.xz`
    Xz,
    /// `.tar.zst`
    Zstandard,
}

impl Compression {
    /// Every ending that can be unpacked.
    pub const ENDINGS: [(&str, Self); 4] =
        [(".tar.gz", Self::Gzip), (".tgz", Self::Gzip), (".tar.xz", Self::Xz), (".tar.zst", Self::Zstandard)];

    /// That of a file with this name; `None` if it is not an archive that can be unpacked.
    pub fn of(name: &str) -> Option<Self> {
        Self::ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, compression)| *compression)
    }

    /// The content of such a file.
    pub fn open(self, file: File) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(file))),
            Self::Xz => Box::new(XzDecoder::new_stream(file, Stream::new_stream_decoder(MEMORY, CONCATENATED)?)),
            Self::Zstandard => {
                let mut decoder = zstd::Decoder::new(file)?;
                decoder.window_log_max(WINDOW)?;
                Box::new(decoder)
            }
        })
    }
}
