//! What the engine publishes: everything that a screen or a report needs without asking again.

use crate::model::UnixNanos;
use crate::trail::summary::{EdgeRow, ProblemRow, ServiceRow, SetupNote};

/// Counters since start. Every bound of the program shows up in [`Losses`] when it bites.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Totals {
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
    /// `dropped` hops of severity low: out of the header's ✗ count (verdicts.md section 9).
    pub dropped_low: u64,
    /// Spans per second over the last few seconds.
    pub spans_per_second: f32,
    /// What was lost.
    pub lost: Losses,
    /// Bytes kept for judging.
    pub memory_used: usize,
    /// Bound on that.
    pub memory_limit: usize,
}

/// What was lost, by which bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// Spans with ids that no trace can be built of, or that could not be read.
    pub rejected: u64,
    /// Requests refused because the intake was full; the exporter was told to come again.
    pub refused_requests: u64,
    /// Traces evicted whole to stay within the memory bound.
    pub evicted_traces: u64,
    /// Spans in those.
    pub evicted_spans: u64,
    /// Spans beyond the bound for one trace.
    pub trace_overflow: u64,
    /// Times that the name of a service, process or destination was beyond the bound: nothing was learned of it.
    pub folded_names: u64,
    /// Hops on edges beyond the bound, summed up under one name.
    pub folded_edges: u64,
    /// Malformed `jwtrail.*` fingerprints dropped.
    pub bad_tags: u64,
}

impl Losses {
    /// What the header shows as "lost": spans that were taken or offered and cannot be judged any more.
    pub fn spans(&self) -> u64 {
        self.rejected + self.evicted_spans + self.trace_overflow
    }
}

/// One moment of the trail. Published at most 30 times a second, and only when something changed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Snapshot {
    /// Grows with every published change.
    pub revision: u64,
    /// The engine's clock at that moment (replay: the replayed time).
    pub now: UnixNanos,
    /// Counters.
    pub totals: Totals,
    /// Nodes, in order of first appearance.
    pub services: Vec<ServiceRow>,
    /// Edges, in order of first appearance.
    pub edges: Vec<EdgeRow>,
    /// Problems, worst first.
    pub problems: Vec<ProblemRow>,
    /// What is wrong with the set-up.
    pub setup: Vec<SetupNote>,
}
