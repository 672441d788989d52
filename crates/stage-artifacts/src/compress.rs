// SPDX-License-Identifier: Apache-2.0
//! Compressing in parallel, to bytes that do not depend on the number of threads: the input is cut
//! into blocks of a fixed size, whoever compresses them.

mod gzip;
mod xz;
mod zstandard;

pub use gzip::Gzip;
pub use xz::{Xz, XzLevel};
pub use zstandard::Zstandard;

use std::fs::File;
use std::io::{self, BufWriter, Write};

/// A compressor that ends its output properly.
pub trait Compressor: Write + Sized {
    /// Begins to write to a file.
    fn begin(file: File) -> io::Result<Self>;

    /// Writes what is left; gives the file back.
    fn finish(self) -> io::Result<File>;
}

/// How many threads one compressor uses.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(16)
}

fn file_of(writer: BufWriter<File>) -> io::Result<File> {
    writer.into_inner().map_err(io::IntoInnerError::into_error)
}
