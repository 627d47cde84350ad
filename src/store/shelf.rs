//! Shelves: records of some of the traces each, in blocks of one file, and which trace lies where.

use std::sync::Arc;

use ahash::RandomState;

use super::SpoolError;
use super::blocks::{Blocks, Extent, Press};
use super::pack::{Closed, LinkFrom, Open, Record};
use super::shared::Sharing;
use crate::model::{Arrived, LogRecord, TraceId};
use crate::trail::parts::{cost_of_log, cost_of_span};

/// Writes blocks, and reads them.
pub struct Desk {
    blocks: Arc<Blocks>,
    press: Press,
    raw: Vec<u8>,
    block: usize,
    sharing: Sharing,
}

impl Desk {
    /// One that seals blocks of so many bytes.
    pub fn new(blocks: &Arc<Blocks>, block: usize) -> Result<Self, SpoolError> {
        let press = Press::new().map_err(SpoolError::Thread)?;
        let blocks = Arc::clone(blocks);
        Ok(Self { blocks, press, raw: Vec::new(), block, sharing: Sharing::new() })
    }

    /// Writes a block out once it is full, or whatever it holds if `all`.
    pub fn seal(&mut self, open: &mut Open, extents: &mut Vec<Extent>, all: bool) -> Result<(), SpoolError> {
        if (all || open.bytes() >= self.block) && open.seal(&mut self.raw) {
            extents.push(self.press.add(&self.blocks, &self.raw)?);
        }
        Ok(())
    }

    /// Reads records in the order in which they were written.
    pub fn read(
        &mut self,
        extents: &[Extent],
        each: &mut dyn FnMut(Record) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut raw = Vec::new();
        for &extent in extents {
            self.press.read(&self.blocks, extent, &mut raw)?;
            let mut closed = Closed::new(&raw, &mut self.sharing)?;
            while let Some(record) = closed.record(&raw, &mut self.sharing)? {
                each(record)?;
            }
        }
        Ok(())
    }
}

/// Records of some of the traces.
pub struct Shelf {
    open: Open,
    /// Blocks written.
    pub extents: Vec<Extent>,
    /// Bytes that they will take in memory.
    pub cost: usize,
    /// Links that lead here, a number.
    pub links: u64,
    /// The first trace on it, and whether there are others.
    first: Option<TraceId>,
    mixed: bool,
    /// How often it was split off.
    depth: usize,
}

impl Shelf {
    fn new(depth: usize) -> Self {
        Self { open: Open::new(), extents: Vec::new(), cost: 0, links: 0, first: None, mixed: false, depth }
    }

    fn note(&mut self, trace: TraceId, cost: usize) {
        self.cost += cost;
        self.mixed |= *self.first.get_or_insert(trace) != trace;
    }

    fn span(&mut self, span: Arrived, desk: &mut Desk) -> Result<(), SpoolError> {
        self.note(span.trace_id, cost_of_span(&span));
        let before = self.open.shared_bytes();
        self.open.span(span)?;
        self.cost += self.open.shared_bytes() - before;
        desk.seal(&mut self.open, &mut self.extents, false)
    }

    fn log(&mut self, record: LogRecord, desk: &mut Desk) -> Result<(), SpoolError> {
        self.note(record.trace_id, cost_of_log(&record));
        self.open.log(record)?;
        desk.seal(&mut self.open, &mut self.extents, false)
    }

    fn link(&mut self, link: LinkFrom, desk: &mut Desk) -> Result<(), SpoolError> {
        self.note(link.trace, PER_LINK);
        self.links += 1;
        self.open.link(link)?;
        desk.seal(&mut self.open, &mut self.extents, false)
    }
}

/// Bytes that a link from another trace takes.
const PER_LINK: usize = 64;

/// How often a shelf may be split.
const DEPTH: usize = 5;

/// All shelves, as a tree: those that were split lead to others.
pub struct Shelves {
    hashers: Vec<RandomState>,
    roots: Vec<Node>,
    /// Those with records on them.
    pub all: Vec<Shelf>,
}

