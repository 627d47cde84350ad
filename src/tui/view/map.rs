//! The call graph, or a list of its calls where no graph could be read.

use ratatui::style::{Modifier, Style};

use super::calls;
use super::frame;
use super::pen::{Pen, Row};
use super::wires::Wires;
use crate::model::Verdict;
use crate::trail::summary::NodeKind;
use crate::tui::geometry::{Area, Frame, Pane};
use crate::tui::graph::{self, Again, Drawing, EdgeKey, Placed, Scope, Shape};
use crate::tui::state::{Selection, State};
use crate::tui::text::{Safe, count, things};

/// Draws the pane.
pub fn render(state: &State, pen: &mut Pen, area: Area, shape: Frame) {
    let theme = state.theme;
    let inner = area.inner(shape);
    let note = Row::new().own(&note(state).join(", "), theme.quiet());
    let title = if draws(state) || state.laid.ask.whole.nodes.is_empty() { "Call graph" } else { "Calls" };
    let (shown, all) = (state.edges_shown().count(), state.snapshot.edges.len());
    let words = state.filter_words(Some((shown, all)), area.w.saturating_sub(20));
    frame(state, pen, area, shape, Pane::Map, Row::new().text(title, theme.strong()).then(words), note);
    if shown == 0 && state.filter.filter.is_some() {
        let lines = [format!("none of {} matches", things(all as u64, "call")), state.filter_way_out(all)];
        return super::traces::says(state, pen, inner, &lines);
    }
    let mut say = |text| {
        pen.row(inner.x + 1, inner.y, inner.w.saturating_sub(1), &Row::new().text(text, theme.quiet()));
    };
    match &state.laid.drawing {
        _ if state.laid.ask.whole.nodes.is_empty() => {
            say(if state.only_broken {
                "no call is broken: b shows all"
            } else {
                theme.sign("laying out …", "laying out ...")
            });
        }
        Some(drawing) if draws(state) => graph(state, pen, inner, drawing),
        _ if state.only_broken && state.edges_listed().is_empty() => say("no call is broken: b shows all"),
        _ => calls::render(state, pen, inner),
    }
}

/// Whether the map is a drawing now, not a list.
pub fn draws(state: &State) -> bool {
    state.laid.drawing.is_some() && !state.edge_list && !state.theme.plain
}

/// What the title does not say: what is left out, and how to see it.
fn note(state: &State) -> Vec<String> {
    let mut note = Vec::new();
    if state.only_broken {
        note.push("only broken".to_owned());
    }
    let hidden = state.laid.hidden;
    if state.laid.ask.scope != state.scope {
        note.push(state.theme.sign("laying out …", "laying out ...").to_owned());
    } else if !draws(state) {
        note.push(count(state.edges_listed().len() as u64));
    } else if hidden > 0 && state.laid.ask.scope == Scope::All {
        note.push(format!("{} more than can be drawn, e lists", count(hidden as u64)));
    } else if hidden > 0 && state.laid.drawing.as_ref().is_some_and(|drawing| drawing.tree) {
        note.push(format!("{} more, 0 shows all", things(hidden as u64, "call")));
    } else if hidden > 0 {
        note.push(format!("{} more, 0 shows all", count(hidden as u64)));
    } else if state.scope == Scope::Focus {
        note.push("focus".to_owned());
    }
    note
}

/// The cell of the drawing that is to be in sight: the selection's.
pub fn middle(state: &State, drawing: &Drawing) -> (i32, i32) {
    let lit = state.selection.edge().and_then(|edge| drawing.lines.iter().find(|line| line.key == *edge));
    let node = match &state.selection {
        Selection::Node(key) => Some(key),
        Selection::Edge(edge) if edge.is_loop() => Some(&edge.caller),
        Selection::Problem(problem) if problem.edge.is_loop() => Some(&problem.edge.caller),
        _ => None,
    };
    let node = node.and_then(|key| drawing.nodes.iter().find(|node| node.node.key == *key));
    match (lit, node) {
        (Some(line), _) => (line.glyph.0.into(), line.glyph.1.into()),
        (None, Some(node)) => ((node.x + node.w / 2).into(), (node.y + node.h / 2).into()),
        (None, None) => (i32::from(drawing.width) / 2, i32::from(drawing.height) / 2),
    }
}

/// Where the drawing's first cell stands within the pane, in columns and rows: in the middle if all of it fits, else
/// so that the selection is in sight.
pub fn viewport(state: &State, drawing: &Drawing, area: Area) -> (i32, i32) {
    let (x, y) = middle(state, drawing);
    let offset = |at: i32, size: u16, room: u16, pan: i32| {
        let (size, room) = (i32::from(size), i32::from(room));
        if size <= room { (room - size) / 2 } else { (room / 2 - at - pan).clamp(room - size, 0) }
    };
    let left = offset(x, drawing.width, area.w, state.pan.0);
    let top = offset(y, drawing.height, area.h, state.pan.1);
    (i32::from(area.x) + left, i32::from(area.y) + top)
}

