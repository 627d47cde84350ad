//! What does not fit into memory: traces wait in a temporary file until all of the input is read, and are judged in
//! parts that fit; their hops wait, sorted, in another.
//!
//! While the input is small nothing touches the disk. Beyond that, spans and logs go to shelves by a keyed hash of their
//! trace's id, so that traces come back whole however far apart their spans lay in the input. A shelf that is larger
//! than a part is split again. Traces that others link to are copied to where those are judged.

mod blocks;
mod guests;
mod pack;
mod part;
mod shared;
mod shelf;
mod sort;
mod spool;

use std::io;
use std::path::{Path, PathBuf};

pub use sort::{Sorted, TraceWalk};
pub use spool::{Kept, Spool};

/// How much of what may be held, in bytes where nothing else is said.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// Held before the disk is used.
    pub keep: usize,
    /// Held by a part while it is judged, for each thread.
    pub load: usize,
    /// Held by a part whose traces cannot be told apart any further; what is beyond is lost and counted.
    pub most: usize,
    /// Spans of one trace; what is beyond is lost and counted.
    pub per_trace: usize,
    /// Shelves to begin with, a number.
    pub shelves: usize,
    /// A block before it is compressed.
    pub block: usize,
    /// Sorted runs of hops that are merged at once, a number.
    pub fan_in: usize,
    /// Tokens of which facts are kept, a number.
    pub tokens: usize,
    /// Threads that judge, a number.
    pub threads: usize,
    /// Where temporary files go.
    pub folder: PathBuf,
}

impl SpoolOptions {
    /// Shares out so many bytes of memory. A byte that is counted as held takes about one and a half, and the rest is for
    /// decoding, blocks, and what the allocator keeps.
    pub fn within(memory: usize) -> Self {
        let memory = memory.saturating_sub(BARE).max(memory / 4);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
        let block = (memory / 4_096).clamp(8 * KIB, 64 * KIB);
        Self {
            keep: memory / 4,
            load: memory / 4 / threads,
            most: memory / 4,
            per_trace: memory / 8,
            shelves: 128,
            block,
            fan_in: (memory / 8 / (4 * block)).clamp(4, 256),
            tokens: (memory / 16 / PER_TOKEN).max(1_000),
            threads,
            folder: std::env::temp_dir(),
        }
    }
}

const KIB: usize = 1_024;

/// Bytes that the process takes before it holds a trace.
const BARE: usize = 16 * KIB * KIB;

/// Bytes that the facts about one token take.
const PER_TOKEN: usize = 512;

/// Why traces could not be kept on disk.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full, or the folder cannot be written to.
    #[error(
        "expected room in {} for traces that do not fit into memory, found: {source}: set TMPDIR to a folder with room, or raise --memory",
        folder.display()
    )]
    Disk {
        /// Where the temporary file is.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record did not come back as it was written.
    #[error("expected the traces that were kept on disk, found a record that cannot be read: {0}: check the disk")]
    Record(#[from] postcard::Error),
    /// A thread could not be started.
    #[error("cannot start a thread to judge with: {0}")]
    Thread(io::Error),
}

impl From<SpoolError> for io::Error {
    fn from(error: SpoolError) -> Self {
        Self::other(error)
    }
}

impl SpoolError {
    fn io(folder: &Path, source: io::Error) -> Self {
        Self::Disk { folder: folder.to_owned(), source }
    }

    fn record(error: postcard::Error) -> Self {
        Self::Record(error)
    }

    fn torn() -> Self {
        Self::Record(postcard::Error::DeserializeUnexpectedEnd)
    }
}
