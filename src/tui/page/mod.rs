//! One file a page: what is selected there, what keys and mouse do there, and what it asks the engine.

pub mod below;
pub mod map;
pub mod problems;
pub mod services;
pub mod start;
pub mod tokens;
pub mod trace;
pub mod traces;

use crate::engine::Query;

use super::message::{Action, Pointer};
use super::state::State;

/// What fills the screen between header and footer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Page {
    /// The call graph with problems and evidence.
    #[default]
    Map,
    /// The list of problems.
    Problems,
    /// The list of traces.
    Traces,
    /// The list of tokens.
    Tokens,
    /// What each service tells.
    Services,
    /// One trace, over whichever page it was opened from.
    Trace,
}

impl Page {
    /// The views with a key of their own, in its order.
    pub const VIEWS: [Self; 5] = [Self::Map, Self::Problems, Self::Traces, Self::Tokens, Self::Services];

    /// As the footer names it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Problems => "problems",
            Self::Traces => "traces",
            Self::Tokens => "tokens",
            Self::Services => "services",
            Self::Trace => "trace",
        }
    }

    /// The action that shows it.
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Map => Some(Action::ViewMap),
            Self::Problems => Some(Action::ViewProblems),
            Self::Traces => Some(Action::ViewTraces),
            Self::Tokens => Some(Action::ViewTokens),
            Self::Services => Some(Action::ViewServices),
            Self::Trace => None,
        }
    }
}

/// Lets an action happen on the page that is shown; false where it means nothing there.
pub fn act(state: &mut State, action: Action) -> bool {
    let done = match state.page() {
        Page::Map => map::act(state, action),
        Page::Problems => problems::act(state, action),
        Page::Traces => traces::act(state, action),
        Page::Tokens => tokens::act(state, action),
        Page::Services => services::act(state, action),
        Page::Trace => trace::act(state, action),
    };
    done || start::act(state, action)
}

/// Shows a page with a filter in force.
pub fn show_filtered(state: &mut State, page: Page, text: &str) {
    let Ok(filter) = text.parse::<crate::filter::Filter>() else { return };
    (state.filter.filter, state.filter.text) = ((!filter.is_empty()).then_some(filter), text.to_owned());
    (state.view, state.trace) = (page, None);
    state.traces.selected = None;
    state.traces.window = crate::engine::query::Window::First;
}

/// The mouse on the page that is shown.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    match state.page() {
        Page::Map => map::point(state, pointer, x, y),
        Page::Problems => problems::point(state, pointer, x, y),
        Page::Traces => traces::point(state, pointer, x, y),
        Page::Tokens => tokens::point(state, pointer, x, y),
        Page::Services => services::point(state, pointer, x, y),
        Page::Trace => trace::point(state, pointer, x, y),
    }
}

/// What the page that is shown wants to know. Asked again whenever the engine publishes, as long as it is wanted.
pub fn wants(state: &State) -> Vec<Query> {
    match state.page() {
        Page::Traces => traces::wants(state),
        Page::Trace => trace::wants(state),
        Page::Tokens => tokens::wants(state),
        Page::Services => services::wants(),
        Page::Map | Page::Problems => Vec::new(),
    }
}

/// The row so many further on, within so many rows.
pub fn moved(at: usize, by: i32, rows: usize) -> usize {
    let last = i64::try_from(rows).unwrap_or(i64::MAX) - 1;
    let to = i64::try_from(at).unwrap_or(0).saturating_add(i64::from(by)).clamp(0, last.max(0));
    usize::try_from(to).unwrap_or(0)
}

/// The rows that a movement goes, `None` for any other action. `page` is how many rows a page has.
pub fn rows_of(action: Action, page: u16) -> Option<i32> {
    let page = i32::from(page.max(2)) - 1;
    Some(match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::First => i32::MIN / 2,
        Action::Last => i32::MAX / 2,
        _ => return None,
    })
}
