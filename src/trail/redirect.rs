//! Redirects: one call span may have several callees, and clients drop Authorization at another origin (shapes.md).

use std::sync::Arc;

use crate::model::Span;

use super::pairing::{Caller, Forest, Pair};
use super::refusal::Answer;

/// What an earlier redirect means for a hop.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Redirect {
    /// An earlier answer was 3xx and this hop goes to another scheme, host or port.
    pub cross_origin: bool,
    /// The call span is shared with that earlier callee, and what it carried says nothing of this hop.
    pub speaks_for_another: bool,
}

/// The hops that were answered with a redirect.
pub fn redirecting(answers: &[Answer]) -> Vec<usize> {
    (0..answers.len()).filter(|&i| answers[i].redirected()).collect()
}

/// Looks among the redirecting hops for the one that led to hop `i`.
pub fn cross_origin(forest: &Forest<'_>, pairs: &[Pair], redirecting: &[usize], i: usize) -> Redirect {
    let Caller::Call(call) = pairs[i].caller else { return Redirect::default() };
    let start = start_of(forest, &pairs[i]);
    for &j in redirecting {
        let earlier = &pairs[j];
        let Caller::Call(other) = earlier.caller else { continue };
        if j == i || other.tree != call.tree || start_of(forest, earlier) >= start {
            continue;
        }
        let shared = other == call || pairs[i].chain.contains(&other) || earlier.chain.contains(&call);
        let (mine, theirs) = (forest.span(call), forest.span(other));
        let sibling = mine.parent_id.is_some() && mine.parent_id == theirs.parent_id && mine.scope == theirs.scope;
        if (shared || sibling && leads_to(forest, earlier, mine)) && differs(forest, &pairs[i], earlier, shared) {
            return Redirect { cross_origin: true, speaks_for_another: shared };
        }
    }
    Redirect::default()
}

/// Whether a redirect's target, where it was captured, is the host of a later call.
fn leads_to(forest: &Forest<'_>, redirecting: &Pair, call: &Span) -> bool {
    let entry = redirecting.entry.map(|e| forest.own().span(e));
    let spans = entry.into_iter().chain(redirecting.chain.iter().map(|&at| forest.span(at)));
    let target = spans.filter_map(|span| span.location.as_deref()).find_map(|location| {
        let (_, rest) = location.split_once("://")?;
        rest.split(['/', ':', '?', '#']).next()
    });
    target.zip(call.host.as_deref()).is_none_or(|(target, host)| target == host)
}

fn start_of(forest: &Forest<'_>, pair: &Pair) -> (u64, usize) {
    let entry = pair.entry.map(|e| (forest.own().spans[e].start.0, e));
    entry.or(pair.chain.first().map(|&at| (forest.span(at).start.0, at.span))).unwrap_or_default()
}

type Origin<'a> = (Option<&'a Arc<str>>, Option<&'a Arc<str>>, Option<u16>);

fn differs(forest: &Forest<'_>, a: &Pair, b: &Pair, shared: bool) -> bool {
    let entry = |pair: &Pair| pair.entry.map(|e| origin(forest.own().span(e)));
    let call = |pair: &Pair| pair.chain.first().map(|&at| origin(forest.span(at)));
    // A shared call span knows one target only: the callees' own view tells them apart.
    let (mine, theirs) = if shared { (entry(a), entry(b)) } else { (call(a), call(b)) };
    let unlike = |x: Option<&Arc<str>>, y: Option<&Arc<str>>| x.zip(y).is_some_and(|(x, y)| x != y);
    mine.zip(theirs).is_some_and(|((scheme, host, port), (scheme2, host2, port2))| {
        unlike(scheme, scheme2) || unlike(host, host2) || port.zip(port2).is_some_and(|(p, q)| p != q)
    })
}

fn origin(span: &Span) -> Origin<'_> {
    (span.url_scheme.as_ref(), span.host.as_ref(), span.port)
}
