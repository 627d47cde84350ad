//! Judged traces in sorted runs on disk, merged into the report's order whenever they are asked for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::SpoolError;
use super::blocks::{Blocks, Extent, Press};
use super::pack::{Closed, Open, TraceHops};
use super::shared::Sharing;
use crate::model::{Hop, TraceId, UnixNanos};

/// What takes one trace after the other.
pub type TraceWalk<'w, E> = dyn FnMut(TraceId, Vec<Hop>) -> Result<(), E> + 'w;

/// A run being written: traces come in the report's order.
pub struct Run<'b> {
    blocks: &'b Blocks,
    press: Press,
    raw: Vec<u8>,
    open: Open,
    block: usize,
    extents: Vec<Extent>,
}

impl<'b> Run<'b> {
    /// An empty one.
    pub fn new(blocks: &'b Blocks, block: usize) -> Result<Self, SpoolError> {
        let press = Press::new().map_err(SpoolError::Thread)?;
        Ok(Self { blocks, press, raw: Vec::new(), open: Open::new(), block, extents: Vec::new() })
    }

    /// Adds a trace.
    pub fn push(&mut self, start: UnixNanos, trace: TraceId, hops: Vec<Hop>) -> Result<(), SpoolError> {
        self.open.hops(start, trace, hops)?;
        if self.open.bytes() >= self.block { self.seal() } else { Ok(()) }
    }

    fn seal(&mut self) -> Result<(), SpoolError> {
        if self.open.seal(&mut self.raw) {
            self.extents.push(self.press.add(self.blocks, &self.raw)?);
        }
        Ok(())
    }

    /// Ends this run and begins another.
    pub fn end(&mut self) -> Result<Vec<Extent>, SpoolError> {
        self.seal()?;
        Ok(std::mem::take(&mut self.extents))
    }
}

/// All judged traces.
pub struct Sorted {
    blocks: Blocks,
    runs: Vec<Vec<Extent>>,
}

impl Sorted {
    /// Merges runs until at most `fan_in` are left.
    pub fn new(blocks: Blocks, mut runs: Vec<Vec<Extent>>, fan_in: usize, block: usize) -> Result<Self, SpoolError> {
        let fan_in = fan_in.max(2);
        while runs.len() > fan_in {
            let mut fewer = Vec::new();
            for some in runs.chunks(fan_in) {
                let mut run = Run::new(&blocks, block)?;
                merge(&blocks, some, &mut |trace| run.push(trace.start, trace.trace, trace.hops))?;
                fewer.push(run.end()?);
            }
            runs = fewer;
        }
        Ok(Self { blocks, runs })
    }

    /// Bytes on disk.
    pub fn written(&self) -> u64 {
        self.blocks.written()
    }

    /// Calls `each` with every trace, by start, then id, and its hops in the report's order. Stops at the first error.
    pub fn walk<E: From<SpoolError>>(&self, each: &mut TraceWalk<'_, E>) -> Result<(), E> {
        merge(&self.blocks, &self.runs, &mut |trace| each(trace.trace, trace.hops))
    }
}

/// One run while it is read.
struct Cursor<'r> {
    extents: std::slice::Iter<'r, Extent>,
    raw: Vec<u8>,
    block: Option<Closed>,
}

impl Cursor<'_> {
    fn next(
        &mut self,
        blocks: &Blocks,
        press: &mut Press,
        sharing: &mut Sharing,
    ) -> Result<Option<TraceHops>, SpoolError> {
        loop {
            if let Some(block) = &mut self.block
                && let Some(trace) = block.hops(&self.raw)?
            {
                return Ok(Some(trace));
            }
            let Some(&extent) = self.extents.next() else { return Ok(None) };
            press.read(blocks, extent, &mut self.raw)?;
            self.block = Some(Closed::new(&self.raw, sharing)?);
        }
    }
}

fn merge<E: From<SpoolError>>(
    blocks: &Blocks,
    runs: &[Vec<Extent>],
    each: &mut dyn FnMut(TraceHops) -> Result<(), E>,
) -> Result<(), E> {
    let mut press = Press::new().map_err(SpoolError::Thread)?;
    let mut sharing = Sharing::new();
    let mut cursors: Vec<Cursor<'_>> =
        runs.iter().map(|run| Cursor { extents: run.iter(), raw: Vec::new(), block: None }).collect();
    let mut heads: Vec<Option<TraceHops>> = Vec::with_capacity(cursors.len());
    let mut order = BinaryHeap::with_capacity(cursors.len());
    for (at, cursor) in cursors.iter_mut().enumerate() {
        let head = cursor.next(blocks, &mut press, &mut sharing)?;
        order.extend(head.iter().map(|head| Reverse((head.start, head.trace, at))));
        heads.push(head);
    }
    while let Some(Reverse((_, _, at))) = order.pop() {
        let (Some(cursor), Some(head)) = (cursors.get_mut(at), heads.get_mut(at)) else { break };
        let next = cursor.next(blocks, &mut press, &mut sharing)?;
        order.extend(next.iter().map(|next| Reverse((next.start, next.trace, at))));
        if let Some(trace) = std::mem::replace(head, next) {
            each(trace)?;
        }
    }
    Ok(())
}
