//! What of a graph is drawn in a room, and in which manner: with boxes, with names alone, or as a tree where lines would
//! tangle.

use std::collections::HashSet;

use super::hold::Held;
use super::{Answer, Ask, Drawing, Scope, Topology, place, route, scope, tangle, tree};

/// What one layout may cost: a bound on work, so that the same graph always has the same answer.
struct Bounds {
    /// Steps of routing.
    steps: u32,
    /// Nodes beyond which it is not tried.
    nodes: usize,
    /// Edges beyond which it is not tried.
    edges: usize,
}

/// For what is to fit the pane.
const PANE: Bounds = Bounds { steps: 1_000_000, nodes: 80, edges: 180 };
/// For all of a graph, whatever its size: the pane is moved over it.
const ALL: Bounds = Bounds { steps: 6_000_000, nodes: 320, edges: 700 };

/// A part of a tree that shows what is selected now as well: it stands still while the selection walks along it.
pub(super) fn still(ask: &Ask, before: &Answer) -> Option<(Drawing, usize)> {
    let drawing = before.drawing.as_ref().filter(|drawing| drawing.tree && ask.scope != Scope::Focus)?;
    let seen = match ask.centre.as_slice() {
        [] => true,
        [caller, callee] => {
            drawing.lines.iter().any(|line| line.key.caller == *caller && Some(&line.key.callee) == callee.as_ref())
        }
        [node, ..] => drawing.nodes.iter().any(|placed| placed.node.key == *node),
    };
    let same = before.ask.whole == ask.whole && before.ask.urgent == ask.urgent;
    (seen && same).then(|| (drawing.clone(), before.hidden))
}

/// The drawing, and how much it leaves out.
pub(super) fn shown(ask: &Ask, before: Option<&Drawing>) -> (Option<Drawing>, usize) {
    let mut tangled = false;
    if ask.scope != Scope::Focus {
        match fitting(&ask.whole, ask.room, before) {
            Fit::Drawn(drawing) => return (Some(drawing), 0),
            fit => tangled = matches!(fit, Fit::Tangled) || tangles(&ask.whole, before),
        }
        if let Some((drawing, 0)) = as_tree(ask, &ask.whole, Some(ask.room)) {
            return (Some(drawing), 0);
        }
    }
    if ask.scope == Scope::All
        && let Some(drawing) = everything(ask, tangled, before)
    {
        return (Some(drawing), 0);
    }
    let rows = usize::from(ask.room.1);
    let mut part = Topology::default();
    // Hops around the selection, and callers and callees of one node that are kept.
    let tries =
        [(2, usize::MAX), (2, rows * 9 / 10), (2, rows / 2), (1, usize::MAX), (1, rows * 2 / 3), (1, rows / 3), (1, 3)];
    for (hops, most) in tries.into_iter().filter(|_| !tangled) {
        part = scope::around(&ask.whole, &ask.centre, &ask.urgent, hops, most.max(1));
        match fitting(&part, ask.room, before) {
            Fit::Drawn(drawing) => return (Some(drawing), ask.whole.nodes.len() - part.nodes.len()),
            Fit::Tangled => break,
            Fit::Nothing => {}
        }
    }
    let near = (ask.scope == Scope::Focus)
        .then(|| scope::around(&ask.whole, &ask.centre, &ask.urgent, 2, usize::MAX))
        .filter(|near| near.edges.len() < ask.whole.edges.len());
    if let Some((drawing, hidden)) = as_tree(ask, near.as_ref().unwrap_or(&ask.whole), Some(ask.room)) {
        let beyond = near.map_or(0, |near| ask.whole.edges.len() - near.edges.len());
        return (Some(drawing), hidden + beyond);
    }
    match draw(&part, place::LEVELS.len(), None, &route::Budget::new(PANE.steps), &PANE, None) {
        Some(drawing) => (Some(drawing), ask.whole.nodes.len() - part.nodes.len()),
        None => (None, 0),
    }
}

