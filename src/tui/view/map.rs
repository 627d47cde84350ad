//! The call graph, or a list of edges where no graph could be read.

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};

use super::frame;
use super::pen::{Pen, Row};
use crate::model::Verdict;
use crate::trail::summary::{EdgeRow, NodeKind};
use crate::tui::geometry::{Area, Frame, Pane};
use crate::tui::graph::{self, DOWN, Drawing, EdgeKey, LEFT, Line, Placed, RIGHT, Scope, Shape, UP};
use crate::tui::state::{Selection, State};
use crate::tui::text::{Safe, count};

/// Draws the pane.
pub fn render(state: &State, pen: &mut Pen, area: Area, shape: Frame) {
    let theme = state.theme;
    let inner = area.inner(shape);
    let mut note = Vec::new();
    if state.only_broken {
        note.push("only broken".to_owned());
    }
    if state.laid.drawing.is_some() && state.laid.hidden > 0 {
        note.push(format!("{} more, 0 shows all", state.laid.hidden));
    } else if state.scope == Scope::Focus {
        note.push("focus".to_owned());
    }
    let note = Row::new().own(&note.join(", "), theme.quiet());
    let title =
        if state.laid.drawing.is_some() || state.laid.ask.whole.nodes.is_empty() { "Call graph" } else { "Calls" };
    let (shown, all) = (state.edges_shown().count(), state.snapshot.edges.len());
    let title =
        Row::new().text(title, theme.strong()).then(state.filter_words(Some((shown, all)), area.w.saturating_sub(20)));
    frame(state, pen, area, shape, Pane::Map, title, note);
    if shown == 0 && state.filter.filter.is_some() {
        let lines =
            [format!("none of {} matches", super::super::text::things(all as u64, "call")), state.filter_way_out(all)];
        return super::traces::says(state, pen, inner, &lines);
    }
    match &state.laid.drawing {
        Some(_) if state.edge_list => list(state, pen, inner),
        Some(drawing) => graph(state, pen, inner, drawing),
        // The first layout is on its way: a list for a moment would only flicker.
        None if state.laid.ask.whole.nodes.is_empty() => {}
        None if state.only_broken && state.edges_listed().is_empty() => {
            pen.row(inner.x + 1, inner.y, inner.w, &Row::new().text("no edge is broken: b shows all", theme.quiet()));
        }
        None => list(state, pen, inner),
    }
}

/// Where the drawing's first cell stands within the pane, in columns and rows: in the middle if all of it fits, else
/// so that the selection is in sight.
pub fn viewport(state: &State, drawing: &Drawing, area: Area) -> (i32, i32) {
    let (mut x, mut y) = (i32::from(drawing.width) / 2, i32::from(drawing.height) / 2);
    let lit = state.selection.edge().and_then(|edge| drawing.lines.iter().find(|line| line.key == *edge));
    let node = drawing.nodes.iter().find(|node| state.selection == Selection::Node(node.node.key.clone()));
    if let Some(line) = lit {
        (x, y) = (i32::from(line.glyph.0), i32::from(line.glyph.1));
    } else if let Some(node) = node {
        (x, y) = (i32::from(node.x + node.w / 2), i32::from(node.y + node.h / 2));
    }
    let offset = |at: i32, size: u16, room: u16, pan: i32| {
        let (size, room) = (i32::from(size), i32::from(room));
        if size <= room { (room - size) / 2 } else { (room / 2 - at - pan).clamp(room - size, 0) }
    };
    let left = offset(x, drawing.width, area.w, state.pan.0);
    let top = offset(y, drawing.height, area.h, state.pan.1);
    (i32::from(area.x) + left, i32::from(area.y) + top)
}

/// Where and what of the pane is drawn.
struct Window {
    area: Area,
    left: i32,
    top: i32,
}

impl Window {
    /// The screen's cell of a drawing's cell, if it is in sight.
    fn cell(&self, x: u16, y: u16) -> Option<(u16, u16)> {
        let x = u16::try_from(i32::from(x) + self.left).ok()?;
        let y = u16::try_from(i32::from(y) + self.top).ok()?;
        self.area.holds(x, y).then_some((x, y))
    }

