//! Requests in memory: bounded one by one and together, and overwritten when done with.
//!
//! A request may hold raw tokens, so its bytes must not stay behind in freed memory (tagging.md section 5). What the
//! transport's own buffers held is beyond this module.

use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The smallest room a buffer takes.
const FIRST_ROOM: usize = 16 << 10;

/// Wiped buffers that wait for the next request: fresh memory has to be cleared by the system, page by page.
const SPARE: usize = 8;

/// The largest buffer that waits.
const SPARE_BYTES: usize = 1 << 20;

/// Bytes of requests that may be in memory at the same time, shared by every receiver.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    used: AtomicUsize,
    limit: usize,
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared { used: AtomicUsize::new(0), limit, spare: Mutex::default() }))
    }

    /// Bytes taken of it now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.0.limit)
        });
        taken.is_ok()
    }

    /// What a vector turned out to be larger than what was taken: never more than [`SPARE_BYTES`].
    fn add(&self, bytes: usize) {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// An empty vector with this much room, one that waited if there is any.
    fn room(&self, bytes: usize) -> Vec<u8> {
        if (FIRST_ROOM + 1..=SPARE_BYTES).contains(&bytes) {
            let mut spare = self.0.spare.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(fits) = spare.iter().position(|spare| spare.capacity() >= bytes) {
                return spare.swap_remove(fits);
            }
        }
        Vec::with_capacity(bytes)
    }

    /// Takes back an empty vector that was wiped.
    fn keep(&self, wiped: Vec<u8>) {
        if (FIRST_ROOM + 1..=SPARE_BYTES).contains(&wiped.capacity()) {
            let mut spare = self.0.spare.lock().unwrap_or_else(PoisonError::into_inner);
            if spare.len() == SPARE {
                // The larger ones fit more requests; the smaller one is dropped.
                if let Some(small) = spare.iter_mut().find(|small| small.capacity() < wiped.capacity()) {
                    *small = wiped;
                }
            } else {
                spare.push(wiped);
            }
        }
    }
}

/// Why a buffer takes no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Overflow {
    /// This request is larger than one may be.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// Bytes that one request may have.
        limit: usize,
    },
    /// All requests together are.
    #[error("too many bytes of requests in flight")]
    Busy,
}

/// The bytes of one request.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    limit: usize,
    budget: Budget,
}

impl Buffer {
    /// An empty buffer that takes at most `limit` bytes, and those out of `budget`.
    pub fn new(budget: &Budget, limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, budget: budget.clone() }
    }

    /// Makes room for what a length prefix announced, so that growing need not copy. A stranger's word: what is taken
    /// ahead stays small.
    pub fn expect(&mut self, bytes: usize) -> Result<(), Overflow> {
        if bytes > self.limit {
            return Err(Overflow::TooLarge { limit: self.limit });
        }
        self.grow(bytes.min(1 << 20))
    }

    /// Adds bytes at the end.
    pub fn extend(&mut self, chunk: &[u8]) -> Result<(), Overflow> {
        let length = self.bytes.len() + chunk.len();
        if length > self.limit {
            return Err(Overflow::TooLarge { limit: self.limit });
        }
        if length > self.bytes.capacity() {
            self.grow(length.max(self.bytes.capacity() * 2).min(self.limit))?;
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Empties it for the next record, keeping its room.
    pub fn clear(&mut self) {
        wipe(&mut self.bytes);
        self.bytes.clear();
    }

    /// Drops what stands behind so many bytes.
    pub fn truncate(&mut self, length: usize) {
        if let Some(tail) = self.bytes.get_mut(length..) {
            wipe(tail);
        }
        self.bytes.truncate(length);
    }

    /// Moves to a larger vector by hand: one that grows by itself leaves an unwiped copy behind.
    fn grow(&mut self, room: usize) -> Result<(), Overflow> {
        let room = room.max(FIRST_ROOM.min(self.limit));
        let before = self.bytes.capacity();
        if room <= before {
            return Ok(());
        }
        // Both are there while one is copied into the other, so both count. Taken first: memory that is refused is not even
        // asked for.
        if !self.budget.take(room) {
            return Err(Overflow::Busy);
        }
        let mut grown = self.budget.room(room);
        self.budget.add(grown.capacity() - room);
        grown.extend_from_slice(&self.bytes);
        wipe(&mut self.bytes);
        self.bytes = grown;
        self.budget.give_back(before);
        Ok(())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl io::Write for Buffer {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        self.extend(chunk).map_err(io::Error::other)?;
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
        self.budget.give_back(self.bytes.capacity());
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.budget.keep(bytes);
    }
}

/// Overwrites with zeros, as one `memset`; the black box keeps the compiler from seeing that nobody reads them.
pub(super) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}
