//! Which nodes and edges to lay out.

use std::collections::btree_map::Entry;
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

/// Columns of what stands on an edge: a name that is longer is cut.
const THROUGH: usize = 14;

/// Waypoints in a few columns: the first by name, the rest counted.
fn through(row: &EdgeRow) -> Safe {
    match &*row.waypoints {
        [] => Safe::default(),
        [one] => Safe::new(one).fit(THROUGH),
        [first, rest @ ..] => Safe::new(&format!("{} +{}", Safe::new(first).fit(THROUGH - 3).as_str(), rest.len())),
    }
}

/// These edges of a snapshot, the outside first, then services in order of first appearance: all of them, or only those
/// at an end of an edge; and which of the edges are broken.
pub(super) fn whole<'a>(
    snapshot: &'a Snapshot,
    rows: impl Iterator<Item = &'a EdgeRow>,
    only_at_ends: bool,
) -> (Topology, Vec<usize>) {
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
    let (mut edges, mut on_edges, mut urgent) = (Vec::new(), Vec::new(), Vec::new());
    let mut drawn = AHashSet::new();
    let mut looped = AHashSet::new();
    for row in rows {
        let (Some(&from), Some(&to)) = (index.get(&row.caller), index.get(&Some(row.callee.clone()))) else { continue };
        if EdgeKey::of(row).is_loop() {
            looped.insert(from);
        } else if drawn.insert((from, to)) {
            if broken(row) {
                urgent.push(edges.len());
            }
            edges.push((from, to));
            on_edges.push(through(row));
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
    (Topology { nodes, edges, through: on_edges }, urgent)
}

/// What lies within some hops of the centre (or of the first node), with what is left out counted at its neighbours. Of
/// one node's callers and callees at most so many each are kept: the centre's own first, then those over broken edges.
pub(super) fn around(whole: &Topology, centre: &[NodeKey], urgent: &[usize], hops: usize, most: usize) -> Topology {
    let mut near: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue: VecDeque<usize> =
        (0..whole.nodes.len()).filter(|&at| centre.contains(&whole.nodes[at].key)).collect();
    if queue.is_empty() && !whole.nodes.is_empty() {
        queue.push_back(0);
    }
    near.extend(queue.iter().map(|&at| (at, 0)));
    let mut touching: Vec<Vec<usize>> = vec![Vec::new(); whole.nodes.len()];
    let rest = (0..whole.edges.len()).filter(|edge| urgent.binary_search(edge).is_err());
    for edge in urgent.iter().copied().chain(rest) {
        let (from, to) = whole.edges[edge];
        touching[from].push(edge);
        touching[to].push(edge);
    }
    while let Some(at) = queue.pop_front() {
        let depth = near[&at];
        // The outside is next to every entry: walking through it would bring in all of them.
        if depth == hops || (depth > 0 && whole.nodes[at].shape == Shape::Client) {
            continue;
        }
        let mut kept = [0; 2];
        for &edge in &touching[at] {
            let (from, to) = whole.edges[edge];
            let next = if from == at { to } else { from };
            let kept = &mut kept[usize::from(from == at)];
            match near.entry(next) {
                Entry::Occupied(_) => *kept += 1,
                Entry::Vacant(free) if *kept < most => {
                    *kept += 1;
                    free.insert(depth + 1);
                    queue.push_back(next);
                }
                Entry::Vacant(_) => {}
            }
        }
    }
    part(whole, &near.keys().copied().collect::<Vec<_>>())
}

/// Some nodes and what runs between them.
fn part(whole: &Topology, kept: &[usize]) -> Topology {
    let mut nodes: Vec<Node> = kept.iter().map(|&at| whole.nodes[at].clone()).collect();
    let (mut edges, mut through) = (Vec::new(), Vec::new());
    for (&(from, to), name) in whole.edges.iter().zip(&whole.through) {
        match (kept.binary_search(&from), kept.binary_search(&to)) {
            (Ok(from), Ok(to)) => {
                edges.push((from, to));
                through.push(name.clone());
            }
            (Ok(from), Err(_)) => nodes[from].hidden_out += 1,
            (Err(_), Ok(to)) => nodes[to].hidden_in += 1,
            (Err(_), Err(_)) => {}
        }
    }
    Topology { nodes, edges, through }
}
