//! One trace as a tree: parents that exist, circles broken, each span's role and service (verdicts.md section 1).

use std::collections::hash_map::Entry;

use ahash::AHashMap;

use crate::model::{ServiceName, Span, SpanId, SpanKind};

use super::nature::Nature;
use super::rules::Rules;

/// What a span is in the call tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// A request or message arrives at a service.
    Entry,
    /// A request or message leaves a service.
    Call,
    /// A proxy's span between two services.
    Waypoint,
    /// Anything else: no request of its own.
    Inner,
}

/// A span's place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Index of the parent, where it is in the trace.
    pub parent: Option<usize>,
    /// Indices of the children, in the trace's order.
    pub children: Vec<usize>,
    /// Role.
    pub role: Role,
    /// What the request is for.
    pub nature: Nature,
    /// Whether a proxy made it.
    pub proxy: bool,
}

/// A trace, indexed. Spans are in canonical order, so indices do not depend on arrival.
pub struct Tree<'a> {
    /// The spans, sorted by (start, id, kind).
    pub spans: &'a [Span],
    /// One node a span.
    pub nodes: Vec<Node>,
    by_id: std::collections::HashMap<SpanId, usize, ahash::RandomState>,
}

/// The canonical order of a trace's spans.
pub fn canonical(a: &Span, b: &Span) -> std::cmp::Ordering {
    (a.start, a.span_id, a.kind).cmp(&(b.start, b.span_id, b.kind))
}

impl<'a> Tree<'a> {
    /// Builds the tree of spans in canonical order.
    pub fn new(spans: &'a [Span], rules: &Rules) -> Self {
        let mut by_id = std::collections::HashMap::with_capacity_and_hasher(spans.len(), ahash::RandomState::new());
        let mut shared = AHashMap::new();
        for (i, span) in spans.iter().enumerate() {
            // Client and server may share one id (Zipkin): children belong to the server, which answers for it.
            match by_id.entry(span.span_id) {
                Entry::Vacant(slot) => {
                    slot.insert(i);
                }
                Entry::Occupied(mut slot) if span.is_entry() != spans[*slot.get()].is_entry() => {
                    let (entry, call) = if span.is_entry() { (i, *slot.get()) } else { (*slot.get(), i) };
                    slot.insert(entry);
                    shared.insert(entry, call);
                }
                Entry::Occupied(_) => {}
            }
        }
        let mut tree = Self { spans, nodes: Vec::with_capacity(spans.len()), by_id };
        for (i, span) in spans.iter().enumerate() {
            let parent = shared.get(&i).copied().or_else(|| tree.parent_of(i, span));
            let proxy = span.proxy || rules.is_proxy(span);
            tree.nodes.push(Node { parent, children: Vec::new(), role: Role::Inner, nature: Nature::of(span), proxy });
        }
        tree.break_circles();
        for i in 0..spans.len() {
            if let Some(parent) = tree.nodes[i].parent {
                tree.nodes[parent].children.push(i);
            }
        }
        tree.assign_roles();
        tree
    }

    fn parent_of(&self, i: usize, span: &Span) -> Option<usize> {
        let parent = *self.by_id.get(&span.parent_id?)?;
        (parent != i).then_some(parent)
    }

    /// A circle is cut above its member with the smallest id, wherever the walk began.
    fn break_circles(&mut self) {
        let mut state = vec![0_u32; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mark = u32::try_from(start).unwrap_or(u32::MAX - 1) + 1;
            let mut at = start;
            while state[at] == 0 {
                state[at] = mark;
                match self.nodes[at].parent {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            if state[at] == mark && self.nodes[at].parent.is_some() {
                let first = self.circle(at).into_iter().min_by_key(|&i| self.spans[i].span_id);
                if let Some(first) = first {
                    self.nodes[first].parent = None;
                }
            }
        }
    }

    fn circle(&self, from: usize) -> Vec<usize> {
        let mut members = vec![from];
        let mut at = self.nodes[from].parent;
        while let Some(i) = at.filter(|&i| i != from) {
            members.push(i);
            at = self.nodes[i].parent;
        }
        members
    }

    fn assign_roles(&mut self) {
        // Parents first, so that a proxy knows whether another service stands above it.
        let mut queue: Vec<usize> = (0..self.nodes.len()).filter(|&i| self.nodes[i].parent.is_none()).collect();
        let mut foreign_above = vec![false; self.nodes.len()];
        while let Some(i) = queue.pop() {
            if let Some(parent) = self.nodes[i].parent {
                foreign_above[i] = !self.same_service(i, parent) || foreign_above[parent];
            }
            self.nodes[i].role = self.role_of(i, foreign_above[i]);
            queue.extend_from_slice(&self.nodes[i].children);
        }
    }

    fn role_of(&self, i: usize, foreign_above: bool) -> Role {
        let (span, node) = (&self.spans[i], &self.nodes[i]);
        if node.proxy && foreign_above {
            return Role::Waypoint;
        }
        match span.kind {
            SpanKind::Server | SpanKind::Consumer => Role::Entry,
            SpanKind::Client if is_polling(span) => Role::Inner,
            SpanKind::Client | SpanKind::Producer => Role::Call,
            SpanKind::Internal | SpanKind::Unspecified => Role::Inner,
        }
    }

    /// A span.
    pub fn span(&self, i: usize) -> &'a Span {
        &self.spans[i]
    }

    /// A span's children, in the trace's order.
    pub fn children(&self, i: usize) -> &[usize] {
        &self.nodes[i].children
    }

    /// The service that a span belongs to.
    pub fn service(&self, i: usize) -> &'a ServiceName {
        &self.spans[i].resource.service
    }

    /// Whether two spans belong to one service.
    pub fn same_service(&self, a: usize, b: usize) -> bool {
        std::sync::Arc::ptr_eq(&self.spans[a].resource, &self.spans[b].resource) || self.service(a) == self.service(b)
    }

    /// The span with this id.
    pub fn find(&self, id: SpanId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// The ancestors of a span, nearest first.
    pub fn above(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.nodes[i].parent, |&at| self.nodes[at].parent)
    }

    /// Whether the parent id is set and that span is not here.
    pub fn orphan(&self, i: usize) -> bool {
        self.spans[i].parent_id.is_some() && self.nodes[i].parent.is_none()
    }

    /// Whether a call span can have a callee: no database, lookup or connection.
    pub fn is_request(&self, i: usize) -> bool {
        self.nodes[i].role == Role::Call && !self.nodes[i].nature.calls_nobody()
    }
}

/// A CLIENT span that waits for messages calls nobody (kafkajs `poll`, SQS `ReceiveMessage`).
fn is_polling(span: &Span) -> bool {
    let operation = span.messaging_operation.as_deref().unwrap_or_default();
    matches!(operation, "receive" | "poll" | "process")
        || (span.messaging_system.is_some() && (span.name.starts_with("poll") || span.name.ends_with(" poll")))
}
