//! Where boxes stand and where lines dock, in whole columns and rows.

use super::hold::Held;
use super::rank::{Spot, rank};
use super::{Node, Shape, Topology};

/// How generously to draw.
pub(super) struct Level {
    /// Boxes of lines, or bare names.
    pub boxed: bool,
    /// Free columns between two ranks beside those that lines need.
    pub air: usize,
    /// Free rows between two boxes of a rank.
    pub sep: usize,
    /// Columns of the longest name drawn whole.
    pub name: usize,
    /// Blanks on both sides of a name in a box.
    pub pad: usize,
    /// Whether lines are long enough to name what stands on them.
    pub names: bool,
}

/// From roomy to dense: the first that fits is drawn.
pub(super) const LEVELS: [Level; 7] = [
    Level { boxed: true, air: 3, sep: 1, name: 24, pad: 1, names: true },
    Level { boxed: true, air: 0, sep: 1, name: 24, pad: 1, names: true },
    Level { boxed: true, air: 0, sep: 0, name: 24, pad: 0, names: false },
    Level { boxed: true, air: 0, sep: 0, name: 14, pad: 0, names: false },
    Level { boxed: false, air: 2, sep: 1, name: 24, pad: 0, names: true },
    Level { boxed: false, air: 0, sep: 1, name: 18, pad: 0, names: false },
    Level { boxed: false, air: 0, sep: 0, name: 14, pad: 0, names: false },
];

/// For what does not fit anyhow: small, and with rows enough for every line to find its way.
pub(super) const LOOSE: Level = Level { boxed: false, air: 0, sep: 1, name: 18, pad: 0, names: true };

/// Columns at the callee's end that belong to one edge alone, at least: line, glyph, line, head.
pub(super) const LEG: usize = 4;

/// One box.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub x: usize,
    pub y: usize,
    pub w: usize,
    pub h: usize,
}

/// How an edge leaves and arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dock {
    /// Against the direction of the ranks: it leaves to the left and arrives from the right.
    pub back: bool,
    /// Row at the caller.
    pub from: usize,
    /// Row at the callee.
    pub to: usize,
    /// Columns at the callee's end that belong to this edge alone.
    pub leg: usize,
}

/// Boxes and docks.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub places: Vec<Place>,
    pub docks: Vec<Dock>,
    pub width: usize,
    pub height: usize,
}

/// Columns of a node.
fn width(node: &Node, level: &Level) -> usize {
    let label = node.label.width();
    let tags = super::stubs(node).iter().map(|tag| tag.chars().count() + 1).sum::<usize>();
    match (node.shape, level.boxed) {
        (Shape::Client, _) => label + 2 + tags,
        (Shape::Row(_), true) => (label + 2 + 2 * level.pad).max(tags + 3).max(super::tag(node.shape).len() + 4),
        (Shape::Row(_), false) => label + 2 + tags + usize::from(node.looped) * 3,
    }
}

/// Places everything, with `extra` columns more between ranks than seem needed, and where it stood if it did.
pub(super) fn place(topology: &Topology, level: &Level, extra: usize, held: Option<&Held>) -> Option<Placement> {
    let nodes = &topology.nodes;
    let mut back = held.map_or_else(|| vec![false; topology.edges.len()], |held| held.back.clone());
    let closing = circles(nodes.len(), &turned(&topology.edges, &back));
    back.iter_mut().zip(closing).for_each(|(back, closes)| *back ^= closes);
    let forward = turned(&topology.edges, &back);
    // A pair that calls each other is one edge for the ranks.
    let mut distinct = forward.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let ports = ports(topology, &back);
    let frame = |at: usize| if level.boxed && nodes[at].shape != Shape::Client { 2 } else { 0 };
    let rows_of =
        |at: usize| (ports[at].0.max(ports[at].1).max(1) + frame(at)).max(held.map_or(0, |held| held.rows(at)));
    let heights: Vec<usize> = (0..nodes.len()).map(rows_of).collect();
    let (spots, passes) = match held {
        // Long lines find their way where they ran before: no row is kept free for them.
        Some(held) => (held.spots(&distinct), Vec::new()),
        None => rank(&heights, &distinct, level.sep)?,
    };

    let tops = rows(&spots, &heights, &passes.iter().map(|pass| pass.spot).collect::<Vec<_>>(), |at| {
        // What grows takes the free row before anything has to move.
        if held.is_some_and(|held| held.rows(at) > 0) { 0 } else { level.sep }
    });
    let mut places: Vec<Place> =
        (0..nodes.len()).map(|at| Place { x: 0, y: tops[at], w: width(&nodes[at], level), h: heights[at] }).collect();
    if held.is_none() {
        straighten(&mut places, &spots, &topology.edges, &back, level.sep);
    }
    let mut docks = docks(topology, &back, &places);
    for (dock, name) in docks.iter_mut().zip(&topology.through).filter(|(_, name)| level.names && name.width() > 0) {
        dock.leg += name.width() + 2;
    }
    let air = if held.is_some() { extra } else { level.air + extra };
    if let Some(held) = held {
        places.iter_mut().enumerate().for_each(|(at, place)| place.x = held.column(at));
    }
    let width = columns(&mut places, &spots, topology, &docks, air);
    let height = places.iter().map(|place| place.y + place.h).max().unwrap_or(0);
    Some(Placement { places, docks, width, height })
}

