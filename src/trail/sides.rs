//! The three observations of a hop: what the caller received, what it sent, what the callee got.

use std::sync::Arc;

use crate::model::{Cause, Confidence, Span};

use super::judge::{Case, EntryState, Taint};
use super::observe::{Ground, Observed, What, observe};
use super::pairing::{At, Caller, Forest, Pair};
use super::redirect::Redirect;
use super::refusal::{Answer, bearer_without_error};
use super::tree::Role;

/// Names of a hop, for people and for the policy.
pub struct Names {
    /// Caller, `None` where nobody is in sight.
    pub caller: Option<Arc<str>>,
    /// Callee.
    pub callee: Arc<str>,
    /// Operation.
    pub operation: Arc<str>,
}

/// Names the two ends.
pub fn names(case: &Case<'_, '_>, pair: &Pair) -> Names {
    let caller = match pair.caller {
        Caller::Call(at) | Caller::Service(at) => Some(case.profile.shown(case.forest.service(at))),
        Caller::Nobody => None,
    };
    let own = case.forest.own();
    let (callee, span) = match (pair.entry, pair.chain.first()) {
        (Some(entry), _) => (case.profile.shown(own.service(entry)), Some(own.span(entry))),
        (None, Some(&at)) => (outside_name(case.forest, pair), Some(case.forest.span(at))),
        (None, None) => ("?".into(), None),
    };
    Names { caller, callee, operation: span.map(Span::operation).unwrap_or_default().into() }
}

/// Who is called where the callee never reports: the outer call spans may know what the innermost does not.
fn outside_name(forest: &Forest<'_>, pair: &Pair) -> Arc<str> {
    let spans = || pair.chain.iter().map(|&at| forest.span(at));
    let by = |pick: fn(&Span) -> Option<&Arc<str>>| spans().find_map(pick).filter(|name| !name.is_empty()).cloned();
    by(|s| s.peer_service.as_ref())
        .or_else(|| by(|s| s.messaging_system.as_ref().and(s.messaging_destination.as_ref())))
        .or_else(|| by(|s| s.db_system.as_ref().filter(|_| s.host.is_none())))
        .or_else(|| by(|s| s.host.as_ref()))
        .or_else(|| by(|s| s.messaging_destination.as_ref()))
        .or_else(|| by(|s| s.db_system.as_ref()))
        .or_else(|| by(|s| s.rpc_service.as_ref()))
        .unwrap_or_else(|| "unnamed peer".into())
}

/// The inbound side with what stands in for it.
pub struct Inbound<'a> {
    /// The side.
    pub observed: Observed<'a>,
    /// The entry span it comes from, in the own trace.
    pub entry: Option<usize>,
    /// The nearest known token above, where the side is unknown.
    pub stand_in: Option<Observed<'a>>,
    /// A message lies between.
    pub over_message: bool,
    /// A break above.
    pub taint: Taint,
}

impl<'a> Inbound<'a> {
    fn plain(observed: Observed<'a>) -> Self {
        Self { observed, entry: None, stand_in: None, over_message: false, taint: Taint::Clean }
    }
}

/// What the caller itself received: the nearest entry span above in the same service, and the spans that it links to.
pub fn inbound<'a>(case: &Case<'a, '_>, caller: &Caller, states: &[EntryState<'a>]) -> Inbound<'a> {
    let at = match caller {
        Caller::Nobody => {
            return Inbound::plain(Observed::bare(What::None, Confidence::Proven, Ground::NoRequest, None));
        }
        Caller::Call(at) | Caller::Service(at) => *at,
    };
    let tree = &case.forest.trees[at.tree];
    let start = matches!(caller, Caller::Service(_)).then_some(at.span);
    let mut last = at.span;
    for i in start.into_iter().chain(tree.above(at.span)) {
        if !tree.same_service(i, at.span) {
            return dark_entry(case, at, i, states);
        }
        if tree.nodes[i].role == Role::Entry {
            return from_entry(case, At { tree: at.tree, span: i }, states);
        }
        last = i;
    }
    let consumes = case.profile.consumes(tree.service(at.span));
    Inbound::plain(if tree.orphan(last) {
        Observed::unknown(Ground::MissingSpan)
    } else if consumes {
        Observed::unknown(Ground::Consumer)
    } else {
        Observed::bare(What::None, Confidence::Proven, Ground::NoRequest, None)
    })
}

fn from_entry<'a>(case: &Case<'a, '_>, at: At, states: &[EntryState<'a>]) -> Inbound<'a> {
    let tree = &case.forest.trees[at.tree];
    // Nested entries are the same entry: the nearest that holds a state knows which message this is.
    let group: Vec<usize> = std::iter::once(at.span)
        .chain(tree.above(at.span).take_while(|&i| {
            tree.same_service(i, at.span) && tree.nodes[i].role != Role::Call || tree.nodes[i].role == Role::Waypoint
        }))
        .filter(|&i| tree.nodes[i].role == Role::Entry)
        .collect();
    let state = (at.tree == 0).then(|| group.iter().map(|&i| &states[i]).find(|s| s.received.is_some())).flatten();
    let mut observed = match state {
        Some(state) => state.received.clone().unwrap_or_else(|| Observed::unknown(Ground::NotCaptured)),
        None => first_known(case, group.iter().map(|&span| At { tree: at.tree, span })),
    };
    // The nearest member that links at all knows its own message; a receive span above links to the whole batch.
    let linking = group.iter().find(|&&i| !tree.spans[i].links.is_empty());
    for link in linking.into_iter().flat_map(|&i| &tree.spans[i].links) {
        if let Some(linked) = case.forest.find(link.trace_id, link.span_id) {
            let linked = observe(case.forest.span(linked), case.profile, case.rules);
            if linked.has_token() {
                observed.join(linked);
            }
        }
    }
    Inbound {
        observed,
        entry: (at.tree == 0).then_some(at.span),
        stand_in: state.and_then(|state| state.stand_in.clone()),
        over_message: state.is_some_and(|state| state.over_message),
        taint: state.map_or(Taint::Clean, |state| state.taint),
    }
}

