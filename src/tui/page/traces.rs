//! The list of traces: a window of it, asked of the engine around what is selected.

use std::sync::Arc;

use crate::engine::Query;
use crate::engine::query::{PAGE_ROWS, TraceOrder, TracePage, TraceQuery, Window};
use crate::model::TraceId;
use crate::tui::message::{Action, Pointer};
use crate::tui::state::State;
use crate::tui::view;

/// What the page knows.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// Sorted by this.
    pub order: TraceOrder,
    /// The other way round.
    pub reverse: bool,
    /// The trace that is selected; the first one until the user moves.
    pub selected: Option<TraceId>,
    /// Which part of the list to ask for.
    pub window: Window,
    /// The last answer.
    pub page: Option<Arc<TracePage>>,
}

impl Traces {
    /// The selected row within the page.
    pub fn at(&self) -> usize {
        let rows = self.page.as_ref().map(|page| page.rows.as_slice()).unwrap_or_default();
        self.selected.and_then(|id| rows.iter().position(|row| row.id == id)).unwrap_or(0)
    }
}

/// What the page asks.
pub fn wants(state: &State) -> Vec<Query> {
    let Traces { order, reverse, window, .. } = state.traces;
    vec![Query::Traces(TraceQuery { filter: state.filter.filter.clone(), order, reverse, window })]
}

/// Takes an answer: what is selected stays selected while it is in the list.
pub fn answered(state: &mut State, page: TracePage) {
    let at = state.traces.at();
    let there = |id: TraceId| page.rows.iter().any(|row| row.id == id);
    match (state.traces.selected, state.traces.window) {
        (Some(id), Window::First | Window::Around(_)) if there(id) => {}
        (None, Window::First) => {}
        (_, Window::Last) => state.traces.selected = page.rows.last().map(|row| row.id),
        _ => state.traces.selected = page.rows.get(at.min(page.rows.len().saturating_sub(1))).map(|row| row.id),
    }
    state.traces.page = Some(Arc::new(page));
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
            state.traces.order = match state.traces.order {
                TraceOrder::Start => TraceOrder::Severity,
                TraceOrder::Severity => TraceOrder::Duration,
                TraceOrder::Duration => TraceOrder::Hops,
                TraceOrder::Hops => TraceOrder::Service,
                TraceOrder::Service => TraceOrder::Start,
            };
            to_first(state);
        }
        Action::SortReverse => {
            state.traces.reverse = !state.traces.reverse;
            to_first(state);
        }
        _ => return false,
    }
    true
}

fn to_first(state: &mut State) {
    (state.traces.selected, state.traces.window) = (None, Window::First);
}

fn step(state: &mut State, by: i32) {
    let Some(page) = state.traces.page.clone() else { return };
    if page.rows.is_empty() {
        return;
    }
    let far = i32::try_from(page.matching).unwrap_or(i32::MAX);
    if by < -far {
        return to_first(state);
    }
    if by > far {
        state.traces.window = Window::Last;
        state.traces.selected = page.rows.last().map(|row| row.id);
        return;
    }
    let at = super::moved(state.traces.at(), by, page.rows.len());
    let id = page.rows[at].id;
    state.traces.selected = Some(id);
    // Near an end of what is known, but not of the list: ask for what lies beyond.
    let near_start = at < PAGE_ROWS / 4 && page.first > 0;
    let near_end = at + PAGE_ROWS / 4 > page.rows.len() && page.first + page.rows.len() < page.matching;
    if near_start || near_end || state.traces.window == Window::Last {
        state.traces.window = Window::Around(id);
    }
}

/// The mouse in the list.
pub fn point(state: &mut State, pointer: Pointer, _x: u16, y: u16) {
    match pointer {
        Pointer::Drag => {}
        Pointer::WheelUp => step(state, -3),
        Pointer::WheelDown => step(state, 3),
        Pointer::Click => {
            let Some(row) = view::traces::row_at(state, y) else { return };
            let page = state.traces.page.clone();
            let Some(id) = page.and_then(|page| page.rows.get(row).map(|row| row.id)) else { return };
            if state.traces.selected == Some(id) {
                super::trace::open(state, id);
            } else {
                state.traces.selected = Some(id);
            }
        }
    }
}
