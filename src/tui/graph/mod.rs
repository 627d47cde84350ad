//! The call graph on a grid of characters: what to show, where the boxes stand, how the edges run.
//!
//! Nothing here draws or knows a terminal: [`lay_out`] is a pure function from an [`Ask`] to an [`Answer`], slow enough
//! to run beside the drawing, and asked again only when the topology, the room or the selection's neighbourhood changes.

mod ask;
mod choose;
mod hold;
mod order;
mod place;
mod rank;
mod route;
mod scope;
mod tangle;
mod tree;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::Snapshot;
use crate::model::Verdict;
use crate::trail::summary::{EdgeRow, NodeKind};

use super::text::Safe;

pub use ask::{Ask, Whole};
pub use order::Order;

/// A service by name; `None` is the outside, where requests come from.
pub type NodeKey = Option<Arc<str>>;

/// An edge by its ends.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct EdgeKey {
    /// Caller, `None` for the outside.
    pub caller: NodeKey,
    /// Callee.
    pub callee: Arc<str>,
}

impl EdgeKey {
    /// The edge of a row.
    pub fn of(row: &EdgeRow) -> Self {
        Self { caller: row.caller.clone(), callee: row.callee.clone() }
    }

    /// Whether it calls itself.
    pub fn is_loop(&self) -> bool {
        self.caller.as_ref() == Some(&self.callee)
    }

    /// Whether a node is one of its ends.
    pub fn touches(&self, node: &NodeKey) -> bool {
        self.caller == *node || node.as_ref() == Some(&self.callee)
    }

    /// `orders → shipping`.
    pub fn title(&self, arrow: &str) -> String {
        format!("{} {arrow} {}", self.caller.as_deref().unwrap_or(OUTSIDE), self.callee)
    }
}

/// What the outside is called.
pub const OUTSIDE: &str = "client";

/// How much of the graph to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// All of it if it fits, else two hops around the selection.
    #[default]
    Auto,
    /// Two hops around the selection.
    Focus,
    /// All of it, moved with the selection where it does not fit.
    All,
}

/// What stands at a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The outside.
    Client,
    /// A row of the snapshot.
    Row(NodeKind),
}

/// One node to lay out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Which.
    pub key: NodeKey,
    /// Its name, safe to draw.
    pub label: Safe,
    /// What it is.
    pub shape: Shape,
    /// Whether it calls itself.
    pub looped: bool,
    /// Callers that are not shown.
    pub hidden_in: usize,
    /// Callees that are not shown.
    pub hidden_out: usize,
}

/// What to lay out: nodes, and edges between them by index, without loops.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Topology {
    /// Nodes in order of first appearance, the outside first.
    pub nodes: Vec<Node>,
    /// (caller, callee), no two alike.
    pub edges: Vec<(usize, usize)>,
    /// What stands on each edge, on the way from caller to callee; empty for most.
    pub through: Vec<Safe>,
}

impl Topology {
    /// Who calls whom over an edge.
    fn ends(&self, edge: usize) -> (&NodeKey, &NodeKey) {
        let (from, to) = self.edges[edge];
        (&self.nodes[from].key, &self.nodes[to].key)
    }
}

/// One laid out node: where its box stands, in columns and rows of the drawing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// What.
    pub node: Node,
    /// Left column.
    pub x: u16,
    /// Top row.
    pub y: u16,
    /// Columns.
    pub w: u16,
    /// Rows.
    pub h: u16,
    /// Whether its calls stand at another place of the same name.
    pub again: Again,
}

/// Where the calls of a node stand that is named more than once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Again {
    /// Here, or it makes none.
    #[default]
    No,
    /// Further up.
    Above,
    /// Further down.
    Below,
}

/// One cell of an edge's line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
    /// Directions in which the line leaves the cell: [`UP`], [`DOWN`], [`LEFT`], [`RIGHT`].
    pub arms: u8,
}

/// Bit of [`Step::arms`].
pub const UP: u8 = 1;
/// Bit of [`Step::arms`].
pub const DOWN: u8 = 2;
/// Bit of [`Step::arms`].
pub const LEFT: u8 = 4;
/// Bit of [`Step::arms`].
pub const RIGHT: u8 = 8;

