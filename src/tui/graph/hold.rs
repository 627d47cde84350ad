//! Keeping things where they stand: a graph that changes by an edge or a node must not be shuffled under the eyes.

use std::collections::BTreeMap;

use super::rank::Spot;
use super::{Drawing, NodeKey, Topology};

/// Where things stood.
pub(super) struct Held {
    /// How generously it was drawn.
    pub level: usize,
    /// Rank and middle row of each node of the new graph that stood in the old one.
    spots: Vec<Option<Spot>>,
    /// Left column and rows of each of them.
    boxes: Vec<Option<(usize, usize)>>,
    /// Which edges of the new graph ran against the rest.
    pub back: Vec<bool>,
}

impl Held {
    /// What a new graph can keep of an old drawing; `None` where most of it is another graph.
    pub(super) fn of(topology: &Topology, before: &Drawing) -> Option<Self> {
        let mut columns: Vec<u16> = before.nodes.iter().map(|node| node.x).collect();
        columns.sort_unstable();
        columns.dedup();
        let stood: BTreeMap<&NodeKey, _> = before
            .nodes
            .iter()
            .map(|placed| {
                let rank = columns.binary_search(&placed.x).unwrap_or(0);
                let spot = Spot { rank, row: f64::from(placed.y) + f64::from(placed.h) / 2.0 };
                (&placed.node.key, (spot, (usize::from(placed.x), usize::from(placed.h))))
            })
            .collect();
        let found: Vec<_> = topology.nodes.iter().map(|node| stood.get(&node.key)).collect();
        let spots: Vec<Option<Spot>> = found.iter().map(|at| at.map(|(spot, _)| *spot)).collect();
        let boxes = found.iter().map(|at| at.map(|(_, place)| *place)).collect();
        let kept = spots.iter().flatten().count();
        if kept * 4 < topology.nodes.len() * 3 || kept * 4 < before.nodes.len() * 3 {
            return None;
        }
        let turned: Vec<_> = before.lines.iter().filter(|line| line.back).map(|line| &line.key).collect();
        let key = |at: usize| &topology.nodes[at].key;
        let back = (topology.edges.iter())
            .map(|&(from, to)| {
                turned.iter().any(|edge| edge.caller == *key(from) && Some(&edge.callee) == key(to).as_ref())
            })
            .collect();
        Some(Self { level: before.level, spots, boxes, back })
    }

    /// Rows that a node had: one that needs less keeps them.
    pub(super) fn rows(&self, at: usize) -> usize {
        self.boxes[at].map_or(0, |(_, rows)| rows)
    }

    /// The column in which a node stood: ranks do not move to the left when there is less between them.
    pub(super) fn column(&self, at: usize) -> usize {
        self.boxes[at].map_or(0, |(column, _)| column)
    }

    /// Ranks and rows for all: those that stood stay, unless an edge would run against its direction; new ones come near
    /// what they call or what calls them. The edges must not run in circles.
    pub(super) fn spots(&self, edges: &[(usize, usize)]) -> Vec<Spot> {
        let order = sorted(self.spots.len(), edges);
        let known = |at: usize| self.spots[at];
        let mut ranks: Vec<usize> = vec![0; self.spots.len()];
        for &at in &order {
            let least = edges.iter().filter(|(_, to)| *to == at).map(|(from, _)| ranks[*from] + 1).max();
            let before_callees = || {
                let callees = edges.iter().filter(|(from, _)| *from == at).filter_map(|(_, to)| known(*to));
                callees.map(|spot| spot.rank.saturating_sub(1)).min()
            };
            let wish = known(at).map(|spot| spot.rank).or_else(|| least.is_none().then(before_callees).flatten());
            ranks[at] = wish.unwrap_or(0).max(least.unwrap_or(0));
        }
        let mut used = ranks.clone();
        used.sort_unstable();
        used.dedup();
        let bottom = self.spots.iter().flatten().map(|spot| spot.row).fold(0.0, f64::max);
        let rows: Vec<f64> = (0..ranks.len())
            .map(|at| {
                known(at).map_or_else(|| self.near(at, edges).map_or(bottom + 2.0, |row| row + 0.5), |spot| spot.row)
            })
            .collect();
        let spot = |(rank, row)| Spot { rank: used.binary_search(&rank).unwrap_or(0), row };
        ranks.into_iter().zip(rows).map(spot).collect()
    }

    /// The mean row of what stood already at the other ends of a new node's edges.
    fn near(&self, at: usize, edges: &[(usize, usize)]) -> Option<f64> {
        let ends = edges.iter().filter_map(|&(from, to)| match (from == at, to == at) {
            (true, _) => self.spots[to],
            (_, true) => self.spots[from],
            _ => None,
        });
        let (sum, number) = ends.fold((0.0, 0_u32), |(sum, number), spot| (sum + spot.row, number + 1));
        (number > 0).then(|| sum / f64::from(number))
    }
}

/// Callers before callees; what is left of circles comes last.
pub(super) fn sorted(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut waits = vec![0_usize; nodes];
    for &(from, to) in edges {
        out[from].push(to);
        waits[to] += 1;
    }
    let mut order: Vec<usize> = (0..nodes).filter(|at| waits[*at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for &to in &out[at] {
            waits[to] -= 1;
            if waits[to] == 0 {
                order.push(to);
            }
        }
    }
    order.extend((0..nodes).filter(|at| waits[*at] > 0));
    order
}