    /// Writes text from a drawing's cell on, cut at both sides of the window.
    fn put(&self, pen: &mut Pen, x: u16, y: u16, text: &Safe, style: Style) {
        let (mut at, Ok(y)) = (i32::from(x) + self.left, u16::try_from(i32::from(y) + self.top)) else { return };
        if !(self.area.y..self.area.y + self.area.h).contains(&y) {
            return;
        }
        let right = i32::from(self.area.x + self.area.w);
        for cluster in unicode_segmentation::UnicodeSegmentation::graphemes(text.as_str(), true) {
            let cluster = Safe::new(cluster);
            let width = i32::try_from(cluster.width()).unwrap_or(0);
            if at >= i32::from(self.area.x) && at + width <= right {
                pen.put(u16::try_from(at).unwrap_or(0), y, 2, &cluster, style);
            }
            at += width;
        }
    }
}

fn graph(state: &State, pen: &mut Pen, area: Area, drawing: &Drawing) {
    let (left, top) = viewport(state, drawing, area);
    let window = Window { area, left, top };
    lines(state, pen, &window, drawing);
    for node in &drawing.nodes {
        if drawing.boxed && node.node.shape != Shape::Client {
            boxed(state, pen, &window, node);
        } else {
            bare(state, pen, &window, node);
        }
    }
    docks(state, pen, &window, drawing);
    for line in &drawing.lines {
        ends(state, pen, &window, line);
    }
}

/// How much an edge stands out, and its colour.
fn look(state: &State, key: &EdgeKey) -> (u8, Style) {
    let lit = state.selection.edge() == Some(key);
    let Some(row) = state.edge(key) else { return (0, state.theme.quiet()) };
    let style = state.theme.verdict(row.shown);
    match row.shown {
        _ if lit => (3, style.add_modifier(Modifier::BOLD)),
        verdict if verdict.accuses() => (2, style),
        _ if graph::stands_back(row) => (0, style.add_modifier(Modifier::DIM)),
        _ => (1, state.theme.quiet()),
    }
}

#[derive(Clone, Copy)]
struct Stroke {
    arms: u8,
    trunk: usize,
    weight: u8,
    style: Style,
}

fn lines(state: &State, pen: &mut Pen, window: &Window, drawing: &Drawing) {
    let mut cells: BTreeMap<(u16, u16), Stroke> = BTreeMap::new();
    for line in &drawing.lines {
        let (weight, style) = look(state, &line.key);
        for step in &line.steps {
            let new = Stroke { arms: step.arms, trunk: line.trunk, weight, style };
            cells
                .entry((step.x, step.y))
                .and_modify(|old| {
                    if old.trunk == new.trunk {
                        let arms = old.arms | new.arms;
                        *old = if new.weight > old.weight { new } else { *old };
                        old.arms = arms;
                    } else if new.arms == UP | DOWN {
                        // Lines that cross are no junction: the upright one runs over the level one.
                        *old = new;
                    }
                })
                .or_insert(new);
        }
    }
    for ((x, y), stroke) in cells {
        if let Some((x, y)) = window.cell(x, y) {
            pen.sign(x, y, stroke_sign(stroke.arms, stroke.weight == 3, state.theme.ascii), stroke.style);
        }
    }
}

const fn stroke_sign(arms: u8, heavy: bool, ascii: bool) -> &'static str {
    const FLAT: u8 = LEFT | RIGHT;
    const UPRIGHT: u8 = UP | DOWN;
    if ascii {
        return match arms {
            FLAT | LEFT | RIGHT => {
                if heavy {
                    "="
                } else {
                    "-"
                }
            }
            UPRIGHT | UP | DOWN => {
                if heavy {
                    "H"
                } else {
                    "|"
                }
            }
            _ => "+",
        };
    }
    match (arms, heavy) {
        (FLAT | LEFT | RIGHT, false) => "─",
        (FLAT | LEFT | RIGHT, true) => "━",
        (UPRIGHT | UP | DOWN, false) => "│",
        (UPRIGHT | UP | DOWN, true) => "┃",
        (a, false) if a == DOWN | RIGHT => "┌",
        (a, true) if a == DOWN | RIGHT => "┏",
        (a, false) if a == DOWN | LEFT => "┐",
        (a, true) if a == DOWN | LEFT => "┓",
        (a, false) if a == UP | RIGHT => "└",
        (a, true) if a == UP | RIGHT => "┗",
        (a, false) if a == UP | LEFT => "┘",
        (a, true) if a == UP | LEFT => "┛",
        (a, false) if a == FLAT | DOWN => "┬",
        (a, true) if a == FLAT | DOWN => "┳",
        (a, false) if a == FLAT | UP => "┴",
        (a, true) if a == FLAT | UP => "┻",
        (a, false) if a == UPRIGHT | RIGHT => "├",
        (a, true) if a == UPRIGHT | RIGHT => "┣",
        (a, false) if a == UPRIGHT | LEFT => "┤",
        (a, true) if a == UPRIGHT | LEFT => "┫",
        (_, false) => "┼",
        (_, true) => "╋",
    }
}

