//! The graph as a tree, for calls whose lines would cross too often to be followed: each call on a row of its own below
//! its caller, a service that is called by many named at each of its callers. Nothing crosses, and every arrow ends at a
//! name.
//!
//! A service's own calls stand where the shortest way from the outside finds it first.

use std::collections::VecDeque;

use super::{Again, DOWN, Drawing, EdgeKey, LEFT, Line, NodeKey, OUTSIDE, Placed, RIGHT, Shape, Step, Topology, UP};

/// Columns of the longest name drawn whole.
const NAME: usize = 24;
/// Columns by which a callee stands to the right of its caller: line, glyph, line and head between.
const INDENT: usize = 6;
/// Columns for two blanks and the verdict's word behind a name.
const WORD: u16 = 11;

/// What is to be seen, and what of it first.
pub(super) struct Wish<'a> {
    /// Columns and rows to fit in; `None` for all of it, whatever its size.
    pub room: Option<(u16, u16)>,
    /// The selection's ends.
    pub centre: &'a [NodeKey],
    /// Edges that are broken, by index.
    pub urgent: &'a [usize],
}

/// A row of the tree.
struct Row {
    node: usize,
    depth: usize,
    /// The call, and the row of its caller.
    call: Option<(usize, usize)>,
    /// Whether the node's own calls stand below.
    own: bool,
}

/// Which call each service is found by, and in which order all is read.
struct Forest<'a> {
    topology: &'a Topology,
    /// Calls of each node, those first that nothing stands below.
    out: Vec<Vec<usize>>,
    /// The call below which a node's own calls stand.
    parent: Vec<Option<usize>>,
    /// Nodes that nobody is found before.
    order: Vec<usize>,
}

/// What is shown: edges, and nodes without any.
#[derive(Clone)]
struct Shown {
    edges: Vec<bool>,
    nodes: Vec<bool>,
}

/// The tree of a graph, or as much of it as there is room for, and how many calls it leaves out. `None` where not even
/// what is selected fits.
pub(super) fn tree(topology: &Topology, wish: &Wish<'_>) -> Option<(Drawing, usize)> {
    let mut topology = topology.clone();
    topology.nodes.iter_mut().for_each(|node| node.label = node.label.fit(NAME));
    let forest = Forest::new(&topology);
    let all = Shown { edges: vec![true; topology.edges.len()], nodes: vec![true; topology.nodes.len()] };
    let shown = if forest.fits(&all, wish.room) { all } else { forest.most(wish)? };
    let hidden = shown.edges.iter().filter(|shown| !**shown).count();
    let alone = (0..topology.nodes.len()).filter(|&at| forest.is_alone(at) && !shown.nodes[at]).count();
    let mut drawing = forest.drawing(&shown);
    if wish.room.is_none_or(|(width, _)| drawing.width + WORD <= width) {
        drawing.width += WORD;
    }
    Some((drawing, hidden + alone))
}

impl<'a> Forest<'a> {
    fn new(topology: &'a Topology) -> Self {
        let nodes = topology.nodes.len();
        let (mut out, mut called) = (vec![Vec::new(); nodes], vec![false; nodes]);
        for (edge, &(from, to)) in topology.edges.iter().enumerate() {
            out[from].push(edge);
            called[to] = true;
        }
        let (mut parent, mut found, mut order) = (vec![None; nodes], vec![false; nodes], Vec::new());
        // What nobody calls comes first; then what is called in a circle only.
        let uncalled = (0..nodes).filter(|&at| !called[at]);
        for root in uncalled.chain(0..nodes) {
            if std::mem::replace(&mut found[root], true) {
                continue;
            }
            let mut queue = VecDeque::from([root]);
            while let Some(at) = queue.pop_front() {
                order.push(at);
                for &edge in &out[at] {
                    let to = topology.edges[edge].1;
                    if !std::mem::replace(&mut found[to], true) {
                        parent[to] = Some(edge);
                        queue.push_back(to);
                    }
                }
            }
        }
        let leaf: Vec<bool> = out.iter().map(Vec::is_empty).collect();
        for calls in &mut out {
            calls.sort_by_key(|&edge| {
                let to: usize = topology.edges[edge].1;
                (parent[to] == Some(edge) && !leaf[to], edge)
            });
        }
        Self { topology, out, parent, order }
    }

