//! How far reading has come.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read of files so far, as they lie on the disk: packed ones count packed. Shared with whoever draws it.
#[derive(Debug, Default)]
pub struct Progress {
    read: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes read so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes that there are, `None` where nobody knows: standard input.
    pub fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Adds a file of so many bytes.
    pub fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A reader that is counted.
pub(super) struct Counted<'a, R> {
    from: R,
    progress: &'a Progress,
}

impl<'a, R> Counted<'a, R> {
    pub(super) fn new(from: R, progress: &'a Progress) -> Self {
        Self { from, progress }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.progress.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
