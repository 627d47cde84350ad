//! What is known of single processes, of what in them makes spans, and of names (tagging.md section 3).
//!
//! Strangers can name things without end, so each kind of name has a bound. Beyond it nothing is learned of a name: its
//! spans are judged by what they show alone, which can leave a verdict unknown and never makes it an accusation.

use std::sync::Arc;

use crate::model::{Arrived, Carried, ServiceName, Span, SpanId, SpanKind, TraceId};

use super::profile::Profile;

/// One process, one span kind, one instrumentation scope.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Unit {
    pub(super) instance: Arc<str>,
    pub(super) kind: SpanKind,
    pub(super) scope: Arc<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct UnitFacts {
    pub(super) carrier: bool,
    pub(super) traceparent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct ProcessFacts {
    pub(super) captures: bool,
    pub(super) longest: u32,
    pub(super) longest_count: u32,
    /// The span that showed the longest text last: sent twice, it does not show two.
    pub(super) longest_by: Option<(TraceId, SpanId)>,
    /// Longest captured value of a carrier.
    pub(super) longest_carried: u32,
}

impl ProcessFacts {
    /// Whether captured values stand at a length limit: only then does the limit change a verdict.
    pub(super) fn cuts(self) -> bool {
        self.longest >= CUT_FROM && self.longest_count >= 2 && self.longest == self.longest_carried
    }

    /// Whether a span of a place that was learned leaves these facts as they are, and those that come after them.
    pub(super) fn learns_nothing_of(self, span: &Arrived) -> bool {
        let shorter = span.longest_text < self.longest;
        let as_long = span.longest_text == self.longest && self.longest_count >= 2;
        (shorter || as_long) && longest_carried(span) <= self.longest_carried
    }
}

/// The shortest attribute length limit that could cut a token (tagging.md section 3).
const CUT_FROM: u32 = 64;

/// Longest captured value. Below the shortest limit the length says nothing, and masked values do not keep it.
pub(super) fn longest_carried(span: &Span) -> u32 {
    let carried = span.carried.iter().map(|carried| carried.captured_length).filter(|length| *length >= CUT_FROM);
    carried.max().unwrap_or(0)
}

/// Names of each kind that are known, and the least, however little memory there is.
const MOST_NAMES: usize = 10_000;
const LEAST_NAMES: usize = 1_000;

/// Bytes that a name takes in all the places where it may be known.
const PER_NAME: usize = 1_024;

/// So many names of each kind fit into so many bytes.
pub(super) fn names_within(bytes: usize) -> usize {
    (bytes / PER_NAME).clamp(LEAST_NAMES, MOST_NAMES)
}

impl Profile {
    pub(super) fn is_full(&self, known: usize) -> bool {
        known >= self.most_names.unwrap_or(MOST_NAMES)
    }

    /// Whether one more name may be known; counts where it may not.
    pub(super) fn has_room(&mut self, known: usize) -> bool {
        let full = self.is_full(known);
        self.nameless += u64::from(full);
        !full
    }

    pub(super) fn learn_name(&mut self, service: &ServiceName) -> bool {
        if let Some(namespaces) = self.namespaces.get_mut(&service.name) {
            // Two are enough to show them all with their namespace.
            return namespaces.len() < 2 && namespaces.insert(Arc::clone(&service.namespace));
        }
        if !self.has_room(self.namespaces.len()) {
            return false;
        }
        self.namespaces.insert(Arc::clone(&service.name), std::iter::once(Arc::clone(&service.namespace)).collect());
        false
    }

    pub(super) fn learn_unit(&mut self, span: &Span) -> bool {
        if !span.captured.carrier && !span.captured.traceparent {
            return false;
        }
        let unit =
            Unit { instance: Arc::clone(&span.resource.instance), kind: span.kind, scope: Arc::clone(&span.scope) };
        if !self.units.contains_key(&unit) && !self.has_room(self.units.len()) {
            return false;
        }
        let facts = self.units.entry(unit).or_default();
        let before = *facts;
        facts.carrier |= span.captured.carrier;
        facts.traceparent |= span.captured.traceparent;
        *facts != before
    }

    pub(super) fn learn_process(&mut self, span: &Arrived) -> bool {
        if !self.processes.contains_key(&span.resource.instance) {
            if !self.has_room(self.processes.len()) {
                return false;
            }
            self.processes.insert(Arc::clone(&span.resource.instance), ProcessFacts::default());
        }
        let Some(facts) = self.processes.get_mut(&span.resource.instance) else { return false };
        let before = *facts;
        facts.captures |= span.captured.carrier || span.captured.traceparent;
        let (length, count) = (span.longest_text, span.longest_texts);
        let by = Some((span.trace_id, span.span_id));
        if length > facts.longest {
            (facts.longest, facts.longest_count, facts.longest_by) = (length, u32::from(count), by);
        } else if length == facts.longest && facts.longest_count < 2 && facts.longest_by != by {
            (facts.longest_count, facts.longest_by) = (facts.longest_count + u32::from(count), by);
        }
        facts.longest_carried = facts.longest_carried.max(longest_carried(span));
        let limit = |facts: ProcessFacts| facts.cuts().then_some(facts.longest);
        self.age.others += u64::from(limit(*facts) != limit(before));
        facts.captures != before.captures || facts.cuts() != before.cuts()
    }

    /// Whether this span's unit was ever seen to capture a carrier.
    pub fn unit_captures_carrier(&self, span: &Span) -> bool {
        self.unit(span).carrier
    }

    /// Whether this span's unit was ever seen to capture a carrier or the witness.
    pub fn unit_captures(&self, span: &Span) -> bool {
        let facts = self.unit(span);
        facts.carrier || facts.traceparent
    }

    fn unit(&self, span: &Span) -> UnitFacts {
        let unit =
            Unit { instance: Arc::clone(&span.resource.instance), kind: span.kind, scope: Arc::clone(&span.scope) };
        self.units.get(&unit).copied().unwrap_or_default()
    }

    /// Whether any span of this process was seen to capture a carrier or the witness.
    pub fn process_captures(&self, span: &Span) -> bool {
        self.processes.get(&span.resource.instance).is_some_and(|facts| facts.captures)
    }

    /// Whether a value of this length stands at this process's attribute length limit. Of a process that found no room
    /// it may: a value that was cut by its exporter must not be held against a service.
    pub fn at_length_limit(&self, span: &Span, carried: &Carried) -> bool {
        match self.processes.get(&span.resource.instance) {
            Some(facts) => facts.cuts() && carried.captured_length == facts.longest,
            None => self.is_full(self.processes.len()),
        }
    }

    /// Whether this service consumes messages; where there was no room for all that do, it may.
    pub fn consumes(&self, service: &ServiceName) -> bool {
        self.consumers.contains(service) || self.is_full(self.consumers.len())
    }

    /// Whether a token was ever seen on messages to this destination.
    pub fn destination_carries(&self, destination: &str) -> bool {
        self.destinations.contains(destination)
    }

    /// The name to show: bare unless two namespaces hold the same one, or might.
    pub fn shown(&self, service: &ServiceName) -> Arc<str> {
        match self.namespaces.get(&service.name) {
            Some(namespaces) if namespaces.len() > 1 => service.to_string().into(),
            None if self.is_full(self.namespaces.len()) => service.to_string().into(),
            _ => Arc::clone(&service.name),
        }
    }
}