/// One laid out edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Which.
    pub key: EdgeKey,
    /// Lines of one trunk have one number; lines of different trunks may cross and never join.
    pub trunk: usize,
    /// Cells from caller to callee, the arrow's included.
    pub steps: Vec<Step>,
    /// Where the verdict's glyph stands: on a stretch that belongs to this edge alone.
    pub glyph: (u16, u16),
    /// Where the arrow's head stands.
    pub head: (u16, u16),
    /// Whether the head points left: an edge against the direction of the rest.
    pub back: bool,
}

/// A call graph on a grid.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drawing {
    /// Boxes.
    pub nodes: Vec<Placed>,
    /// Edges.
    pub lines: Vec<Line>,
    /// Whether nodes are boxes of lines, or bare names.
    pub boxed: bool,
    /// Whether it is a tree: a row for each call, and a node at each of its callers.
    pub tree: bool,
    /// How generously it is drawn: the lower, the roomier.
    pub level: usize,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// What came of an [`Ask`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The question.
    pub ask: Ask,
    /// The drawing; `None` where only a list of edges can be read.
    pub drawing: Option<Drawing>,
    /// Nodes left out; of a tree, calls.
    pub hidden: usize,
    /// How the calls are read: from the first to the last.
    pub order: Order,
}

impl Answer {
    /// Whether a question needs no new answer: the same, or one that differs only in a selection that did not matter.
    pub fn serves(&self, ask: &Ask) -> bool {
        let centre_matters = self.hidden > 0 || ask.scope == Scope::Focus;
        if self.hidden > 0 && self.ask.urgent != ask.urgent {
            return false;
        }
        self.ask.whole == ask.whole
            && self.ask.scope == ask.scope
            && self.ask.room == ask.room
            && (!centre_matters || self.ask.centre == ask.centre)
    }
}

/// Lays out a graph. Deterministic; takes milliseconds for what fits a screen.
pub fn lay_out(ask: &Ask) -> Answer {
    lay_out_after(ask, None)
}

/// The same, changing as little as can be of an answer that stands on the screen.
pub fn lay_out_after(ask: &Ask, before: Option<&Answer>) -> Answer {
    let before = before.filter(|before| before.ask.room == ask.room && before.ask.scope == ask.scope);
    let (drawing, hidden) = match before.and_then(|before| choose::still(ask, before)) {
        Some((drawing, hidden)) => (Some(drawing), hidden),
        None => choose::shown(ask, before.and_then(|before| before.drawing.as_ref())),
    };
    let order = Order::new(&ask.whole, drawing.as_ref().filter(|drawing| hidden == 0 && !drawing.tree));
    Answer { ask: ask.clone(), drawing, hidden, order }
}

/// The verdict that colours an edge, and whether it should stand back: nothing was expected on it.
pub fn stands_back(row: &EdgeRow) -> bool {
    row.shown == Verdict::Absent
}

/// Counts of neighbours that are not shown, as drawn at a node.
pub fn stubs(node: &Node) -> Vec<String> {
    let mut stubs = Vec::new();
    if node.hidden_in > 0 {
        stubs.push(format!("◂ +{}", node.hidden_in));
    }
    if node.hidden_out > 0 {
        stubs.push(format!("+{} ▸", node.hidden_out));
    }
    stubs
}

/// The word for nodes that are no services.
pub const fn tag(shape: Shape) -> &'static str {
    match shape {
        Shape::Client | Shape::Row(NodeKind::Service) => "",
        Shape::Row(NodeKind::External) => "ext",
        Shape::Row(NodeKind::Queue) => "queue",
        Shape::Row(NodeKind::Database) => "db",
    }
}

/// Whether an edge is one that the filter for broken edges keeps.
pub fn is_broken(row: &EdgeRow) -> bool {
    scope::broken(row)
}

/// Edges that hops went over between two snapshots of the same intake. The first snapshot has nothing to differ from.
pub fn pulses(before: &Snapshot, now: &Snapshot) -> HashSet<EdgeKey> {
    if before.edges.is_empty() || now.now < before.now {
        return HashSet::new();
    }
    let seen: HashMap<_, _> =
        before.edges.iter().map(|row| ((row.caller.as_deref(), &*row.callee), row.last_seen)).collect();
    let newer = |row: &&EdgeRow| {
        let last = seen.get(&(row.caller.as_deref(), &*row.callee));
        last.is_none_or(|last| *last < row.last_seen)
    };
    now.edges.iter().filter(newer).map(EdgeKey::of).collect()
}
