//! The list of traces: sorted and filtered by the engine, a page at a time.

use std::sync::Arc;

use crate::engine::Query;
use crate::engine::query::{PAGE_ROWS, TraceOrder, TracePage, TraceQuery, Window};
use crate::model::TraceId;
use crate::tui::message::{Action, Pointer};
use crate::tui::state::State;
use crate::tui::view::{self, table};

/// What the page knows.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// Sorted by this.
    pub order: TraceOrder,
    /// The other way round.
    pub reverse: bool,
    /// The trace that is selected; the first one until the user moves.
    pub selected: Option<TraceId>,
    /// The line of the list on which it stands: rows that come and go above it do not move it.
    pub line: u16,
    /// Which part of the list to ask for.
    pub window: Window,
    /// The last answer.
    pub page: Option<Arc<TracePage>>,
    /// The question that it answers.
    pub answers: TraceQuery,
}

impl Traces {
    /// The selected row within the page.
    pub fn at(&self) -> usize {
        let rows = self.page.as_ref().map(|page| page.rows.as_slice()).unwrap_or_default();
        self.selected.and_then(|id| rows.iter().position(|row| row.id == id)).unwrap_or(0)
    }

    /// The selected row's place in the whole list.
    fn place(&self) -> usize {
        self.page.as_ref().map_or(0, |page| page.first) + self.at()
    }
}

/// What the page asks.
pub fn wants(state: &State) -> Vec<Query> {
    let Traces { order, reverse, window, .. } = state.traces;
    vec![Query::Traces(TraceQuery { filter: state.filter.filter.clone(), order, reverse, window })]
}

/// Takes an answer: what is selected stays selected while it is in the list, wherever it went.
pub fn answered(state: &mut State, query: &TraceQuery, page: TracePage) {
    let place = state.traces.place();
    let height = view::traces::rows(state);
    let traces = &mut state.traces;
    match (traces.selected, query.window) {
        _ if page.rows.is_empty() => {}
        (_, Window::Last) => {
            traces.selected = page.rows.last().map(|row| row.id);
            traces.line = height.saturating_sub(1);
        }
        (None, _) => {}
        (Some(id), _) if page.rows.iter().any(|row| row.id == id) => {}
        // It is gone: whatever stands in its place now is selected.
        (Some(id), Window::Around(around, place)) if around == id => {
            let at = place.saturating_sub(page.first).min(page.rows.len() - 1);
            let next = page.rows[at].id;
            (traces.selected, traces.window) = (Some(next), Window::Around(next, page.first + at));
        }
        // It has left this part of the list: the rows stay until it is known where it went.
        (Some(id), _) => {
            traces.window = Window::Around(id, place);
            if traces.page.is_some() {
                return;
            }
        }
    }
    (traces.page, traces.answers) = (Some(Arc::new(page)), query.clone());
}

/// Another filter is in force: what is selected is looked for in what is left.
pub fn refiltered(state: &mut State) {
    let traces = &mut state.traces;
    traces.window = traces.selected.map_or(Window::First, |id| Window::Around(id, 0));
}

/// Begins at the top, with nothing of what was shown before.
pub fn begin(state: &mut State) {
    to_first(state);
    state.traces.page = None;
}

/// Keys in the list.
pub fn act(state: &mut State, action: Action) -> bool {
    if let Some(by) = super::rows_of(action, view::traces::rows(state)) {
        step(state, by);
        return true;
    }
    match action {
        Action::Enter => {
            let at = state.traces.at();
            if let Some(id) = state.traces.page.as_ref().and_then(|page| page.rows.get(at)).map(|row| row.id) {
                super::trace::open(state, id);
            }
        }
        Action::Sort => {
            let order = match state.traces.order {
                TraceOrder::Start => TraceOrder::Severity,
                TraceOrder::Severity => TraceOrder::Duration,
                TraceOrder::Duration => TraceOrder::Hops,
                TraceOrder::Hops => TraceOrder::Service,
                TraceOrder::Service => TraceOrder::Start,
            };
            sort(state, order, false);
        }
        Action::SortReverse => sort(state, state.traces.order, !state.traces.reverse),
        _ => return false,
    }
    true
}

fn sort(state: &mut State, order: TraceOrder, reverse: bool) {
    (state.traces.order, state.traces.reverse) = (order, reverse);
    to_first(state);
}

fn to_first(state: &mut State) {
    let traces = &mut state.traces;
    (traces.selected, traces.window, traces.line) = (None, Window::First, 0);
}

fn step(state: &mut State, by: i32) {
    let Some(page) = state.traces.page.clone().filter(|page| !page.rows.is_empty()) else { return };
    let far = i32::try_from(page.matching).unwrap_or(i32::MAX);
    if by < -far {
        return to_first(state);
    }
    let height = view::traces::rows(state);
    if by > far {
        state.traces.window = Window::Last;
        if page.first + page.rows.len() >= page.matching {
            state.traces.selected = page.rows.last().map(|row| row.id);
            state.traces.line = height.saturating_sub(1);
        }
        return;
    }
    go(state, super::moved(state.traces.at(), by, page.rows.len()));
}

/// Selects a row of the page.
fn go(state: &mut State, to: usize) {
    let (from, height) = (state.traces.at(), view::traces::rows(state));
    let Some(page) = state.traces.page.clone() else { return };
    let Some(id) = page.rows.get(to).map(|row| row.id) else { return };
    state.traces.line = table::line_after(state.traces.line, (from, to), height, page.rows.len());
    state.traces.selected = Some(id);
    // Near an end of what is known, but not of the list: ask for what lies beyond before it has to show.
    let near = usize::from(height).clamp(PAGE_ROWS / 4, PAGE_ROWS * 2 / 5);
    let near_start = to < near && page.first > 0;
    let near_end = to + near > page.rows.len() && page.first + page.rows.len() < page.matching;
    if near_start || near_end || state.traces.window == Window::Last {
        state.traces.window = Window::Around(id, page.first + to);
    }
}

/// The mouse in the list.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    match pointer {
        Pointer::Drag => {}
        Pointer::WheelUp => step(state, -3),
        Pointer::WheelDown => step(state, 3),
        Pointer::Click => {
            if let Some(order) = view::traces::heading_at(state, x, y) {
                let reverse = state.traces.order == order && !state.traces.reverse;
                return sort(state, order, reverse);
            }
            let Some(row) = view::traces::row_at(state, y) else { return };
            let page = state.traces.page.clone();
            let Some(id) = page.and_then(|page| page.rows.get(row).map(|row| row.id)) else { return };
            if state.traces.selected == Some(id) {
                super::trace::open(state, id);
            } else {
                go(state, row);
            }
        }
    }
}
