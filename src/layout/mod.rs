//! Where the boxes of a call graph stand and how its edges run, on a plane of any unit. Left to right.
//!
//! Nothing here draws. The same graph always has the same layout: bounds are counts, never seconds.

mod circles;
mod plain;
mod ranked;

/// Nodes beyond which only plain layers are tried: ranking takes seconds there, then minutes.
pub const MOST_NODES: usize = 200;
/// Edges beyond which only plain layers are tried.
pub const MOST_EDGES: usize = 500;

/// Between nodes of one column, and around the edge of the plane.
const GAP: f64 = 26.0;
/// How far a line to its own node rises above it.
const LOOP: f64 = 26.0;

/// A place.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Room that something takes.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Size {
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// One edge to lay out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Link {
    /// Index of the caller.
    pub from: usize,
    /// Index of the callee.
    pub to: usize,
    /// Room for its label.
    pub label: Size,
}

/// How an edge runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Route {
    /// From the border of the caller to that of the callee; two or more.
    pub points: Vec<Point>,
    /// The middle of the label.
    pub label: Point,
    /// Whether it is one bend: of four points, the two in the middle are its controls. Else a line through all points.
    pub bow: bool,
}

/// A laid out graph.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    /// The middle of each node.
    pub nodes: Vec<Point>,
    /// Each edge.
    pub routes: Vec<Route>,
    /// Room that all of it takes.
    pub size: Size,
    /// Whether it is in plain layers: edges run straight, past or across other nodes, and labels may lie on one another.
    pub plain: bool,
}

/// Lays out a graph; no two links may have the same ends.
pub fn lay_out(nodes: &[Size], links: &[Link]) -> Layout {
    let mut tied = vec![false; nodes.len()];
    for end in links.iter().flat_map(|link| [link.from, link.to]) {
        tied[end] = true;
    }
    // A line to its own node stands above it: the node gets the room, and the engines never see the line.
    let mut rooms = nodes.to_vec();
    for own in links.iter().filter(|link| link.from == link.to) {
        let room = &mut rooms[own.from];
        room.w = room.w.max(own.label.w);
        room.h += 2.0 * (LOOP + own.label.h);
    }
    let between: Vec<Link> = links.iter().filter(|link| link.from != link.to).copied().collect();
    let mut layout = engine(&rooms, &between, &tied);
    beside(&mut layout, nodes, &tied);
    let mut routes = std::mem::take(&mut layout.routes).into_iter();
    layout.routes = links
        .iter()
        .map(|link| {
            let spot = layout.nodes[link.from];
            if link.from == link.to {
                own(spot, nodes[link.from], link.label)
            } else {
                routes.next().unwrap_or_default()
            }
        })
        .collect();
    layout
}

/// The nodes that have edges, by the engine that can; the others are left at the origin.
fn engine(rooms: &[Size], links: &[Link], tied: &[bool]) -> Layout {
    let kept: Vec<usize> = (0..rooms.len()).filter(|&at| tied[at]).collect();
    let place = |at: usize| kept.binary_search(&at).unwrap_or_default();
    let inner: Vec<Size> = kept.iter().map(|&at| rooms[at]).collect();
    let renamed: Vec<Link> =
        links.iter().map(|link| Link { from: place(link.from), to: place(link.to), ..*link }).collect();
    let small = inner.len() <= MOST_NODES && renamed.len() <= MOST_EDGES;
    let ranked = if small { ranked::lay_out(&inner, &renamed) } else { None };
    let mut layout = ranked.unwrap_or_else(|| plain::lay_out(&inner, &renamed));
    let mut spots = vec![Point::default(); rooms.len()];
    for (&at, spot) in kept.iter().zip(&layout.nodes) {
        spots[at] = *spot;
    }
    layout.nodes = spots;
    layout
}

