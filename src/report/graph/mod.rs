//! The call graph as a file: a plain model of it, and one writer for each form.
//!
//! Every name is made safe and unique once, here; a writer only escapes it for its own syntax.

mod build;
pub mod dot;
pub mod mermaid;
mod paint;
pub mod svg;
pub mod text;

use std::fmt::Write as _;

use super::Style;
use crate::model::text::Safe;
use crate::model::{Severity, Verdict};

pub use build::{Builder, MOST_EDGES};

/// What stands at the end of an edge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The outside, where requests come from.
    Client,
    /// A service that exports spans, or one that a list names.
    Service,
    /// A host that never reports.
    External,
    /// A message destination.
    Queue,
    /// A database or cache.
    Database,
}

impl Kind {
    /// The word beside the name, empty for what needs none.
    pub fn word(self) -> &'static str {
        match self {
            Self::Client | Self::Service => "",
            Self::External => "external",
            Self::Queue => "queue",
            Self::Database => "database",
        }
    }
}

/// A node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Safe to show; no two nodes share one.
    pub name: Safe,
    /// What it is.
    pub kind: Kind,
}

/// What became of the token on an edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// Hops.
    pub hops: u64,
    /// Hops by verdict, indexed by `Verdict as usize`.
    pub verdicts: [u64; Verdict::ALL.len()],
    /// The verdict to draw: the worst accused one, else the most frequent.
    pub shown: Verdict,
    /// Worst severity of its hops, findings included.
    pub severity: Severity,
    /// Waypoints passed, by name.
    pub through: Vec<Safe>,
}

/// An edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Index of the caller.
    pub from: usize,
    /// Index of the callee.
    pub to: usize,
    /// What traces show of it.
    pub judged: Option<Judged>,
    /// Calls that dependency lists count.
    pub calls: Option<u64>,
}

impl Edge {
    /// The verdict to draw, `None` where no trace shows the edge.
    pub fn shown(&self) -> Option<Verdict> {
        self.judged.as_ref().map(|judged| judged.shown)
    }

    /// Worst severity.
    fn severity(&self) -> Severity {
        self.judged.as_ref().map_or(Severity::Info, |judged| judged.severity)
    }

    /// `✗ 3 of 12`, as short as a picture needs it; empty where nothing was counted.
    fn label(&self) -> String {
        let mut text = String::new();
        if let Some(judged) = &self.judged {
            let shown = judged.verdicts[judged.shown as usize];
            let _ = write!(text, "{} {shown}", Style::default().glyph(judged.shown));
            if shown < judged.hops {
                let _ = write!(text, " of {}", judged.hops);
            }
            // What is bad and not the verdict: a finding, an absence that the policy minds.
            if !judged.shown.accuses() && judged.severity > Severity::Info {
                let _ = write!(text, " {}", judged.severity);
            }
        }
        match (self.calls, text.is_empty()) {
            (Some(calls), true) => text = calls.to_string(),
            (Some(calls), false) => {
                let _ = write!(text, ", {calls} calls");
            }
            (None, _) => {}
        }
        text
    }

    /// All that is known, in words: `3 of 12 hops, 9 intact, 40 calls, through proxy`.
    fn counts(&self) -> String {
        let mut parts = Vec::new();
        if let Some(judged) = &self.judged {
            let shown = judged.verdicts[judged.shown as usize];
            parts.push(if shown < judged.hops {
                format!("{shown} of {} hops", judged.hops)
            } else {
                many(judged.hops, "hop", "hops")
            });
            let others = Verdict::ALL.iter().zip(&judged.verdicts);
            let others = others.filter(|(verdict, count)| **verdict != judged.shown && **count > 0);
            parts.extend(others.map(|(verdict, count)| format!("{count} {verdict}")));
        }
        parts.extend(self.calls.map(|calls| many(calls, "call", "calls")));
        if let Some(judged) = self.judged.as_ref().filter(|judged| !judged.through.is_empty()) {
            let names: Vec<&str> = judged.through.iter().map(Safe::as_str).collect();
            parts.push(format!("through {}", names.join(", ")));
        }
        parts.join(", ")
    }
}

/// A call graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Graph {
    /// Nodes, in order of first appearance.
    pub nodes: Vec<Node>,
    /// Edges, no two with the same ends.
    pub edges: Vec<Edge>,
    /// Calls on edges beyond the first [`MOST_EDGES`]: not drawn.
    pub left_out: u64,
}

impl Graph {
    /// What an edge is, in one line: `orders → shipping: dropped, 3 of 12 hops`.
    fn title(&self, edge: &Edge) -> String {
        let (from, to) = (&self.nodes[edge.from].name, &self.nodes[edge.to].name);
        let mut text = format!("{from} → {to}");
        let verdict = edge.shown().map(Verdict::name);
        let severity = (edge.severity() > Severity::Info).then(|| edge.severity().name());
        let counts = Some(edge.counts()).filter(|counts| !counts.is_empty());
        let parts: Vec<&str> = [verdict, severity, counts.as_deref()].into_iter().flatten().collect();
        if !parts.is_empty() {
            let _ = write!(text, ": {}", parts.join(", "));
        }
        text
    }

    /// `4 services, 1 queue, 6 edges, 12 hops`.
    fn sums(&self) -> String {
        let count = |kind| self.nodes.iter().filter(|node| node.kind == kind).count() as u64;
        let hops: u64 = self.edges.iter().filter_map(|edge| edge.judged.as_ref()).map(|judged| judged.hops).sum();
        let calls = self.edges.iter().filter_map(|edge| edge.calls).fold(0, u64::saturating_add);
        let mut parts = vec![many(count(Kind::Service), "service", "services")];
        let others = [
            (count(Kind::External), "external host", "external hosts"),
            (count(Kind::Queue), "queue", "queues"),
            (count(Kind::Database), "database", "databases"),
        ];
        parts.extend(others.into_iter().filter(|(count, ..)| *count > 0).map(|(n, one, more)| many(n, one, more)));
        parts.push(many(self.edges.len() as u64, "edge", "edges"));
        if self.judged() {
            parts.push(many(hops, "hop", "hops"));
        }
        if self.edges.iter().any(|edge| edge.calls.is_some()) {
            parts.push(many(calls, "call", "calls"));
        }
        parts.join(", ")
    }

    /// Whether any edge was seen in a trace.
    fn judged(&self) -> bool {
        self.edges.iter().any(|edge| edge.judged.is_some())
    }

    /// Hops by verdict, over all edges, those of which there are some.
    fn verdicts(&self) -> Vec<(Verdict, u64)> {
        let sum = |verdict: Verdict| -> u64 {
            let judged = self.edges.iter().filter_map(|edge| edge.judged.as_ref());
            judged.map(|judged| judged.verdicts[verdict as usize]).sum()
        };
        let all = Verdict::ALL.iter().map(|verdict| (*verdict, sum(*verdict)));
        all.filter(|(_, count)| *count > 0).collect()
    }
}

fn many(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}
