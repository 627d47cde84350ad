//! One trace, judged top-down: every hop gets its ruling, what it inherits, and what the callee answered.

use std::sync::Arc;

use crate::model::policy::TokenRule;
use crate::model::{Cause, Confidence, FindingHit, Reason, Segment, Severity, Span, SpanId, Verdict, VerifySource};

use super::blame::RefusedTries;
use super::exchange::{self, Circumstances, IssuerCalls};
use super::observe::{Observed, What};
use super::pairing::{At, Caller, Forest, Pair, pair};
use super::profile::{Fact, Profile};
use super::redirect::{Redirect, Redirecting};
use super::refusal::{Answer, LostRefusals, SaidInWords, answer, own_check};
use super::rules::Rules;
use super::sides::{self, Inbound};
use super::table::{Ruling, rule};

/// Everything that a verdict depends on.
pub struct Case<'a, 'c> {
    /// The trace and those it links to.
    pub forest: &'c Forest<'a>,
    /// What all traces show.
    pub profile: &'c Profile,
    /// The policy.
    pub rules: &'c Rules,
    /// Exceptions and logs.
    pub said: &'c SaidInWords<'a>,
}

/// What an entry span passes on to the hops below it.
#[derive(Clone, Debug, Default)]
pub struct EntryState<'a> {
    /// What it received, resolved with both sides of its hop.
    pub received: Option<Observed<'a>>,
    /// What stands in for it where it is unknown.
    pub stand_in: Option<Observed<'a>>,
    /// A message lies between here and the stand-in.
    pub over_message: bool,
    /// A break above.
    pub taint: Taint,
}

/// What is known of a trace before, and while, its hops are judged one by one.
struct SoFar<'a> {
    stand_ins: sides::StandIns<'a>,
    issuers: IssuerCalls,
    lost: LostRefusals,
    refused: RefusedTries,
}

/// A break that happened above.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Taint {
    /// None.
    #[default]
    Clean,
    /// The token was lost there.
    Lost(SpanId),
    /// The token was changed there.
    Changed(SpanId),
}

/// A judged hop, still tied to its spans.
pub struct Judged<'a> {
    /// The spans.
    pub pair: Pair,
    /// Caller's name.
    pub caller: Option<Arc<str>>,
    /// Callee's name.
    pub callee: Arc<str>,
    /// What was asked for.
    pub operation: Arc<str>,
    /// The policy's rule for the edge.
    pub rule: Option<TokenRule>,
    /// Verdict, cause, segment, confidence.
    pub ruling: Ruling<'a>,
    /// What the caller received.
    pub inbound: Observed<'a>,
    /// The entry span that the inbound side comes from, in the own trace.
    pub inbound_entry: Option<usize>,
    /// What the call span carried.
    pub sent: Observed<'a>,
    /// What the entry span carried.
    pub received: Observed<'a>,
    /// How the callee answered.
    pub answer: Answer,
    /// Whether part of the path was not seen.
    pub gap: bool,
    /// The hop that broke it.
    pub blame: Option<SpanId>,
    /// A redirect to another origin led here.
    pub redirected: bool,
    /// A later try succeeded.
    pub recovered: bool,
    /// Severity of the verdict.
    pub severity: Severity,
    /// Findings.
    pub findings: Vec<FindingHit>,
    /// Sentences for the detail.
    pub notes: Vec<String>,
}

