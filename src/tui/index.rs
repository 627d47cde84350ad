//! Where edges stand in a snapshot, and what graph they make. Kept while snapshots differ in figures alone: thousands
//! of edges are looked up, and their graph is compared, many times in one picture.

use std::sync::Arc;

use ahash::AHashMap;

use super::graph::{EdgeKey, Topology, topology};
use crate::engine::Snapshot;
use crate::trail::summary::{EdgeRow, NodeKind, ServiceRow};

/// What holds for all snapshots with the same services and edges.
#[derive(Clone, Debug, Default)]
pub struct Index {
    edges: Vec<EdgeKey>,
    services: Vec<(Arc<str>, NodeKind)>,
    places: AHashMap<EdgeKey, usize>,
    whole: Arc<Topology>,
}

impl Index {
    /// The index of a snapshot: the last one where that still holds.
    #[must_use]
    pub fn of(snapshot: &Snapshot, last: &Arc<Self>) -> Arc<Self> {
        if last.holds(snapshot) {
            return Arc::clone(last);
        }
        let edges: Vec<EdgeKey> = snapshot.edges.iter().map(EdgeKey::of).collect();
        Arc::new(Self {
            services: snapshot.services.iter().map(|row| (Arc::clone(&row.name), row.kind)).collect(),
            // Of rows with the same ends, the first, as a walk from the front would find it.
            places: edges.iter().cloned().enumerate().rev().map(|(place, edge)| (edge, place)).collect(),
            edges,
            whole: Arc::new(topology(snapshot, false)),
        })
    }

    /// Whether a snapshot has these services and edges, in this order.
    fn holds(&self, snapshot: &Snapshot) -> bool {
        let edge = |(known, row): (&EdgeKey, &EdgeRow)| {
            same(&known.callee, &row.callee)
                && match (&known.caller, &row.caller) {
                    (Some(known), Some(caller)) => same(known, caller),
                    (None, None) => true,
                    _ => false,
                }
        };
        let service =
            |((name, kind), row): (&(Arc<str>, NodeKind), &ServiceRow)| same(name, &row.name) && *kind == row.kind;
        self.edges.len() == snapshot.edges.len()
            && self.services.len() == snapshot.services.len()
            && self.edges.iter().zip(&snapshot.edges).all(edge)
            && self.services.iter().zip(&snapshot.services).all(service)
    }

    /// The row of an edge.
    pub fn edge<'a>(&self, snapshot: &'a Snapshot, key: &EdgeKey) -> Option<&'a EdgeRow> {
        let is = |row: &&EdgeRow| row.caller == key.caller && row.callee == key.callee;
        let known = self.places.get(key).and_then(|place| snapshot.edges.get(*place)).filter(is);
        // A snapshot that nobody indexed is searched.
        known.or_else(|| if self.holds(snapshot) { None } else { snapshot.edges.iter().find(is) })
    }

    /// The whole graph of a snapshot.
    pub fn whole(&self, snapshot: &Snapshot) -> Arc<Topology> {
        if self.holds(snapshot) { Arc::clone(&self.whole) } else { Arc::new(topology(snapshot, false)) }
    }
}

/// Names come from the engine's own store: most often the same one.
fn same(a: &Arc<str>, b: &Arc<str>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}