/// The tree of a graph or of a part of it, and how many calls it leaves out.
fn as_tree(ask: &Ask, topology: &Topology, room: Option<(u16, u16)>) -> Option<(Drawing, usize)> {
    if topology.nodes.is_empty() || topology.nodes.len() > ALL.nodes || topology.edges.len() > ALL.edges {
        return None;
    }
    // A part keeps the order of the whole, not its numbers.
    let urgent: HashSet<_> = ask.urgent.iter().map(|&edge| ask.whole.ends(edge)).collect();
    let urgent: Vec<usize> = (0..topology.edges.len()).filter(|&edge| urgent.contains(&topology.ends(edge))).collect();
    tree::tree(topology, &tree::Wish { room, centre: &ask.centre, urgent: &urgent })
}

/// What came of fitting a graph into a room.
enum Fit {
    Drawn(Drawing),
    /// It fits, and nobody could follow its lines.
    Tangled,
    Nothing,
}

/// The roomiest drawing that fits; as it was before, if that fits.
fn fitting(topology: &Topology, room: (u16, u16), before: Option<&Drawing>) -> Fit {
    let budget = route::Budget::new(PANE.steps);
    let held = before.filter(|before| !before.tree).and_then(|before| Held::of(topology, before));
    let drawn = held
        .and_then(|held| draw(topology, held.level, Some(room), &budget, &PANE, Some(&held)))
        .filter(|drawing| !tangle::tangled(drawing, before))
        .or_else(|| (0..place::LEVELS.len()).find_map(|level| draw(topology, level, Some(room), &budget, &PANE, None)));
    match drawn {
        Some(drawing) if tangle::tangled(&drawing, before) => Fit::Tangled,
        Some(drawing) => Fit::Drawn(drawing),
        None => Fit::Nothing,
    }
}

/// Whether nobody could follow the lines of a graph that does not fit either: how it is drawn must not depend on which
/// part of it is looked at.
fn tangles(topology: &Topology, before: Option<&Drawing>) -> bool {
    let drawing = draw(topology, place::LEVELS.len(), None, &route::Budget::new(PANE.steps), &PANE, None);
    drawing.is_some_and(|drawing| tangle::tangled(&drawing, before))
}

/// All of it, small, whether it fits or not.
fn everything(ask: &Ask, tangled: bool, before: Option<&Drawing>) -> Option<Drawing> {
    let budget = route::Budget::new(ALL.steps);
    let held = before.filter(|before| !before.tree).and_then(|before| Held::of(&ask.whole, before));
    let level = place::LEVELS.len();
    let drawn = held
        .filter(|_| !tangled)
        .and_then(|held| draw(&ask.whole, level, None, &budget, &ALL, Some(&held)))
        .or_else(|| (!tangled).then(|| draw(&ask.whole, level, None, &budget, &ALL, None))?);
    drawn
        .filter(|drawing| !tangle::tangled(drawing, before))
        .or_else(|| as_tree(ask, &ask.whole, None).map(|(drawing, _)| drawing))
}

fn draw(
    topology: &Topology,
    number: usize,
    room: Option<(u16, u16)>,
    budget: &route::Budget,
    bounds: &Bounds,
    held: Option<&Held>,
) -> Option<Drawing> {
    if topology.nodes.is_empty() || topology.nodes.len() > bounds.nodes || topology.edges.len() > bounds.edges {
        return None;
    }
    let level = place::LEVELS.get(number).unwrap_or(&place::LOOSE);
    let (width, height) = room.map_or((usize::MAX, usize::MAX), |(w, h)| (usize::from(w), usize::from(h)));
    let fits = |w: usize, h: usize| w <= width && h <= height;
    let mut topology = topology.clone();
    for node in &mut topology.nodes {
        node.label = node.label.fit(level.name);
    }
    // Lines that find no way get more room between the ranks before the drawing is given up.
    for extra in [0, 3, 8] {
        if budget.is_spent() {
            return None;
        }
        let placement = place::place(&topology, level, extra, held)?;
        if !fits(placement.width, placement.height) || placement.width.max(placement.height) > 4_000 {
            return None;
        }
        if let Some(drawing) = route::route(&topology, &placement, level.boxed, budget) {
            let drawing = Drawing { level: number, ..drawing };
            return fits(drawing.width.into(), drawing.height.into()).then_some(drawing);
        }
    }
    None
}
