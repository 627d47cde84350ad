//! Redirects: one call span may have several callees, and clients drop Authorization at another origin (shapes.md).

use ahash::AHashMap;

use crate::model::{Span, SpanId};

use super::pairing::{At, Caller, Forest, Pair};
use super::refusal::Answer;

/// What an earlier redirect means for a hop.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Redirect {
    /// An earlier answer was 3xx and this hop goes to another scheme, host or port.
    pub cross_origin: bool,
    /// The call span is shared with that earlier callee, and what it carried says nothing of this hop.
    pub speaks_for_another: bool,
}

/// The hops that were answered with a redirect, by the call spans that they share and by the parents of those: one for
/// each target, the earliest.
#[derive(Default)]
pub struct Redirecting<'a> {
    by_call: AHashMap<At, Vec<Seen<'a>>>,
    by_parent: AHashMap<(usize, SpanId), Vec<Seen<'a>>>,
}

/// One redirecting hop.
#[derive(Clone)]
struct Seen<'a> {
    start: (u64, usize),
    scope: &'a str,
    entry: Option<Origin<'a>>,
    call: Option<Origin<'a>>,
    target: Option<&'a str>,
}

impl<'a> Redirecting<'a> {
    /// Gathers them.
    pub fn new(forest: &Forest<'a>, pairs: &[Pair], answers: &[Answer]) -> Self {
        let mut found = Self::default();
        for (pair, answer) in pairs.iter().zip(answers) {
            let Caller::Call(call) = pair.caller else { continue };
            if !answer.redirected() {
                continue;
            }
            let span = forest.span(call);
            let seen = Seen {
                start: start_of(forest, pair),
                scope: &span.scope,
                entry: entry_origin(forest, pair),
                call: call_origin(forest, pair),
                target: target(forest, pair),
            };
            for at in std::iter::once(call).chain(pair.chain.iter().copied().filter(|at| *at != call)) {
                keep(found.by_call.entry(at).or_default(), &seen);
            }
            if let Some(parent) = span.parent_id() {
                keep(found.by_parent.entry((call.tree, parent)).or_default(), &seen);
            }
        }
        found
    }

    /// Looks for the redirect that led to a hop.
    pub fn to(&self, forest: &Forest<'a>, pair: &Pair) -> Redirect {
        let Caller::Call(call) = pair.caller else { return Redirect::default() };
        if self.by_call.is_empty() {
            return Redirect::default();
        }
        let (start, mine) = (start_of(forest, pair), forest.span(call));
        let calls = std::iter::once(call).chain(pair.chain.iter().copied());
        let mut shared = calls.filter_map(|at| self.by_call.get(&at)).flatten();
        // A shared call span knows one target only: the callees' own view tells them apart.
        let entry = entry_origin(forest, pair);
        if shared.any(|seen| seen.start < start && differs(entry, seen.entry)) {
            return Redirect { cross_origin: true, speaks_for_another: true };
        }
        let siblings = mine.parent_id().and_then(|parent| self.by_parent.get(&(call.tree, parent)));
        let origin = call_origin(forest, pair);
        let sibling = siblings.into_iter().flatten().any(|seen| {
            seen.start < start
                && seen.scope == &*mine.scope
                && seen.target.zip(mine.host.as_deref()).is_none_or(|(target, host)| target == host)
                && differs(origin, seen.call)
        });
        Redirect { cross_origin: sibling, speaks_for_another: false }
    }
}

/// Of redirects that look alike the earliest is enough.
fn keep<'a>(list: &mut Vec<Seen<'a>>, seen: &Seen<'a>) {
    let alike = |known: &&mut Seen<'a>| {
        (known.scope, known.entry, known.call, known.target) == (seen.scope, seen.entry, seen.call, seen.target)
    };
    let room = list.len() < 64;
    match list.iter_mut().find(alike) {
        Some(known) => known.start = known.start.min(seen.start),
        // Whoever differs from none of so many is no new target.
        None if room => list.push(seen.clone()),
        None => {}
    }
}

/// The host that a redirect leads to, where its `Location` was captured.
fn target<'a>(forest: &Forest<'a>, pair: &Pair) -> Option<&'a str> {
    let entry = pair.entry.map(|e| forest.own().span(e));
    let spans = entry.into_iter().chain(pair.chain.iter().map(|&at| forest.span(at)));
    spans.filter_map(|span| span.own().location.as_deref()).find_map(|location| {
        let (_, rest) = location.split_once("://")?;
        rest.split(['/', ':', '?', '#']).next()
    })
}

fn start_of(forest: &Forest<'_>, pair: &Pair) -> (u64, usize) {
    let entry = pair.entry.map(|e| (forest.own().span(e).start.0, e));
    entry.or(pair.chain.first().map(|&at| (forest.span(at).start.0, at.span))).unwrap_or_default()
}

/// Scheme, host and port.
type Origin<'a> = (Option<&'a str>, Option<&'a str>, Option<u16>);

fn entry_origin<'a>(forest: &Forest<'a>, pair: &Pair) -> Option<Origin<'a>> {
    pair.entry.map(|e| origin(forest.own().span(e)))
}

fn call_origin<'a>(forest: &Forest<'a>, pair: &Pair) -> Option<Origin<'a>> {
    pair.chain.first().map(|&at| origin(forest.span(at)))
}

fn origin(span: &Span) -> Origin<'_> {
    (span.url_scheme.as_deref(), span.host.as_deref(), span.port)
}

fn differs(mine: Option<Origin<'_>>, theirs: Option<Origin<'_>>) -> bool {
    let unlike = |x: Option<&str>, y: Option<&str>| x.zip(y).is_some_and(|(x, y)| x != y);
    mine.zip(theirs).is_some_and(|((scheme, host, port), (scheme2, host2, port2))| {
        unlike(scheme, scheme2) || unlike(host, host2) || port.zip(port2).is_some_and(|(p, q)| p != q)
    })
}
