//! What each service tells of its tokens.

use std::sync::Arc;

use crate::tui::message::{Action, Pointer};
use crate::tui::state::State;
use crate::tui::view;

/// What the page knows.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// The selected service by name; the first one until the user moves.
    pub selected: Option<Arc<str>>,
}

/// Keys in the list.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(by) = super::rows_of(action, view::services::rows(state)) else { return false };
    step(state, by);
    true
}

/// The selected row.
pub fn at(state: &State) -> usize {
    let rows = state.services_listed();
    rows.iter().position(|row| Some(&row.name) == state.services.selected.as_ref()).unwrap_or(0)
}

fn step(state: &mut State, by: i32) {
    let rows = state.services_listed();
    let name = rows.get(super::moved(at(state), by, rows.len())).map(|row| Arc::clone(&row.name));
    state.services.selected = name;
}

/// The mouse in the list.
pub fn point(state: &mut State, pointer: Pointer, _x: u16, _y: u16) {
    match pointer {
        Pointer::WheelUp => step(state, -1),
        Pointer::WheelDown => step(state, 1),
        Pointer::Click | Pointer::Drag => {}
    }
}