/// The walk stopped at another service's span: this service shows no entry, and what stands above is the stand-in.
fn dark_entry<'a>(case: &Case<'a, '_>, call: At, above: usize, states: &[EntryState<'a>]) -> Inbound<'a> {
    let tree = &case.forest.trees[call.tree];
    let above_at = At { tree: call.tree, span: above };
    let sent = observe(tree.span(above), case.profile, case.rules);
    let mut found = Inbound::plain(Observed::unknown(Ground::MissingSpan));
    found.over_message =
        matches!(tree.spans[above].kind, crate::model::SpanKind::Producer | crate::model::SpanKind::Consumer);
    if tree.is_request(above) && sent.has_token() {
        found.stand_in = Some(sent);
        return found;
    }
    let caller = if tree.nodes[above].role == Role::Call { Caller::Call(above_at) } else { Caller::Service(above_at) };
    let upper = inbound(case, &caller, states);
    found.over_message |= upper.over_message;
    found.taint = upper.taint;
    found.stand_in = if sent.what == What::Absent {
        None
    } else if upper.observed.has_token() {
        Some(upper.observed)
    } else {
        upper.stand_in
    };
    found
}

fn first_known<'a>(case: &Case<'a, '_>, spans: impl Iterator<Item = At>) -> Observed<'a> {
    let mut first = None;
    for at in spans {
        let observed = observe(case.forest.span(at), case.profile, case.rules);
        if observed.known() {
            return observed;
        }
        first = first.or(Some(observed));
    }
    first.unwrap_or_else(|| Observed::unknown(Ground::NoSpan))
}

/// What the call span carried: the innermost known of the nested ones; a proxy's view where they show nothing.
pub fn sent<'a>(case: &Case<'a, '_>, pair: &Pair, redirect: Redirect) -> Observed<'a> {
    if redirect.speaks_for_another {
        return Observed::unknown(Ground::SharedCall);
    }
    let mut sent = first_known(case, pair.chain.iter().copied());
    if !sent.known()
        && let Some(seen) = waypoint_view(case, pair.waypoints.iter().copied()).filter(Observed::has_token)
    {
        sent = seen;
    }
    // A challenge that the caller saw says as much of what it sent as of what arrived; it is read on the callee's side.
    sent
}

/// What the callee got: the first known of its entry spans, a proxy right before it, or its own words of refusal.
pub fn received<'a>(case: &Case<'a, '_>, pair: &Pair, answer: &Answer) -> Observed<'a> {
    let group = pair.group.iter().map(|&span| At { tree: 0, span });
    let mut received = first_known(case, group);
    if received.known() && !received.conditional || pair.entry.is_none() {
        return received;
    }
    if let Some(said) = by_refusal(case, pair, answer) {
        return said;
    }
    if !received.known()
        && let Some(seen) = waypoint_view(case, pair.waypoints.iter().rev().copied())
    {
        received = seen;
    }
    received
}

fn waypoint_view<'a>(case: &Case<'a, '_>, waypoints: impl Iterator<Item = usize>) -> Option<Observed<'a>> {
    let own = case.forest.own();
    for i in waypoints {
        let mut seen = observe(own.span(i), case.profile, case.rules);
        if seen.known() && !seen.conditional {
            seen.ground = Ground::Waypoint(case.profile.shown(own.service(i)));
            seen.confidence = seen.confidence.min(Confidence::Likely);
            return Some(seen);
        }
    }
    None
}

/// RFC 6750 section 3: a challenge tells whether there was a token at all.
fn by_refusal<'a>(case: &Case<'a, '_>, pair: &Pair, answer: &Answer) -> Option<Observed<'a>> {
    if answer.relayed_from.is_some() || !answer.refused {
        return None;
    }
    let span_id = pair.entry.map(|i| case.forest.own().spans[i].span_id);
    let calls = pair.chain.iter().map(|&at| case.forest.span(at));
    let entries = pair.group.iter().map(|&i| case.forest.own().span(i));
    let challenge = entries.chain(calls).find_map(|span| span.challenge.as_deref());
    let missing = answer.verification.reason == Some(crate::model::Reason::Missing)
        || challenge.is_some_and(bearer_without_error);
    if missing {
        return Some(Observed::bare(What::Absent, Confidence::Likely, Ground::RefusalSaysNone, span_id));
    }
    challenge.filter(|text| text.to_ascii_lowercase().contains("invalid_token")).map(|_| {
        let mut some = Observed::bare(What::Token, Confidence::Likely, Ground::RefusalSaysSome, span_id);
        some.hidden = Some(Cause::NotCaptured);
        some
    })
}

/// An absence whose only ground is another header counts only if the other side is absent too.
pub fn resolve_conditional<'a>(sent: &mut Observed<'a>, received: &mut Observed<'a>) {
    let (sent_absent, received_absent) = (sent.what == What::Absent, received.what == What::Absent);
    for (side, other_absent) in [(sent, received_absent), (received, sent_absent)] {
        if side.conditional && !other_absent {
            side.what = What::Unknown;
            side.ground = Ground::NotCaptured;
        }
    }
}
