//! The three observations of a hop: what the caller received, what it sent, what the callee got.

use std::cell::RefCell;
use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{Cause, Confidence, Link, Span, SpanKind};

use super::judge::{Case, EntryState, Taint};
use super::observe::{Ground, Observed, What, observe};
use super::pairing::{At, Caller, Forest, Pair};
use super::redirect::Redirect;
use super::refusal::{Answer, says_none};
use super::tree::Role;
use super::way::NESTED;

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
        .or_else(|| by(|s| s.messaging_system.as_ref()))
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

/// What stands in for what a service received that shows no entry, by the span right above it.
#[derive(Clone)]
pub struct StandIn<'a> {
    token: Option<Observed<'a>>,
    taint: Taint,
    over_message: bool,
    nothing_sent: bool,
}

/// Stand-ins that were found far up: in a stranger's trace every span may be of another service.
pub type StandIns<'a> = RefCell<AHashMap<At, StandIn<'a>>>;

/// Services without an entry span above each other from which on it is kept what was found above them.
const FAR: usize = 8;

/// What the caller itself received: the nearest entry span above in the same service, and the spans that it links to.
pub fn inbound<'a>(
    case: &Case<'a, '_>,
    caller: &Caller,
    states: &[EntryState<'a>],
    known: &StandIns<'a>,
) -> Inbound<'a> {
    let (at, by_call) = match *caller {
        Caller::Nobody => {
            return Inbound::plain(Observed::bare(What::None, Confidence::Proven, Ground::NoRequest, None));
        }
        Caller::Call(at) => (at, true),
        Caller::Service(at) => (at, false),
    };
    match own_inbound(case, at, by_call, states) {
        Ok(found) => found,
        Err(above) => {
            let found = stand_in(case, At { span: above, ..at }, states, known);
            let (taint, over_message) = (found.taint, found.over_message);
            let stand_in = found.token.filter(|_| !found.nothing_sent);
            Inbound { stand_in, over_message, taint, ..Inbound::plain(Observed::unknown(Ground::MissingSpan)) }
        }
    }
}

/// The nearest known token from a span on upwards. A loop and no recursion: it may be far.
fn stand_in<'a>(case: &Case<'a, '_>, mut at: At, states: &[EntryState<'a>], known: &StandIns<'a>) -> StandIn<'a> {
    let tree = &case.forest.trees[at.tree];
    let mut passed = Vec::new();
    let mut found = loop {
        if let Some(found) = known.borrow().get(&at) {
            break found.clone();
        }
        let span = &tree.spans[at.span];
        let sent = observe(span, case.profile, case.rules);
        let message = matches!(span.kind, SpanKind::Producer | SpanKind::Consumer);
        if tree.is_request(at.span) && sent.has_token() {
            break StandIn { token: Some(sent), taint: Taint::Clean, over_message: message, nothing_sent: false };
        }
        passed.push((at, message, sent.what == What::Absent));
        match own_inbound(case, at, tree.nodes[at.span].role == Role::Call, states) {
            Err(above) => at.span = above,
            Ok(found) => {
                let token = if found.observed.has_token() { Some(found.observed) } else { found.stand_in };
                let (taint, over_message) = (found.taint, found.over_message);
                break StandIn { token, taint, over_message, nothing_sent: false };
            }
        }
    };
    let far = passed.len() > FAR;
    for (at, message, nothing) in passed.into_iter().rev() {
        found.over_message |= message;
        found.nothing_sent |= nothing;
        if far {
            known.borrow_mut().insert(at, found.clone());
        }
    }
    found
}

