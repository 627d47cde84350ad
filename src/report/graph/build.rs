//! From the trail's rows and from dependency lists to one graph.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};

use super::{Edge, Graph, Judged, Kind, Node};
use crate::model::text::Safe;
use crate::report::safe::safe;
use crate::trail::summary::{EdgeRow, NodeKind, Summary};

/// Edges beyond which dependency lists only add to a count.
pub const MOST_EDGES: usize = 100_000;

/// What the outside is called.
const OUTSIDE: &str = "client";

/// A graph in the making. A service that several inputs name is one node, an edge likewise.
#[derive(Default)]
pub struct Builder {
    nodes: Vec<(Option<Arc<str>>, Kind)>,
    index: AHashMap<Option<Arc<str>>, usize>,
    edges: Vec<Edge>,
    ends: AHashMap<(usize, usize), usize>,
    left_out: u64,
}

impl Builder {
    /// Adds what the trail saw.
    pub fn rows(&mut self, summary: &Summary) {
        if summary.edges.iter().any(|row| row.caller.is_none()) {
            self.node(None, Kind::Client);
        }
        for row in &summary.services {
            let kind = match row.kind {
                NodeKind::Service => Kind::Service,
                NodeKind::External => Kind::External,
                NodeKind::Queue => Kind::Queue,
                NodeKind::Database => Kind::Database,
            };
            let at = self.node(Some(&row.name), kind);
            // Traces know what a thing is; a list only knows its name.
            self.nodes[at].1 = kind;
        }
        for row in &summary.edges {
            let from = self.node(row.caller.as_ref(), row.caller.as_ref().map_or(Kind::Client, |_| Kind::Service));
            let to = self.node(Some(&row.callee), Kind::Service);
            let edge = self.edge(from, to);
            self.edges[edge].judged = Some(judged(row));
        }
    }

    /// Adds calls that a dependency list counts.
    pub fn calls(&mut self, parent: &str, child: &str, calls: u64) {
        let (parent, child) = (Some(Arc::from(parent)), Some(Arc::from(child)));
        let known = |name| self.index.get(name).copied();
        let ends = known(&parent).zip(known(&child));
        if self.edges.len() >= MOST_EDGES && ends.is_none_or(|ends| !self.ends.contains_key(&ends)) {
            self.left_out = self.left_out.saturating_add(calls.max(1));
            return;
        }
        let from = self.node(parent.as_ref(), Kind::Service);
        let to = self.node(child.as_ref(), Kind::Service);
        let edge = self.edge(from, to);
        let sum = self.edges[edge].calls.get_or_insert(0);
        *sum = sum.saturating_add(calls);
    }

    /// The graph.
    pub fn finish(self) -> Graph {
        let mut taken = AHashSet::new();
        // A service that is called `client` keeps its name, the outside gives way.
        let mut names: Vec<Option<Safe>> = vec![None; self.nodes.len()];
        let named = self.nodes.iter().enumerate().filter_map(|(at, (name, _))| Some((at, name.as_deref()?)));
        for (at, name) in named {
            names[at] = Some(unique(name, &mut taken));
        }
        let nodes = names.into_iter().zip(&self.nodes);
        let nodes = nodes
            .map(|(name, (_, kind))| Node { name: name.unwrap_or_else(|| unique(OUTSIDE, &mut taken)), kind: *kind });
        Graph { nodes: nodes.collect(), edges: self.edges, left_out: self.left_out }
    }

    fn node(&mut self, name: Option<&Arc<str>>, kind: Kind) -> usize {
        if let Some(at) = self.index.get(&name.cloned()) {
            return *at;
        }
        self.nodes.push((name.cloned(), kind));
        self.index.insert(name.cloned(), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize) -> usize {
        *self.ends.entry((from, to)).or_insert_with(|| {
            self.edges.push(Edge { from, to, judged: None, calls: None });
            self.edges.len() - 1
        })
    }
}

fn judged(row: &EdgeRow) -> Judged {
    Judged {
        hops: row.hops,
        verdicts: row.verdicts,
        shown: row.shown,
        severity: row.severity,
        through: row.waypoints.iter().map(|name| safe(name)).collect(),
    }
}

/// A safe name that no other node has: names that differ only in what cannot be shown get a number.
fn unique(name: &str, taken: &mut AHashSet<Safe>) -> Safe {
    let shown = safe(name);
    let shown = if shown.as_str().trim().is_empty() { Safe::new("(no name)") } else { shown };
    let mut name = shown.clone();
    let mut number = 2_u64;
    while !taken.insert(name.clone()) {
        name = Safe::new(&format!("{shown} ({number})"));
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(graph: &Graph) -> Vec<&str> {
        graph.nodes.iter().map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn calls_of_several_lists_add_up() {
        let mut builder = Builder::default();
        builder.calls("a", "b", 2);
        builder.calls("b", "a", 1);
        builder.calls("a", "b", u64::MAX);
        let graph = builder.finish();
        assert_eq!(names(&graph), ["a", "b"]);
        assert_eq!(graph.edges.iter().map(|edge| edge.calls).collect::<Vec<_>>(), [Some(u64::MAX), Some(1)]);
    }

    #[test]
    fn names_that_look_alike_stay_two_nodes() {
        let mut builder = Builder::default();
        builder.calls("pay", "p\u{200b}ay", 1);
        builder.calls("\u{200b}", "pay (2)", 1);
        assert_eq!(names(&builder.finish()), ["pay", "pay (2)", "(no name)", "pay (2) (2)"]);
    }

    #[test]
    fn edges_beyond_the_bound_are_counted() {
        let mut builder = Builder::default();
        for number in 0..=MOST_EDGES {
            builder.calls("a", &number.to_string(), 3);
        }
        builder.calls("a", "0", 4);
        let graph = builder.finish();
        assert_eq!((graph.edges.len(), graph.left_out, graph.edges[0].calls), (MOST_EDGES, 3, Some(7)));
    }
}
