//! The adapter to `dagre`: ranks, order and rows. No other file knows the crate.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir, layout};

/// Units of dagre's plane for one row, so that its rounding does not show.
const ROW: f64 = 10.0;

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Spot {
    /// Column of boxes, from 0.
    pub rank: usize,
    /// Its middle, in rows.
    pub row: f64,
}

/// Where an edge passes a rank that neither of its ends stands in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Pass {
    /// Edge, by index.
    pub edge: usize,
    /// Where.
    pub spot: Spot,
}

/// Ranks and rows of nodes with these heights (in rows); edges must not run in circles. `None` if the crate gives up.
pub(super) fn rank(heights: &[usize], edges: &[(usize, usize)], sep: usize) -> Option<(Vec<Spot>, Vec<Pass>)> {
    // Somebody else's algorithm on a stranger's graph: a panic in it costs the picture, not the program.
    catch_unwind(AssertUnwindSafe(|| rank_inner(heights, edges, sep))).ok().flatten()
}

fn rank_inner(heights: &[usize], edges: &[(usize, usize)], sep: usize) -> Option<(Vec<Spot>, Vec<Pass>)> {
    let mut graph = Graph::<NodeLabel, EdgeLabel>::with_options(GraphOptions {
        directed: true,
        multigraph: false,
        compound: false,
    });
    let name = |at: usize| format!("n{at}");
    for (at, height) in heights.iter().enumerate() {
        let label = NodeLabel { width: ROW, height: *height as f64 * ROW, ..NodeLabel::default() };
        graph.set_node(name(at), Some(label));
    }
    for &(from, to) in edges {
        graph.set_edge(name(from), name(to), Some(EdgeLabel::default()), None);
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: sep as f64 * ROW,
        edgesep: ROW,
        ranksep: 4.0 * ROW,
        ..LayoutOptions::default()
    };
    layout(&mut graph, Some(options));

    let mut placed = Vec::with_capacity(heights.len());
    for at in 0..heights.len() {
        let node = graph.node(&name(at))?;
        placed.push((node.rank?, node.x?, node.y?));
    }
    let mut ranks: Vec<(i32, f64)> = placed.iter().map(|&(rank, x, _)| (rank, x)).collect();
    ranks.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    ranks.dedup_by_key(|(rank, _)| *rank);
    let spots: Vec<Spot> = placed
        .iter()
        .map(|&(rank, _, y)| Spot {
            rank: ranks.binary_search_by_key(&rank, |(rank, _)| *rank).unwrap_or(0),
            row: y / ROW,
        })
        .collect();
    let mut passes = Vec::new();
    for (edge, &(from, to)) in edges.iter().enumerate() {
        let label = graph.edge(&name(from), &name(to), None)?;
        for (rank, &(_, x)) in ranks.iter().enumerate().take(spots[to].rank).skip(spots[from].rank + 1) {
            let fallback = f64::midpoint(spots[from].row, spots[to].row);
            let row = height_at(&label.points, x).map_or(fallback, |y| y / ROW);
            passes.push(Pass { edge, spot: Spot { rank, row } });
        }
    }
    Some((spots, passes))
}

/// Where a bent line stands at an x.
fn height_at(points: &[dagre::Point], x: f64) -> Option<f64> {
    points.windows(2).find_map(|pair| {
        let (a, b) = if pair[0].x <= pair[1].x { (&pair[0], &pair[1]) } else { (&pair[1], &pair[0]) };
        let within = a.x <= x && x <= b.x;
        let share = if b.x - a.x > f64::EPSILON { (x - a.x) / (b.x - a.x) } else { 0.0 };
        within.then_some(a.y + (b.y - a.y) * share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_graph_lies_the_same_way_each_time() {
        let edges = [(0, 1), (1, 2), (1, 3), (1, 4), (0, 4), (2, 5), (3, 5), (4, 5), (0, 5)];
        let first = rank(&[1, 3, 3, 3, 3, 5], &edges, 1);
        assert!(first.is_some());
        for _ in 0..20 {
            assert_eq!(rank(&[1, 3, 3, 3, 3, 5], &edges, 1), first);
        }
    }

    #[test]
    fn a_long_edge_passes_the_ranks_between() {
        let (spots, passes) = rank(&[3; 4], &[(0, 1), (1, 2), (2, 3), (0, 3)], 1).expect("a layout");
        assert_eq!(spots.iter().map(|spot| spot.rank).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(passes.iter().map(|pass| (pass.edge, pass.spot.rank)).collect::<Vec<_>>(), [(3, 1), (3, 2)]);
        assert!(passes.iter().all(|pass| (pass.spot.row - spots[pass.spot.rank].row).abs() > 1.0));
    }
}
