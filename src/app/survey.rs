//! Where a recording's hops lie: one judging of the whole, beside everything else.

use std::sync::Arc;

use ahash::AHashMap;

use super::timeline::{END, Timeline, done};
use crate::engine::replay::Recorded;
use crate::model::{Hop, SpanId, TraceId, UnixNanos};
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

/// When spans had come, and traces all of theirs.
struct Moments {
    spans: AHashMap<(TraceId, SpanId), UnixNanos>,
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
                    *known = done(span).max(*known);
                    span.trace_id
                }
                Recorded::Log(record) => record.trace_id,
            };
            let known = moments.traces.entry(trace).or_default();
            *known = arrival.at.max(*known);
        }
        moments
    }

    /// When a hop is complete: its last span has come, or, where a span is missing for ever, when its trace is settled.
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
        spans.copied().max().unwrap_or(self.end)
    }
}