/// Edges in the direction of the ranks.
pub(super) fn turned(edges: &[(usize, usize)], back: &[bool]) -> Vec<(usize, usize)> {
    edges.iter().zip(back).map(|(&(from, to), &back)| if back { (to, from) } else { (from, to) }).collect()
}

/// Which edges must be turned so that none runs in a circle: those that close one in a walk from the first node.
pub(super) fn circles(nodes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (edge, &(from, _)) in edges.iter().enumerate() {
        out[from].push(edge);
    }
    // 0 not seen, 1 on the way down, 2 done. A stack of its own: a chain of services may be long.
    let mut mark = vec![0_u8; nodes];
    let mut back = vec![false; edges.len()];
    for root in 0..nodes {
        if mark[root] != 0 {
            continue;
        }
        mark[root] = 1;
        let mut stack = vec![(root, 0)];
        while let Some((at, next)) = stack.pop() {
            let Some(&edge) = out[at].get(next) else {
                mark[at] = 2;
                continue;
            };
            stack.push((at, next + 1));
            let to = edges[edge].1;
            match mark[to] {
                0 => {
                    mark[to] = 1;
                    stack.push((to, 0));
                }
                1 => back[edge] = true,
                _ => {}
            }
        }
    }
    back
}

/// Docks that each node needs on its left and on its right.
fn ports(topology: &Topology, back: &[bool]) -> Vec<(usize, usize)> {
    let mut ports = vec![(0, 0); topology.nodes.len()];
    let mut trunk = vec![0; topology.nodes.len()];
    for (&(from, to), &back) in topology.edges.iter().zip(back) {
        if back {
            ports[from].0 += 1;
            ports[to].1 += 1;
        } else {
            trunk[from] = 1;
            ports[to].0 += 1;
        }
    }
    ports.iter().zip(trunk).map(|(&(left, right), trunk)| (left, right + trunk)).collect()
}

/// Top rows: dagre's, rounded and pushed apart where rounding made things touch.
fn rows(spots: &[Spot], heights: &[usize], passes: &[Spot], sep: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut tops = vec![0_isize; spots.len()];
    let ranks = spots.iter().map(|spot| spot.rank + 1).max().unwrap_or(0);
    for rank in 0..ranks {
        let mut items: Vec<(f64, usize, Option<usize>)> =
            passes.iter().filter(|spot| spot.rank == rank).map(|spot| (spot.row, 1, None)).collect();
        items.extend(
            (0..spots.len()).filter(|&at| spots[at].rank == rank).map(|at| (spots[at].row, heights[at], Some(at))),
        );
        items.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        let mut free = isize::MIN;
        let mut last_is_node = false;
        for (row, height, node) in items {
            let wish = (row - height as f64 / 2.0).round() as isize;
            let gap = node.filter(|_| last_is_node).map_or(0, &sep);
            let top = wish.max(free.saturating_add_unsigned(gap));
            if let Some(at) = node {
                tops[at] = top;
            }
            free = top.saturating_add_unsigned(height);
            last_is_node = node.is_some();
        }
    }
    let least = tops.iter().copied().min().unwrap_or(0);
    tops.iter().map(|top| (top - least).unsigned_abs()).collect()
}