impl<'a> Judged<'a> {
    /// The span that names this hop: the callee's entry, else the call span.
    pub fn key_span(&self, forest: &Forest<'a>) -> Option<&'a Span> {
        match (self.pair.entry, &self.pair.caller) {
            (Some(entry), _) => Some(forest.own().span(entry)),
            (None, Caller::Call(at) | Caller::Service(at)) => Some(forest.span(*at)),
            (None, Caller::Nobody) => None,
        }
    }

    /// The place of that span, where it is of the trace itself.
    pub fn key_place(&self) -> Option<usize> {
        match (self.pair.entry, &self.pair.caller) {
            (Some(entry), _) => Some(entry),
            (None, Caller::Call(at) | Caller::Service(at)) => (at.tree == 0).then_some(at.span),
            (None, Caller::Nobody) => None,
        }
    }

    /// The call span, where there is one.
    pub fn call(&self) -> Option<At> {
        match self.pair.caller {
            Caller::Call(at) => Some(at),
            _ => None,
        }
    }

    /// Whether the callee refused by itself.
    pub fn refused_itself(&self) -> bool {
        self.answer.refused && self.answer.relayed_from.is_none()
    }
}

/// Judges the own trace of a forest.
pub fn judge<'a>(case: &Case<'a, '_>) -> Vec<Judged<'a>> {
    let pairs = pair(case.forest);
    let answers: Vec<Answer> = pairs.iter().map(|pair| answer(case.forest, pair, case.said, case.rules)).collect();
    let redirecting = Redirecting::new(case.forest, &pairs, &answers);
    let mut so_far = SoFar {
        stand_ins: sides::StandIns::default(),
        issuers: IssuerCalls::new(case.forest.own()),
        lost: LostRefusals::new(case.forest.own()),
        refused: RefusedTries::default(),
    };
    let mut states: Vec<EntryState<'a>> = vec![EntryState::default(); case.forest.own().spans.len()];
    let mut hops: Vec<Judged<'a>> = Vec::with_capacity(pairs.len());
    for (one, answer) in pairs.into_iter().zip(answers) {
        let redirect = redirecting.to(case.forest, &one);
        let hop = judge_one(case, one, answer, redirect, &states, &so_far);
        so_far.refused.note(case.forest, &hop);
        if let Some(entry) = hop.pair.holder {
            super::blame::pass_on(&mut states, entry, &hop, case.forest);
        }
        hops.push(hop);
    }
    super::blame::through_dark_services(&mut hops);
    super::blame::recover(&mut hops, case.forest);
    super::severity::grade(case, &mut hops);
    super::findings::find(case, &mut hops);
    super::severity::apply_policy(case, &mut hops);
    hops
}

fn judge_one<'a>(
    case: &Case<'a, '_>,
    pair: Pair,
    answer: Answer,
    redirect: Redirect,
    states: &[EntryState<'a>],
    so_far: &SoFar<'a>,
) -> Judged<'a> {
    let names = sides::names(case, &pair);
    let rule_here = case.rules.edge(names.caller.as_deref(), &names.callee, &names.operation).map(|(rule, _)| rule);
    let inbound = sides::inbound(case, &pair.caller, states, &so_far.stand_ins);
    let mut sent = sides::sent(case, &pair, redirect);
    let mut received = sides::received(case, &pair, &answer);
    sides::resolve_conditional(&mut sent, &mut received);
    let mut hop = Judged {
        ruling: Ruling::new(Verdict::Unknown, None, Confidence::Possible),
        inbound_entry: inbound.entry,
        gap: pair.gap,
        pair,
        caller: names.caller,
        callee: names.callee,
        operation: names.operation,
        rule: rule_here,
        inbound: inbound.observed.clone(),
        sent,
        received,
        answer,
        blame: None,
        redirected: redirect.cross_origin,
        recovered: false,
        severity: Severity::Info,
        findings: Vec::new(),
        notes: Vec::new(),
    };
    first_ruling(case, &mut hop, &inbound);
    if hop.redirected && hop.ruling.verdict == Verdict::Dropped {
        hop.ruling.cause = Some(Cause::NotSent);
        hop.ruling.segment = Some(Segment::Relay);
        hop.notes.push("client libraries drop Authorization at a redirect to another origin".to_owned());
    }
    if hop.ruling.verdict == Verdict::Changed {
        exchange_if_meant(case, &mut hop, so_far);
    }
    super::blame::inherit(&mut hop, &inbound);
    super::exempt::excuse(case, &mut hop);
    fail(case, &mut hop, &so_far.lost);
    hop
}

