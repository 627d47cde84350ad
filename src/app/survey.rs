//! Where a recording's hops lie: one judging of the whole, beside everything else.

use std::sync::Arc;

use ahash::AHashMap;

use super::timeline::{END, Timeline, done};
use crate::engine::replay::Recorded;
use crate::model::{Hop, SpanId, SpanKind, TraceId, UnixNanos};
use crate::trail::Trail;

/// Slots that accused hops are counted in: more than a terminal has columns, so that a view can add them up.
const SLOTS: usize = 1_200;

/// Spans between two looks at whether anybody still waits.
const LOOK: usize = 4_096;

/// The moments at which hops are complete, as the whole recording judges them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Survey {
    /// Of every hop, in order, each once.
    pub hops: Vec<UnixNanos>,
    /// Of the accused ones.
    pub accused: Vec<UnixNanos>,
    /// Accused hops in equal slots from start to end.
    pub slots: Arc<[u32]>,
}

impl Survey {
    /// Judges all of it in an empty trail with this settle window; `None` where `given_up` says so on the way.
    pub fn of(line: &Timeline, mut trail: Trail, settle: u64, given_up: impl Fn() -> bool) -> Option<Self> {
        for (at, arrival) in line.arrivals().iter().enumerate() {
            arrival.clone().give(&mut trail);
            if at % LOOK == LOOK - 1 {
                trail.tick(arrival.at);
                if given_up() {
                    return None;
                }
            }
        }
        trail.settle_all();
        let moments = Moments::new(line, settle);
        let mut survey = Self { slots: Arc::new([0; SLOTS]), ..Self::default() };
        let mut slots = [0_u32; SLOTS];
        for (at, trace) in trail.trace_ids().into_iter().enumerate() {
            if at % LOOK == LOOK - 1 && given_up() {
                return None;
            }
            for hop in trail.hops_of(trace) {
                let moment = moments.of(&hop);
                survey.hops.push(moment);
                if hop.verdict.accuses() {
                    survey.accused.push(moment);
                    let slot = &mut slots[slot(line, moment)];
                    *slot = slot.saturating_add(1);
                }
            }
        }
        for moments in [&mut survey.hops, &mut survey.accused] {
            moments.sort_unstable();
            moments.dedup();
        }
        survey.slots = Arc::new(slots);
        Some(survey)
    }
}

/// The slot of a moment.
fn slot(line: &Timeline, moment: UnixNanos) -> usize {
    let (start, end) = (line.start().0, line.end().0);
    let (since, length) = (moment.0.clamp(start, end) - start, (end - start).max(1));
    let slot = u128::from(since) * SLOTS as u128 / u128::from(length);
    usize::try_from(slot).unwrap_or(SLOTS).min(SLOTS - 1)
}

/// Spans between a call and the request that it was made for: deeper ones are a damaged trace's.
const DEEPEST: usize = 256;

/// When a span had come, and what it belongs to.
#[derive(Clone, Copy, Default)]
struct Come {
    at: UnixNanos,
    parent: Option<SpanId>,
    /// Whether it is where a request comes in.
    entry: bool,
}

/// When spans had come, and traces all of theirs.
struct Moments {
    spans: AHashMap<(TraceId, SpanId), Come>,
    traces: AHashMap<TraceId, UnixNanos>,
    settle: u64,
    end: UnixNanos,
}

impl Moments {
    fn new(line: &Timeline, settle: u64) -> Self {
        let mut moments = Self { spans: AHashMap::new(), traces: AHashMap::new(), settle, end: line.end() };
        for arrival in line.arrivals() {
            let trace = match &arrival.what {
                Recorded::Span(span) => {
                    let known = moments.spans.entry((span.trace_id, span.span_id)).or_default();
                    let at = done(span).max(known.at);
                    // Both sides of a call may share an id: the way up goes on from the caller's.
                    let client = span.kind == SpanKind::Client;
                    let parent = if client { span.parent_id() } else { known.parent.or(span.parent_id()) };
                    let entry = known.entry || matches!(span.kind, SpanKind::Server | SpanKind::Consumer);
                    *known = Come { at, parent, entry };
                    span.trace_id
                }
                Recorded::Log(record) => record.trace_id,
            };
            let known = moments.traces.entry(trace).or_default();
            *known = arrival.at.max(*known);
        }
        moments
    }

    /// When a hop is complete: all spans from the callee's entry up to the request that the caller made its call for have
    /// come, or, where a span is missing for ever, its trace is settled.
    fn of(&self, hop: &Hop) -> UnixNanos {
        if hop.callee.span_id.is_none() || hop.gap {
            let quiet = self.traces.get(&hop.trace_id).copied().unwrap_or(self.end);
            let settled = UnixNanos(quiet.0.saturating_add(self.settle));
            // The end of the recording settles what is left.
            return if settled > self.end { END } else { settled };
        }
        let parties = [hop.caller.as_ref(), Some(&hop.callee)].into_iter().flatten();
        let named = parties.map(|party| (party.trace_id.unwrap_or(hop.trace_id), party.span_id));
        let sides = [&hop.inbound, &hop.sent, &hop.received].map(|side| (hop.trace_id, side.span_id));
        let spans = named.chain(sides).filter_map(|(trace, span)| self.spans.get(&(trace, span?)));
        let last = spans.map(|come| come.at).max();
        last.max(self.way_up(hop)).unwrap_or(self.end)
    }

    /// When the last span between the callee's entry and the caller's had come.
    fn way_up(&self, hop: &Hop) -> Option<UnixNanos> {
        let mut last = None;
        let mut next = hop.callee.span_id;
        for step in 0..DEEPEST {
            let Some(come) = next.and_then(|span| self.spans.get(&(hop.trace_id, span))) else { break };
            last = last.max(Some(come.at));
            if come.entry && step > 0 {
                break;
            }
            next = come.parent;
        }
        last
    }
}