/// The glyph and the head at the callee's end.
fn ends(state: &State, pen: &mut Pen, window: &Window, line: &Line) {
    let (weight, style) = look(state, &line.key);
    let Some(row) = state.edge(&line.key) else { return };
    let style = if weight == 1 { state.theme.verdict(row.shown) } else { style };
    if let Some((x, y)) = window.cell(line.glyph.0, line.glyph.1) {
        let lit = if weight == 3 { style.add_modifier(Modifier::REVERSED) } else { style };
        pen.sign(x, y, state.theme.glyph(row.shown), lit);
    }
    if let Some((x, y)) = window.cell(line.head.0, line.head.1) {
        let head = if line.back { state.theme.sign("◂", "<") } else { state.theme.sign("▸", ">") };
        pen.sign(x, y, head, style);
    }
}

/// Where lines leave a box, its border opens.
fn docks(state: &State, pen: &mut Pen, window: &Window, drawing: &Drawing) {
    for line in drawing.lines.iter().filter(|_| drawing.boxed) {
        let Some(first) = line.steps.first() else { continue };
        let x = if line.back { first.x + 1 } else { first.x.saturating_sub(1) };
        let plain = drawing
            .nodes
            .iter()
            .any(|node| node.node.key == line.key.caller && node.node.shape == Shape::Row(NodeKind::Service));
        if let (true, Some((x, y))) = (plain, window.cell(x, first.y)) {
            let sign = if line.back { state.theme.sign("┤", "+") } else { state.theme.sign("├", "+") };
            pen.sign(x, y, sign, node_style(state, line.key.caller.as_deref()).0);
        }
    }
}

/// Colours of a node's border and of its name.
fn node_style(state: &State, name: Option<&str>) -> (Style, Style) {
    let theme = state.theme;
    let selected = matches!(&state.selection, Selection::Node(node) if node.as_deref() == name);
    let ends = state.selection.edge().is_some_and(|edge| edge.caller.as_deref() == name || name == Some(&*edge.callee));
    match (selected, ends) {
        (true, _) => (theme.focus(), theme.selected()),
        (_, true) => (theme.strong(), theme.strong()),
        _ => (theme.quiet(), Style::new()),
    }
}

fn boxed(state: &State, pen: &mut Pen, window: &Window, placed: &Placed) {
    let (theme, node) = (state.theme, &placed.node);
    let (border, name) = node_style(state, node.key.as_deref());
    let signs: [&'static str; 6] = match (node.shape, theme.ascii) {
        (Shape::Row(NodeKind::Service) | Shape::Client, false) => ["─", "│", "┌", "┐", "└", "┘"],
        (Shape::Row(NodeKind::External), false) => ["╌", "╎", "┌", "┐", "└", "┘"],
        (Shape::Row(NodeKind::Queue), false) => ["─", "│", "╭", "╮", "╰", "╯"],
        (Shape::Row(NodeKind::Database), false) => ["═", "║", "╔", "╗", "╚", "╝"],
        (Shape::Row(NodeKind::Service) | Shape::Client, true) => ["-", "|", "+", "+", "+", "+"],
        (Shape::Row(NodeKind::External), true) => [".", ":", ".", ".", "'", "'"],
        (Shape::Row(NodeKind::Queue), true) => ["-", "|", "(", ")", "(", ")"],
        (Shape::Row(NodeKind::Database), true) => ["=", "|", "+", "+", "+", "+"],
    };
    let [flat, upright, corners @ ..] = signs;
    let (right, bottom) = (placed.x + placed.w - 1, placed.y + placed.h - 1);
    let mut sign = |x: u16, y: u16, sign| {
        if let Some((x, y)) = window.cell(x, y) {
            pen.sign(x, y, sign, border);
        }
    };
    for x in placed.x..=right {
        sign(x, placed.y, flat);
        sign(x, bottom, flat);
    }
    for y in placed.y..=bottom {
        sign(placed.x, y, upright);
        sign(right, y, upright);
    }
    let places = [(placed.x, placed.y), (right, placed.y), (placed.x, bottom), (right, bottom)];
    for ((x, y), corner) in places.into_iter().zip(corners) {
        sign(x, y, corner);
    }
    let middle = placed.y + (placed.h - 1) / 2;
    let start = placed.x + (placed.w.saturating_sub(u16::try_from(node.label.width()).unwrap_or(0))) / 2;
    window.put(pen, start, middle, &node.label, name);
    window.put(pen, placed.x + 1, placed.y, &Safe::new(graph::tag(node.shape)), theme.quiet());
    let stubs = Safe::new(&graph::stubs(node).join(" "));
    let start = right.saturating_sub(u16::try_from(stubs.width()).unwrap_or(0));
    window.put(pen, start, bottom, &stubs, theme.focus());
    loop_mark(state, pen, window, placed, right.saturating_sub(3), placed.y);
}

