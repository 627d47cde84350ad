//! A judged hop in words: what people and reports are shown.

use std::sync::Arc;

use crate::model::{Anomalies, Cause, Hop, Party, Segment, Side, Span, SpanId, Verdict};

use super::hints;
use super::judge::{Case, Judged};
use super::observe::{Ground, Observed, Seen, What};
use super::pairing::{At, Caller};

/// Turns a judged hop into the one that leaves the trail.
pub fn explain(case: &Case<'_, '_>, hop: &Judged<'_>, settled: bool) -> Hop {
    let own = case.forest.own();
    let key = hop.key_span(case.forest);
    let caller_span = match hop.pair.caller {
        Caller::Call(at) | Caller::Service(at) => Some((at, case.forest.span(at))),
        Caller::Nobody => None,
    };
    let callee_span = hop.pair.entry.map(|i| &own.spans[i]);
    let (inbound, sent, received) = shown_tokens(hop);
    let mut verdict_hop = Hop {
        trace_id: own.trace,
        caller: caller_span.map(|(at, span)| caller_party(case, hop, at, span)),
        callee: Party {
            service: Arc::clone(&hop.callee),
            span_id: callee_span.map(|span| span.span_id),
            trace_id: None,
            language: callee_span.map(|span| Arc::clone(&span.resource.language)).unwrap_or_default(),
            scope: callee_span.map(|span| Arc::clone(&span.scope)).unwrap_or_default(),
        },
        operation: Arc::clone(&hop.operation),
        start: key.map(|span| span.start).unwrap_or_default(),
        status: hop.answer.status,
        verdict: hop.ruling.verdict,
        cause: if settled { hop.ruling.cause } else { pending(hop) },
        segment: hop.ruling.segment,
        severity: hop.severity,
        confidence: hop.ruling.confidence,
        gap: hop.gap,
        settled,
        inbound: side(&hop.inbound, inbound, Place::Inbound),
        sent: side(&hop.sent, sent, Place::Sent),
        received: side(&hop.received, received, Place::Received),
        verification: hop.answer.verification.clone(),
        blame: hop.blame,
        findings: hop.findings.clone(),
        waypoints: waypoints(case, hop),
        detail: detail(case, hop),
        hint: None,
    };
    verdict_hop.hint = hint(case, hop, &verdict_hop);
    verdict_hop
}

/// What only lacks a span may still come, as long as the trace is not settled.
fn pending(hop: &Judged<'_>) -> Option<Cause> {
    let waits = matches!(hop.ruling.cause, Some(Cause::CalleeUntraced | Cause::CallerUnseen));
    if hop.ruling.verdict == Verdict::Unknown && waits { Some(Cause::Pending) } else { hop.ruling.cause }
}

fn caller_party(case: &Case<'_, '_>, hop: &Judged<'_>, at: At, span: &Span) -> Party {
    Party {
        service: hop.caller.clone().unwrap_or_default(),
        span_id: Some(span.span_id),
        trace_id: (at.tree != 0).then(|| case.forest.trees[at.tree].trace),
        language: Arc::clone(&span.resource.language),
        scope: Arc::clone(&span.scope),
    }
}

/// Names of the waypoints, each once, nearest to the caller first.
fn waypoints(case: &Case<'_, '_>, hop: &Judged<'_>) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for &i in &hop.pair.waypoints {
        let name = case.profile.shown(case.forest.own().service(i));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The token of each side that the verdict speaks of.
fn shown_tokens<'a>(hop: &Judged<'a>) -> (Option<Seen<'a>>, Option<Seen<'a>>, Option<Seen<'a>>) {
    let (mut from, mut to) = (None, None);
    if let Some(change) = &hop.ruling.change {
        (from, to) = (change.from, change.to);
    }
    let matching = |side: &Observed<'a>, other: &Observed<'a>| {
        let same = side
            .tokens
            .iter()
            .find(|mine| other.tokens.iter().any(|theirs| mine.token.same_as(theirs.token) == Some(true)));
        same.or(side.tokens.first()).copied()
    };
    let in_side = |side: &Observed<'a>, seen: Option<Seen<'a>>| seen.filter(|s| side.tokens.iter().any(|t| t.is(s)));
    let inbound = in_side(&hop.inbound, from).or_else(|| matching(&hop.inbound, &hop.sent));
    let sent = in_side(&hop.sent, to)
        .or(in_side(&hop.sent, from))
        .or_else(|| matching(&hop.sent, if hop.received.has_token() { &hop.received } else { &hop.inbound }));
    let received = in_side(&hop.received, to)
        .or_else(|| matching(&hop.received, if hop.sent.has_token() { &hop.sent } else { &hop.inbound }));
    (inbound, sent, received)
}

#[derive(Clone, Copy)]
enum Place {
    Inbound,
    Sent,
    Received,
}

fn side(observed: &Observed<'_>, seen: Option<Seen<'_>>, place: Place) -> Side {
    let carried = seen.map(|s| s.carried).or(observed.placeholder);
    Side {
        presence: observed.presence(),
        token: seen.map(|s| Arc::clone(s.token)),
        carrier: carried.map(|c| Arc::clone(&c.carrier)).unwrap_or_default(),
        anomalies: carried.map_or(Anomalies::default(), |c| c.anomalies),
        span_id: observed.span_id,
        ground: ground(observed, place),
    }
}

