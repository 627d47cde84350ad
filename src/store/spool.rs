//! Takes the input in, in memory as long as it fits, and judges all of it at the end.

use std::sync::Arc;

use super::blocks::Blocks;
use super::guests;
use super::part::Passes;
use super::shelf::{Desk, Shelves};
use super::sort::Sorted;
use super::{SpoolError, SpoolOptions};
use crate::model::{Batch, UnixNanos};
use crate::trail::{SavedProfile, Trail};

/// Passes at most: facts feed each other, but not for long.
const PASSES: usize = 8;

/// An input of any size.
pub struct Spool {
    trail: Trail,
    options: SpoolOptions,
    disk: Option<Disk>,
}

struct Disk {
    blocks: Arc<Blocks>,
    desk: Desk,
    shelves: Shelves,
}

/// What was judged: sums in memory, and hops in memory or on disk.
pub struct Kept {
    /// Sums and counters; the traces too, where they fitted.
    pub trail: Trail,
    /// The hops, where they did not.
    pub sorted: Option<Sorted>,
    /// Bytes that went to disk.
    pub written: u64,
    /// Passes over what lay there, a number.
    pub passes: usize,
    /// Whether the last pass found what the one before had found: else a verdict may differ from what it would be in
    /// memory.
    pub agreed: bool,
}

impl Spool {
    /// One over an empty trail.
    pub fn new(trail: Trail, options: SpoolOptions) -> Self {
        Self { trail, options, disk: None }
    }

    /// Takes what was read. True at the moment from which on traces are kept on disk.
    pub fn take(&mut self, batch: Batch) -> Result<bool, SpoolError> {
        if let Some(disk) = &mut self.disk {
            self.trail.learn(&batch);
            disk.take(batch)?;
            return Ok(false);
        }
        // Nothing here knows the clock: no trace settles before the last file is read.
        self.trail.ingest(batch, UnixNanos::default());
        if self.trail.held_bytes() <= self.options.keep {
            return Ok(false);
        }
        let disk = self.disk.insert(Disk::new(&self.options)?);
        for (spans, logs) in self.trail.give_up(self.options.tokens) {
            disk.take(Batch { spans, logs, ..Batch::default() })?;
        }
        Ok(true)
    }

    /// Knows what a profile that was written beside spans knows.
    pub fn restore_profile(&mut self, saved: &SavedProfile) {
        self.trail.restore_profile(saved);
    }

    /// Spans taken, duplicates included.
    pub fn spans(&self) -> u64 {
        self.trail.stats().spans
    }

    /// Judges everything as settled.
    pub fn finish(self) -> Result<Kept, SpoolError> {
        let Self { mut trail, options, disk } = self;
        let Some(Disk { blocks, mut desk, mut shelves }) = disk else {
            trail.settle_all();
            return Ok(Kept { trail, sorted: None, written: 0, passes: 0, agreed: true });
        };
        shelves.close(options.load, &mut desk)?;
        let mut writing = Desk::new(&blocks, options.block / 2)?;
        let guests = guests::invite(&shelves, &mut desk, &mut writing)?;
        drop((desk, writing));
        let passes = Passes::new(&options, &blocks, &shelves, &guests);
        let (taught, _) = passes.run(&trail, None)?;
        trail.absorb(taught);
        let mut pass = 1;
        let mut agreed = false;
        let sorted = loop {
            pass += 1;
            let out = Blocks::create(&options.folder)?;
            let (judged, runs) = passes.run(&trail, Some(&out))?;
            agreed |= trail.absorb(judged);
            if agreed || pass == PASSES {
                break Sorted::new(out, runs, options.fan_in, options.block)?;
            }
        };
        sorted.walk(&mut |trace, hops| {
            for hop in hops {
                trail.count(trace, hop);
            }
            Ok::<(), SpoolError>(())
        })?;
        let written = blocks.written() + sorted.written();
        Ok(Kept { trail, sorted: Some(sorted), written, passes: pass, agreed })
    }
}

impl Disk {
    fn new(options: &SpoolOptions) -> Result<Self, SpoolError> {
        let blocks = Arc::new(Blocks::create(&options.folder)?);
        let desk = Desk::new(&blocks, options.block)?;
        Ok(Self { blocks, desk, shelves: Shelves::new(options.shelves) })
    }

    fn take(&mut self, batch: Batch) -> Result<(), SpoolError> {
        for span in batch.spans {
            self.shelves.span(span, &mut self.desk)?;
        }
        for record in batch.logs {
            self.shelves.log(record, &mut self.desk)?;
        }
        Ok(())
    }
}
