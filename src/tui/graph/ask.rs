//! What is to be laid out, and for which room.

use std::sync::Arc;

use super::scope;
use super::{NodeKey, Scope, Topology};
use crate::engine::Snapshot;
use crate::trail::summary::EdgeRow;

/// Everything that a snapshot shows. Of thousands of edges it takes a while: it is kept while the snapshot is the same.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Whole {
    /// Nodes and edges.
    pub topology: Arc<Topology>,
    /// Edges that are broken, by index.
    pub urgent: Arc<[usize]>,
}

impl Whole {
    /// All of it, or only what is broken.
    pub fn new(snapshot: &Snapshot, only_broken: bool) -> Self {
        let rows = snapshot.edges.iter().filter(|row| !only_broken || scope::broken(row));
        Self::made(scope::whole(snapshot, rows, only_broken))
    }

    /// These edges, and the nodes at their ends.
    pub fn of_edges<'a>(snapshot: &'a Snapshot, rows: impl Iterator<Item = &'a EdgeRow>) -> Self {
        Self::made(scope::whole(snapshot, rows, true))
    }

    fn made((topology, urgent): (Topology, Vec<usize>)) -> Self {
        Self { topology: Arc::new(topology), urgent: urgent.into() }
    }
}

/// A question to [`lay_out`](super::lay_out).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ask {
    /// Everything that may be shown.
    pub whole: Arc<Topology>,
    /// How much of it.
    pub scope: Scope,
    /// The selection's ends.
    pub centre: Vec<NodeKey>,
    /// Columns and rows to fit in.
    pub room: (u16, u16),
    /// Edges to keep where some must go: those that are broken, by index.
    pub urgent: Arc<[usize]>,
}

impl Ask {
    /// Everything that a snapshot shows, or only what is broken.
    pub fn new(snapshot: &Snapshot, only_broken: bool, scope: Scope, centre: Vec<NodeKey>, room: (u16, u16)) -> Self {
        let Whole { topology, urgent } = Whole::new(snapshot, only_broken);
        Self { whole: topology, scope, centre, room, urgent }
    }
}
