//! What a filter asks of a hop, and of anything else that can answer.

use std::ops::Not;
use std::sync::Arc;

use super::field::{ACCUSED, ENTRY, Field, NO, PROBLEM, USER, WORKLOAD, YES};
use crate::model::token::ANOMALY_NAMES;
use crate::model::{Fingerprint, Hop, Party, Severity, Side, SubjectKind, Token, UnixNanos};

/// What can be said, least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Truth {
    /// It does not match.
    No,
    /// It sums up hops of which some may match, or cannot know.
    Maybe,
    /// It matches.
    Yes,
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// One value of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact<'a> {
    /// Of a field of texts or identifiers.
    Text(&'a str),
    /// Of a field of numbers.
    Number(u16),
    /// The `n`th of the field's names.
    Nth(usize),
    /// Of a field of times.
    Time(UnixNanos),
}

/// Whatever a filter can be asked about.
pub trait Facts {
    /// Tries `test` on each value of the field. [`Truth::Yes`] where one passes and the value is the thing's own;
    /// [`Truth::Maybe`] where the field means nothing here, or other values stand beside.
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth;
}

/// The one who asks.
pub(super) type Test<'a> = dyn FnMut(Fact<'_>) -> bool + 'a;

/// Whether one of the texts passes; an empty one is none.
pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>, test: &mut Test<'_>) -> bool {
    texts.into_iter().any(|text| !text.is_empty() && test(Fact::Text(text)))
}

fn nth(value: Option<usize>, test: &mut Test<'_>) -> bool {
    value.is_some_and(|n| test(Fact::Nth(n)))
}

/// The operation in two: its HTTP method, and the rest.
fn request(operation: &str) -> (Option<&str>, &str) {
    match operation.split_once(' ') {
        Some((method, route)) if !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase()) => {
            (Some(method), route)
        }
        _ => (None, operation),
    }
}

impl Facts for Hop {
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth {
        Truth::from(match field {
            Field::Name
            | Field::Service
            | Field::Caller
            | Field::Callee
            | Field::Via
            | Field::Language
            | Field::Library
            | Field::Operation
            | Field::Route
            | Field::Method => place(self, field, test),
            Field::Status => self.status.is_some_and(|status| test(Fact::Number(status))),
            Field::Trace => test(Fact::Text(&self.trace_id.to_string())),
            Field::Span => {
                let ids = parties(self).filter_map(|party| party.span_id);
                ids.map(|id| id.to_string()).any(|id| test(Fact::Text(&id)))
            }
            Field::Blame => self.blame.is_some_and(|id| test(Fact::Text(&id.to_string()))),
            Field::Carrier => sides(self).any(|side| {
                let short = side.carrier.split_once(':').map_or("", |(_, name)| name);
                texts([&*side.carrier, short], test)
            }),
            Field::Token
            | Field::Issuer
            | Field::Subject
            | Field::Holder
            | Field::Audience
            | Field::Scope
            | Field::Kid
            | Field::Algorithm
            | Field::Type => {
                sides(self).filter_map(|side| side.token.as_deref()).any(|token| of_token(token, field, test))
            }
            Field::Since | Field::Until => test(Fact::Time(self.start)),
            _ => judgement(self, field, test),
        })
    }
}

fn parties(hop: &Hop) -> impl Iterator<Item = &Party> {
    hop.caller.iter().chain([&hop.callee])
}

fn sides(hop: &Hop) -> impl Iterator<Item = &Side> {
    [&hop.inbound, &hop.sent, &hop.received].into_iter()
}

