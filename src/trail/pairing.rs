//! Spans into hops: which call led to which entry, and what each side is made of (verdicts.md section 1).

use ahash::{AHashMap, AHashSet};

use crate::model::{ServiceName, Span, SpanId, SpanKind, TraceId};

use super::tree::{Role, Tree};
use super::way::NESTED;

/// A span of one of the trees at hand: the trace's own is number 0, then those that it links to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct At {
    /// Which tree.
    pub tree: usize,
    /// Which span.
    pub span: usize,
}

/// A trace and the traces that its links point into.
pub struct Forest<'a> {
    /// The trees; the first is the one to judge.
    pub trees: Vec<Tree<'a>>,
    /// Spans of the own trace that spans of other traces link to.
    pub linked_from_outside: AHashSet<SpanId>,
    by_trace: AHashMap<TraceId, usize>,
}

/// Who called, as far as it can be seen.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A call span.
    Call(At),
    /// A service without a call span: its nearest span.
    Service(At),
    /// Nobody in sight.
    Nobody,
}

/// A hop before it is judged.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Who called.
    pub caller: Caller,
    /// The callee's outermost entry span (a waypoint's where the proxy refused); `None` where the callee never reports.
    pub entry: Option<usize>,
    /// All entry spans of the callee that count as one.
    pub group: Vec<usize>,
    /// Waypoint spans in transit, nearest to the caller first.
    pub waypoints: Vec<usize>,
    /// The call spans nested in each other that are this call, innermost first.
    pub chain: Vec<At>,
    /// Whether the entry's parent never came.
    pub gap: bool,
    /// The entry span of the group that passes on what this hop brought: the one that links, else the outermost.
    pub holder: Option<usize>,
    /// Whether it was found by a link.
    pub linked: bool,
}

impl<'a> Forest<'a> {
    /// A forest of the trace to judge and those that it links to.
    pub fn new(trees: Vec<Tree<'a>>, linked_from_outside: AHashSet<SpanId>) -> Self {
        let ids = trees.iter().enumerate().map(|(i, tree)| (tree.trace, i));
        let by_trace = ids.collect();
        Self { trees, linked_from_outside, by_trace }
    }

    /// The trace to judge.
    pub fn own(&self) -> &Tree<'a> {
        &self.trees[0]
    }

    /// A span.
    pub fn span(&self, at: At) -> &'a Span {
        &self.trees[at.tree].spans[at.span]
    }

    /// A span's service.
    pub fn service(&self, at: At) -> &'a ServiceName {
        self.trees[at.tree].service(at.span)
    }

    /// A span by its ids.
    pub fn find(&self, trace: TraceId, span: SpanId) -> Option<At> {
        let tree = *self.by_trace.get(&trace)?;
        Some(At { tree, span: self.trees[tree].find(span)? })
    }
}

/// All hops of the own trace, parents before children.
pub fn pair(forest: &Forest<'_>) -> Vec<Pair> {
    let tree = forest.own();
    let mut pairs = Vec::new();
    let groups = entry_groups(tree);
    for group in &groups {
        pair_group(forest, group, &mut pairs);
    }
    let mut answered = vec![false; tree.spans.len()];
    let callers = pairs.iter().filter_map(|pair| if let Caller::Call(at) = pair.caller { Some(at) } else { None });
    let called: AHashSet<usize> = callers.filter(|at| at.tree == 0).map(|at| at.span).collect();
    for pair in &pairs {
        for at in pair.chain.iter().filter(|at| at.tree == 0) {
            mark_answered(tree, at.span, &mut answered);
        }
    }
    outbound(forest, &called, &mut answered, &mut pairs);
    pairs
}

/// Entry spans of one service with no call between them are one entry, the outermost first.
fn entry_groups(tree: &Tree<'_>) -> Vec<Vec<usize>> {
    let mut outermost: Vec<Option<usize>> = vec![None; tree.spans.len()];
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); tree.spans.len()];
    for i in top_down(tree) {
        if tree.nodes[i].role != Role::Entry {
            continue;
        }
        let head = enclosing_entry(tree, i).and_then(|above| outermost[above]).unwrap_or(i);
        outermost[i] = Some(head);
        members[head].push(i);
    }
    let heads = top_down(tree).into_iter().filter(|&i| outermost[i] == Some(i));
    heads.map(|head| std::mem::take(&mut members[head])).collect()
}

