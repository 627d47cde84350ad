//! One trace: its spans as a waterfall, with the token beside each.

use std::sync::Arc;

use crate::engine::Query;
use crate::model::TraceId;
use crate::trail::views::TraceView;
use crate::tui::message::{Action, Pointer};
use crate::tui::state::State;
use crate::tui::view;

/// A trace that is open.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Which one.
    pub id: TraceId,
    /// What is known of it; `None` until the engine answers, and where it is not held.
    pub view: Option<Arc<TraceView>>,
    /// Whether the engine has answered.
    pub answered: bool,
    /// The selected line.
    pub at: usize,
}

/// Opens a trace over the page that is shown.
pub fn open(state: &mut State, id: TraceId) {
    state.trace = Some(Trace { id, ..Trace::default() });
}

/// What the page asks.
pub fn wants(state: &State) -> Vec<Query> {
    state.trace.iter().map(|trace| Query::Trace(trace.id)).collect()
}

/// Takes an answer.
pub fn answered(state: &mut State, id: TraceId, view: Option<TraceView>) {
    let Some(trace) = state.trace.as_mut().filter(|trace| trace.id == id) else { return };
    trace.answered = true;
    // What is no longer held stays on the screen as it was last seen.
    if let Some(view) = view {
        trace.view = Some(Arc::new(view));
    }
}

/// Keys in a trace.
pub fn act(state: &mut State, action: Action) -> bool {
    let page = view::trace::rows(state);
    let Some(trace) = state.trace.as_mut() else { return false };
    if let Some(by) = super::rows_of(action, page) {
        let rows = trace.view.as_ref().map_or(0, |view| view.spans.len());
        trace.at = super::moved(trace.at, by, rows);
        return true;
    }
    match action {
        Action::Back => state.trace = None,
        _ => return false,
    }
    true
}

/// The mouse in a trace.
pub fn point(state: &mut State, pointer: Pointer, _x: u16, _y: u16) {
    match pointer {
        Pointer::WheelUp => drop(act(state, Action::Up)),
        Pointer::WheelDown => drop(act(state, Action::Down)),
        Pointer::Click | Pointer::Drag => {}
    }
}
