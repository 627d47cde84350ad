//! The tokens that were seen.

use crate::tui::message::{Action, Pointer};
use crate::tui::state::State;

/// Keys in the list.
pub fn act(_state: &mut State, _action: Action) -> bool {
    false
}

/// The mouse in the list.
pub fn point(_state: &mut State, _pointer: Pointer, _x: u16, _y: u16) {}
