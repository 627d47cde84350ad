//! One trace: its spans as a waterfall with the token beside each, and a twin on which the token arrived.

mod keys;

use std::collections::HashSet;
use std::sync::Arc;

use crate::engine::Query;
use crate::filter::Context;
use crate::model::{Hop, SpanId, TraceId};
use crate::trail::twin::{Route, Twin, folded_operation};
use crate::trail::views::TraceView;
use crate::tui::state::State;
use crate::tui::view;
use crate::tui::waterfall::align::{Aligned, Difference, align, first_difference};
use crate::tui::waterfall::{Line, SpanKey, Waterfall, hop_at};

pub use keys::{act, point};

/// A trace that is open.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Which one.
    pub id: TraceId,
    /// What is known of it; `None` until the engine answers, and where it was never held.
    pub view: Option<Arc<TraceView>>,
    /// Whether the engine has answered.
    pub answered: bool,
    /// Whether it was held when the engine answered last: what is no longer held stays as it was last seen.
    pub held: bool,
    /// The view, worked out.
    pub fall: Arc<Waterfall>,
    /// The lines of the waterfall, without what is folded away.
    pub lines: Arc<[Line]>,
    /// Whether all spans show, or only those that say something of a token.
    pub all: bool,
    /// Spans that are closed.
    pub folded: HashSet<SpanKey>,
    /// The selected span; the worst hop's until the user moves.
    pub selected: Option<SpanKey>,
    /// The span that it was opened for; else the worst hop's is selected at first.
    pub wish: Option<SpanId>,
    /// Whether the user has moved.
    pub moved: bool,
    /// The line of the selected span.
    pub at: usize,
    /// The first line that shows.
    pub top: usize,
    /// Whether the detail has the keyboard.
    pub in_detail: bool,
    /// The first line of the detail that shows.
    pub scroll: u16,
    /// The trace that this one is held against.
    pub beside: Option<Beside>,
}

/// A twin, looked for or found.
#[derive(Clone, Debug)]
pub struct Beside {
    /// What it must have in common with this trace.
    pub route: Route,
    /// What the search found, once it has.
    pub answer: Option<Twin>,
    /// The twin, worked out.
    pub fall: Arc<Waterfall>,
    /// Both traces line by line; empty until one is found.
    pub lines: Arc<[Aligned]>,
    /// The line where they first part: on the hop that was asked about, else anywhere.
    pub first: Option<usize>,
    /// The selected span where it is only in the twin.
    pub there: Option<SpanKey>,
}

impl Beside {
    /// The trace that was found.
    pub fn view(&self) -> Option<&Arc<TraceView>> {
        self.answer.as_ref().and_then(|twin| twin.view.as_ref())
    }
}

impl Trace {
    /// The twin with its trace, where one was found.
    pub fn twin(&self) -> Option<(&Beside, &Arc<TraceView>)> {
        let beside = self.beside.as_ref()?;
        Some((beside, beside.view()?))
    }

    /// Lines there are: those of both traces where a twin stands beside.
    pub fn rows(&self) -> usize {
        self.twin().map_or(self.lines.len(), |(beside, _)| beside.lines.len())
    }

    /// Lines there would be if nothing were folded away: what the pane's height is taken from.
    pub fn unfolded(&self) -> usize {
        self.twin().map_or_else(
            || self.lines.len() + self.lines.iter().map(|line| line.folded).sum::<usize>(),
            |(beside, _)| beside.lines.len(),
        )
    }

    /// The place of the span on a line of this trace.
    pub fn span_of(&self, row: usize) -> Option<usize> {
        match self.twin() {
            Some((beside, _)) => beside.lines.get(row)?.here,
            None => self.lines.get(row).map(|line| line.span),
        }
    }

    /// The place of the selected span in this trace.
    pub fn span(&self) -> Option<usize> {
        self.span_of(self.at)
    }

    /// The spans that do not show, those folded away left aside.
    pub fn hidden(&self) -> usize {
        let shown = self.lines.len() + self.lines.iter().map(|line| line.folded).sum::<usize>();
        self.fall.nodes.len().saturating_sub(shown)
    }

    /// Selects a line.
    fn select(&mut self, row: usize) {
        let key_of = |view: &TraceView, at: usize| view.spans.get(at).map(|(_, span)| SpanKey::of(span));
        let here = self.span_of(row).and_then(|at| key_of(self.view.as_deref()?, at));
        let there = self.twin().and_then(|(beside, view)| key_of(view, beside.lines.get(row)?.there?));
        if let Some(beside) = &mut self.beside {
            beside.there = there.filter(|_| here.is_none());
        }
        if here.is_some() {
            self.selected = here;
        }
        if row != self.at {
            self.scroll = 0;
        }
        self.at = row;
    }

    /// Works out the lines anew, and finds the selected one among them.
    fn arrange(&mut self) {
        let Some(view) = self.view.clone() else { return };
        self.lines = self.fall.lines(&view, self.all, &self.folded).into();
        if let Some(beside) = &mut self.beside
            && let Some(twin) = beside.answer.as_ref().and_then(|answer| answer.view.clone())
        {
            beside.lines = align((&view, &self.fall), (&twin, &beside.fall), self.all).into();
            // What was asked about comes first: a trace may be broken in several places.
            let asked = |at: usize| self.fall.nodes[at].hops.iter().any(|hop| beside.route.is_of(&view.hops[*hop]));
            let token = |line: &Aligned| line.difference == Some(Difference::Token) && line.here.is_some_and(asked);
            beside.first = beside.lines.iter().position(token).or_else(|| first_difference(&beside.lines));
        }
        if !self.moved {
            let wish = self.wish.and_then(|id| view.spans.iter().rposition(|(_, span)| span.span_id == id));
            let worst = wish.or(self.fall.worst).map(|at| SpanKey::of(&view.spans[at].1));
            self.selected = worst.or(self.selected);
        }
        let at = self.row_of_selected(&view).unwrap_or(self.at).min(self.rows().saturating_sub(1));
        self.select(at);
    }

