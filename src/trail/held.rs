//! Traces looked at where they lie: what a list sorts and searches many of them by, without judging one.

use std::sync::Arc;

use crate::model::{
    Cause, Confidence, Finding, Hop, Segment, ServiceName, Severity, Span, Token, TraceId, UnixNanos, Verdict,
};

use super::Trail;
use super::store::TraceState;
use super::views::{TraceRow, tokens_of};

/// A trace that is held, and holds a span.
#[derive(Clone, Copy)]
pub struct Held<'a> {
    trail: &'a Trail,
    /// Its id.
    pub id: TraceId,
    trace: &'a TraceState,
}

/// A hop as it was last judged, in what the sums keep of it.
#[derive(Clone, Copy)]
pub struct HopSketch<'a> {
    /// Its trace.
    pub held: Held<'a>,
    /// Who called, `None` where it enters here, and who was called; `None` where that edge lies beyond the bound on edges.
    pub edge: Option<(Option<&'a str>, &'a str)>,
    /// Start.
    pub start: UnixNanos,
    /// Verdict.
    pub verdict: Verdict,
    /// Cause, as the hop shows it.
    pub cause: Option<Cause>,
    /// Segment.
    pub segment: Option<Segment>,
    /// Worst severity, findings included.
    pub severity: Severity,
    /// Confidence.
    pub confidence: Confidence,
    /// Findings.
    pub findings: &'a [(Finding, Severity)],
}

impl Trail {
    /// Every trace held, in no order.
    pub fn held(&self) -> impl Iterator<Item = Held<'_>> {
        let held = self.traces.iter().filter(|(_, trace)| !trace.spans.is_empty());
        held.map(|(id, trace)| Held { trail: self, id: *id, trace })
    }

    /// One of them.
    pub fn held_one(&self, id: TraceId) -> Option<Held<'_>> {
        let trace = self.traces.get(&id).filter(|trace| !trace.spans.is_empty())?;
        Some(Held { trail: self, id, trace })
    }

    /// The name of a service as it is shown.
    pub fn shown(&self, service: &ServiceName) -> Arc<str> {
        self.profile.shown(service)
    }
}

impl<'a> Held<'a> {
    /// Start of its first span.
    pub fn start(&self) -> UnixNanos {
        self.trace.extent.start
    }

    /// From there to the end of its last span, in nanoseconds.
    pub fn duration(&self) -> u64 {
        self.trace.extent.end.0.saturating_sub(self.trace.extent.start.0)
    }

    /// Service of its root span, of its first span where the root is not there.
    pub fn root(&self) -> Option<&'a ServiceName> {
        self.trace.spans.get(self.trace.extent.root as usize).map(|span| &span.resource.service)
    }

    /// Hops judged.
    pub fn hops(&self) -> usize {
        self.trace.hops().len()
    }

    /// Those with an accused verdict.
    pub fn accused(&self) -> usize {
        self.trace.accused as usize
    }

    /// Worst severity of its hops, findings included.
    pub fn severity(&self) -> Severity {
        self.trace.severity.unwrap_or(Severity::Info)
    }

    /// Whether it has been quiet for the settle window.
    pub fn is_settled(&self) -> bool {
        self.trace.settled
    }

    /// Whether the sketches are as its hops would be judged now: nothing came since.
    pub fn is_current(&self) -> bool {
        !self.trace.dirty
    }

    /// Whether that is all of its hops: none is held back for a span that may still come.
    pub fn is_whole(&self) -> bool {
        self.is_current() && !self.trace.waiting
    }

    /// Whether its hops can show nothing but what its own spans show.
    pub fn stands_alone(&self) -> bool {
        self.trace.spans.iter().all(|span| span.own().links.is_empty())
    }

    /// Its spans.
    pub fn spans(&self) -> impl Iterator<Item = &'a Span> + use<'a> {
        self.trace.spans.iter()
    }

    /// The tokens that its spans carried.
    pub fn tokens(&self) -> impl Iterator<Item = &'a Token> + use<'a> {
        self.spans().flat_map(tokens_of).map(|token| &**token)
    }

    /// The name of a service as it is shown.
    pub fn shown(&self, service: &ServiceName) -> Arc<str> {
        self.trail.shown(service)
    }

    /// Its hops as they were last judged.
    pub fn sketches(self) -> impl Iterator<Item = HopSketch<'a>> {
        let settled = self.trace.settled;
        self.trace.hops().iter().enumerate().map(move |(at, c)| {
            let edge = &self.trail.sums.edges[c.edge()];
            let findings = self.trace.findings_of(at);
            let found = findings.iter().map(|(_, severity)| *severity).max();
            // As `explain` says it: what only lacks a span may still come.
            let waits = matches!(c.cause(), Some(Cause::CalleeUntraced | Cause::CallerUnseen));
            let pending = !settled && c.verdict() == Verdict::Unknown && waits;
            HopSketch {
                held: self,
                edge: (!edge.is_others()).then_some((edge.caller.as_deref(), &*edge.callee)),
                start: c.start(),
                verdict: c.verdict(),
                cause: if pending { Some(Cause::Pending) } else { c.cause() },
                segment: c.segment(),
                severity: found.map_or(c.severity(), |found| found.max(c.severity())),
                confidence: c.confidence(),
                findings,
            }
        })
    }

    /// Its hops, judged now.
    pub fn judged(&self) -> Vec<Hop> {
        self.trail.hops_of(self.id)
    }

    /// It as a row.
    pub fn row(&self) -> Option<TraceRow> {
        self.trail.row_of(self.id, self.trace)
    }

    /// What the search with this number found here.
    pub fn noted(&self, search: u32) -> Option<bool> {
        self.trace.noted(search)
    }

    /// Notes what the search with this number, above zero, found here; it holds until the trace is judged anew.
    pub fn note(&self, search: u32, found: bool) {
        self.trace.write_note(search, found);
    }
}
