//! The bounded channel between intake and engine: its bound is in bytes, because a batch may hold one span or a million.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::owner::Message;
use crate::model::{Arrived, Batch, Refused, Sink};

/// When an exporter that was refused should come again. The owner empties a full channel in less, but Python's exporter
/// tries six times in all, and so holds out the longer.
const RETRY_AFTER_MS: u64 = 1_500;

/// What intake and owner both look at.
pub(super) struct Gauge {
    /// Bytes accepted and not judged yet.
    in_flight: AtomicUsize,
    /// Bound on that.
    limit: usize,
    /// Requests refused because of the bound.
    refused: AtomicU64,
    /// Set when the owner takes no more.
    closed: AtomicBool,
}

impl Gauge {
    pub(super) fn new(limit: usize) -> Self {
        Self { in_flight: AtomicUsize::new(0), limit, refused: AtomicU64::new(0), closed: AtomicBool::new(false) }
    }

    /// Requests refused so far.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    /// Bytes accepted and not judged yet.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// The owner has judged a batch of this cost.
    pub(super) fn release(&self, cost: usize) {
        self.in_flight.fetch_sub(cost, Ordering::SeqCst);
    }

    /// Nothing is accepted from here on. Whatever was accepted before has its bytes in flight already (see
    /// [`Intake::accept`]), so that the owner knows when it has seen all of it.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether this cost could be reserved now. A no counts as a refusal, as it does there.
    fn look(&self, cost: usize) -> Result<(), Refused> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Refused::Closed);
        }
        if self.is_full(self.in_flight(), cost) {
            return Err(self.refuse());
        }
        Ok(())
    }

    /// A batch larger than the bound is taken when nothing else is in flight, else it could never be.
    fn is_full(&self, in_flight: usize, cost: usize) -> bool {
        in_flight > 0 && in_flight.saturating_add(cost) > self.limit
    }

    fn refuse(&self) -> Refused {
        self.refused.fetch_add(1, Ordering::SeqCst);
        Refused::Full { retry_after_ms: RETRY_AFTER_MS }
    }

    fn reserve(&self, cost: usize) -> Result<(), Refused> {
        let before = self.in_flight.fetch_add(cost, Ordering::SeqCst);
        // The reservation comes before the look at `closed`: the owner sees either the bytes or no batch at all.
        if self.closed.load(Ordering::SeqCst) {
            self.release(cost);
            return Err(Refused::Closed);
        }
        if self.is_full(before, cost) {
            self.release(cost);
            return Err(self.refuse());
        }
        Ok(())
    }
}

/// The receivers' end of the channel. Cloned freely; it never waits.
#[derive(Clone)]
pub struct Intake {
    gauge: Arc<Gauge>,
    sender: mpsc::Sender<Message>,
}

impl Intake {
    pub(super) fn new(gauge: Arc<Gauge>, sender: mpsc::Sender<Message>) -> Self {
        Self { gauge, sender }
    }

    /// Bytes accepted and not judged yet.
    pub fn in_flight(&self) -> usize {
        self.gauge.in_flight()
    }

    /// Requests refused because the channel was full.
    pub fn refused(&self) -> u64 {
        self.gauge.refused()
    }
}

impl Sink for Intake {
    fn has_room(&self, bytes: usize) -> Result<(), Refused> {
        self.gauge.look(bytes + size_of::<Batch>())
    }

    fn accept(&self, batch: Batch) -> Result<(), Refused> {
        let cost = cost(&batch);
        self.gauge.reserve(cost)?;
        self.sender.send(Message::Batch(Box::new(batch))).map_err(|_| {
            self.gauge.release(cost);
            Refused::Closed
        })
    }
}

/// Bytes that a batch holds while it waits: the larger of what came and what it was decoded into, never nothing.
pub(super) fn cost(batch: &Batch) -> usize {
    let decoded = batch.spans.len() * size_of::<Arrived>() + batch.logs.len() * size_of::<crate::model::LogRecord>();
    batch.bytes.max(decoded) + size_of::<Batch>()
}
