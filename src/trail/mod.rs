//! The pure core: spans into hops, hops into verdicts. No socket, no screen, no clock: time comes from spans and ticks.

pub mod summary;

use std::time::Duration;

use crate::model::policy::Policy;
use crate::model::{Batch, Hop, TraceId, UnixNanos};
use summary::{Announcement, Summary};

/// Bounds and switches of a [`Trail`].
#[derive(Clone, Debug)]
pub struct TrailOptions {
    /// Turns what nobody captured into absent, likely (`--assume-captured`).
    pub assume_captured: bool,
    /// How long a trace must be quiet to be settled.
    pub settle: Duration,
    /// Bytes that may be kept for judging; whole traces are evicted beyond it.
    pub memory: usize,
    /// Spans kept of one trace; what comes beyond is counted.
    pub spans_per_trace: usize,
}

/// Counters of a [`Trail`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TrailStats {
    /// Spans taken, duplicates included.
    pub spans: u64,
    /// Log records taken.
    pub logs: u64,
    /// Spans that were there already.
    pub duplicates: u64,
    /// Traces held.
    pub traces: u64,
    /// Hops judged, of the traces held and of those evicted.
    pub hops: u64,
    /// Hops by verdict, indexed by `Verdict as usize`.
    pub verdicts: [u64; 8],
    /// `dropped` hops of severity low.
    pub dropped_low: u64,
    /// Traces evicted whole.
    pub evicted_traces: u64,
    /// Spans in those.
    pub evicted_spans: u64,
    /// Spans beyond the bound for one trace.
    pub trace_overflow: u64,
    /// Bytes kept for judging.
    pub memory_used: usize,
}

/// All traces held, their verdicts, and the capture profile built of them.
pub struct Trail {
    options: TrailOptions,
    stats: TrailStats,
}

impl Trail {
    /// An empty trail.
    pub fn new(_policy: Policy, options: TrailOptions) -> Self {
        Self { options, stats: TrailStats::default() }
    }

    /// Takes spans and logs; `now` is the engine's clock, which decides when a trace has been quiet long enough.
    pub fn ingest(&mut self, batch: Batch, _now: UnixNanos) {
        self.stats.spans += batch.spans.len() as u64;
    }

    /// Judges what changed since the last tick, settles quiet traces, evicts beyond the memory bound. True if anything
    /// that a screen shows has changed.
    pub fn tick(&mut self, _now: UnixNanos) -> bool {
        let _ = self.options.settle;
        false
    }

    /// Judges everything as settled: the end of a file, or of a run.
    pub fn settle_all(&mut self) {}

    /// Counters.
    pub fn stats(&self) -> TrailStats {
        self.stats
    }

    /// Rows for a screen or a report.
    pub fn summary(&mut self, _now: UnixNanos) -> Summary {
        Summary::default()
    }

    /// Problems that appeared or were withdrawn since the last call.
    pub fn announcements(&mut self) -> Vec<Announcement> {
        Vec::new()
    }

    /// Every trace held, in the report's order: trace start, then id.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        Vec::new()
    }

    /// The judged hops of one trace in the report's order: hop start, then callee span id (caller's where there is none).
    pub fn hops_of(&self, _trace: TraceId) -> Vec<Hop> {
        Vec::new()
    }
}
