//! One trace as a waterfall: spans by parentage, what folds away, and what became of the token beside each.
//!
//! All of it is worked out once for each answer, fold or toggle, and kept by the page: drawing looks at the rows that
//! show and at nothing else. Parents that are missing, circular or shared, and clocks that stand apart, are the usual
//! case here, not an error.

pub mod align;
pub mod lane;
mod tree;

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::{Hop, Severity, Span, SpanId, SpanKind, TraceId};
use crate::trail::views::TraceView;

use lane::Mark;
use tree::Tree;

/// A span by what it is: where client and server share one id (Zipkin), the kind tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SpanKey(pub SpanId, pub SpanKind);

impl SpanKey {
    /// The key of a span.
    pub fn of(span: &Span) -> Self {
        Self(span.span_id, span.kind)
    }
}

/// One span in the waterfall; its place is that of the span in the view.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Node {
    /// Place of its parent, where that is held and no circle.
    pub parent: Option<usize>,
    /// Whether it names a parent that is not held, or that the circle was cut at.
    pub orphan: bool,
    /// Whether it says something of a token, or a hop speaks of it.
    pub bears: bool,
    /// What stands beside it.
    pub mark: Option<Mark>,
    /// Places of the hops that it is a party of.
    pub hops: Vec<usize>,
    /// Whom it calls, where that is not a span below it: a callee that never reports.
    pub calls: Option<Arc<str>>,
    /// Nanoseconds that its clock seems to be off: its bar stands so much later than it says.
    pub shift: i64,
}

/// One line of the waterfall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Place of its span.
    pub span: usize,
    /// Lines above it that it stands below.
    pub depth: usize,
    /// The line that it stands below.
    pub parent: Option<usize>,
    /// Whether anything stands below it, folded or not.
    pub opens: bool,
    /// Lines folded away below it.
    pub folded: usize,
}

/// A trace, worked out.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Waterfall {
    /// One for each span.
    pub nodes: Vec<Node>,
    /// Spans at which an accused hop shows, or one with a finding that is worth a look, from top to bottom.
    pub problems: Vec<usize>,
    /// The one of them with the worst hop; where none is accused, the one with the worst finding.
    pub worst: Option<usize>,
    /// Start and end of the time axis, in nanoseconds since the epoch.
    pub axis: (u64, u64),
    /// Spans whose bars are moved because their clock is off.
    pub skewed: usize,
    /// Spans that name a parent that is not held.
    pub orphans: usize,
    tree: Tree,
}

impl Waterfall {
    /// Works out a trace.
    pub fn new(view: &TraceView) -> Self {
        let spans: Vec<&Span> = view.spans.iter().map(|(_, span)| span).collect();
        let mut tree = Tree::new(&spans);
        let shifts = tree.clocks(&spans);
        let mut nodes: Vec<Node> = (0..spans.len())
            .map(|at| Node {
                parent: tree.parents[at],
                orphan: spans[at].parent_id().is_some() && tree.parents[at].is_none(),
                shift: shifts[at],
                ..Node::default()
            })
            .collect();
        let primary = lane::mark(view, &spans, &tree, &mut nodes);
        tree.bear(|at| nodes[at].bears);
        let (problems, worst) = problems(view, &tree, &primary);
        let placed = |at: usize| moved(spans[at], nodes[at].shift);
        let start = (0..spans.len()).map(|at| placed(at).0).min().unwrap_or(0);
        let end = (0..spans.len()).map(|at| placed(at).1).max().unwrap_or(0);
        Self {
            axis: (start, end),
            problems,
            worst,
            skewed: nodes.iter().filter(|node| node.shift != 0).count(),
            orphans: nodes.iter().filter(|node| node.orphan).count(),
            nodes,
            tree,
        }
    }

    /// When a span's bar begins and ends on the axis.
    pub fn bar(&self, at: usize, span: &Span) -> (u64, u64) {
        moved(span, self.nodes[at].shift)
    }