/// The entry span of the same service right above, with nothing but inner spans between.
fn enclosing_entry(tree: &Tree<'_>, i: usize) -> Option<usize> {
    let end = tree.end_of_way(i).filter(|_| tree.foreign_work(i).is_none())?;
    (tree.nodes[end].role == Role::Entry && tree.same_service(end, i)).then_some(end)
}

/// Indices with parents before children, in canonical order otherwise.
pub fn top_down(tree: &Tree<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(tree.spans.len());
    order.extend((0..tree.spans.len()).filter(|&i| tree.nodes[i].parent.is_none()));
    let mut next = 0;
    while next < order.len() {
        let children = tree.children(order[next]);
        order.extend_from_slice(children);
        next += 1;
    }
    order
}

fn pair_group(forest: &Forest<'_>, group: &[usize], pairs: &mut Vec<Pair>) {
    let tree = forest.own();
    let head = group[0];
    let (caller, waypoints, mut gap) = caller_of(tree, head);
    let mut linked = links_of(forest, group);
    if let Caller::Call(at) = &caller {
        linked.retain(|(link, _)| link != at);
    }
    // Where only a link says who called, there is no entry hop beside it.
    let nobody = matches!(caller, Caller::Nobody);
    let dangling = nobody && linked.is_empty() && group.iter().any(|&i| !tree.spans[i].own().links.is_empty());
    gap |= dangling && tree.spans[head].kind == SpanKind::Consumer;
    if !nobody || linked.is_empty() {
        let chain = match &caller {
            Caller::Call(at) => call_chain(forest, *at),
            _ => Vec::new(),
        };
        pairs.push(Pair {
            caller,
            entry: Some(head),
            group: group.to_vec(),
            waypoints,
            chain,
            gap,
            holder: Some(head),
            linked: false,
        });
    }
    let batch = linked.iter().any(|(_, holder)| *holder != linked[0].1);
    for (at, holder) in linked {
        let chain = call_chain(forest, at);
        let caller = if forest.trees[at.tree].nodes[at.span].role == Role::Call {
            Caller::Call(at)
        } else {
            Caller::Service(at)
        };
        pairs.push(Pair {
            caller,
            // Of a batch, each message has an entry of its own below the common receive span.
            entry: Some(if batch { holder } else { head }),
            group: around(tree, holder),
            waypoints: Vec::new(),
            chain,
            gap: false,
            holder: Some(holder),
            linked: true,
        });
    }
}

/// Who called an entry span: the nearest call, unless a service without one stands before it.
fn caller_of(tree: &Tree<'_>, head: usize) -> (Caller, Vec<usize>, bool) {
    let mut waypoints: Vec<usize> = tree.waypoints(head).collect();
    waypoints.reverse();
    let at = |span: usize| At { tree: 0, span };
    let nearest = tree.foreign_work(head);
    let caller = match (tree.end_of_way(head), nearest) {
        (Some(end), nearest)
            if tree.nodes[end].role == Role::Call && nearest.is_none_or(|near| tree.same_service(near, end)) =>
        {
            Caller::Call(at(end))
        }
        (Some(end), nearest) => Caller::Service(at(nearest.unwrap_or(end))),
        (None, Some(nearest)) => Caller::Service(at(nearest)),
        (None, None) => Caller::Nobody,
    };
    let gap = matches!(caller, Caller::Nobody) && tree.orphan(tree.root(head));
    (caller, waypoints, gap)
}

/// The members of a group that see one message: the linking span first, then those below it that link to none of their
/// own, then those above it; no sibling.
fn around(tree: &Tree<'_>, holder: usize) -> Vec<usize> {
    let mut members = vec![holder];
    let mut stack = tree.children(holder).to_vec();
    while let Some(at) = stack.pop() {
        let entry = tree.nodes[at].role == Role::Entry;
        let own_message = entry && !tree.span(at).own().links.is_empty();
        if own_message || tree.nodes[at].role == Role::Call || !tree.same_service(at, holder) {
            continue;
        }
        if entry {
            members.push(at);
        }
        stack.extend_from_slice(tree.children(at));
    }
    let above = tree.above(holder).take_while(|&at| tree.nodes[at].role != Role::Call).take(NESTED);
    members.extend(above.filter(|&at| tree.nodes[at].role == Role::Entry && tree.same_service(at, holder)));
    members
}