/// The inbound side as far as the caller's own service shows it, else the other service's span where the walk ended.
fn own_inbound<'a>(
    case: &Case<'a, '_>,
    at: At,
    by_call: bool,
    states: &[EntryState<'a>],
) -> Result<Inbound<'a>, usize> {
    let tree = &case.forest.trees[at.tree];
    let entry = if by_call { tree.entry_above(at.span) } else { tree.entry_of(at.span) };
    if let Some(span) = entry {
        return Ok(from_entry(case, At { tree: at.tree, span }, states));
    }
    if let Some(other) = tree.other_service(at.span) {
        return Err(other);
    }
    let consumes = case.profile.consumes(tree.service(at.span));
    Ok(Inbound::plain(if tree.orphan(tree.root(at.span)) {
        Observed::unknown(Ground::MissingSpan)
    } else if consumes {
        Observed::unknown(Ground::Consumer)
    } else {
        Observed::bare(What::None, Confidence::Proven, Ground::NoRequest, None)
    }))
}

fn from_entry<'a>(case: &Case<'a, '_>, at: At, states: &[EntryState<'a>]) -> Inbound<'a> {
    let tree = &case.forest.trees[at.tree];
    // Nested entries are the same entry: the nearest that holds a state knows which message this is.
    let group: Vec<usize> = std::iter::once(at.span)
        .chain(tree.above(at.span).take_while(|&i| {
            tree.same_service(i, at.span) && tree.nodes[i].role != Role::Call || tree.nodes[i].role == Role::Waypoint
        }))
        .filter(|&i| tree.nodes[i].role == Role::Entry)
        .take(NESTED + 1)
        .collect();
    if group.len() > NESTED {
        // No request is received so often: what all of them show together is not gone through for each hop below.
        return Inbound {
            entry: (at.tree == 0).then_some(at.span),
            ..Inbound::plain(Observed::unknown(Ground::NotCaptured))
        };
    }
    let state = (at.tree == 0).then(|| group.iter().map(|&i| &states[i]).find(|s| s.received.is_some())).flatten();
    let mut observed = match state {
        Some(state) => state.received.clone().unwrap_or_else(|| Observed::unknown(Ground::NotCaptured)),
        None => first_known(case, group.iter().map(|&span| At { tree: at.tree, span })),
    };
    // The nearest member that links at all knows its own message; a receive span above links to the whole batch.
    let linking = group.iter().find(|&&i| !tree.spans[i].own().links.is_empty());
    let links = linking.into_iter().flat_map(|&i| &tree.spans[i].own().links);
    join_links(case, &mut observed, links);
    Inbound {
        observed,
        entry: (at.tree == 0).then_some(at.span),
        stand_in: state.and_then(|state| state.stand_in.clone()),
        over_message: state.is_some_and(|state| state.over_message),
        taint: state.map_or(Taint::Clean, |state| state.taint),
    }
}

/// Adds what the linked spans show. Where one of them shows nothing, the set is not wholly known: a token that is not in
/// it may still have come in.
fn join_links<'a, 'l>(case: &Case<'a, '_>, observed: &mut Observed<'a>, links: impl Iterator<Item = &'l Link>) {
    let own_known = observed.known();
    let mut dark = false;
    for link in links {
        let linked = case.forest.find(link.trace_id, link.span_id);
        match linked.map(|at| observe(case.forest.span(at), case.profile, case.rules)) {
            Some(seen) if seen.has_token() || seen.known() && !own_known => observed.join(seen),
            Some(seen) if seen.known() => {}
            _ => dark = true,
        }
    }
    if own_known || !dark {
        return;
    }
    if observed.has_token() {
        observed.hidden = observed.hidden.or(Some(Cause::NotCaptured));
    } else if observed.known() {
        *observed = Observed::unknown(Ground::NotCaptured);
    }
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
    let entries: Vec<&Span> = pair.group.iter().map(|&i| case.forest.own().span(i)).collect();
    let challenge = entries.iter().copied().chain(calls).find_map(|span| span.own().challenge.as_deref());
    let missing = answer.verification.reason == Some(crate::model::Reason::Missing)
        || challenge.is_some_and(|challenge| says_none(challenge, &entries));
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