/// Puts the nodes without an edge in rows below the others.
fn beside(layout: &mut Layout, nodes: &[Size], tied: &[bool]) {
    let alone: Vec<usize> = (0..nodes.len()).filter(|&at| !tied[at]).collect();
    let most = alone.iter().map(|&at| nodes[at].w).fold(layout.size.w.max(600.0), f64::max);
    let (mut x, mut y, mut tallest) = (GAP, layout.size.h.max(GAP), 0.0_f64);
    for at in alone {
        let size = nodes[at];
        if x > GAP && x + size.w + GAP > most {
            (x, y, tallest) = (GAP, y + tallest + GAP, 0.0);
        }
        layout.nodes[at] = Point { x: x + size.w / 2.0, y: y + size.h / 2.0 };
        x += size.w + GAP;
        tallest = tallest.max(size.h);
        layout.size = Size { w: layout.size.w.max(x), h: y + tallest + GAP };
    }
}

/// A line from a node's top back to it.
fn own(spot: Point, size: Size, label: Size) -> Route {
    let (top, half) = (spot.y - size.h / 2.0, (size.w / 4.0).min(18.0));
    let at = |x: f64, y: f64| Point { x: spot.x + x, y: top + y };
    let points = vec![at(-half, 0.0), at(-half * 1.2, -LOOP), at(half * 1.2, -LOOP), at(half, 0.0)];
    Route { points, label: at(0.0, -LOOP - label.h / 2.0 + 4.0), bow: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Size = Size { w: 80.0, h: 34.0 };
    const LABEL: Size = Size { w: 40.0, h: 16.0 };

    fn links(edges: &[(usize, usize)]) -> Vec<Link> {
        edges.iter().map(|&(from, to)| Link { from, to, label: LABEL }).collect()
    }

    fn apart(layout: &Layout, sizes: &[Size]) {
        for a in 0..sizes.len() {
            for b in 0..a {
                let (p, q) = (layout.nodes[a], layout.nodes[b]);
                let wide = (p.x - q.x).abs() >= f64::midpoint(sizes[a].w, sizes[b].w) - 0.01;
                let high = (p.y - q.y).abs() >= f64::midpoint(sizes[a].h, sizes[b].h) - 0.01;
                assert!(wide || high, "nodes {a} and {b} lie on one another: {p:?} {q:?}");
            }
            let p = layout.nodes[a];
            assert!(p.x >= sizes[a].w / 2.0 && p.x + sizes[a].w / 2.0 <= layout.size.w, "{a} {p:?} {:?}", layout.size);
            assert!(p.y >= sizes[a].h / 2.0 && p.y + sizes[a].h / 2.0 <= layout.size.h, "{a} {p:?} {:?}", layout.size);
        }
    }

    #[test]
    fn circles_loops_and_lonely_nodes_have_room() {
        let sizes = [NODE; 7];
        let layout = lay_out(&sizes, &links(&[(0, 1), (1, 2), (2, 0), (2, 2), (1, 3), (1, 0)]));
        assert!(!layout.plain);
        apart(&layout, &sizes);
        assert_eq!(layout.routes.len(), 6);
        let (start, end) = (layout.routes[2].points[0], layout.routes[2].points[layout.routes[2].points.len() - 1]);
        assert!(start.x > end.x, "the way back runs to the left: {start:?} {end:?}");
        assert!(layout.routes.iter().all(|route| route.points.len() >= 2), "{:?}", layout.routes);
        assert!(layout.routes[3].label.y > 0.0);
    }

    #[test]
    fn a_large_graph_falls_back_to_plain_layers() {
        let sizes = vec![NODE; 2_000];
        let edges: Vec<(usize, usize)> = (0..6_000).map(|at| (at * 7 % 2_000, at * 13 % 1_999)).collect();
        let layout = lay_out(&sizes, &links(&edges));
        assert!(layout.plain);
        assert_eq!(layout.routes.len(), edges.len());
        assert!(layout.nodes.iter().all(|p| p.x < layout.size.w && p.y < layout.size.h));
        assert_eq!(layout, lay_out(&sizes, &links(&edges)));
    }

    #[test]
    fn plain_layers_keep_nodes_apart() {
        let sizes = vec![NODE; 300];
        let edges: Vec<(usize, usize)> = (1..300).map(|at| (at / 3, at)).chain([(299, 0)]).collect();
        let layout = lay_out(&sizes, &links(&edges));
        assert!(layout.plain);
        apart(&layout, &sizes);
    }

    #[test]
    fn nothing_takes_no_room() {
        assert_eq!(lay_out(&[], &[]).nodes, []);
    }
}
