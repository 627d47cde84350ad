//! Where edges stand in a snapshot. Kept while snapshots differ in figures alone: a picture asks for hundreds of edges by
//! their names, and walking through thousands of rows for each would take longer than drawing.

use std::sync::Arc;

use ahash::AHashMap;

use super::graph::EdgeKey;
use crate::engine::Snapshot;
use crate::trail::summary::EdgeRow;

/// What holds for all snapshots with the same edges in the same order.
#[derive(Clone, Debug, Default)]
pub struct Index {
    edges: Vec<EdgeKey>,
    places: AHashMap<EdgeKey, usize>,
}

impl Index {
    /// The index of a snapshot: the last one where that still holds.
    #[must_use]
    pub fn of(snapshot: &Snapshot, last: &Arc<Self>) -> Arc<Self> {
        if last.holds(snapshot) {
            return Arc::clone(last);
        }
        let edges: Vec<EdgeKey> = snapshot.edges.iter().map(EdgeKey::of).collect();
        // Of rows with the same ends, the first, as a walk from the front would find it.
        let places = edges.iter().cloned().enumerate().rev().map(|(place, edge)| (edge, place)).collect();
        Arc::new(Self { edges, places })
    }

    /// Whether a snapshot has these edges in this order.
    fn holds(&self, snapshot: &Snapshot) -> bool {
        let edge = |(known, row): (&EdgeKey, &EdgeRow)| {
            same(&known.callee, &row.callee)
                && match (&known.caller, &row.caller) {
                    (Some(known), Some(caller)) => same(known, caller),
                    (None, None) => true,
                    _ => false,
                }
        };
        self.edges.len() == snapshot.edges.len() && self.edges.iter().zip(&snapshot.edges).all(edge)
    }

    /// The row of an edge.
    pub fn edge<'a>(&self, snapshot: &'a Snapshot, key: &EdgeKey) -> Option<&'a EdgeRow> {
        let is = |row: &&EdgeRow| row.caller == key.caller && row.callee == key.callee;
        let known = self.places.get(key).and_then(|place| snapshot.edges.get(*place)).filter(is);
        // A snapshot that nobody indexed is searched.
        known.or_else(|| if self.holds(snapshot) { None } else { snapshot.edges.iter().find(is) })
    }
}

/// Names come from the engine's own store: most often the same one.
fn same(a: &Arc<str>, b: &Arc<str>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}