/// Where and what of the pane is drawn.
pub(super) struct Window {
    area: Area,
    left: i32,
    top: i32,
}

impl Window {
    /// The screen's cell of a drawing's cell, if it is in sight.
    pub(super) fn cell(&self, x: u16, y: u16) -> Option<(u16, u16)> {
        let x = u16::try_from(i32::from(x) + self.left).ok()?;
        let y = u16::try_from(i32::from(y) + self.top).ok()?;
        self.area.holds(x, y).then_some((x, y))
    }

    /// Writes text from a drawing's cell on, cut at both sides of the window.
    pub(super) fn put(&self, pen: &mut Pen, x: u16, y: u16, text: &Safe, style: Style) {
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
    let wires = Wires::new(state, &window, drawing);
    wires.lines(pen);
    for node in &drawing.nodes {
        if drawing.boxed && node.node.shape != Shape::Client {
            boxed(&wires, pen, &window, node);
        } else {
            bare(&wires, pen, &window, node);
        }
    }
    docks(state, pen, &window, drawing);
    wires.ends(pen);
    if drawing.tree {
        wires.words(pen);
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

/// The same in a tree, where a name may stand more than once: of a call's ends only those that its line touches.
fn tree_style(wires: &Wires, placed: &Placed) -> (Style, Style) {
    let state = wires.state;
    let styles = node_style(state, placed.node.key.as_deref());
    let (Some(edge), false) = (state.selection.edge(), matches!(state.selection, Selection::Node(_))) else {
        return styles;
    };
    let touched = wires.drawing.lines.iter().filter(|line| line.key == *edge).any(|line| {
        let starts = line.steps.first().is_some_and(|step| (placed.x + 1, placed.y + 1) == (step.x, step.y));
        starts || (line.head.0 + 1, line.head.1) == (placed.x, placed.y)
    });
    if touched { styles } else { (state.theme.quiet(), Style::new()) }
}

fn boxed(wires: &Wires, pen: &mut Pen, window: &Window, placed: &Placed) {
    let state = wires.state;
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
    loop_mark(wires, pen, window, placed, right.saturating_sub(3), placed.y);
}

fn bare(wires: &Wires, pen: &mut Pen, window: &Window, placed: &Placed) {
    let state = wires.state;
    let (theme, node) = (state.theme, &placed.node);
    let (border, name) =
        if wires.drawing.tree { tree_style(wires, placed) } else { node_style(state, node.key.as_deref()) };
    let [before, after] = match node.shape {
        Shape::Client | Shape::Row(NodeKind::Service) => [" ", " "],
        Shape::Row(NodeKind::External) => ["(", ")"],
        Shape::Row(NodeKind::Queue) => ["{", "}"],
        Shape::Row(NodeKind::Database) => ["[", "]"],
    };
    // More than one arrow ends here: each at an edge of the node, none in the open.
    for y in (placed.y..placed.y + placed.h).filter(|_| placed.h > 1 && node.shape != Shape::Client) {
        window.put(pen, placed.x, y, &Safe::new(theme.sign("│", "|")), border);
    }
    let y = placed.y + (placed.h - 1) / 2;
    let name = if node.shape == Shape::Client { name.patch(theme.quiet()) } else { name };
    if placed.h == 1 || before != " " {
        window.put(pen, placed.x, y, &Safe::new(before), border);
    }
    window.put(pen, placed.x + 1, y, &node.label, name);
    let mut x = placed.x + 1 + u16::try_from(node.label.width()).unwrap_or(0);
    window.put(pen, x, y, &Safe::new(after), border);
    x += 1;
    let elsewhere = match placed.again {
        Again::No => "",
        Again::Above => theme.sign("↑ ", "^ "),
        Again::Below => theme.sign("↓ ", "v "),
    };
    window.put(pen, x, y, &Safe::new(elsewhere), theme.quiet());
    x += u16::from(placed.again != Again::No) * 2;
    for stub in graph::stubs(node) {
        let stub = Safe::new(&stub);
        window.put(pen, x, y, &stub, theme.focus());
        x += u16::try_from(stub.width()).unwrap_or(0) + 1;
    }
    loop_mark(wires, pen, window, placed, x, y);
}

/// A service that calls itself wears a ring with the verdict of that edge.
fn loop_mark(wires: &Wires, pen: &mut Pen, window: &Window, placed: &Placed, x: u16, y: u16) {
    let (true, Some(name)) = (placed.node.looped, &placed.node.key) else { return };
    let theme = wires.state.theme;
    let look = wires.look(&EdgeKey { caller: Some(name.clone()), callee: name.clone() });
    let verdict = look.row.map_or(Verdict::Unknown, |row| row.shown);
    let style = if look.weight == 3 { look.style.add_modifier(Modifier::REVERSED) } else { theme.verdict(verdict) };
    window.put(pen, x, y, &Safe::new(theme.sign("↺", "@")), style);
    window.put(pen, x + 1, y, &Safe::new(theme.glyph(verdict)), style);
}
