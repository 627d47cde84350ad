//! The map: moving along the graph, its lists and the evidence.

use crate::trail::summary::ProblemRow;
use crate::tui::geometry::{Area, Pane};
use crate::tui::graph::{Drawing, EdgeKey, Line, Scope};
use crate::tui::message::{Action, Pointer};
use crate::tui::state::{ProblemKey, Selection, State};
use crate::tui::update::{choose, focus_pane, select_worst};
use crate::tui::view::map::{draws, middle, viewport};
use crate::tui::view::{calls, detail, empty, problems};

/// Lines that the wheel moves.
const WHEEL: i32 = 3;
/// Lines that a page key moves.
const PAGE: i32 = 10;
/// Columns and rows that the graph is moved by one key.
const PAN: (i32, i32) = (8, 3);

/// Keys on the map.
pub fn act(state: &mut State, action: Action) -> bool {
    match action {
        Action::Up => step(state, 0, -1),
        Action::Down => step(state, 0, 1),
        Action::Left => step(state, -1, 0),
        Action::Right => step(state, 1, 0),
        Action::PageUp => page(state, -PAGE),
        Action::PageDown => page(state, PAGE),
        Action::First => edge_of_list(state, false),
        Action::Last => edge_of_list(state, true),
        Action::NextPane => turn(state, true),
        Action::PreviousPane => turn(state, false),
        Action::Enter => enter(state),
        Action::OnlyBroken => {
            state.only_broken = !state.only_broken;
            state.pan = (0, 0);
        }
        Action::Focus => {
            state.scope = if state.scope == Scope::Focus { Scope::Auto } else { Scope::Focus };
            state.pan = (0, 0);
        }
        Action::All => {
            (state.scope, state.only_broken, state.pan) = (Scope::All, false, (0, 0));
            state.let_go_of_filter();
            if matches!(state.selection, Selection::Node(_)) {
                state.follow = true;
                select_worst(state);
            }
        }
        Action::EdgeList => state.edge_list = !state.edge_list,
        Action::Worst => {
            state.follow = true;
            select_worst(state);
            focus_pane(state, Pane::Problems);
        }
        Action::PanLeft => pan(state, 1, 0),
        Action::PanRight => pan(state, -1, 0),
        Action::PanUp => pan(state, 0, 1),
        Action::PanDown => pan(state, 0, -1),
        Action::Back => return back(state),
        _ => return false,
    }
    true
}

fn back(state: &mut State) -> bool {
    if state.pane == Pane::Detail && !state.is_empty() {
        let upper = state.upper;
        focus_pane(state, upper);
    } else if state.scope == Scope::Focus || state.only_broken {
        (state.scope, state.only_broken) = (Scope::Auto, false);
    } else {
        return false;
    }
    true
}

fn enter(state: &mut State) {
    if state.is_empty() {
        return;
    }
    if state.pane == Pane::Detail {
        if let Some(hop) = state.sample().cloned() {
            super::trace::open_hop(state, &hop);
        }
    } else {
        focus_pane(state, Pane::Detail);
    }
}

fn pan(state: &mut State, dx: i32, dy: i32) {
    pan_by(state, dx * PAN.0, dy * PAN.1);
}

/// Moves what is seen over the graph, and no further than the graph goes: the way back begins at once.
fn pan_by(state: &mut State, dx: i32, dy: i32) {
    let screen = state.screen();
    let (Some(drawing), Some(area)) = (&state.laid.drawing, screen.map) else { return };
    let area = area.inner(screen.frame);
    let here = viewport(state, drawing, area);
    let room = (i32::from(area.w) - i32::from(drawing.width), i32::from(area.h) - i32::from(drawing.height));
    let origin = (here.0 - i32::from(area.x), here.1 - i32::from(area.y));
    // Where the first cell is to stand, within what the graph allows; a graph that fits stands still.
    let moved = |at: i32, by: i32, room: i32| if room < 0 { at - (at - by).clamp(room, 0) } else { 0 };
    let from = (anchor(state, drawing, area).0 - origin.0, anchor(state, drawing, area).1 - origin.1);
    state.pan = (from.0 + moved(origin.0, dx, room.0), from.1 + moved(origin.1, dy, room.1));
}

/// Where the first cell would stand if nobody had moved it.
fn anchor(state: &State, drawing: &Drawing, area: Area) -> (i32, i32) {
    let (x, y) = middle(state, drawing);
    (i32::from(area.w) / 2 - x, i32::from(area.h) / 2 - y)
}

fn turn(state: &mut State, forward: bool) {
    const RING: [Pane; 3] = [Pane::Map, Pane::Problems, Pane::Detail];
    let at = RING.iter().position(|pane| *pane == state.pane).unwrap_or(0);
    focus_pane(state, RING[(at + if forward { 1 } else { 2 }) % 3]);
}