fn first_ruling<'a>(case: &Case<'a, '_>, hop: &mut Judged<'a>, inbound: &Inbound<'a>) {
    hop.ruling = match (&hop.pair.caller, hop.pair.entry) {
        (Caller::Nobody, _) => entry_ruling(hop),
        (_, None) => super::outbound::rule_outbound(case, hop, &hop.inbound),
        (_, Some(_)) => rule(&hop.inbound, &hop.sent, &hop.received),
    };
    if hop.inbound.what == What::Unknown
        && let Some(stand_in) = &inbound.stand_in
    {
        bridge(case, hop, stand_in, inbound.over_message);
    }
}

/// A hop whose caller shows nothing is ruled with the nearest known token above in its place.
fn bridge<'a>(case: &Case<'a, '_>, hop: &mut Judged<'a>, stand_in: &Observed<'a>, over_message: bool) {
    if hop.ruling.verdict.accuses() {
        // What happened in transit stands on the hop's own ground.
        return;
    }
    let mut ruling = match hop.pair.entry {
        None => super::outbound::rule_outbound(case, hop, stand_in),
        Some(_) => rule(stand_in, &hop.sent, &hop.received),
    };
    if ruling.verdict == Verdict::Unknown {
        return;
    }
    if ruling.verdict.accuses() {
        if over_message {
            return;
        }
        ruling.confidence = Confidence::Possible;
    } else if over_message && ruling.verdict != Verdict::Intact {
        return;
    } else {
        ruling.confidence = lower(ruling.confidence);
    }
    hop.gap = true;
    hop.inbound.tokens.clone_from(&stand_in.tokens);
    hop.inbound.ground = super::observe::Ground::Bridge;
    hop.inbound.span_id = stand_in.span_id;
    hop.ruling = ruling;
}

fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::Proven => Confidence::Likely,
        Confidence::Likely | Confidence::Possible => Confidence::Possible,
    }
}

fn entry_ruling<'a>(hop: &Judged<'a>) -> Ruling<'a> {
    if hop.gap {
        return Ruling::new(Verdict::Unknown, Some(Cause::CallerUnseen), Confidence::Possible);
    }
    match hop.received.what {
        What::Token => Ruling::new(Verdict::Originated, Some(Cause::Entry), hop.received.confidence),
        What::Placeholder => {
            Ruling { anomaly: true, ..Ruling::new(Verdict::Absent, Some(Cause::Anonymous), hop.received.confidence) }
        }
        What::Absent | What::None => Ruling::new(Verdict::Absent, Some(Cause::Anonymous), hop.received.confidence),
        What::Unknown => Ruling::new(Verdict::Unknown, Some(Cause::NotCaptured), Confidence::Possible),
    }
}

fn exchange_if_meant<'a>(case: &Case<'a, '_>, hop: &mut Judged<'a>, so_far: &SoFar<'a>) {
    let Some(change) = hop.ruling.change.clone() else { return };
    let caller = hop.caller.clone().unwrap_or_default();
    let calls = hop.pair.chain.iter().map(|&at| case.forest.span(at)).collect();
    let fetched = hop.call().map(|at| so_far.issuers.before(case.forest, at, case.profile)).unwrap_or_default();
    let valid = change.to.is_some_and(|seen| case.profile.finds_valid(seen.token));
    let accepted = hop.answer.verification.result == crate::model::VerifyResult::Ok
        || valid
        || hop.answer.accepted() && case.profile.holds(&refuses(case, hop));
    let about = Circumstances { rule: hop.rule, calls, caller: &caller, fetched, accepted };
    let retry = so_far.refused.repeated_with_new_token(case.forest, hop, &change);
    let meant = exchange::meant(&change, &about).or(retry.then_some((Cause::Evidence, Confidence::Likely)));
    if let Some((cause, confidence)) = meant {
        hop.ruling.verdict = Verdict::Exchanged;
        hop.ruling.cause = Some(cause);
        hop.ruling.segment = None;
        hop.ruling.confidence = hop.ruling.confidence.min(confidence);
        return;
    }
    hop.notes.extend(change.note.map(str::to_owned));
    if fetched.token && hop.ruling.segment == Some(Segment::Relay) {
        hop.notes.push(format!("{caller} fetched a token instead of forwarding the one it had"));
    }
}

