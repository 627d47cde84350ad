//! The list of problems, on a page of its own.

use std::cmp::{Ordering, Reverse};

use crate::trail::summary::ProblemRow;
use crate::tui::filtering;
use crate::tui::message::{Action, Pointer};
use crate::tui::state::{ProblemKey, Selection, State};
use crate::tui::update::choose;
use crate::tui::view::{self, table};

/// What the page knows.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// Sorted by this.
    pub order: ProblemOrder,
    /// The other way round.
    pub reverse: bool,
    /// The line of the list on which the selected row stands.
    pub line: u16,
}

/// What problems are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ProblemOrder {
    /// The worst first, as the engine lists them.
    #[default]
    Severity,
    /// Most hops first.
    Count,
    /// The newest first.
    LastSeen,
    /// By caller, then callee.
    Caller,
}

impl ProblemOrder {
    const fn next(self) -> Self {
        match self {
            Self::Severity => Self::Count,
            Self::Count => Self::LastSeen,
            Self::LastSeen => Self::Caller,
            Self::Caller => Self::Severity,
        }
    }

    fn compare(self, a: &ProblemRow, b: &ProblemRow) -> Ordering {
        match self {
            // Sorting keeps the order of equals, and the engine's is by severity.
            Self::Severity => Ordering::Equal,
            Self::Count => b.count.cmp(&a.count),
            Self::LastSeen => Reverse(a.last_seen).cmp(&Reverse(b.last_seen)),
            Self::Caller => (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)),
        }
    }
}

/// The rows as they are listed: filtered and sorted.
pub fn rows(state: &State) -> Vec<&ProblemRow> {
    let Problems { order, reverse, .. } = state.problem_list;
    let mut rows = state.all_problems();
    rows.sort_by(|a, b| order.compare(a, b));
    if reverse {
        rows.reverse();
    }
    rows
}

/// The selected row.
pub fn at(state: &State, rows: &[&ProblemRow]) -> usize {
    let Selection::Problem(key) = &state.selection else { return 0 };
    rows.iter().position(|row| ProblemKey::of(row) == *key).unwrap_or(0)
}

/// Keys in the list.
pub fn act(state: &mut State, action: Action) -> bool {
    if let Some(by) = super::rows_of(action, view::problem_list::rows(state)) {
        step(state, by);
        return true;
    }
    match action {
        Action::Enter => enter(state),
        Action::Sort => sort(state, state.problem_list.order.next(), false),
        Action::SortReverse => sort(state, state.problem_list.order, !state.problem_list.reverse),
        _ => return false,
    }
    true
}

fn enter(state: &mut State) {
    let rows = rows(state);
    if let Some(row) = rows.get(at(state, &rows)) {
        let row = (*row).clone();
        // Whoever comes back finds what they left.
        choose(state, Selection::Problem(ProblemKey::of(&row)));
        filtering::open_traces_of(state, &row);
    }
}

fn sort(state: &mut State, order: ProblemOrder, reverse: bool) {
    (state.problem_list.order, state.problem_list.reverse) = (order, reverse);
    state.problem_list.line = u16::MAX;
}

fn step(state: &mut State, by: i32) {
    let rows = rows(state);
    if !rows.is_empty() {
        let to = super::moved(at(state, &rows), by, rows.len());
        go(state, to);
    }
}

/// Selects a row of the list.
fn go(state: &mut State, to: usize) {
    let rows = rows(state);
    let Some(row) = rows.get(to) else { return };
    let key = ProblemKey::of(row);
    let height = view::problem_list::rows(state);
    let line = table::line_after(state.problem_list.line, (at(state, &rows), to), height, rows.len());
    state.problem_list.line = line;
    choose(state, Selection::Problem(key));
}

/// The mouse in the list.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    match pointer {
        Pointer::Drag => {}
        Pointer::WheelUp => step(state, -1),
        Pointer::WheelDown => step(state, 1),
        Pointer::Click => {
            if let Some(order) = view::problem_list::heading_at(state, x, y) {
                let reverse = state.problem_list.order == order && !state.problem_list.reverse;
                return sort(state, order, reverse);
            }
            let Some(row) = view::problem_list::row_at(state, y) else { return };
            let rows = rows(state);
            let key = rows.get(row).map(|row| Selection::Problem(ProblemKey::of(row)));
            // The second click opens; at first the selection may be one that nobody made.
            if !state.follow && key.as_ref() == Some(&state.selection) {
                enter(state);
            } else {
                go(state, row);
            }
        }
    }
}
