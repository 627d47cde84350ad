//! One trace as a tree: parents that exist, circles broken, each span's role and service (verdicts.md section 1).

use crate::model::{ServiceName, Span, SpanId, SpanKind, TraceId};

use super::nature::Nature;
use super::rules::Rules;
use super::way::Way;

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
    /// Role.
    pub role: Role,
    /// What the request is for.
    pub nature: Nature,
    /// Whether a proxy made it.
    pub proxy: bool,
    /// The topmost of the inner spans of one service that stand right above each other here, this one among them.
    pub top: usize,
    /// What stands above it.
    pub(super) way: Way,
}

/// Ids in order, each with the span that answers for it: searched by halves, which for so few beats hashing.
type Ids = Vec<(SpanId, usize)>;

/// A trace, indexed. Spans are in canonical order, so indices do not depend on arrival.
pub struct Tree<'a> {
    /// The trace that they are of.
    pub trace: TraceId,
    /// The spans, sorted by (start, id, kind).
    pub spans: &'a [Span],
    /// One node a span.
    pub nodes: Vec<Node>,
    by_id: Ids,
    /// The children of all nodes behind each other, and where those of each begin.
    children: Vec<usize>,
    begins: Vec<usize>,
}

/// The canonical order of a trace's spans.
pub fn canonical(a: &Span, b: &Span) -> std::cmp::Ordering {
    (a.start, a.span_id, a.kind).cmp(&(b.start, b.span_id, b.kind))
}

impl<'a> Tree<'a> {
    /// Builds the tree of spans in canonical order.
    pub fn new(trace: TraceId, spans: &'a [Span], rules: &Rules) -> Self {
        let (by_id, shared) = ids_of(spans);
        let nodes = Vec::with_capacity(spans.len());
        let mut tree = Self { trace, spans, nodes, by_id, children: Vec::new(), begins: Vec::new() };
        let shared = Shared::new(shared);
        for (i, span) in spans.iter().enumerate() {
            let parent = shared.call_of(i).or_else(|| tree.parent_of(i, span, &shared));
            let proxy = span.proxy || rules.is_proxy(span);
            tree.nodes.push(Node {
                parent,
                role: Role::Inner,
                nature: Nature::of(span),
                proxy,
                top: i,
                way: Way::default(),
            });
        }
        tree.break_circles();
        tree.note_children();
        tree.assign_roles();
        tree
    }

    fn parent_of(&self, i: usize, span: &Span, shared: &Shared) -> Option<usize> {
        let parent = self.find(span.parent_id()?).filter(|&parent| parent != i)?;
        // Of two spans with one id, the call has the children of its own service.
        let call = shared.call_of(parent).filter(|&call| call != i && self.same_service(call, i));
        Some(call.filter(|_| !self.same_service(parent, i)).unwrap_or(parent))
    }

    /// Sorts all nodes by their parents, in the trace's order otherwise.
    fn note_children(&mut self) {
        self.begins = vec![0; self.nodes.len() + 1];
        for parent in self.nodes.iter().filter_map(|node| node.parent) {
            self.begins[parent + 1] += 1;
        }
        for i in 0..self.nodes.len() {
            self.begins[i + 1] += self.begins[i];
        }
        self.children = vec![0; self.begins[self.nodes.len()]];
        let mut next = self.begins.clone();
        for (i, node) in self.nodes.iter().enumerate() {
            if let Some(parent) = node.parent {
                self.children[next[parent]] = i;
                next[parent] += 1;
            }
        }
    }

    /// Indices of a span's children, in the trace's order.
    pub fn children(&self, i: usize) -> &[usize] {
        &self.children[self.begins[i]..self.begins[i + 1]]
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
            self.nodes[i].top = self.top_of(i);
            self.note_way(i);
            queue.extend_from_slice(&self.children[self.begins[i]..self.begins[i + 1]]);
        }
    }

    fn top_of(&self, i: usize) -> usize {
        let inner = |at: usize| self.nodes[at].role == Role::Inner;
        match self.nodes[i].parent {
            Some(parent) if inner(i) && inner(parent) && self.same_service(i, parent) => self.nodes[parent].top,
            _ => i,
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
        let place = self.by_id.binary_search_by_key(&id, |(known, _)| *known).ok()?;
        Some(self.by_id[place].1)
    }

    /// The ancestors of a span, nearest first. Of inner spans right above each other only the topmost is met: a walk
    /// through deeply nested work takes no longer than one through flat work.
    pub fn above(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let top = |at: usize| self.nodes[at].top;
        std::iter::successors(self.nodes[i].parent.map(top), move |&at| self.nodes[at].parent.map(top))
    }

    /// Whether the parent id is set and that span is not here.
    pub fn orphan(&self, i: usize) -> bool {
        self.spans[i].parent_id().is_some() && self.nodes[i].parent.is_none()
    }

    /// Whether a call span can have a callee: no database, lookup or connection.
    pub fn is_request(&self, i: usize) -> bool {
        self.nodes[i].role == Role::Call && !self.nodes[i].nature.calls_nobody()
    }
}

/// The entry spans that share an id with the call that led to them, and that call; in the order of the entries.
struct Shared(Vec<(usize, usize)>);

impl Shared {
    fn new(mut pairs: Vec<(usize, usize)>) -> Self {
        pairs.sort_by_key(|(entry, _)| *entry);
        Self(pairs)
    }

    /// The call that led to an entry span of the same id, the last one found.
    fn call_of(&self, i: usize) -> Option<usize> {
        let behind = self.0.partition_point(|(entry, _)| *entry <= i);
        let (entry, call) = *self.0.get(behind.checked_sub(1)?)?;
        (entry == i).then_some(call)
    }
}

/// The ids of a trace with the spans that answer for them, and the calls that share an id with the entry they led to:
/// where client and server have one id (Zipkin), children belong to the server unless their service is the client's.
fn ids_of(spans: &[Span]) -> (Ids, Vec<(usize, usize)>) {
    let mut by_id: Ids = spans.iter().enumerate().map(|(i, span)| (span.span_id, i)).collect();
    by_id.sort_unstable();
    let mut shared = Vec::new();
    by_id.dedup_by(|(id, i), (kept, at)| {
        if id != kept {
            return false;
        }
        if spans[*i].is_entry() != spans[*at].is_entry() {
            let (entry, call) = if spans[*i].is_entry() { (*i, *at) } else { (*at, *i) };
            *at = entry;
            shared.push((entry, call));
        }
        true
    });
    (by_id, shared)
}

/// A CLIENT span that waits for messages calls nobody (kafkajs `poll`, SQS `ReceiveMessage`).
fn is_polling(span: &Span) -> bool {
    let operation = span.messaging_operation.as_deref().unwrap_or_default();
    matches!(operation, "receive" | "poll" | "process")
        || (span.messaging_system.is_some() && (span.name.starts_with("poll") || span.name.ends_with(" poll")))
}