/// The fact that this callee refuses tokens by itself.
pub fn refuses(case: &Case<'_, '_>, hop: &Judged<'_>) -> Fact {
    let service = hop.pair.entry.map(|i| case.forest.own().service(i).clone());
    Fact::Refuses(
        service.unwrap_or_else(|| crate::model::ServiceName { namespace: "".into(), name: Arc::clone(&hop.callee) }),
    )
}

/// A refusal turns what arrived as it should into `failed` (section 7).
fn fail<'a>(case: &Case<'a, '_>, hop: &mut Judged<'a>, lost: &LostRefusals) {
    if !hop.answer.refused {
        return;
    }
    if let Some(from) = hop.answer.relayed_from {
        // What the service said of its own check stands: the refusal is not its own.
        let from = case.forest.own().spans[from].span_id;
        hop.answer.verification.relayed_from = Some(from);
        hop.notes.push(format!("relays the refusal that its call {from} met"));
        return;
    }
    let reason = refusal_reason(case, hop);
    let present = hop.sent.has_token() || hop.received.has_token();
    let becomes = match hop.ruling.verdict {
        Verdict::Intact => hop.ruling.cause != Some(Cause::Inherited),
        Verdict::Originated | Verdict::Exchanged => true,
        Verdict::Unknown => present || hop.answer.own_words && reason != Reason::Missing,
        _ => false,
    };
    if becomes {
        let bare = matches!(hop.answer.verification.source, Some(VerifySource::Status) | None);
        let sure = match hop.answer.verification.source {
            _ if bare && lost.may_be_source(case.forest, &hop.pair) => Confidence::Possible,
            Some(VerifySource::Status) | None => Confidence::Likely,
            Some(_) => Confidence::Proven,
        };
        let known = hop.ruling.verdict != Verdict::Unknown;
        hop.ruling.confidence = if known { hop.ruling.confidence.min(sure) } else { sure.min(Confidence::Likely) };
        hop.ruling.verdict = Verdict::Failed;
        hop.ruling.cause = Some(reason.cause());
        hop.ruling.segment = None;
    }
}

/// The reason from the best source there is, written into the verification.
fn refusal_reason<'a>(case: &Case<'a, '_>, hop: &mut Judged<'a>) -> Reason {
    let forbidden = matches!((hop.answer.status, hop.answer.grpc), (Some(403), false) | (Some(7), true));
    let verification = &mut hop.answer.verification;
    verification.result = crate::model::VerifyResult::Failed;
    if let Some(reason) = verification.reason.filter(|reason| *reason != Reason::Rejected) {
        return reason;
    }
    let token = hop.received.tokens.first().or(hop.sent.tokens.first()).map(|seen| seen.token);
    let at = hop
        .pair
        .entry
        .map(|i| case.forest.own().spans[i].start)
        .or(hop.pair.chain.first().map(|&at| case.forest.span(at).start))
        .unwrap_or_default();
    let skew = i64::try_from(case.rules.limits.clock_skew).unwrap_or(i64::MAX);
    if let Some(reason) =
        token.and_then(|token| own_check(case.profile, token, at.seconds(), skew)).filter(|_| !forbidden)
    {
        verification.reason = Some(reason);
        verification.source = Some(VerifySource::Jwtrail);
        return reason;
    }
    if !forbidden && token.is_some_and(|token| case.profile.finds_valid(token)) {
        hop.notes.push("jwtrail finds it valid: this service's key, audience or clock differs".to_owned());
    }
    let reason = verification.reason.unwrap_or(if forbidden { Reason::Forbidden } else { Reason::Rejected });
    verification.reason = Some(reason);
    verification.source = verification.source.or(Some(VerifySource::Status));
    reason
}