/// The spans that a group links to, as callers, each with the innermost member that links to it. A link to a CONSUMER
/// climbs to its PRODUCER.
fn links_of(forest: &Forest<'_>, group: &[usize]) -> Vec<(At, usize)> {
    if group.iter().all(|&i| forest.own().span(i).own().links.is_empty()) {
        return Vec::new();
    }
    let own: AHashSet<usize> = group.iter().copied().collect();
    let mut known = AHashSet::new();
    let mut found: Vec<(At, usize)> = Vec::new();
    let innermost_first = group.iter().rev();
    for (link, holder) in
        innermost_first.flat_map(|&i| forest.own().span(i).own().links.iter().map(move |link| (link, i)))
    {
        let Some(at) = forest.find(link.trace_id, link.span_id) else { continue };
        let tree = &forest.trees[at.tree];
        let climbed = match tree.nodes[at.span].role {
            Role::Entry => tree.call_above(at.span).unwrap_or(at.span),
            _ => at.span,
        };
        let at = At { tree: at.tree, span: climbed };
        if !(at.tree == 0 && own.contains(&at.span)) && known.insert(at) {
            found.push((at, holder));
        }
    }
    found.sort_unstable_by_key(|(at, _)| (forest.trees[at.tree].trace, forest.span(*at).span_id));
    found
}

/// The call spans of one service nested in each other around `at`, innermost first.
fn call_chain(forest: &Forest<'_>, at: At) -> Vec<At> {
    let tree = &forest.trees[at.tree];
    let mut chain = Vec::new();
    if tree.is_request(at.span) {
        chain.extend(std::iter::successors(tree.call_inside(at.span), |&i| tree.call_inside(i)).take(NESTED));
        chain.reverse();
        chain.push(at.span);
        chain.extend(calls_around(tree, at.span));
    }
    chain.into_iter().map(|span| At { tree: at.tree, span }).collect()
}

/// Call spans of the same service right above, with only inner spans between.
fn calls_around<'t>(tree: &'t Tree<'_>, i: usize) -> impl Iterator<Item = usize> + 't {
    std::iter::successors(tree.call_around(i), |&at| tree.call_around(at)).take(NESTED)
}

/// Marks a call as answered, and those around it: they are the same call. Around an answered one all are marked.
fn mark_answered(tree: &Tree<'_>, call: usize, answered: &mut [bool]) {
    let mut at = Some(call);
    while let Some(i) = at.filter(|&i| !answered[i]) {
        answered[i] = true;
        at = tree.call_around(i).filter(|_| tree.is_request(i));
    }
}

/// Calls whose callee never reports: one hop for each innermost call span without an answer.
fn outbound(forest: &Forest<'_>, called: &AHashSet<usize>, answered: &mut [bool], pairs: &mut Vec<Pair>) {
    let tree = forest.own();
    let order = top_down(tree);
    // Whether a call stands within one that has a callee.
    let mut within = vec![false; tree.spans.len()];
    for &i in &order {
        within[i] = tree.call_around(i).is_some_and(|outer| within[outer] || called.contains(&outer));
    }
    for i in order.into_iter().rev() {
        let span = tree.span(i);
        if tree.nodes[i].role != Role::Call || answered[i] || forest.linked_from_outside.contains(&span.span_id) {
            continue;
        }
        mark_answered(tree, i, answered);
        if tree.nodes[i].nature == super::nature::Nature::Connection {
            continue;
        }
        // The enclosing call spans are this same call; they have no hop of their own. A query is no part of a request.
        // Where the callee hangs on one of them, what is below it shows parts of that same call.
        let request = tree.is_request(i);
        if request && within[i] {
            continue;
        }
        let above = request.then(|| calls_around(tree, i)).into_iter().flatten();
        let at = At { tree: 0, span: i };
        let waypoints = waypoints_below(tree, i);
        let refused_by = waypoints.iter().copied().find(|&w| tree.spans[w].is_entry() && refuses(tree.span(w)));
        let chain = std::iter::once(at).chain(above.map(|span| At { tree: 0, span })).collect();
        pairs.push(Pair {
            caller: Caller::Call(at),
            entry: refused_by,
            group: refused_by.into_iter().collect(),
            waypoints: waypoints.into_iter().filter(|&w| Some(w) != refused_by).collect(),
            chain,
            gap: false,
            holder: refused_by,
            linked: false,
        });
    }
}

fn waypoints_below(tree: &Tree<'_>, i: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut stack = tree.children(i).to_vec();
    while let Some(at) = stack.pop() {
        if tree.nodes[at].role == Role::Waypoint {
            found.push(at);
            stack.extend_from_slice(tree.children(at));
        }
    }
    found
}

/// 401 or 403, gRPC 16 or 7.
pub fn refuses(span: &Span) -> bool {
    matches!(span.http_status, Some(401 | 403)) || matches!(span.grpc_status, Some(16 | 7))
}
