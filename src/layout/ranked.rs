//! The adapter to `dagre`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dagre::graph::{Graph, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

use super::{GAP, Layout, Link, Point, Route, Size, circles};

/// Between a box and the place where lines beside it may bend.
const CLEAR: f64 = 6.0;
/// Between two edges that leave the same side of a box.
const PORT: f64 = 9.0;

/// Lays out; `None` if the crate gives up.
pub(super) fn lay_out(nodes: &[Size], links: &[Link]) -> Option<Layout> {
    // Somebody else's algorithm on a stranger's graph: a panic in it costs the routes, not the program.
    let (straight, turned) = circles::broken(nodes.len(), links);
    let mut layout = catch_unwind(AssertUnwindSafe(|| inner(nodes, &straight))).ok().flatten()?;
    for (route, turned) in layout.routes.iter_mut().zip(turned) {
        if turned {
            route.points.reverse();
        }
    }
    Some(layout)
}

fn inner(nodes: &[Size], links: &[Link]) -> Option<Layout> {
    let mut graph =
        Graph::<NodeLabel, EdgeLabel>::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    let name = |at: usize| format!("n{at}");
    for (at, size) in nodes.iter().enumerate() {
        graph.set_node(name(at), Some(NodeLabel { width: size.w, height: size.h, ..NodeLabel::default() }));
    }
    // A call and a call back lie between the same nodes: each edge has a name.
    let id = |at: usize| format!("e{at}");
    for (at, link) in links.iter().enumerate() {
        let label =
            EdgeLabel { width: link.label.w, height: link.label.h, labelpos: LabelPos::Center, ..EdgeLabel::default() };
        graph.set_edge(name(link.from), name(link.to), Some(label), Some(&id(at)));
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: GAP,
        edgesep: 14.0,
        ranksep: 76.0,
        marginx: GAP,
        marginy: GAP,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));

    let mut layout = Layout::default();
    let mut columns: BTreeMap<i32, Column> = BTreeMap::new();
    let mut ranks = Vec::with_capacity(nodes.len());
    for (at, size) in nodes.iter().enumerate() {
        let node = graph.node(&name(at))?;
        let (spot, rank) = (Point { x: node.x?, y: node.y? }, node.rank?);
        let column = columns.entry(rank).or_insert(Column { left: spot.x, right: spot.x });
        column.left = column.left.min(spot.x - size.w / 2.0 - CLEAR);
        column.right = column.right.max(spot.x + size.w / 2.0 + CLEAR);
        layout.grow(spot, *size);
        layout.nodes.push(spot);
        ranks.push(rank);
    }
    let mut inner = Vec::with_capacity(links.len());
    for (at, link) in links.iter().enumerate() {
        let edge = graph.edge(&name(link.from), &name(link.to), Some(&id(at)))?;
        let points: Vec<Point> = edge.points.iter().map(|point| Point { x: point.x, y: point.y }).collect();
        let [_, middle @ .., _] = points.as_slice() else { return None };
        let label = Point { x: edge.x.unwrap_or(middle.first()?.x), y: edge.y.unwrap_or(middle.first()?.y) };
        layout.grow(label, link.label);
        layout.routes.push(Route { label, ..Route::default() });
        inner.push(middle.to_vec());
    }
    let ports = ports(nodes, links, &layout.nodes, &inner);
    for (at, link) in links.iter().enumerate() {
        let ends = [(ports[at].0, *columns.get(&ranks[link.from])?), (ports[at].1, *columns.get(&ranks[link.to])?)];
        let points = straightened(ends, &inner[at], &columns);
        for point in &points {
            layout.grow(*point, Size::default());
        }
        layout.routes[at].points = points;
    }
    Some(layout)
}

/// The room of one rank's boxes, and a little more.
#[derive(Clone, Copy)]
struct Column {
    left: f64,
    right: f64,
}

/// Where each edge leaves its caller and enters its callee: on the sides that face one another, one below the other in
/// the order of what they lead to, so that edges neither cross there nor end in one point.
fn ports(nodes: &[Size], links: &[Link], spots: &[Point], inner: &[Vec<Point>]) -> Vec<(Point, Point)> {
    let mut ends = Vec::with_capacity(2 * links.len());
    for (at, link) in links.iter().enumerate() {
        let forward = spots[link.from].x < spots[link.to].x;
        let toward = |point: Option<&Point>, other: usize| point.map_or(spots[other].y, |point| point.y);
        ends.push((link.from, forward, toward(inner[at].first(), link.to), at, true));
        ends.push((link.to, !forward, toward(inner[at].last(), link.from), at, false));
    }
    ends.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then((a.3, a.4).cmp(&(b.3, b.4))));
    let mut ports = vec![(Point::default(), Point::default()); links.len()];
    for side in ends.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        for (row, &(node, right, _, at, leaves)) in side.iter().enumerate() {
            let step = (nodes[node].h / 2.0 / side.len() as f64).min(PORT);
            let half = nodes[node].w / 2.0;
            let x = spots[node].x + if right { half } else { -half };
            let y = spots[node].y + (row as f64 - (side.len() - 1) as f64 / 2.0) * step;
            *(if leaves { &mut ports[at].0 } else { &mut ports[at].1 }) = Point { x, y };
        }
    }
    ports
}

/// The way from port to port, level wherever it passes a column of boxes: a slope would cut their corners.
fn straightened(
    [(start, first), (end, last)]: [(Point, Column); 2],
    inner: &[Point],
    columns: &BTreeMap<i32, Column>,
) -> Vec<Point> {
    let forward = start.x < end.x;
    let sides = |column: &Column| if forward { (column.left, column.right) } else { (column.right, column.left) };
    let mut points = vec![start, Point { x: sides(&first).1, y: start.y }];
    for point in inner {
        match columns.values().find(|column| column.left < point.x && point.x < column.right) {
            Some(column) => {
                let (near, far) = sides(column);
                points.extend([Point { x: near, y: point.y }, Point { x: far, y: point.y }]);
            }
            None => points.push(*point),
        }
    }
    points.extend([Point { x: sides(&last).0, y: end.y }, end]);
    // Where labels are wider than the gap, a point may lie behind the next one: the line must not turn back.
    points.dedup_by(|next, kept| if forward { next.x <= kept.x } else { next.x >= kept.x });
    if let Some(point) = points.last_mut() {
        *point = end;
    }
    points
}

impl Layout {
    /// Takes in something around a point.
    pub(super) fn grow(&mut self, at: Point, size: Size) {
        self.size.w = self.size.w.max(at.x + size.w / 2.0 + GAP);
        self.size.h = self.size.h.max(at.y + size.h / 2.0 + GAP);
    }
}