/// Moves a callee by a row or two where that makes its only line straight and nothing is in the way.
fn straighten(places: &mut [Place], spots: &[Spot], edges: &[(usize, usize)], back: &[bool], sep: usize) {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&at| (spots[at].rank, places[at].y));
    for &at in &order {
        let mut into = edges.iter().zip(back).filter(|((from, to), back)| if **back { *from == at } else { *to == at });
        let (Some((&(from, _), false)), None) = (into.next(), into.next()) else { continue };
        let row = places[from].y + (places[from].h - 1) / 2;
        let Some(top) = row.checked_sub((places[at].h - 1) / 2).filter(|top| top.abs_diff(places[at].y) <= 2) else {
            continue;
        };
        let bottom = top + places[at].h;
        let clear =
            (0..places.len()).filter(|&other| other != at && spots[other].rank == spots[at].rank).all(|other| {
                let place = &places[other];
                bottom + sep <= place.y || place.y + place.h + sep <= top
            });
        if clear {
            places[at].y = top;
        }
    }
}

/// Rows in which edges leave and arrive: in the order of what is at their other end, so that they cross little.
fn docks(topology: &Topology, back: &[bool], places: &[Place]) -> Vec<Dock> {
    let edges = &topology.edges;
    let middle = |at: usize| places[at].y * 2 + places[at].h;
    let mut docks = vec![Dock { back: false, from: 0, to: 0, leg: LEG }; edges.len()];
    for (at, place) in places.iter().enumerate() {
        // (row of the other end, edge, whether `at` is the caller); the trunk of all forward calls is one dock.
        let mut left = Vec::new();
        let mut right = Vec::new();
        let mut called = Vec::new();
        for (edge, &(from, to)) in edges.iter().enumerate() {
            docks[edge].back = back[edge];
            match (from == at, to == at, back[edge]) {
                (true, _, false) => called.push(to),
                (true, _, true) => left.push((middle(to), edge, true)),
                (_, true, false) => left.push((middle(from), edge, false)),
                (_, true, true) => right.push((middle(from), edge, false)),
                _ => {}
            }
        }
        if !called.is_empty() {
            let mean = called.iter().map(|&to| middle(to)).sum::<usize>() / called.len();
            right.push((mean, usize::MAX, true));
        }
        for mut side in [left, right] {
            side.sort_unstable();
            let first = place.y + (place.h - side.len()) / 2;
            for (row, (_, edge, caller)) in side.into_iter().enumerate() {
                let row = first + row;
                if edge == usize::MAX {
                    edges.iter().enumerate().filter(|(edge, (from, _))| *from == at && !back[*edge]).for_each(
                        |(edge, _)| {
                            docks[edge].from = row;
                        },
                    );
                } else if caller {
                    docks[edge].from = row;
                } else {
                    docks[edge].to = row;
                }
            }
        }
    }
    docks
}

/// Left columns, no further to the left than they are, and the width of all. Between two ranks there is room for each line's own end and a track for every
/// trunk that has to go up or down.
fn columns(places: &mut [Place], spots: &[Spot], topology: &Topology, docks: &[Dock], air: usize) -> usize {
    let ranks = spots.iter().map(|spot| spot.rank + 1).max().unwrap_or(0);
    let mut x = 0;
    for rank in 0..ranks {
        let mut widest = 0;
        let members = || (0..spots.len()).filter(|&at| spots[at].rank == rank);
        x = members().map(|at| places[at].x).filter(|x| *x > 0).min().unwrap_or(0).max(x);
        for at in members() {
            places[at].x = x;
            widest = widest.max(places[at].w);
        }
        x += widest;
        if rank + 1 == ranks {
            break;
        }
        let mut trunks = Vec::new();
        let (mut heads_left, mut longest) = (false, LEG);
        for (edge, (&(from, to), dock)) in topology.edges.iter().zip(docks).enumerate() {
            let (low, high) = (spots[from].rank.min(spots[to].rank), spots[from].rank.max(spots[to].rank));
            if !(low..high).contains(&rank) {
                continue;
            }
            heads_left |= dock.back && low == rank;
            let arrives = if dock.back { low == rank } else { high == rank + 1 };
            if arrives {
                longest = longest.max(dock.leg);
            }
            if dock.from != dock.to || high - low > 1 {
                trunks.push(if dock.back { topology.nodes.len() + edge } else { from });
            }
        }
        trunks.sort_unstable();
        trunks.dedup();
        x += longest + 1 + air + trunks.len().saturating_sub(1).min(10) + if heads_left { LEG } else { 0 };
    }
    x
}
