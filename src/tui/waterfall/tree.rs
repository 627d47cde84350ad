//! Spans by parentage, from whatever parents they name.

use std::sync::Arc;

use crate::model::{Span, SpanId};

/// Who stands below whom. Places are those of the spans in the view, which are in order of their start.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tree {
    /// The parent of each span, where it is held; circles are cut.
    pub parents: Vec<Option<usize>>,
    /// Spans without a parent.
    pub roots: Vec<usize>,
    /// Place of each span from top to bottom.
    pub order: Vec<usize>,
    /// Whether something below a span, or itself, says something of a token.
    pub bearing: Vec<bool>,
    by_id: Vec<(SpanId, usize)>,
    /// The children of all spans behind each other, and where those of each begin.
    children: Vec<usize>,
    begins: Vec<usize>,
}

impl Tree {
    /// The tree of spans in order of their start.
    pub fn new(spans: &[&Span]) -> Self {
        let mut by_id: Vec<(SpanId, usize)> = spans.iter().enumerate().map(|(at, span)| (span.span_id, at)).collect();
        by_id.sort_unstable();
        let mut tree = Self { by_id, ..Self::default() };
        tree.parents = (0..spans.len()).map(|at| tree.parent_of(spans, at)).collect();
        tree.cut_circles(spans);
        tree.roots = (0..spans.len()).filter(|at| tree.parents[*at].is_none()).collect();
        tree.note_children();
        tree.order = vec![0; spans.len()];
        for (place, at) in tree.downwards().into_iter().enumerate() {
            tree.order[at] = place;
        }
        tree.bearing = vec![false; spans.len()];
        tree
    }

    /// Places of the spans below one.
    pub fn children(&self, at: usize) -> &[usize] {
        &self.children[self.begins[at]..self.begins[at + 1]]
    }

    /// The span of this id that fits best, first of those that do.
    pub fn find(&self, id: SpanId, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let all = self.with(id);
        all.clone().find(|at| fits(*at)).or_else(|| all.clone().next())
    }