fn step(state: &mut State, dx: i32, dy: i32) {
    match state.pane {
        _ if state.is_empty() => scroll(state, dy),
        Pane::Detail => scroll(state, dy),
        Pane::Problems => list(state, dy),
        Pane::Map if draws(state) => along(state, dx, dy),
        Pane::Map => list_edges(state, dy),
    }
}

fn page(state: &mut State, lines: i32) {
    match state.pane {
        _ if state.is_empty() => scroll(state, lines),
        Pane::Detail => scroll(state, lines),
        Pane::Problems => list(state, lines / 2),
        Pane::Map if draws(state) => pan_by(state, 0, lines),
        Pane::Map => list_edges(state, lines),
    }
}

fn edge_of_list(state: &mut State, last: bool) {
    let far = if last { i32::MAX / 2 } else { i32::MIN / 2 };
    match state.pane {
        Pane::Detail => scroll(state, far),
        Pane::Problems => list(state, far),
        Pane::Map if draws(state) => ends_of_graph(state, last),
        Pane::Map => list_edges(state, far),
    }
}

fn scroll(state: &mut State, lines: i32) {
    let most = if state.is_empty() { empty::overflow(state) } else { detail::overflow(state) };
    let line = i32::from(state.scroll).saturating_add(lines).clamp(0, i32::from(most));
    state.scroll = u16::try_from(line).unwrap_or(0);
}

/// Moves in the list of problems. A filtered list is left by its first move: the rows stay, the filter becomes a row.
fn list(state: &mut State, by: i32) {
    let mut rows = state.problems();
    if rows.is_empty() {
        rows = state.all_problems();
    }
    let at = match &state.selection {
        Selection::Problem(key) => rows.iter().position(|row| ProblemKey::of(row) == *key),
        _ => None,
    };
    if let Some(row) = moved(&rows, at, by) {
        let selection = Selection::Problem(ProblemKey::of(row));
        choose(state, selection);
    }
}

fn list_edges(state: &mut State, by: i32) {
    let rows = state.edges_listed();
    let lit = state.selection.edge();
    let at = rows.iter().position(|row| lit == Some(&EdgeKey::of(row)));
    if let Some(row) = moved(&rows, at, by) {
        let selection = Selection::Edge(EdgeKey::of(row));
        choose(state, selection);
    }
}

/// The row so many further on, or the first one where none is selected.
fn moved<'a, T>(rows: &[&'a T], at: Option<usize>, by: i32) -> Option<&'a T> {
    let last = i32::try_from(rows.len()).unwrap_or(i32::MAX) - 1;
    let to = match at {
        Some(at) => i32::try_from(at).unwrap_or(0).saturating_add(by).clamp(0, last.max(0)),
        None if by > 1 => last.max(0),
        None => 0,
    };
    rows.get(usize::try_from(to).ok()?).copied()
}

/// What can be selected in the graph, with where it stands.
fn landmarks(state: &State) -> Vec<(Selection, i32, i32)> {
    let Some(drawing) = &state.laid.drawing else { return Vec::new() };
    let nodes = drawing.nodes.iter().map(|node| {
        let (x, y) = (node.x + node.w / 2, node.y + node.h / 2);
        (Selection::Node(node.node.key.clone()), i32::from(x), i32::from(y))
    });
    let lines = drawing
        .lines
        .iter()
        .map(|line| (Selection::Edge(line.key.clone()), i32::from(line.glyph.0), i32::from(line.glyph.1)));
    nodes.chain(lines).collect()
}

/// Moves to the nearest node or edge in a direction.
fn along(state: &mut State, dx: i32, dy: i32) {
    let marks = landmarks(state);
    let here = match &state.selection {
        Selection::Problem(key) if key.edge.is_loop() => Selection::Node(key.edge.caller.clone()),
        Selection::Edge(edge) if edge.is_loop() => Selection::Node(edge.caller.clone()),
        Selection::Problem(key) => Selection::Edge(key.edge.clone()),
        other => other.clone(),
    };
    let Some(&(_, x, y)) = marks.iter().find(|(selection, ..)| *selection == here) else {
        if let Some((first, ..)) = marks.into_iter().next() {
            choose(state, first);
        }
        return;
    };
    let tree = state.laid.drawing.as_ref().is_some_and(|drawing| drawing.tree);
    if tree && dy != 0 {
        return row_of_tree(state, marks, y, dy);
    }
    // A row is about twice as high as a column is wide; what lies aside counts thrice.
    let distance = |mx: i32, my: i32| {
        let (right, down) = (mx - x, (my - y) * 2);
        let (ahead, aside) = (right * dx + down * dy, right * dy + down * dx);
        (ahead > 0).then_some(ahead + 3 * aside.abs())
    };
    let nearest = marks.iter().filter_map(|(selection, mx, my)| Some((distance(*mx, *my)?, selection)));
    if let Some((_, selection)) = nearest.min_by_key(|(distance, _)| *distance) {
        let selection = selection.clone();
        choose(state, selection);
    }
}

