//! Staying within the memory bound: whole traces go, intact before broken, oldest first.

use crate::model::{TraceId, UnixNanos};

use super::Trail;
use super::store::TraceState;

impl Trail {
    /// Bytes kept: traces, what they taught, and what their spans share with each other.
    pub(super) fn memory_used(&self) -> usize {
        let quiet = self.quiet.capacity() * size_of::<(UnixNanos, TraceId)>();
        self.held_bytes() + quiet + self.scratch + self.profile.bytes() + self.memo.bytes()
    }

    /// Evicts whole traces until what is kept fits.
    pub(super) fn evict(&mut self) -> bool {
        let mut any = false;
        while self.memory_used() > self.options.memory {
            let Some(id) = self.next_to_evict() else { break };
            let Some(trace) = self.traces.remove(&id) else { continue };
            self.forget(id, &trace);
            any = true;
        }
        any
    }

    /// Intact traces before broken ones, oldest first; broken ones may hold half of the budget.
    fn next_to_evict(&mut self) -> Option<TraceId> {
        if self.broken_bytes > self.options.memory / 2
            && let Some(id) = self.oldest_broken.pop_front()
        {
            return Some(id);
        }
        while let Some(id) = self.oldest.pop_front() {
            match self.traces.get(&id) {
                Some(trace) if trace.broken => self.oldest_broken.push_back(id),
                Some(_) => return Some(id),
                None => {}
            }
        }
        self.oldest_broken.pop_front()
    }

    fn forget(&mut self, id: TraceId, trace: &TraceState) {
        self.large.remove(&id);
        self.rest();
        self.stats.evicted_traces += 1;
        self.stats.evicted_until = self.stats.evicted_until.max(trace.start());
        self.stats.evicted_spans += trace.spans.len() as u64;
        self.stats.memory_used = self.stats.memory_used.saturating_sub(trace.bytes);
        self.broken_bytes = self.broken_bytes.saturating_sub(trace.broken_bytes);
        for link in trace.spans.iter().flat_map(|span| &span.own().links) {
            if let Some(from) = self.links_in.get_mut(&link.trace_id) {
                from.remove(&(id, link.span_id));
                if from.is_empty() {
                    self.links_in.remove(&link.trace_id);
                }
            }
        }
        // What a trace taught of services stays known; what it taught of one token goes with it.
        self.leaning.lean(id, &trace.leans_on, &[]);
        if let Some(set) = &trace.taught {
            self.profile.outlive(set);
        }
        for fact in trace.of_tokens() {
            self.profile.remove(fact);
        }
    }
}
