//! A trail that is too large to be held at once, judged in parts.
//!
//! The whole learns what each span shows by itself as it comes by, and keeps none of them. Parts then hold whole traces,
//! one part after the other: a first pass collects what judged traces teach each other, the next ones judge with all of
//! it known. When a pass teaches nothing new and takes nothing back, its verdicts are those of a trail that held all.

use std::sync::Arc;

use ahash::AHashSet;

use crate::model::{Arrived, Batch, Hop, LogRecord, Span, SpanId, TraceId, UnixNanos};

use super::Trail;
use super::aggregate::Contribution;
use super::explain::key_of;
use super::kept::NOWHERE;
use super::profile::Fact;
use super::size::{size_of_log, size_of_span};
use super::store::TraceState;
use super::summary::NodeKind;
use super::wanted::Wanted;

/// Bytes that a span will take in a part, what its trace and its verdicts cost included.
pub fn cost_of_span(span: &Span) -> usize {
    size_of_span(span) + PER_SPAN
}

/// Duplicates that were taken out of a trace, and the bytes that it takes without them.
fn tidied(trace: &mut TraceState) -> (u64, usize) {
    let duplicates = trace.prepare();
    trace.tighten();
    (duplicates, trace.bytes)
}

/// Bytes that a log record will take in a part.
pub fn cost_of_log(record: &LogRecord) -> usize {
    size_of_log(record)
}

/// A span's part in what a judged trace costs: hops, facts, queues.
const PER_SPAN: usize = 192;

/// Whole traces, held for a while. Parts share what the whole has learned and keep what they learn themselves.
pub struct Part {
    trail: Trail,
    /// Bytes that one trace may take.
    per_trace: usize,
    guest_bytes: usize,
    /// Traces that have no room for more.
    full: AHashSet<TraceId>,
    traces: u64,
    lost: u64,
}

impl Trail {
    /// Bytes held, without what traces taught: that stays when they go.
    pub fn held_bytes(&self) -> usize {
        let shared = self.meter.as_ref().map_or(0, |meter| meter.bytes());
        self.stats.memory_used + self.leaning.bytes() + shared
    }

    /// Learns what spans show by themselves, and keeps none of them.
    pub fn learn(&mut self, batch: &Batch) {
        self.stats.logs += batch.logs.len() as u64;
        for span in &batch.spans {
            self.stats.spans += 1;
            self.profile.learn(span);
            self.coverage.add(span);
            if let Some(wanted) = &mut self.wanted {
                wanted.look_for_checks(span);
            }
        }
    }

    /// Gives up the traces held, to be judged in parts; facts of at most `tokens` tokens will be kept. What the spans
    /// showed by themselves stays known.
    pub fn give_up(&mut self, tokens: usize) -> impl Iterator<Item = (Vec<Arrived>, Vec<LogRecord>)> + use<> {
        let mut wanted = Wanted::new(tokens);
        let traces = std::mem::take(&mut self.traces);
        traces.values().flat_map(|trace| &trace.spans).for_each(|span| wanted.look_for_checks(span));
        self.wanted = Some(wanted);
        self.forget_all();
        traces.into_iter().map(|(id, trace)| {
            let (spans, logs) = trace.into_parts();
            (spans.into_iter().map(|span| Arrived::known(id, span)).collect(), logs)
        })
    }

    /// Forgets all traces, and what only concerns them.
    fn forget_all(&mut self) {
        self.traces.clear();
        self.guests.clear();
        self.linked_from_afar.clear();
        self.dirty.clear();
        self.learned.clear();
        self.learned_all = false;
        self.links_in.clear();
        self.quiet.clear();
        self.large.clear();
        self.rest();
        self.oldest.clear();
        self.oldest_broken.clear();
        self.leaning.clear();
        self.failed_checks.clear();
        (self.broken_bytes, self.stats.memory_used) = (0, 0);
    }

    /// An empty part, in which one trace may take so many bytes.
    pub fn part(&self, per_trace: usize) -> Part {
        let mut trail = Self::under(Arc::clone(&self.rules), self.options.clone());
        trail.profile = self.profile.clone();
        trail.wanted.clone_from(&self.wanted);
        Part { trail, per_trace, guest_bytes: 0, full: AHashSet::new(), traces: 0, lost: 0 }
    }

