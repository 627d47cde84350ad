//! Keys and mouse in one trace.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Beside, Trace, keep_in_sight};
use crate::trail::twin::Route;
use crate::tui::message::{Action, Pointer};
use crate::tui::page::{moved, rows_of};
use crate::tui::state::{State, Toast};
use crate::tui::view;
use crate::tui::waterfall::SpanKey;
use crate::tui::waterfall::align::{Aligned, Difference};

/// Lines that the wheel moves.
const WHEEL: i32 = 3;

/// Keys in a trace.
pub fn act(state: &mut State, action: Action) -> bool {
    let (page, detail) = (view::trace::rows(state), view::trace::detail_rows(state));
    let Some(trace) = &mut state.trace else { return false };
    let by = rows_of(action, if trace.in_detail { detail } else { page });
    match (action, by) {
        (_, Some(by)) if trace.in_detail => scroll(state, by),
        (_, Some(by)) => step(trace, by),
        (Action::Left, _) => left(trace),
        (Action::Right, _) => right(trace),
        (Action::NextPane | Action::PreviousPane, _) => trace.in_detail = !trace.in_detail,
        (Action::Enter, _) => trace.in_detail = true,
        (Action::AllSpans, _) => {
            trace.all = !trace.all;
            trace.moved = true;
            trace.arrange();
        }
        (Action::NextProblem, _) => problem(state, true),
        (Action::PreviousProblem, _) => problem(state, false),
        (Action::ParentSpan, _) => parent(trace),
        (Action::Twin, _) => twin(state),
        (Action::Back, _) => back(state),
        _ => return false,
    }
    keep_in_sight(state);
    true
}

fn back(state: &mut State) {
    let Some(trace) = &mut state.trace else { return };
    if trace.in_detail {
        trace.in_detail = false;
    } else if trace.beside.is_some() {
        trace.beside = None;
        trace.arrange();
    } else {
        state.trace = None;
    }
}

fn scroll(state: &mut State, lines: i32) {
    let most = view::trace::overflow(state);
    let Some(trace) = &mut state.trace else { return };
    let line = i32::from(trace.scroll.min(most)).saturating_add(lines).clamp(0, i32::from(most));
    trace.scroll = u16::try_from(line).unwrap_or(0);
}

/// A line that the user chose.
fn choose(trace: &mut Trace, row: usize) {
    trace.moved = true;
    trace.select(row);
}

fn step(trace: &mut Trace, by: i32) {
    let row = moved(trace.at, by, trace.rows());
    choose(trace, row);
}

/// The line above that this one stands below.
fn line_above(trace: &Trace) -> Option<usize> {
    match trace.twin() {
        Some((beside, _)) => {
            let depth = beside.lines.get(trace.at)?.depth;
            (0..trace.at).rev().find(|row| beside.lines[*row].depth < depth)
        }
        None => trace.lines.get(trace.at)?.parent,
    }
}

fn parent(trace: &mut Trace) {
    if let Some(row) = line_above(trace) {
        choose(trace, row);
    }
}

/// The key of the selected line, and whether it is open or closed; `None` where nothing stands below it.
fn opens(trace: &Trace) -> Option<(SpanKey, bool)> {
    let line = trace.lines.get(trace.at).filter(|line| line.opens && trace.twin().is_none())?;
    Some((SpanKey::of(&trace.view.as_ref()?.spans[line.span].1), line.folded == 0))
}

/// Closes what is open, else goes to the line above.
fn left(trace: &mut Trace) {
    match opens(trace) {
        Some((key, true)) => {
            trace.folded.insert(key);
            trace.moved = true;
            trace.arrange();
        }
        _ => parent(trace),
    }
}

/// Opens what is closed, else goes to the first line below.
fn right(trace: &mut Trace) {
    match opens(trace) {
        Some((key, false)) => {
            trace.folded.remove(&key);
            trace.moved = true;
            trace.arrange();
        }
        Some((_, true)) => choose(trace, trace.at + 1),
        None => {}
    }
}

/// The next problem, or the one before; beside a twin the next difference.
fn problem(state: &mut State, forward: bool) {
    let Some(trace) = &mut state.trace else { return };
    if trace.twin().is_none() {
        unfold_problems(trace);
    }
    let (rows, none) = match trace.twin() {
        Some((beside, _)) => (differing(&beside.lines), "the two traces do not differ"),
        None => (broken(trace), "no hop of this trace is accused"),
    };
    let found = if forward {
        rows.iter().find(|row| **row > trace.at).or(rows.first())
    } else {
        rows.iter().rev().find(|row| **row < trace.at).or(rows.last())
    };
    if let Some(row) = found {
        choose(trace, *row);
    } else {
        state.toast = Some(Toast { text: none.to_owned(), failed: false });
    }
}

/// Lines of two traces that differ. A failure comes up from below: those that differ by it alone are seen on the way.
fn differing(lines: &[Aligned]) -> Vec<usize> {
    let differs = |line: &Aligned| line.difference.is_some_and(|difference| difference != Difference::Status);
    (0..lines.len()).filter(|row| differs(&lines[*row])).collect()
}

/// Lines at which something is broken.
fn broken(trace: &Trace) -> Vec<usize> {
    let problems: HashSet<usize> = trace.fall.problems.iter().copied().collect();
    (0..trace.lines.len()).filter(|row| problems.contains(&trace.lines[*row].span)).collect()
}

/// Nothing that is broken stays folded away while people go from one to the next.
fn unfold_problems(trace: &mut Trace) {
    let Some(view) = trace.view.clone() else { return };
    if trace.folded.is_empty() {
        return;
    }
    for problem in &trace.fall.problems {
        for at in trace.fall.above(*problem) {
            trace.folded.remove(&SpanKey::of(&view.spans[at].1));
        }
    }
    trace.moved = true;
    trace.arrange();
}

fn twin(state: &mut State) {
    let Some(trace) = &mut state.trace else { return };
    if trace.beside.take().is_some() {
        return trace.arrange();
    }
    if let Some(route) = trace.route() {
        trace.beside = Some(looked_for(route));
    } else {
        let text = "this trace has no hop to find a twin for".to_owned();
        state.toast = Some(Toast { text, failed: true });
    }
}

fn looked_for(route: Route) -> Beside {
    Beside { route, answer: None, fall: Arc::default(), lines: Arc::default(), first: None, there: None }
}

/// The mouse in a trace.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    let (row, detail) = (view::trace::row_at(state, x, y), view::trace::is_detail(state, x, y));
    let wheel = match pointer {
        Pointer::WheelUp => -WHEEL,
        Pointer::WheelDown => WHEEL,
        Pointer::Click | Pointer::Drag => 0,
    };
    let Some(trace) = &mut state.trace else { return };
    match (pointer, row) {
        (Pointer::Drag, _) => {}
        (Pointer::Click, Some(row)) if row == trace.at && !trace.in_detail => match opens(trace) {
            Some((_, true)) => left(trace),
            _ => right(trace),
        },
        (Pointer::Click, Some(row)) => {
            trace.in_detail = false;
            choose(trace, row);
        }
        (Pointer::Click, None) => trace.in_detail = detail,
        _ if detail => scroll(state, wheel),
        _ => step(trace, wheel),
    }
    keep_in_sight(state);
}