    /// Whether nothing calls a node and it calls nothing.
    fn is_alone(&self, at: usize) -> bool {
        self.parent[at].is_none() && !self.topology.edges.iter().any(|&(from, to)| from == at || to == at)
    }

    fn rows(&self, shown: &Shown) -> Vec<Row> {
        let mut rows = Vec::new();
        for &root in &self.order {
            let below = self.parent[root].is_some_and(|edge| shown.edges[edge]);
            let calls = self.out[root].iter().any(|&edge| shown.edges[edge]);
            if below || !(calls || self.is_alone(root) && shown.nodes[root]) {
                continue;
            }
            rows.push(Row { node: root, depth: 0, call: None, own: true });
            // (node, its row, calls that were looked at); a stack of its own: a chain of services may be long.
            let mut stack = vec![(root, rows.len() - 1, 0)];
            while let Some((at, row, next)) = stack.pop() {
                let Some(&edge) = self.out[at].get(next) else { continue };
                stack.push((at, row, next + 1));
                if !shown.edges[edge] {
                    continue;
                }
                let to = self.topology.edges[edge].1;
                let own = self.parent[to] == Some(edge);
                rows.push(Row { node: to, depth: rows[row].depth + 1, call: Some((edge, row)), own });
                if own {
                    stack.push((to, rows.len() - 1, 0));
                }
            }
        }
        rows
    }

    fn fits(&self, shown: &Shown, room: Option<(u16, u16)>) -> bool {
        let Some((width, height)) = room else { return true };
        // Counts of what is left out take some columns too.
        let columns = |row: &Row| row.depth * INDENT + self.topology.nodes[row.node].label.width() + 4;
        let rows = self.rows(shown);
        !rows.is_empty() && rows.len() <= height.into() && rows.iter().all(|row| columns(row) <= width.into())
    }

    /// As much as there is room for: the selection with the way to it, what is broken, and the rest.
    fn most(&self, wish: &Wish<'_>) -> Option<Shown> {
        let nodes = &self.topology.nodes;
        let mut shown = Shown { edges: vec![false; self.topology.edges.len()], nodes: vec![false; nodes.len()] };
        let central = |at: usize| wish.centre.contains(&nodes[at].key);
        let mut place = vec![0; nodes.len()];
        self.order.iter().enumerate().for_each(|(number, &at)| place[at] = number);
        let mut edges: Vec<usize> = (0..shown.edges.len()).collect();
        edges.sort_by_key(|&edge| {
            let (from, to) = self.topology.edges[edge];
            let calm = wish.urgent.binary_search(&edge).is_err();
            let near = match (central(from), central(to)) {
                (true, true) => 0,
                (true, false) | (false, true) => 1,
                (false, false) => 2,
            };
            (near > 0, calm, near, place[from], edge)
        });
        for at in (0..nodes.len()).filter(|&at| central(at) && self.is_alone(at)) {
            shown.nodes[at] = true;
        }
        for edge in edges {
            self.add(&mut shown, edge, wish.room);
        }
        for at in (0..nodes.len()).filter(|&at| self.is_alone(at)) {
            let before = std::mem::replace(&mut shown.nodes[at], true);
            shown.nodes[at] = before || self.fits(&shown, wish.room);
        }
        self.fits(&shown, wish.room).then_some(shown)
    }

