//! Which nodes and edges to lay out.

use std::collections::{BTreeMap, VecDeque};

use ahash::{AHashMap, AHashSet};

use crate::engine::Snapshot;
use crate::model::{Severity, Verdict};
use crate::trail::summary::{EdgeRow, NodeKind};

use super::{EdgeKey, Node, NodeKey, OUTSIDE, Shape, Topology};
use crate::tui::text::Safe;

/// Whether an edge is one that `b` keeps.
pub(super) fn broken(row: &EdgeRow) -> bool {
    let accused = Verdict::ALL.iter().any(|verdict| verdict.accuses() && row.verdicts[*verdict as usize] > 0);
    accused || row.severity > Severity::Info
}

/// These edges of a snapshot, the outside first, then services in order of first appearance: all of them, or only those
/// at an end of an edge.
pub(super) fn whole<'a>(
    snapshot: &'a Snapshot,
    rows: impl Iterator<Item = &'a EdgeRow>,
    only_at_ends: bool,
) -> Topology {
    let rows: Vec<&EdgeRow> = rows.collect();
    let mut kinds: AHashMap<NodeKey, NodeKind> = AHashMap::new();
    let mut order: Vec<NodeKey> = Vec::new();
    if rows.iter().any(|row| row.caller.is_none()) {
        order.push(None);
    }
    for service in &snapshot.services {
        kinds.insert(Some(service.name.clone()), service.kind);
        order.push(Some(service.name.clone()));
    }
    // An edge may be a moment ahead of its services' rows.
    for row in &rows {
        order.push(row.caller.clone());
        order.push(Some(row.callee.clone()));
    }
    let ends = rows.iter().filter(|_| only_at_ends);
    let touched: AHashSet<NodeKey> = ends.flat_map(|row| [row.caller.clone(), Some(row.callee.clone())]).collect();
    let mut seen = AHashSet::new();
    order.retain(|key| (!only_at_ends || touched.contains(key)) && seen.insert(key.clone()));

    let index: AHashMap<&NodeKey, usize> = order.iter().enumerate().map(|(at, key)| (key, at)).collect();
    let mut edges = Vec::new();
    let mut drawn = AHashSet::new();
    let mut looped = AHashSet::new();
    for row in rows {
        let (Some(&from), Some(&to)) = (index.get(&row.caller), index.get(&Some(row.callee.clone()))) else { continue };
        if EdgeKey::of(row).is_loop() {
            looped.insert(from);
        } else if drawn.insert((from, to)) {
            edges.push((from, to));
        }
    }
    let nodes = order
        .iter()
        .enumerate()
        .map(|(at, key)| Node {
            key: key.clone(),
            label: Safe::new(key.as_deref().unwrap_or(OUTSIDE)),
            shape: key
                .as_ref()
                .map_or(Shape::Client, |_| Shape::Row(kinds.get(key).copied().unwrap_or(NodeKind::Service))),
            looped: looped.contains(&at),
            hidden_in: 0,
            hidden_out: 0,
        })
        .collect();
    Topology { nodes, edges }
}

/// What lies within some hops of the centre (or of the first node), with what is left out counted at its neighbours.
pub(super) fn around(whole: &Topology, centre: &[NodeKey], hops: usize) -> Topology {
    let mut near: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue: VecDeque<usize> =
        (0..whole.nodes.len()).filter(|&at| centre.contains(&whole.nodes[at].key)).collect();
    if queue.is_empty() && !whole.nodes.is_empty() {
        queue.push_back(0);
    }
    near.extend(queue.iter().map(|&at| (at, 0)));
    while let Some(at) = queue.pop_front() {
        let depth = near[&at];
        // The outside is next to every entry: walking through it would bring in all of them.
        if depth == hops || (depth > 0 && whole.nodes[at].shape == Shape::Client) {
            continue;
        }
        for &(from, to) in &whole.edges {
            let next = if from == at {
                to
            } else if to == at {
                from
            } else {
                continue;
            };
            near.entry(next).or_insert_with(|| {
                queue.push_back(next);
                depth + 1
            });
        }
    }
    let kept: Vec<usize> = near.keys().copied().collect();
    let mut nodes: Vec<Node> = kept.iter().map(|&at| whole.nodes[at].clone()).collect();
    let mut edges = Vec::new();
    for &(from, to) in &whole.edges {
        match (kept.binary_search(&from), kept.binary_search(&to)) {
            (Ok(from), Ok(to)) => edges.push((from, to)),
            (Ok(from), Err(_)) => nodes[from].hidden_out += 1,
            (Err(_), Ok(to)) => nodes[to].hidden_in += 1,
            (Err(_), Err(_)) => {}
        }
    }
    Topology { nodes, edges }
}
