//! The adapter to `dagre`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dagre::graph::{Graph, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};

use super::{GAP, Layout, Link, Point, Route, Size};

/// Lays out; `None` if the crate gives up.
pub(super) fn lay_out(nodes: &[Size], links: &[Link]) -> Option<Layout> {
    // Somebody else's algorithm on a stranger's graph: a panic in it costs the routes, not the program.
    catch_unwind(AssertUnwindSafe(|| inner(nodes, links))).ok().flatten()
}

fn inner(nodes: &[Size], links: &[Link]) -> Option<Layout> {
    let mut graph = Graph::<NodeLabel, EdgeLabel>::with_options(GraphOptions {
        directed: true,
        multigraph: false,
        compound: false,
    });
    let name = |at: usize| format!("n{at}");
    for (at, size) in nodes.iter().enumerate() {
        graph.set_node(name(at), Some(NodeLabel { width: size.w, height: size.h, ..NodeLabel::default() }));
    }
    for link in links {
        let label =
            EdgeLabel { width: link.label.w, height: link.label.h, labelpos: LabelPos::Center, ..EdgeLabel::default() };
        graph.set_edge(name(link.from), name(link.to), Some(label), None);
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: GAP,
        edgesep: 14.0,
        ranksep: 44.0,
        marginx: GAP,
        marginy: GAP,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));

    let mut layout = Layout::default();
    for (at, size) in nodes.iter().enumerate() {
        let node = graph.node(&name(at))?;
        let spot = Point { x: node.x?, y: node.y? };
        layout.grow(spot, *size);
        layout.nodes.push(spot);
    }
    for link in links {
        let edge = graph.edge(&name(link.from), &name(link.to), None)?;
        let points: Vec<Point> = edge.points.iter().map(|point| Point { x: point.x, y: point.y }).collect();
        if points.len() < 2 {
            return None;
        }
        let middle = points[points.len() / 2];
        let label = Point { x: edge.x.unwrap_or(middle.x), y: edge.y.unwrap_or(middle.y) };
        layout.grow(label, link.label);
        for point in &points {
            layout.grow(*point, Size::default());
        }
        layout.routes.push(Route { points, label });
    }
    Some(layout)
}

impl Layout {
    /// Takes in something around a point.
    pub(super) fn grow(&mut self, at: Point, size: Size) {
        self.size.w = self.size.w.max(at.x + size.w / 2.0 + GAP);
        self.size.h = self.size.h.max(at.y + size.h / 2.0 + GAP);
    }
}
