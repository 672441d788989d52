// SPDX-License-Identifier: Apache-2.0
//! xz, with liblzma's own threads.

use super::{Compressor, file_of, threads};
use liblzma::stream::{Check, MtStreamBuilder};
use liblzma::write::XzEncoder;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Smaller blocks fit the processor's caches and keep every thread busy; larger ones save a few
/// percent of space.
const BLOCK: u64 = 2 * 1024 * 1024;

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XzLevel {
    /// What xz and dpkg-deb do if nobody asks: 6.
    Default,
    /// For what few people fetch, such as debug symbols: 1.
    Fast,
}

/// An xz stream.
pub struct Xz(XzEncoder<BufWriter<File>>);

impl Xz {
    /// Begins a stream at the file's position.
    pub fn with_level(file: File, level: XzLevel) -> io::Result<Self> {
        let preset = match level {
            XzLevel::Default => 6,
            XzLevel::Fast => 1,
        };
        // Always the encoder for threads, even for one: it alone writes blocks with their sizes.
        let threads = u32::try_from(threads()).unwrap_or(1);
        let stream =
            MtStreamBuilder::new().threads(threads).preset(preset).block_size(BLOCK).check(Check::Crc64).encoder()?;
        Ok(Self(XzEncoder::new_stream(BufWriter::new(file), stream)))
    }
}

impl Compressor for Xz {
    fn begin(file: File) -> io::Result<Self> {
        Self::with_level(file, XzLevel::Default)
    }

    fn finish(self) -> io::Result<File> {
        file_of(self.0.finish()?)
    }
}

impl Write for Xz {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A flush would end a block, wherever it comes.
        Ok(())
    }
}