fn bare(state: &State, pen: &mut Pen, window: &Window, placed: &Placed) {
    let (theme, node) = (state.theme, &placed.node);
    let (border, name) = node_style(state, node.key.as_deref());
    let [before, after] = match node.shape {
        Shape::Client | Shape::Row(NodeKind::Service) => [" ", " "],
        Shape::Row(NodeKind::External) => ["(", ")"],
        Shape::Row(NodeKind::Queue) => ["{", "}"],
        Shape::Row(NodeKind::Database) => ["[", "]"],
    };
    let y = placed.y + (placed.h - 1) / 2;
    let name = if node.shape == Shape::Client { name.patch(theme.quiet()) } else { name };
    window.put(pen, placed.x, y, &Safe::new(before), border);
    window.put(pen, placed.x + 1, y, &node.label, name);
    let mut x = placed.x + 1 + u16::try_from(node.label.width()).unwrap_or(0);
    window.put(pen, x, y, &Safe::new(after), border);
    x += 1;
    for stub in graph::stubs(node) {
        let stub = Safe::new(&stub);
        window.put(pen, x, y, &stub, theme.focus());
        x += u16::try_from(stub.width()).unwrap_or(0) + 1;
    }
    loop_mark(state, pen, window, placed, x, y);
}

/// A service that calls itself wears a ring with the verdict of that edge.
fn loop_mark(state: &State, pen: &mut Pen, window: &Window, placed: &Placed, x: u16, y: u16) {
    let (true, Some(name)) = (placed.node.looped, &placed.node.key) else { return };
    let key = EdgeKey { caller: Some(name.clone()), callee: name.clone() };
    let (weight, style) = look(state, &key);
    let verdict = state.edge(&key).map_or(Verdict::Unknown, |row| row.shown);
    let style = if weight == 3 { style.add_modifier(Modifier::REVERSED) } else { state.theme.verdict(verdict) };
    let ring = Safe::new(state.theme.sign("↺", "@"));
    window.put(pen, x, y, &ring, style);
    window.put(pen, x + 1, y, &Safe::new(state.theme.glyph(verdict)), style);
}

/// The first edge of the list that is shown.
fn first_listed(state: &State, rows: &[&EdgeRow], area: Area) -> usize {
    let lit = state.selection.edge();
    let at = rows.iter().position(|row| lit == Some(&EdgeKey::of(row))).unwrap_or(0);
    (at + 1).saturating_sub(usize::from(area.h.max(1)))
}

/// The edge at a line of the list.
pub fn list_row_at(state: &State, area: Area, y: u16) -> Option<usize> {
    let line = y.checked_sub(area.y).filter(|line| *line < area.h)?;
    Some(first_listed(state, &state.edges_listed(), area) + usize::from(line))
}

fn list(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let rows = state.edges_listed();
    let first = first_listed(state, &rows, area);
    for (y, row) in (area.y..area.y + area.h).zip(rows.iter().skip(first)) {
        let key = EdgeKey::of(row);
        let lit = state.selection.edge() == Some(&key);
        let style = theme.verdict(row.shown);
        let hops = format!("{} hops", count(row.hops));
        let name = Safe::new(&key.title(theme.sign("→", "->"))).fit(usize::from(area.w).saturating_sub(28));
        let gap = usize::from(area.w).saturating_sub(28 + name.width());
        let line = Row::new()
            .text(if lit { theme.sign("▌", ">") } else { " " }, theme.focus())
            .text(theme.glyph(row.shown), style)
            .plain(" ")
            .safe(name, if lit { theme.strong() } else { Style::new() })
            .own(&" ".repeat(gap), Style::new())
            .own(&format!("  {:<10}", row.shown.name()), style)
            .own(&format!("{hops:>12}"), theme.quiet());
        pen.row(area.x, y, area.w, &line);
    }
}
