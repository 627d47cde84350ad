//! Words that several pages share: keys by name, and what a page says that has nothing to list.

use super::pen::{Pen, Row};
use crate::tui::geometry::Area;
use crate::tui::message::Action;
use crate::tui::state::State;

/// The first key of an action, as the user has it.
pub fn key(state: &State, action: Action) -> Row {
    let key = state.keymap.keys(action).into_iter().next();
    Row::new().own(key.as_deref().unwrap_or("-"), state.theme.strong())
}

/// The first key of an action, and what it does there.
pub fn key_does(state: &State, action: Action, does: &'static str) -> Row {
    key(state, action).plain(" ").text(does, state.theme.quiet())
}

/// Why a page lists nothing: the first line is what is so, the others what can be done.
pub fn nothing(pen: &mut Pen, area: Area, lines: Vec<Row>) {
    for (y, line) in (area.y..area.y + area.h).zip(lines) {
        pen.row(area.x + 1, y, area.w.saturating_sub(1), &line);
    }
}

/// Where the settings of each service are: `5 says what to set in each`.
pub fn settings(state: &State) -> String {
    let key = state.keymap.keys(Action::ViewServices).into_iter().next();
    format!("{} says what to set in each", key.as_deref().unwrap_or(":services"))
}
