//! Searching the traces held by a filter, as long as a question may take: sketches answer first, and what they leave
//! open is judged, the newest first. What was found is noted at each trace, so that the same question, asked again, goes
//! on where the last one ended.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::filter::{Context, Filter, Truth};
use crate::model::UnixNanos;
use crate::trail::Trail;
use crate::trail::held::Held;

/// How long one question may hold up judging and intake.
const BUDGET: Duration = Duration::from_millis(15);
/// Traces that are looked through at least, however slow the machine is.
const LEAST: usize = 256;

/// A search that goes on from question to question.
#[derive(Debug, Default)]
pub(super) struct Search {
    filter: Option<Filter>,
    /// Tells this filter's notes from those of others.
    number: u32,
}

/// What one question found.
#[derive(Default)]
pub(super) struct Found<'a> {
    /// Traces that match.
    pub matching: Vec<Held<'a>>,
    /// Traces held.
    pub held: usize,
    /// Traces that are newer than all that was not looked at.
    pub searched: usize,
}

impl Search {
    /// Goes on with this filter; another one begins anew.
    pub(super) fn find<'a>(&mut self, trail: &'a Trail, filter: &Filter, context: Context) -> Found<'a> {
        if self.filter.as_ref() != Some(filter) {
            self.filter = Some(filter.clone());
            // Half of the numbers fit beside the answer; long before they come round, no note of the first is left.
            self.number = (self.number + 1) % (u32::MAX >> 1);
            self.number = self.number.max(1);
        }
        let notes = filter.is_timeless();
        let mut found = Found::default();
        // The start stands beside each, so that sorting need not look at the traces.
        let mut open: Vec<(UnixNanos, Held<'a>)> = Vec::new();
        for trace in trail.held() {
            found.held += 1;
            match trace.noted(self.number).filter(|_| notes) {
                Some(true) => found.matching.push(trace),
                Some(false) => {}
                None => open.push((trace.start(), trace)),
            }
        }
        found.searched = found.held;
        open.sort_unstable_by_key(|(start, trace)| Reverse((*start, trace.id)));
        let begun = Instant::now();
        for (at, (start, trace)) in open.iter().enumerate() {
            if at >= LEAST && at.is_multiple_of(16) && begun.elapsed() >= BUDGET {
                found.searched = trail.held().filter(|held| held.start() > *start).count();
                break;
            }
            let matches = matches(trace, filter, context);
            if notes {
                trace.note(self.number, matches);
            }
            if matches {
                found.matching.push(*trace);
            }
        }
        found
    }
}

/// Whether a hop of the trace matches.
fn matches(trace: &Held<'_>, filter: &Filter, context: Context) -> bool {
    let mut open = !trace.is_whole();
    if trace.is_current() {
        for hop in trace.sketches() {
            match filter.ask(&hop, context) {
                Truth::Yes => return true,
                Truth::Maybe => open = true,
                Truth::No => {}
            }
        }
    }
    open && trace.judged().iter().any(|hop| filter.matches(hop, context))
}
