// SPDX-License-Identifier: Apache-2.0
//! Memory for parts of files that is used again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Memory for parts. Given back to the system and asked for anew, by threads that take turns, it
/// would grow far beyond what is in use, and every page of it would have to be made anew.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// Less is not kept: there are many sizes of it.
    const KEPT: usize = 8 * 1024 * 1024;

    /// An empty buffer with room for a part.
    pub fn lend(&self, size: usize) -> Buffer {
        let mut idle = self.idle();
        let known = idle.iter().position(|bytes| bytes.capacity() == size).map(|index| idle.swap_remove(index));
        Buffer { bytes: known.unwrap_or_else(|| Vec::with_capacity(size)), home: self.clone() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part's bytes, in memory that goes back.
pub(crate) struct Buffer {
    /// The bytes.
    pub bytes: Vec<u8>,
    home: Buffers,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() >= Buffers::KEPT {
            bytes.clear();
            self.home.idle().push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_buffers_come_back_and_empty() {
        let buffers = Buffers::default();
        let mut places = Vec::new();
        for _ in 0..2 {
            for size in [Buffers::KEPT, 2 * Buffers::KEPT, 10] {
                let mut buffer = buffers.lend(size);
                assert!(buffer.as_ref().is_empty() && buffer.bytes.capacity() == size);
                buffer.bytes.push(1);
                places.push(buffer.bytes.as_ptr());
            }
        }
        assert_eq!(places[..2], places[3..5]);
        assert_eq!(buffers.idle().len(), 2);
    }
}