    fn with(&self, id: SpanId) -> impl Iterator<Item = usize> + Clone + '_ {
        let first = self.by_id.partition_point(|(known, _)| *known < id);
        self.by_id[first..].iter().take_while(move |(known, _)| *known == id).map(|(_, at)| *at)
    }

    /// All spans, parents before children.
    pub fn downwards(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.parents.len());
        let mut open: Vec<usize> = self.roots.iter().rev().copied().collect();
        while let Some(at) = open.pop() {
            order.push(at);
            open.extend(self.children(at).iter().rev());
        }
        order
    }

    /// Notes which subtrees say something of a token.
    pub fn bear(&mut self, bears: impl Fn(usize) -> bool) {
        for at in self.downwards().into_iter().rev() {
            self.bearing[at] |= bears(at);
            if let Some(parent) = self.parents[at].filter(|_| self.bearing[at]) {
                self.bearing[parent] = true;
            }
        }
    }

    fn parent_of(&self, spans: &[&Span], at: usize) -> Option<usize> {
        let span = spans[at];
        // One id for client and server: the call stands above the entry that it led to.
        if span.is_entry()
            && let Some(call) = self.with(span.span_id).find(|other| *other != at && spans[*other].is_call())
        {
            return Some(call);
        }
        let own = |other: usize| spans[other].resource.service == span.resource.service;
        let others = self.with(span.parent_id()?).filter(|other| *other != at);
        let best = others.max_by_key(|other| (own(*other), spans[*other].is_entry(), std::cmp::Reverse(*other)))?;
        Some(best)
    }

    /// A circle is cut above its first span.
    fn cut_circles(&mut self, spans: &[&Span]) {
        let mut seen = vec![0_usize; spans.len()];
        for from in 0..spans.len() {
            let mut at = from;
            while seen[at] == 0 {
                seen[at] = from + 1;
                match self.parents[at] {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            if seen[at] == from + 1 && self.parents[at].is_some() {
                let mut first = at;
                let mut next = self.parents[at];
                while let Some(other) = next.filter(|other| *other != at) {
                    first = first.min(other);
                    next = self.parents[other];
                }
                self.parents[first] = None;
            }
        }
    }

    fn note_children(&mut self) {
        let all = self.parents.len();
        self.begins = vec![0; all + 1];
        for parent in self.parents.iter().flatten() {
            self.begins[parent + 1] += 1;
        }
        for at in 0..all {
            self.begins[at + 1] += self.begins[at];
        }
        self.children = vec![0; self.begins[all]];
        let mut next = self.begins.clone();
        for (at, parent) in self.parents.iter().enumerate() {
            if let Some(parent) = *parent {
                self.children[next[parent]] = at;
                next[parent] += 1;
            }
        }
    }

    /// How far each span's clock seems to be off, in nanoseconds to be added. Only what cannot be is put right: a request
    /// that arrives before it was sent, or after its sender had the answer.
    pub fn clocks(&self, spans: &[&Span]) -> Vec<i64> {
        let mut shifts = vec![0_i64; spans.len()];
        for at in self.downwards() {
            let Some(parent) = self.parents[at] else { continue };
            let (span, above) = (spans[at], spans[parent]);
            if Arc::ptr_eq(&span.resource, &above.resource) || span.resource == above.resource {
                shifts[at] = shifts[parent];
                continue;
            }
            let (start, end) = super::moved(above, shifts[parent]);
            let long = span.end.0.saturating_sub(span.start.0);
            let early = span.start.0 < start;
            let waits = matches!(span.kind, crate::model::SpanKind::Server);
            if early || (waits && span.start.0 > end && above.end.0 > 0) {
                // In the middle of the call, as if the way there took as long as the way back.
                let spare = (end - start).saturating_sub(long) / 2;
                shifts[at] = i64::try_from(i128::from(start + spare) - i128::from(span.start.0)).unwrap_or(0);
            }
        }
        shifts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Resource, ServiceName, Site, SpanKind, UnixNanos};

    fn resource(name: &str) -> Arc<Resource> {
        Arc::new(Resource {
            service: ServiceName { namespace: "".into(), name: name.into() },
            nameless: false,
            instance: name.into(),
            language: "".into(),
            sdk: "".into(),
            host: "".into(),
        })
    }

    fn span(id: u8, parent: u8, kind: SpanKind, service: &str, time: (u64, u64)) -> Span {
        let mut span = Span::at(Arc::new(Site::new(resource(service), "".into())));
        (span.span_id, span.kind) = (SpanId([id; 8]), kind);
        span.set_parent((parent > 0).then_some(SpanId([parent; 8])));
        (span.start, span.end) = (UnixNanos(time.0), UnixNanos(time.1));
        span
    }

    #[test]
    fn circles_and_missing_parents_leave_every_span_in_the_tree() {
        let kind = SpanKind::Internal;
        let spans = [
            span(1, 3, kind, "a", (0, 9)),
            span(2, 1, kind, "a", (1, 8)),
            span(3, 2, kind, "a", (2, 7)),
            span(4, 4, kind, "a", (3, 6)),
            span(5, 99, kind, "a", (4, 5)),
        ];
        let tree = Tree::new(&spans.iter().collect::<Vec<_>>());
        assert_eq!(tree.roots, [0, 3, 4]);
        assert_eq!(tree.downwards(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn client_and_server_of_one_id_stand_below_each_other() {
        let spans = [
            span(1, 0, SpanKind::Client, "a", (0, 9)),
            span(1, 0, SpanKind::Server, "b", (1, 8)),
            span(2, 1, SpanKind::Internal, "b", (2, 7)),
            span(3, 1, SpanKind::Internal, "a", (3, 6)),
        ];
        let tree = Tree::new(&spans.iter().collect::<Vec<_>>());
        assert_eq!(tree.parents, [None, Some(0), Some(1), Some(0)]);
    }

    #[test]
    fn a_clock_that_is_off_moves_the_bar_into_its_call() {
        let spans = [
            span(3, 2, SpanKind::Internal, "b", (20, 40)),
            span(2, 1, SpanKind::Server, "b", (10, 50)),
            span(1, 0, SpanKind::Client, "a", (1_000, 1_100)),
            span(5, 4, SpanKind::Consumer, "b", (9_000, 9_001)),
            span(4, 0, SpanKind::Producer, "a", (1_000, 1_001)),
        ];
        let spans: Vec<&Span> = spans.iter().collect();
        let shifts = Tree::new(&spans).clocks(&spans);
        assert_eq!(shifts, [1_020, 1_020, 0, 0, 0], "a message may arrive long after it was sent");
    }
}