    /// Shows a call below its caller, with the way to it, if there is room. Of the first call's way the end is enough.
    fn add(&self, shown: &mut Shown, edge: usize, room: Option<(u16, u16)>) {
        let calls = shown.edges.iter().filter(|shown| **shown).count();
        if shown.edges[edge] || room.is_some_and(|(_, height)| calls + 1 >= height.into()) {
            return;
        }
        let mut way = vec![edge];
        let mut at = self.topology.edges[edge].0;
        while let Some(above) = self.parent[at] {
            way.push(above);
            at = self.topology.edges[above].0;
        }
        let first = calls == 0;
        for length in (1..=way.len()).rev().take(if first { way.len() } else { 1 }) {
            let mut more = shown.clone();
            way[..length].iter().for_each(|&edge| more.edges[edge] = true);
            if self.fits(&more, room) {
                *shown = more;
                return;
            }
        }
    }

    fn drawing(&self, shown: &Shown) -> Drawing {
        let rows = self.rows(shown);
        let mut hidden = vec![(0, 0); self.topology.nodes.len()];
        for (&(from, to), _) in self.topology.edges.iter().zip(&shown.edges).filter(|(_, shown)| !**shown) {
            hidden[from].1 += 1;
            hidden[to].0 += 1;
        }
        // Where a node's own calls stand, else where it is named first.
        let mut home = vec![usize::MAX; hidden.len()];
        for own in [false, true] {
            for (at, row) in rows.iter().enumerate().rev().filter(|(_, row)| row.own == own) {
                home[row.node] = at;
            }
        }
        let calls = |node: usize| self.out[node].iter().any(|&edge| shown.edges[edge]);
        let mut nodes: Vec<(bool, Placed)> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| {
                let home = home[row.node];
                let again = match home.cmp(&at) {
                    _ if home == at || !calls(row.node) => Again::No,
                    std::cmp::Ordering::Less => Again::Above,
                    _ => Again::Below,
                };
                let mut node = self.topology.nodes[row.node].clone();
                if home == at {
                    node.hidden_in += hidden[row.node].0;
                    node.hidden_out += hidden[row.node].1;
                } else {
                    (node.hidden_in, node.hidden_out, node.looped) = (0, 0, false);
                }
                let mark = if again == Again::No { 0 } else { 2 };
                let stubs = super::stubs(&node).iter().map(|stub| stub.chars().count() + 1).sum::<usize>();
                let w = node.label.width() + 2 + mark + stubs + usize::from(node.looped) * 3;
                let (x, y) = ((row.depth * INDENT) as u16, at as u16);
                (home != at, Placed { node, x, y, w: w as u16, h: 1, again })
            })
            .collect();
        let width = nodes.iter().map(|(_, node)| node.x + node.w).max().unwrap_or(0);
        // The first of each name is the one that a selection of it moves the picture to.
        nodes.sort_by_key(|(repeated, _)| *repeated);
        let nodes = nodes.into_iter().map(|(_, node)| node).collect();
        let lines = rows.iter().enumerate().filter_map(|(at, row)| self.line(&rows, at, row)).collect();
        Drawing { nodes, lines, boxed: false, tree: true, level: 0, width, height: rows.len() as u16 }
    }

    fn line(&self, rows: &[Row], at: usize, row: &Row) -> Option<Line> {
        let (edge, above) = row.call?;
        let (from, to) = self.topology.edges[edge];
        let (x, y) = ((rows[above].depth * INDENT + 1) as u16, at as u16);
        let mut steps: Vec<Step> = (above as u16 + 1..y).map(|y| Step { x, y, arms: UP | DOWN }).collect();
        steps.push(Step { x, y, arms: UP | RIGHT });
        steps.extend((1..INDENT as u16 - 1).map(|right| Step { x: x + right, y, arms: LEFT | RIGHT }));
        let head = (x + INDENT as u16 - 2, y);
        let key = |at: usize| self.topology.nodes[at].key.clone();
        let callee = key(to).filter(|_| self.topology.nodes[to].shape != Shape::Client);
        Some(Line {
            key: EdgeKey { caller: key(from), callee: callee.unwrap_or_else(|| OUTSIDE.into()) },
            trunk: from + 1,
            steps,
            glyph: (head.0 - 2, y),
            head,
            back: false,
        })
    }
}