    /// The line of the selected span, or of the nearest span above it that shows.
    fn row_of_selected(&self, view: &TraceView) -> Option<usize> {
        if let Some((beside, twin)) = self.twin()
            && let Some(there) = beside.there
        {
            let is_it = |at: usize| SpanKey::of(&twin.spans[at].1) == there;
            return beside.lines.iter().position(|line| line.here.is_none() && line.there.is_some_and(is_it));
        }
        let selected = self.selected?;
        let span = view.spans.iter().position(|(_, span)| SpanKey::of(span) == selected)?;
        let mut rows = vec![None; view.spans.len()];
        for row in 0..self.rows() {
            if let Some(span) = self.span_of(row) {
                rows[span] = Some(row);
            }
        }
        std::iter::once(span).chain(self.fall.above(span)).find_map(|at| rows[at])
    }

    /// What a twin must have in common: the edge of the selected hop, else of the worst, else of any.
    fn route(&self) -> Option<Route> {
        let view = self.view.as_deref()?;
        let of = |at: usize| hop_at(view, &self.fall.nodes[at]);
        let hop = self.span().and_then(of).or_else(|| self.fall.worst.and_then(of)).or_else(|| view.hops.first())?;
        let (service, root) = view.root()?;
        Some(Route {
            trace: self.id,
            service: Arc::clone(service),
            operation: folded_operation(&root.operation()),
            caller: hop.caller.as_ref().map(|party| Arc::clone(&party.service)),
            callee: Arc::clone(&hop.callee.service),
        })
    }
}

/// Opens a trace over the page that is shown.
pub fn open(state: &mut State, id: TraceId) {
    state.trace = Some(Trace { id, ..Trace::default() });
}

/// Opens the trace of a hop, at that hop.
pub fn open_hop(state: &mut State, hop: &Hop) {
    state.trace = Some(Trace { id: hop.trace_id, wish: span_of(hop), ..Trace::default() });
}

/// The span that shows a hop: the callee's, else the caller's.
fn span_of(hop: &Hop) -> Option<SpanId> {
    hop.callee.span_id.or(hop.caller.as_ref().and_then(|party| party.span_id))
}

/// What the page asks. A picture that stands still asks nothing; a twin is looked for once.
pub fn wants(state: &State) -> Vec<Query> {
    let Some(trace) = &state.trace else { return Vec::new() };
    let mut queries = Vec::new();
    if !(state.paused && trace.answered) {
        queries.push(Query::Trace(trace.id));
    }
    let twin = trace.beside.iter().filter(|beside| beside.answer.is_none());
    queries.extend(twin.map(|beside| Query::Twin(beside.route.clone())));
    queries
}

/// Takes an answer.
pub fn answered(state: &mut State, id: TraceId, view: Option<Arc<TraceView>>) {
    let (filter, now) = (state.filter.filter.clone(), state.snapshot.now);
    let Some(trace) = state.trace.as_mut().filter(|trace| trace.id == id) else { return };
    (trace.answered, trace.held) = (true, view.is_some());
    let Some(view) = view.filter(|view| trace.view.as_ref() != Some(view)) else { return };
    if let (None, None, Some(filter)) = (&trace.view, trace.wish, filter) {
        // Out of a filtered list, people come for what the filter found.
        let found = view.hops.iter().filter(|hop| filter.matches(hop, Context { now }));
        trace.wish = found.max_by_key(|hop| (hop.verdict.accuses(), hop.worst())).and_then(span_of);
    }
    trace.fall = Arc::new(Waterfall::new(&view));
    trace.view = Some(view);
    trace.arrange();
    keep_in_sight(state);
}

/// Takes a twin, or that there is none.
pub fn twin_answered(state: &mut State, route: &Route, twin: &Twin) {
    let Some(trace) = &mut state.trace else { return };
    let Some(beside) = trace.beside.as_mut().filter(|beside| beside.route == *route) else { return };
    beside.fall = Arc::new(twin.view.as_deref().map(Waterfall::new).unwrap_or_default());
    beside.answer = Some(twin.clone());
    trace.arrange();
    // What people came for is where the two part.
    if let Some(first) = trace.beside.as_ref().and_then(|beside| beside.first) {
        trace.select(first);
    }
    keep_in_sight(state);
}

/// Moves the list just enough to keep the selected line in sight.
fn keep_in_sight(state: &mut State) {
    let height = usize::from(view::trace::rows(state).max(1));
    let Some(trace) = &mut state.trace else { return };
    trace.top = first_shown(trace.top, trace.at, trace.rows(), height);
}

/// The first line that shows: where it was, unless the selected one or the end of the list asks for another.
pub fn first_shown(top: usize, at: usize, rows: usize, height: usize) -> usize {
    top.min(rows.saturating_sub(height)).clamp((at + 1).saturating_sub(height), at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_moves_no_more_than_it_must() {
        assert_eq!(first_shown(0, 4, 20, 10), 0);
        assert_eq!(first_shown(0, 12, 20, 10), 3);
        assert_eq!(first_shown(5, 8, 20, 10), 5, "moving up leaves the list where it is");
        assert_eq!(first_shown(5, 2, 20, 10), 2);
        assert_eq!(first_shown(15, 17, 18, 10), 8, "no room is left empty below the end");
        assert_eq!(first_shown(3, 0, 0, 10), 0);
    }
}
