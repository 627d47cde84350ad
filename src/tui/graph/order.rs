//! In which order calls are read where they are listed: as the eye goes over the graph, from rank to rank and down each.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::trail::summary::EdgeRow;

use super::hold::sorted;
use super::place::{circles, turned};
use super::{Drawing, NodeKey, Topology};

/// The place of each node in reading.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Order(HashMap<NodeKey, u32>);

impl Order {
    /// The order of a drawing of all; without one, of ranks that come of the calls alone.
    pub(super) fn new(whole: &Topology, drawing: Option<&Drawing>) -> Self {
        let mut places: Vec<(usize, usize, &NodeKey)> = if let Some(drawing) = drawing {
            drawing.nodes.iter().map(|at| (usize::from(at.x), usize::from(at.y), &at.node.key)).collect()
        } else {
            let ranks = ranks(whole);
            whole.nodes.iter().enumerate().map(|(at, node)| (ranks[at], at, &node.key)).collect()
        };
        places.sort_unstable();
        let number = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self(places.into_iter().enumerate().map(|(at, (.., key))| (key.clone(), number(at))).collect())
    }

    /// Puts rows into this order. What nobody has laid out yet comes last, by name.
    pub fn sort(&self, rows: &mut [&EdgeRow]) {
        let place = |key: &NodeKey| self.0.get(key).copied().unwrap_or(u32::MAX);
        rows.sort_by_cached_key(|row| {
            (place(&row.caller), place(&Some(row.callee.clone())), Reverse(row.severity), row.callee.clone())
        });
    }
}

/// The longest way from a node that nobody calls.
fn ranks(whole: &Topology) -> Vec<usize> {
    let nodes = whole.nodes.len();
    let edges = turned(&whole.edges, &circles(nodes, &whole.edges));
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for &(from, to) in &edges {
        out[from].push(to);
    }
    let mut ranks = vec![0; nodes];
    for at in sorted(nodes, &edges) {
        for &to in &out[at] {
            ranks[to] = ranks[to].max(ranks[at] + 1);
        }
    }
    ranks
}