    /// Whether a span shows where only those do that say something of a token. Where none says anything, all show.
    /// A root is kept for what stands below it.
    fn shows(&self, at: usize, all: bool) -> bool {
        let node = &self.nodes[at];
        all || node.bears || (node.parent.is_none() && self.tree.bearing[at])
    }

    /// Whether no span says anything of a token.
    pub fn is_silent(&self) -> bool {
        !self.nodes.iter().any(|node| node.bears)
    }

    /// The lines from top to bottom: all spans or those of tokens, those in `folded` closed.
    pub fn lines(&self, view: &TraceView, all: bool, folded: &HashSet<SpanKey>) -> Vec<Line> {
        let all = all || self.is_silent();
        let mut lines: Vec<Line> = Vec::new();
        // A span, the line that it stands below, and the line that it is folded away under.
        let mut open: Vec<(usize, Option<usize>, Option<usize>)> =
            self.tree.roots.iter().rev().map(|root| (*root, None, None)).collect();
        while let Some((span, parent, under)) = open.pop() {
            let (mut below, mut hidden) = (parent, under);
            if self.shows(span, all) {
                if let Some(parent) = parent.filter(|_| under.is_none()) {
                    lines[parent].opens = true;
                }
                if let Some(under) = under {
                    (lines[under].opens, lines[under].folded) = (true, lines[under].folded + 1);
                } else {
                    let depth = parent.map_or(0, |parent| lines[parent].depth + 1);
                    lines.push(Line { span, depth, parent, opens: false, folded: 0 });
                    below = Some(lines.len() - 1);
                    hidden = below.filter(|_| folded.contains(&SpanKey::of(&view.spans[span].1)));
                }
            }
            open.extend(self.tree.children(span).iter().rev().map(|child| (*child, below, hidden)));
        }
        lines
    }

    /// The ancestors of a span, nearest first.
    pub fn above(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.nodes[at].parent, |at| self.nodes[*at].parent)
    }
}

/// The hop of a view that a span shows first: the accused one, where it is a party of several.
pub fn hop_at<'a>(view: &'a TraceView, node: &Node) -> Option<&'a Hop> {
    let hops = node.hops.iter().filter_map(|at| view.hops.get(*at));
    hops.max_by_key(|hop| (hop.verdict.accuses(), hop.worst()))
}

/// Whether a party's span lies in this trace.
fn here(party_trace: Option<TraceId>, view: &TraceView) -> bool {
    party_trace.is_none_or(|trace| trace == view.id)
}

/// A span without an end ends where it began.
fn moved(span: &Span, shift: i64) -> (u64, u64) {
    let place = |nanos: u64| nanos.saturating_add_signed(shift);
    (place(span.start.0), place(span.end.0.max(span.start.0)))
}

fn problems(view: &TraceView, tree: &Tree, primary: &[Option<usize>]) -> (Vec<usize>, Option<usize>) {
    let accused = view.hops.iter().zip(primary).filter(|(hop, _)| hop.verdict.accuses());
    let found = |hop: &Hop| hop.findings.iter().any(|hit| hit.severity >= Severity::Medium);
    let broken = view.hops.iter().zip(primary).filter(|(hop, _)| hop.verdict.accuses() || found(hop));
    let mut problems: Vec<usize> = broken.filter_map(|(_, at)| *at).collect();
    problems.sort_by_key(|at| tree.order[*at]);
    problems.dedup();
    let key = |hop: &Hop, at: usize| (hop.severity, hop.confidence, std::cmp::Reverse(tree.order[at]));
    let worst = accused.filter_map(|(hop, at)| Some((key(hop, (*at)?), (*at)?))).max().map(|(_, at)| at);
    // Nothing accused: the finding that weighs most.
    let found = || {
        let hops = view.hops.iter().zip(primary).filter(|(hop, _)| !hop.findings.is_empty());
        hops.filter_map(|(hop, at)| Some((hop.worst(), std::cmp::Reverse(tree.order[(*at)?]), (*at)?))).max()
    };
    (problems, worst.or_else(|| found().map(|(.., at)| at)))
}