    /// Takes what a pass over all parts found. True where it found what was known before: then its verdicts stand.
    pub fn absorb(&mut self, parts: Vec<Part>) -> bool {
        let mut held: AHashSet<Fact> = AHashSet::new();
        let mut more_wanted = false;
        self.coverage.single = (0, 0);
        (self.stats.duplicates, self.stats.traces, self.stats.trace_overflow) = (0, 0, 0);
        for part in parts {
            let trail = part.trail;
            self.coverage.absorb(&trail.coverage);
            self.stats.duplicates += trail.stats.duplicates;
            self.stats.traces += part.traces;
            self.stats.trace_overflow += trail.stats.trace_overflow + part.lost;
            self.sums.know_edges(&trail.sums);
            if let (Some(wanted), Some(found)) = (&mut self.wanted, &trail.wanted) {
                more_wanted |= wanted.absorb(found);
            }
            held.extend(trail.profile.into_held());
        }
        if let Some(wanted) = &mut self.wanted {
            held.extend(wanted.proven(&held));
            held.retain(|fact| fact.token().is_none_or(|token| wanted.asks_for(token)));
            wanted.be_choosy();
            let before = self.profile.turned_away();
            self.profile.turn_away(wanted.turned_away().saturating_sub(before));
        }
        held.extend(self.restored.iter().cloned());
        let same = !more_wanted && self.profile.knows_just(&held);
        if !same {
            self.profile.know(held);
        }
        same
    }

    /// Counts a hop that a part judged; hops come in the report's order.
    pub fn count(&mut self, trace: TraceId, hop: Hop) {
        let caller = hop.caller.as_ref().map(|party| Arc::clone(&party.service));
        let edge = self.sums.edge(caller.as_ref(), &hop.callee.service, NodeKind::External);
        let key = key_of(&hop).unwrap_or_default();
        let contribution = Contribution {
            edge: edge as u32,
            key,
            place: NOWHERE,
            start: hop.start,
            verdict: hop.verdict,
            cause: hop.cause,
            segment: hop.segment,
            severity: hop.severity,
            confidence: hop.confidence,
            findings: hop.findings.iter().map(|hit| (hit.finding, hit.severity)).collect(),
        };
        self.sums.add(trace, &contribution);
        self.sums.sample(&contribution, trace, &Arc::new(hop));
    }
}

impl Part {
    /// Holds a span.
    pub fn hold(&mut self, span: Arrived) {
        if !self.has_room(span.trace_id) {
            self.lost += 1;
            return;
        }
        if let Some(wanted) = &mut self.trail.wanted {
            wanted.note_unchecked(&span);
        }
        self.trail.hold(span.trace_id, span.span, UnixNanos::default());
    }

    /// Whether a trace may take more. What came twice makes room first; a trace that is nearly full without it stays as it
    /// is, so that it is not sorted for every span.
    fn has_room(&mut self, id: TraceId) -> bool {
        let Some(trace) = self.trail.traces.get(&id) else { return true };
        if trace.bytes <= self.per_trace {
            return true;
        }
        if self.full.contains(&id) {
            return false;
        }
        let (duplicates, bytes) = self.trail.change(id, tidied).unwrap_or_default();
        self.trail.stats.duplicates += duplicates;
        let room = bytes <= self.per_trace / 4 * 3;
        if !room {
            self.full.insert(id);
        }
        room
    }

    /// Holds a log record.
    pub fn hold_log(&mut self, record: LogRecord) {
        if !self.has_room(record.trace_id) {
            self.lost += 1;
            return;
        }
        self.trail.hold_log(record, UnixNanos::default());
    }

    /// Holds a span of a trace that is judged elsewhere: traces held here link to it.
    pub fn hold_guest(&mut self, span: Arrived) {
        let guest = self.trail.guests.entry(span.trace_id).or_insert_with(|| Box::new(TraceState::new()));
        if guest.bytes > self.per_trace {
            self.lost += 1;
            return;
        }
        self.guest_bytes += size_of_span(&span);
        guest.push(span.span);
    }

    /// Knows that a span of another trace links to a span held here.
    pub fn link(&mut self, trace: TraceId, span: SpanId) {
        self.trail.linked_from_afar.entry(trace).or_default().insert(span);
    }

    /// Counts spans and log records that found no room at all.
    pub fn lose(&mut self) {
        self.lost += 1;
    }

    /// Bytes held.
    pub fn held_bytes(&self) -> usize {
        self.trail.held_bytes() + self.guest_bytes
    }

    /// Judges all that is held, as settled.
    pub fn judge(&mut self) {
        for guest in self.trail.guests.values_mut() {
            guest.prepare();
        }
        self.trail.settle_all();
    }

    /// Calls `each` with every trace held and its hops, in the report's order; stops at the first error.
    pub fn walk<E>(&self, each: &mut dyn FnMut(UnixNanos, TraceId, Vec<Hop>) -> Result<(), E>) -> Result<(), E> {
        self.trail.trace_ids().into_iter().try_for_each(|id| {
            let start = self.trail.traces.get(&id).map(|trace| trace.start()).unwrap_or_default();
            each(start, id, self.trail.hops_of(id))
        })
    }

    /// Forgets the traces; what they taught stays known.
    pub fn release(&mut self) {
        self.traces += self.trail.traces.len() as u64;
        self.guest_bytes = 0;
        self.full.clear();
        self.trail.forget_all();
        if let Some(wanted) = &mut self.trail.wanted {
            wanted.tidy(&mut self.trail.profile);
        }
    }
}
