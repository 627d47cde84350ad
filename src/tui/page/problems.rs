//! The list of problems, on a page of its own.

use crate::tui::message::{Action, Pointer};
use crate::tui::state::{ProblemKey, Selection, State};
use crate::tui::update::choose;
use crate::tui::view;

/// Keys in the list.
pub fn act(state: &mut State, action: Action) -> bool {
    if let Some(by) = super::rows_of(action, view::problem_list::rows(state)) {
        step(state, by);
        return true;
    }
    match action {
        Action::Enter => {
            if let Some(hop) = state.sample().cloned() {
                super::trace::open_hop(state, &hop);
            }
        }
        _ => return false,
    }
    true
}

/// The selected row.
pub fn at(state: &State) -> usize {
    let rows = state.all_problems();
    let Selection::Problem(key) = &state.selection else { return 0 };
    rows.iter().position(|row| ProblemKey::of(row) == *key).unwrap_or(0)
}

fn step(state: &mut State, by: i32) {
    let rows = state.all_problems();
    if rows.is_empty() {
        return;
    }
    let key = ProblemKey::of(rows[super::moved(at(state), by, rows.len())]);
    choose(state, Selection::Problem(key));
}

/// The mouse in the list.
pub fn point(state: &mut State, pointer: Pointer, _x: u16, y: u16) {
    match pointer {
        Pointer::Drag => {}
        Pointer::WheelUp => step(state, -1),
        Pointer::WheelDown => step(state, 1),
        Pointer::Click => {
            let Some(row) = view::problem_list::row_at(state, y) else { return };
            if let Some(key) = state.all_problems().get(row).map(|row| ProblemKey::of(row)) {
                choose(state, Selection::Problem(key));
            }
        }
    }
}
