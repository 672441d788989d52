// SPDX-License-Identifier: Apache-2.0
//! gzip in blocks that are compressed side by side, as `pigz` does it: one member, whose deflate
//! stream is put together from blocks that each know the end of the one before.

use super::{Compressor, file_of, threads};
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

const BLOCK: usize = 256 * 1024;
/// How far back deflate can refer.
const WINDOW: usize = 32 * 1024;
/// Magic, deflate, no flags, no time, no extra flags, unix.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// A gzip member without name and time.
pub struct Gzip {
    output: BufWriter<File>,
    pending: Vec<u8>,
    /// The block before the pending one.
    before: Arc<Vec<u8>>,
    crc: Crc,
    jobs: SyncSender<Job>,
    /// What the threads are working on, in the order of the input.
    results: VecDeque<Receiver<io::Result<Compressed>>>,
    ahead: usize,
}

struct Job {
    before: Arc<Vec<u8>>,
    block: Arc<Vec<u8>>,
    is_last: bool,
    result: SyncSender<io::Result<Compressed>>,
}

struct Compressed {
    bytes: Vec<u8>,
    crc: Crc,
}

impl Compressor for Gzip {
    fn begin(file: File) -> io::Result<Self> {
        let mut output = BufWriter::new(file);
        output.write_all(&HEADER)?;
        let count = threads();
        let (jobs, queue) = sync_channel(count);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("gzip".to_owned()).spawn(move || work(&queue))?;
        }
        let (pending, before) = (Vec::with_capacity(BLOCK), Arc::default());
        Ok(Self { output, pending, before, crc: Crc::new(), jobs, results: VecDeque::new(), ahead: 2 * count })
    }

    fn finish(mut self) -> io::Result<File> {
        self.send(true)?;
        while !self.results.is_empty() {
            self.take()?;
        }
        self.output.write_all(&self.crc.sum().to_le_bytes())?;
        self.output.write_all(&self.crc.amount().to_le_bytes())?;
        file_of(self.output)
    }
}

impl Gzip {
    fn send(&mut self, is_last: bool) -> io::Result<()> {
        if self.results.len() >= self.ahead {
            self.take()?;
        }
        let block = Arc::new(std::mem::replace(&mut self.pending, Vec::with_capacity(BLOCK)));
        let before = std::mem::replace(&mut self.before, Arc::clone(&block));
        let (result, receiver) = sync_channel(1);
        self.jobs.send(Job { before, block, is_last, result }).map_err(|_| stopped())?;
        self.results.push_back(receiver);
        Ok(())
    }

    fn take(&mut self) -> io::Result<()> {
        let Some(result) = self.results.pop_front() else { return Ok(()) };
        let compressed = result.recv().map_err(|_| stopped())??;
        self.crc.combine(&compressed.crc);
        self.output.write_all(&compressed.bytes)
    }
}

fn stopped() -> io::Error {
    io::Error::other("a compressing thread stopped")
}

impl Write for Gzip {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() == BLOCK {
            self.send(false)?;
        }
        let room = BLOCK - self.pending.len();
        let part = bytes.get(..room).unwrap_or(bytes);
        self.pending.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compresses until there are no more jobs.
fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // Whoever does not wait any more has failed elsewhere, and says so.
        let _ = job.result.send(compress(&job));
    }
}

fn compress(job: &Job) -> io::Result<Compressed> {
    let mut crc = Crc::new();
    crc.update(&job.block);
    let mut deflate = Compress::new(Compression::default(), false);
    let dictionary = job.before.get(job.before.len().saturating_sub(WINDOW)..).unwrap_or_default();
    if !dictionary.is_empty() {
        deflate.set_dictionary(dictionary)?;
    }
    // A block that is not the last ends at a byte, so that the next can follow.
    let flush = if job.is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut bytes = Vec::with_capacity(job.block.len() / 2 + 64);
    loop {
        let rest = usize::try_from(deflate.total_in()).ok().and_then(|done| job.block.get(done..)).unwrap_or_default();
        let status = deflate.compress_vec(rest, &mut bytes, flush)?;
        let is_over = match status {
            Status::StreamEnd => true,
            // Room that is left over says that everything is out.
            Status::Ok | Status::BufError => !job.is_last && bytes.len() < bytes.capacity(),
        };
        if is_over {
            return Ok(Compressed { bytes, crc });
        }
        bytes.reserve(BLOCK / 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::{Read, Seek};

    /// Text that repeats over long distances.
    fn text(size: usize) -> Vec<u8> {
        (0..size).map(|at| u8::try_from((at * at / 7 + at / 300) % 251).unwrap()).collect()
    }

    fn round_trip(content: &[u8], piece: usize) -> Vec<u8> {
        let file = tempfile::tempfile().unwrap();
        let mut gzip = Gzip::begin(file).unwrap();
        for part in content.chunks(piece) {
            gzip.write_all(part).unwrap();
        }
        let mut file = gzip.finish().unwrap();
        file.rewind().unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let mut back = Vec::new();
        GzDecoder::new(&bytes[..]).read_to_end(&mut back).unwrap();
        assert!(back == content, "{} bytes in pieces of {piece}", content.len());
        bytes
    }

    #[test]
    fn any_size_comes_back_and_pieces_do_not_matter() {
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 77] {
            let content = text(size);
            let bytes = round_trip(&content, 1_000);
            assert!(bytes == round_trip(&content, 70_000), "{size}");
            assert!(bytes == round_trip(&content, BLOCK * 3), "{size}");
        }
    }

    #[test]
    fn what_cannot_be_compressed_comes_back() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let content: Vec<u8> = (0..100_000).flat_map(next).collect();
        assert!(round_trip(&content, 4096).len() < content.len() + content.len() / 1000 + 100);
    }

    #[test]
    fn blocks_know_what_came_before() {
        let content = text(WINDOW / 2).repeat(80);
        assert!(round_trip(&content, 4096).len() < content.len() / 30);
    }
}