enum Node {
    Shelf(usize),
    Split(Vec<Node>),
}

impl Shelves {
    /// So many empty ones.
    pub fn new(count: usize) -> Self {
        Self {
            hashers: (0..=DEPTH).map(|_| RandomState::new()).collect(),
            roots: (0..count.max(1)).map(Node::Shelf).collect(),
            all: (0..count.max(1)).map(|_| Shelf::new(0)).collect(),
        }
    }

    /// The shelf of a trace.
    pub fn of(&self, trace: TraceId) -> usize {
        let mut nodes = &self.roots;
        for hasher in &self.hashers {
            let at = (hasher.hash_one(trace) % nodes.len() as u64) as usize;
            match &nodes[at] {
                Node::Shelf(shelf) => return *shelf,
                Node::Split(below) => nodes = below,
            }
        }
        0
    }

    /// Puts a span where its trace lies, and its links where they lead to.
    pub fn span(&mut self, span: Arrived, desk: &mut Desk) -> Result<(), SpoolError> {
        let from = span.trace_id;
        for link in span.own().links.iter().filter(|link| link.trace_id != from) {
            let to = self.of(link.trace_id);
            self.all[to].link(LinkFrom { trace: link.trace_id, span: link.span_id, from }, desk)?;
        }
        let shelf = self.of(from);
        self.all[shelf].span(span, desk)
    }

    /// Puts a log record where its trace lies.
    pub fn log(&mut self, record: LogRecord, desk: &mut Desk) -> Result<(), SpoolError> {
        let shelf = self.of(record.trace_id);
        self.all[shelf].log(record, desk)
    }

    /// Writes out what is still open, then splits what takes more than `most` bytes.
    pub fn close(&mut self, most: usize, desk: &mut Desk) -> Result<(), SpoolError> {
        let mut roots = std::mem::take(&mut self.roots);
        for shelf in &mut self.all {
            desk.seal(&mut shelf.open, &mut shelf.extents, true)?;
        }
        for node in &mut roots {
            self.split(node, most, desk)?;
        }
        self.roots = roots;
        Ok(())
    }

    fn split(&mut self, node: &mut Node, most: usize, desk: &mut Desk) -> Result<(), SpoolError> {
        let Node::Shelf(at) = *node else { return Ok(()) };
        let shelf = &self.all[at];
        if shelf.cost <= most || !shelf.mixed || shelf.depth == DEPTH {
            return Ok(());
        }
        let ways = (shelf.cost / most.max(1) * 3 / 2 + 2).min(WAYS);
        let depth = shelf.depth + 1;
        let mut below: Vec<Shelf> = (0..ways).map(|_| Shelf::new(depth)).collect();
        let extents = std::mem::take(&mut self.all[at].extents);
        let hasher = self.hashers[depth].clone();
        let of = |trace: TraceId| (hasher.hash_one(trace) % ways as u64) as usize;
        // The reader hands out records while shelves write theirs: each has a desk of its own.
        let mut writing = Desk::new(&desk.blocks, desk.block / 2)?;
        desk.read(&extents, &mut |record| match record {
            Record::Span { span, .. } => below[of(span.trace_id)].span(span, &mut writing),
            Record::Log { record, .. } => below[of(record.trace_id)].log(record, &mut writing),
            Record::Link(link) => below[of(link.trace)].link(link, &mut writing),
        })?;
        let mut nodes = Vec::with_capacity(ways);
        for mut shelf in below {
            desk.seal(&mut shelf.open, &mut shelf.extents, true)?;
            // The first takes the place of the one that was split.
            if nodes.is_empty() {
                nodes.push(Node::Shelf(at));
                self.all[at] = shelf;
            } else {
                nodes.push(Node::Shelf(self.all.len()));
                self.all.push(shelf);
            }
        }
        for node in &mut nodes {
            self.split(node, most, desk)?;
        }
        *node = Node::Split(nodes);
        Ok(())
    }
}

/// Shelves that one is split into, at most.
const WAYS: usize = 64;
