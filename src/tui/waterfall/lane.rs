//! The token lane: the token's name in its colour beside each span, and what happened to it there.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::{
    Anomaly, CarriedValue, Cause, Hop, Presence, Segment, Side, Span, Token, Verdict, VerifyResult, VerifySource,
};
use crate::trail::views::TraceView;

use super::tree::Tree;
use super::{Node, here};

/// What is known of the token at a span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held {
    /// This one, by its short name.
    Token(String),
    /// There, but not which one: hidden, or a placeholder.
    Hidden,
    /// None.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// What stands beside a span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The token.
    pub held: Held,
    /// The verdict whose sign and colour the words have; `None` for what is only told.
    pub verdict: Option<Verdict>,
    /// What happened, in a few words of the program's own.
    pub words: String,
    /// Hops beside the one told of here.
    pub more: usize,
}

/// Marks every span of a trace; returns, for each hop, the span that it shows at.
pub fn mark(view: &TraceView, spans: &[&Span], tree: &Tree, nodes: &mut [Node]) -> Vec<Option<usize>> {
    let mut primary = Vec::with_capacity(view.hops.len());
    for (at, hop) in view.hops.iter().enumerate() {
        let callee = hop.callee.span_id.filter(|_| here(hop.callee.trace_id, view));
        let callee = callee.and_then(|id| tree.find(id, |at| !spans[at].is_call()));
        let caller = hop.caller.as_ref().filter(|party| here(party.trace_id, view)).and_then(|party| party.span_id);
        let caller = caller.and_then(|id| tree.find(id, |at| !spans[at].is_entry())).filter(|at| Some(*at) != callee);
        if let Some(span) = callee {
            put(&mut nodes[span], at, received(hop, &hop.received), hop.verdict.accuses());
        }
        if let Some(span) = caller {
            // Of a callee that never reports, the call is all that shows.
            let mark = if callee.is_some() { sent(hop) } else { Some(received(hop, &hop.sent)) };
            if callee.is_none() {
                nodes[span].calls = Some(Arc::clone(&hop.callee.service));
            }
            if let Some(mark) = mark {
                put(&mut nodes[span], at, mark, hop.verdict.accuses());
            }
        }
        primary.push(callee.or(caller));
        let told = [hop.inbound.span_id, hop.sent.span_id, hop.received.span_id, hop.blame];
        for id in told.into_iter().chain([hop.verification.relayed_from]).flatten() {
            if let Some(span) = tree.find(id, |_| true).filter(|span| spans[*span].span_id == id) {
                nodes[span].bears = true;
            }
        }
    }
    let waypoints: HashSet<&str> = view.hops.iter().flat_map(|hop| &hop.waypoints).map(|name| &**name).collect();
    for (at, span) in spans.iter().enumerate() {
        let waypoint = span.proxy || waypoints.contains(&*view.spans[at].0);
        let node = &mut nodes[at];
        if node.mark.is_none() {
            node.mark = carried(span, waypoint);
        }
        node.bears |= !node.hops.is_empty() || waypoint || !span.carried.is_empty() || span.tags().is_some();
    }
    primary
}

/// One span may be a party of several hops: it tells of the one that broke, else of the first.
fn put(node: &mut Node, hop: usize, mark: Mark, accused: bool) {
    node.hops.push(hop);
    let more = node.hops.len() - 1;
    let accuses = |mark: &Mark| mark.verdict.is_some_and(Verdict::accuses);
    match &mut node.mark {
        Some(first) if !accused || accuses(first) => first.more = more,
        other => *other = Some(Mark { more, ..mark }),
    }
}

fn held(side: &Side) -> Held {
    match side.token.as_deref().map(Token::short_name).filter(|name| !name.is_empty()) {
        Some(name) => Held::Token(name),
        None if side.token.is_some() || side.anomalies.contains(Anomaly::Placeholder) => Held::Hidden,
        None => match side.presence {
            Presence::Present | Presence::Redacted => Held::Hidden,
            Presence::Absent => Held::Nothing,
            Presence::Unknown | Presence::None => Held::Unknown,
        },
    }
}