/// Who, where to, and what for.
fn place(hop: &Hop, field: Field, test: &mut Test<'_>) -> bool {
    let names = parties(hop).map(|party| &*party.service);
    let via = hop.waypoints.iter().map(|name| &**name);
    match field {
        Field::Name => texts(names.chain([&*hop.operation]).chain(via), test),
        Field::Service => texts(names, test),
        Field::Caller => texts(hop.caller.iter().map(|party| &*party.service), test),
        Field::Callee => texts([&*hop.callee.service], test),
        Field::Via => texts(via, test),
        Field::Language => texts(parties(hop).map(|party| &*party.language), test),
        Field::Library => texts(parties(hop).map(|party| &*party.scope), test),
        Field::Operation => texts([&*hop.operation], test),
        Field::Route => texts([request(&hop.operation).1], test),
        _ => texts(request(&hop.operation).0, test),
    }
}

/// Verdict, findings, and what they stand on.
fn judgement(hop: &Hop, field: Field, test: &mut Test<'_>) -> bool {
    let yes = |yes: bool| Some(if yes { YES } else { NO });
    match field {
        Field::Verdict => test(Fact::Nth(hop.verdict as usize)),
        Field::Cause => nth(hop.cause.map(|cause| cause as usize), test),
        Field::Segment => nth(hop.segment.map(|segment| segment as usize), test),
        Field::Severity => test(Fact::Nth(hop.worst() as usize)),
        Field::Confidence => test(Fact::Nth(hop.confidence as usize)),
        Field::Finding => hop.findings.iter().any(|hit| test(Fact::Nth(hit.finding as usize))),
        Field::Is => {
            let accused = hop.verdict.accuses();
            let problem = accused || hop.worst() > Severity::Info;
            let all = [(ENTRY, hop.caller.is_none()), (ACCUSED, accused), (PROBLEM, problem)];
            all.into_iter().any(|(n, holds)| holds && test(Fact::Nth(n)))
        }
        Field::Gap => nth(yes(hop.gap), test),
        Field::Settled => nth(yes(hop.settled), test),
        Field::Inbound => test(Fact::Nth(hop.inbound.presence as usize)),
        Field::Sent => test(Fact::Nth(hop.sent.presence as usize)),
        Field::Received => test(Fact::Nth(hop.received.presence as usize)),
        Field::Anomaly => sides(hop).any(|side| {
            let names = ANOMALY_NAMES.iter().enumerate();
            names.filter(|(_, (anomaly, _))| side.anomalies.contains(*anomaly)).any(|(n, _)| test(Fact::Nth(n)))
        }),
        Field::Verified => test(Fact::Nth(hop.verification.result as usize)),
        Field::Reason => nth(hop.verification.reason.map(|reason| reason as usize), test),
        Field::Checker => nth(hop.verification.source.map(|source| source as usize), test),
        _ => false,
    }
}

pub(super) fn of_token(token: &Token, field: Field, test: &mut Test<'_>) -> bool {
    let one = |text: &Option<Arc<str>>, test: &mut Test<'_>| texts(text.as_deref(), test);
    match field {
        Field::Token => {
            let prints = [&token.s256, &token.h256].into_iter().flatten();
            texts([token.short_name().as_str()], test) || fingerprints(prints, test)
        }
        Field::Issuer => one(&token.iss, test),
        Field::Subject => fingerprints([&token.sub_hash, &token.subject_id_hash].into_iter().flatten(), test),
        Field::Holder => {
            let kind = token.subject_kind.map(|kind| if kind == SubjectKind::User { USER } else { WORKLOAD });
            nth(kind, test)
        }
        Field::Audience => texts(token.aud.iter().map(|aud| &**aud), test),
        Field::Scope => texts(token.scope.iter().map(|scope| &**scope), test),
        Field::Kid => one(&token.kid, test),
        Field::Algorithm => one(&token.alg, test),
        _ => one(&token.typ, test),
    }
}

/// Each with its form before it, and its digits alone.
fn fingerprints<'a>(prints: impl Iterator<Item = &'a Fingerprint>, test: &mut Test<'_>) -> bool {
    prints
        .map(Fingerprint::as_str)
        .any(|text| texts([text, text.split_once(':').map_or("", |(_, digits)| digits)], test))
}