/// Moves to the next row of a tree: its call, or the node that nothing leads to.
fn row_of_tree(state: &mut State, marks: Vec<(Selection, i32, i32)>, y: i32, dy: i32) {
    let ahead = marks.into_iter().filter(|(_, _, row)| (row - y) * dy > 0);
    let next = ahead.min_by_key(|(selection, _, row)| ((row - y) * dy, matches!(selection, Selection::Node(_))));
    if let Some((selection, ..)) = next {
        choose(state, selection);
    }
}

fn ends_of_graph(state: &mut State, last: bool) {
    let tree = state.laid.drawing.as_ref().is_some_and(|drawing| drawing.tree);
    // Each row of a tree is a call, but for the first.
    let marks = landmarks(state).into_iter();
    let nodes = marks.filter(|(selection, _, y)| matches!(selection, Selection::Node(_)) != (tree && *y > 0));
    let key = |(_, x, y): &(Selection, i32, i32)| if tree { (*y, *x) } else { (*x, *y) };
    let found = if last { nodes.max_by_key(key) } else { nodes.min_by_key(key) };
    if let Some((selection, ..)) = found {
        choose(state, selection);
    }
}

/// The mouse on the map.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    if state.is_empty() {
        match pointer {
            Pointer::Click | Pointer::Drag => {}
            Pointer::WheelUp => scroll(state, -WHEEL),
            Pointer::WheelDown => scroll(state, WHEEL),
        }
        return;
    }
    let screen = state.screen();
    let Some(pane) = screen.pane_at(x, y) else { return };
    match pointer {
        Pointer::Click => {
            focus_pane(state, pane);
            click(state, pane, x, y);
            state.dragged = (pane == Pane::Map && draws(state)).then_some((x, y));
        }
        Pointer::Drag => {
            if let Some((from_x, from_y)) = state.dragged.filter(|_| draws(state)) {
                state.dragged = Some((x, y));
                pan_by(state, i32::from(from_x) - i32::from(x), i32::from(from_y) - i32::from(y));
            }
        }
        wheel => {
            let lines = if wheel == Pointer::WheelUp { -WHEEL } else { WHEEL };
            match pane {
                Pane::Map if draws(state) => pan_by(state, 0, lines),
                Pane::Map => list_edges(state, lines.signum()),
                Pane::Problems => list(state, lines.signum()),
                Pane::Detail => scroll(state, lines),
            }
        }
    }
}

fn click(state: &mut State, pane: Pane, x: u16, y: u16) {
    let screen = state.screen();
    let found = match pane {
        Pane::Map => screen.map.and_then(|area| on_map(state, area.inner(screen.frame), x, y)),
        Pane::Problems => screen.problems.and_then(|area| {
            let area = area.inner(screen.frame);
            let row = problems::row_at(state, area, y)?;
            state.problems().get(row).map(|row: &&ProblemRow| Selection::Problem(ProblemKey::of(row)))
        }),
        Pane::Detail => None,
    };
    if let Some(selection) = found {
        choose(state, selection);
    }
}

fn on_map(state: &State, area: Area, x: u16, y: u16) -> Option<Selection> {
    let Some(drawing) = state.laid.drawing.as_ref().filter(|_| draws(state)) else {
        let row = calls::row_at(state, area, y)?;
        return state.edges_listed().get(row).map(|row| Selection::Edge(EdgeKey::of(row)));
    };
    let (left, top) = viewport(state, drawing, area);
    let (x, y) = (i32::from(x) - left, i32::from(y) - top);
    let within = |from: u16, size: u16, at: i32| (i32::from(from)..i32::from(from + size)).contains(&at);
    let node = drawing.nodes.iter().find(|node| within(node.x, node.w, x) && within(node.y, node.h, y));
    if let Some(node) = node {
        return Some(Selection::Node(node.node.key.clone()));
    }
    // The nearest cell that belongs to one edge alone wins over a trunk that many share.
    let near = |line: &&Line| {
        let steps = line.steps.iter().rev().enumerate();
        steps
            .map(|(from_end, step)| (i32::from(step.x).abs_diff(x) + i32::from(step.y).abs_diff(y) * 2, from_end))
            .min()
    };
    let line = drawing.lines.iter().min_by_key(|line| near(line).unwrap_or((u32::MAX, 0)))?;
    near(&line).filter(|(distance, _)| *distance <= 1).map(|_| Selection::Edge(line.key.clone()))
}