/// What the callee got, or what is known of it at its caller.
fn received(hop: &Hop, side: &Side) -> Mark {
    let mut words = match hop.verdict {
        Verdict::Intact => "intact".to_owned(),
        Verdict::Originated => with("originated", hop.cause.filter(|cause| *cause != Cause::Entry).map(said)),
        Verdict::Exchanged => with("exchanged", hop.cause.map(said)),
        Verdict::Dropped => match hop.cause {
            Some(Cause::Stripped) => "dropped on the way".to_owned(),
            Some(Cause::Lost) => "dropped: lost".to_owned(),
            _ => "dropped here".to_owned(),
        },
        Verdict::Changed => with("changed", hop.cause.map(said)),
        Verdict::Failed => with("refused", hop.cause.map(said)),
        Verdict::Absent if hop.cause == Some(Cause::Inherited) => "none: lost above".to_owned(),
        Verdict::Absent => with("none", hop.cause.filter(|cause| *cause != Cause::Anonymous).map(said)),
        Verdict::Unknown => hop.cause.map_or_else(|| "unknown".to_owned(), said),
    };
    match (hop.verification.result, hop.verification.source) {
        (VerifyResult::Ok, Some(VerifySource::Jwtrail)) => words.push_str(" · valid"),
        (VerifyResult::Ok, _) => words.push_str(" · verified"),
        (VerifyResult::Skipped, _) => words.push_str(" · not verified"),
        _ => {}
    }
    for hit in &hop.findings {
        words.push_str(" · ");
        words.push_str(&hit.finding.name().replace('_', " "));
    }
    Mark { held: held(side), verdict: Some(hop.verdict), words, more: 0 }
}

/// What the caller sent, where the callee shows what arrived.
fn sent(hop: &Hop) -> Option<Mark> {
    let side = &hop.sent;
    let relay = hop.segment == Some(Segment::Relay);
    let (verdict, words) = match held(side) {
        _ if side.presence == Presence::None => return None,
        Held::Token(_) => {
            let other = match (&hop.inbound.token, &side.token) {
                (Some(before), Some(now)) => before.same_as(now) == Some(false),
                _ => false,
            };
            match hop.verdict {
                Verdict::Changed if relay || other => (Some(Verdict::Changed), "sent changed"),
                Verdict::Exchanged if other => (Some(Verdict::Exchanged), "sent another"),
                Verdict::Originated if hop.caller.is_some() => (Some(Verdict::Originated), "sent its own"),
                _ if other => (None, "sent another"),
                _ => (None, "sent"),
            }
        }
        Held::Hidden if side.anomalies.contains(Anomaly::Placeholder) => {
            (Some(hop.verdict).filter(|verdict| verdict.accuses()), "sent a placeholder")
        }
        Held::Hidden => (None, "sent, hidden"),
        Held::Nothing => match hop.verdict {
            Verdict::Dropped => (Some(Verdict::Dropped), "not sent"),
            _ => (None, "none sent"),
        },
        Held::Unknown => (None, "not seen"),
    };
    Some(Mark { held: held(side), verdict, words: words.to_owned(), more: 0 })
}

/// What a span says by itself, where no hop speaks of it.
fn carried(span: &Span, waypoint: bool) -> Option<Mark> {
    let tokens = span.carried.iter().filter_map(|carried| match &carried.value {
        CarriedValue::Token(token) => Some(Held::Token(token.short_name())),
        CarriedValue::Placeholder | CarriedValue::Redacted => Some(Held::Hidden),
        CarriedValue::OtherCredential(_) | CarriedValue::Empty => None,
    });
    let held = tokens.min_by_key(|held| !matches!(held, Held::Token(_)));
    let words = if waypoint { "passes through" } else { "seen" };
    match held {
        Some(held) => Some(Mark { held, verdict: None, words: words.to_owned(), more: 0 }),
        None if waypoint => Some(Mark { held: Held::Unknown, verdict: None, words: words.to_owned(), more: 0 }),
        None => None,
    }
}

fn with(word: &str, more: Option<String>) -> String {
    more.map_or_else(|| word.to_owned(), |more| format!("{word}: {more}"))
}

/// A cause in as few words as a lane has room for.
fn said(cause: Cause) -> String {
    match cause {
        Cause::Prefix => "broken scheme".to_owned(),
        Cause::Reencoded => "quoted or encoded".to_owned(),
        Cause::Truncated => "cut".to_owned(),
        Cause::SignatureStripped => "signature gone".to_owned(),
        Cause::Resigned => "signed anew".to_owned(),
        Cause::SubjectSwitched => "another subject".to_owned(),
        Cause::Reminted => "made anew".to_owned(),
        Cause::Replaced => "another token".to_owned(),
        Cause::CalleeUntraced => "callee not traced".to_owned(),
        Cause::CallerUnseen => "caller not seen".to_owned(),
        Cause::Rejected => "no reason given".to_owned(),
        Cause::JwksUnavailable => "no keys".to_owned(),
        Cause::OpaqueToJws => "opaque to JWS".to_owned(),
        other => other.name().replace('_', " "),
    }
}