/// Why a side is known or not, one clause for people.
fn ground(observed: &Observed<'_>, place: Place) -> String {
    let whose = match place {
        Place::Inbound | Place::Received => "the entry span",
        Place::Sent => "the client span",
    };
    match &observed.ground {
        Ground::Carrier if observed.what == What::Placeholder => {
            "the header holds no token but a placeholder".to_owned()
        }
        Ground::Carrier if observed.tokens.is_empty() => format!("{whose} shows a token and hides its value"),
        Ground::Carrier => format!("seen on {whose}"),
        Ground::Tag => format!("{whose} is tagged absent"),
        Ground::EmptyCarrier => format!("{whose} captured the header, and it is empty"),
        Ground::Witness => format!("{whose} captured its headers, Authorization was not among them"),
        Ground::OtherHeader => format!("{whose} captured other headers, Authorization was not among them"),
        Ground::UnitCaptures => format!("this instrumentation captures Authorization on other spans, {whose} has none"),
        Ground::OtherCredential(scheme) => format!("{whose} carries another credential ({scheme})"),
        Ground::RefusalSaysNone => "the callee's refusal says that it saw none".to_owned(),
        Ground::RefusalSaysSome => "the callee's refusal says that there was one".to_owned(),
        Ground::Assumed => "not seen, and the set-up is said to capture everything".to_owned(),
        Ground::NotCaptured => format!("{whose} captured no headers"),
        Ground::Cut => "the captured value was cut at an attribute length limit".to_owned(),
        Ground::Waypoint(name) => format!("seen by the proxy {name}"),
        Ground::Bridge => "known from the hop above only: this service shows nothing of what it received".to_owned(),
        Ground::Consumer => "which message led to this call is not known".to_owned(),
        Ground::MissingSpan => "the span that received the request is not in the trace".to_owned(),
        Ground::NoSpan => "there is no call span".to_owned(),
        Ground::NoRequest => "no request came in: the call starts here".to_owned(),
        Ground::SharedCall => "the call span speaks for the first of several callees only".to_owned(),
    }
}

fn detail(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<String> {
    let mut notes: Vec<String> = Vec::new();
    if let Some(w) = narrowed(case, hop) {
        notes.push(w);
    }
    if hop.ruling.verdict == Verdict::Unknown
        && let Some(entry) = hop.pair.entry
        && case.forest.own().spans[entry].captured.unsampled_parent
    {
        notes.push("the caller was not sampled".to_owned());
    }
    if hop.ruling.anomaly {
        notes.push("a placeholder instead of a token".to_owned());
    }
    if let Some(evidence) = hop.answer.verification.evidence.as_ref().filter(|_| hop.refused_itself()) {
        notes.push(evidence.to_string());
    }
    notes.extend(hop.notes.iter().cloned());
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Between which waypoints the token went away.
fn narrowed(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<String> {
    if hop.ruling.verdict != Verdict::Dropped || hop.ruling.segment == Some(Segment::Relay) {
        return None;
    }
    let own = case.forest.own();
    let name = |i: usize| case.profile.shown(own.service(i));
    let views: Vec<(usize, What)> = hop
        .pair
        .waypoints
        .iter()
        .map(|&i| (i, super::observe::observe(&own.spans[i], case.profile, case.rules).what))
        .collect();
    let last_with = views.iter().rposition(|(_, what)| *what == What::Token);
    let first_without = views.iter().position(|(_, what)| *what == What::Absent);
    match (last_with, first_without) {
        (_, Some(gone)) => Some(format!("not forwarded by {}", name(views[gone].0))),
        (Some(there), None) => Some(format!("still there at {}", name(views[there].0))),
        (None, None) => None,
    }
}

fn hint(case: &Case<'_, '_>, judged: &Judged<'_>, hop: &Hop) -> Option<String> {
    let blamed = match (hop.verdict, hop.segment) {
        (Verdict::Failed, _) | (_, Some(Segment::Transit)) => Some(&hop.callee),
        _ => hop.caller.as_ref(),
    };
    let (language, scope) = blamed.map_or(("", ""), |party| (&*party.language, &*party.scope));
    let scope = if hop.segment == Some(Segment::Transit) {
        judged.pair.waypoints.first().map_or(scope, |_| hop.waypoints.first().map_or(scope, |name| name))
    } else {
        scope
    };
    let valid = [&hop.received, &hop.sent]
        .into_iter()
        .find_map(|side| side.token.as_ref())
        .is_some_and(|token| case.profile.finds_valid(token));
    hints::for_verdict(hop.verdict, hop.cause, language, scope, judged.redirected, valid).map(str::to_owned)
}

/// The span that names a hop: the callee's, else the caller's.
pub fn key_of(hop: &Hop) -> Option<SpanId> {
    hop.callee.span_id.or(hop.caller.as_ref().and_then(|caller| caller.span_id))
}

/// The identity of a hop in the report's order: start, callee span id, else the caller's.
pub fn order_key(hop: &Hop) -> (u64, SpanId) {
    (hop.start.0, key_of(hop).unwrap_or_default())
}
