//! What a hop shows beside its verdict (verdicts.md section 10). Each finding is one small function.

use std::sync::Arc;

use crate::model::policy::TokenRule;
use crate::model::{
    Carried, CarriedValue, Cause, Confirmation, Finding, FindingHit, Reason, Severity, Span, Token, UnixNanos, Verdict,
    VerifyResult,
};

use super::compare::{carrier_name, signed};
use super::judge::{Case, Judged};
use super::nature::Nature;
use super::observe::{Observed, Seen};
use super::profile::Fact;
use super::refusal::own_check;

/// Adds the findings of every hop.
pub fn find(case: &Case<'_, '_>, hops: &mut [Judged<'_>]) {
    let began = began(case);
    for hop in hops {
        let hits = [
            leaked(case, hop),
            exposed(case, hop),
            accepted_unverified(case, hop, began),
            disagreement(case, hop),
            scope_widened(hop),
            bound_token_forwarded(hop),
            multiple_tokens(case, hop),
            expired_in_flight(case, hop, began),
            unwanted(hop),
            moved(hop),
            long_lived(case, hop),
        ];
        hop.findings = hits.into_iter().flatten().collect();
    }
}

/// When the trace began; where a message led here, when the trace of the message did.
fn began(case: &Case<'_, '_>) -> UnixNanos {
    let starts = case.forest.trees.iter().filter_map(|tree| tree.spans.first()).map(|span| span.start);
    starts.min().unwrap_or_default()
}

fn hit(finding: Finding, severity: Severity, detail: impl Into<String>) -> FindingHit {
    FindingHit { finding, severity, detail: detail.into() }
}

fn same_token<'a>(earlier: &Observed<'a>, later: &Observed<'a>) -> Option<(Seen<'a>, Seen<'a>)> {
    earlier.tokens.iter().find_map(|from| {
        later.tokens.iter().find(|to| from.token.same_as(to.token) == Some(true)).map(|to| (*from, *to))
    })
}

/// The first token that the callee got, else that the caller sent.
fn arrived<'a>(hop: &Judged<'a>) -> Option<Seen<'a>> {
    hop.received.tokens.first().or(hop.sent.tokens.first()).copied()
}

fn leaked(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<FindingHit> {
    if hop.pair.entry.is_some() || super::exempt::nature(case, hop) == Nature::Introspection {
        return None;
    }
    let host = super::outbound::host(case, hop)?;
    let (_, sent) = same_token(&hop.inbound, &hop.sent)?;
    let known = super::outbound::is_internal(case, Some(&host))
        || case.rules.is_allowed_host(&host)
        || belongs_to(sent.token, &host);
    if known {
        return None;
    }
    Some(hit(Finding::Leaked, Severity::Critical, format!("the token that the caller received goes to {host}")))
}

/// A host that shares its registrable domain with the token's issuer, or that the token's audience names.
fn belongs_to(token: &Token, host: &str) -> bool {
    let issuer = token.iss.as_deref().and_then(url_host);
    issuer.is_some_and(|iss| registrable(iss) == registrable(host))
        || token.aud.iter().any(|aud| url_host(aud) == Some(host) || &**aud == host)
}

fn url_host(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map(|(_, rest)| rest)?;
    rest.split(['/', ':', '?', '#']).next().filter(|host| !host.is_empty())
}

/// The last two labels of a name, three below a country's second level such as `co.uk`.
fn registrable(host: &str) -> String {
    const SECOND_LEVEL: [&str; 8] = ["co", "com", "org", "net", "gov", "ac", "edu", "ne"];
    let labels: Vec<&str> = host.trim_end_matches('.').rsplit('.').collect();
    let deep = labels.len() > 2 && labels[0].len() == 2 && SECOND_LEVEL.contains(&labels[1]);
    let take = if deep { 3 } else { 2 };
    labels.into_iter().take(take).collect::<Vec<_>>().join(".").to_ascii_lowercase()
}

fn spans_of<'a>(case: &Case<'a, '_>, hop: &Judged<'a>) -> Vec<&'a Span> {
    let own = case.forest.own();
    let entries = hop.pair.group.iter().map(|&i| own.span(i));
    entries.chain(hop.pair.chain.iter().map(|&at| case.forest.span(at))).collect()
}

fn exposed(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<FindingHit> {
    let spans = spans_of(case, hop);
    let logged = spans.iter().flat_map(|span| case.said.exposures_of(span.span_id));
    let exposure = spans.iter().flat_map(|span| &span.own().exposures).chain(logged).next()?;
    Some(hit(Finding::Exposed, Severity::High, format!("a token stands in {}", exposure.place)))
}

fn accepted_unverified(case: &Case<'_, '_>, hop: &Judged<'_>, began: UnixNanos) -> Option<FindingHit> {
    let seen = arrived(hop)?;
    let entry = hop.pair.entry?;
    if hop.answer.verification.result == VerifyResult::Skipped {
        return Some(hit(Finding::AcceptedUnverified, Severity::Critical, "the callee says that it does not verify"));
    }
    let skew = i64::try_from(case.rules.limits.clock_skew).unwrap_or(i64::MAX);
    let wrong = match own_check(case.profile, seen.token, began.seconds(), skew) {
        _ if !signed(seen.token) && seen.token.parts.is_some() && seen.token.shows_claims() => "it is not signed",
        Some(Reason::Expired) => "it had expired before the trace began",
        Some(Reason::Signature | Reason::Algorithm) => "its signature does not verify",
        _ => return None,
    };
    if !hop.answer.accepted() || hop.received.tokens.is_empty() {
        return None;
    }
    let service = case.forest.own().service(entry).clone();
    let refuses = case.profile.holds(&Fact::RefusesAt(service, super::facts::folded(&hop.operation)));
    let severity = if refuses { Severity::Critical } else { Severity::Medium };
    Some(hit(Finding::AcceptedUnverified, severity, format!("the callee accepted the token although {wrong}")))
}

fn disagreement(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<FindingHit> {
    let seen = arrived(hop)?;
    let reason = hop.answer.verification.reason?;
    let settled_by_itself = matches!(reason, Reason::Forbidden | Reason::Missing | Reason::Multiple);
    if !hop.refused_itself() || settled_by_itself || hop.ruling.verdict != Verdict::Failed {
        return None;
    }
    let entry = &case.forest.own().spans[hop.pair.entry?];
    let skew = i64::try_from(case.rules.limits.clock_skew).unwrap_or(i64::MAX);
    if own_check(case.profile, seen.token, entry.start.seconds(), skew).is_some() {
        // The token really is bad by now; that others took it while it was good is no disagreement.
        return None;
    }
    let others = seen.token.fingerprint().map_or(&[][..], |token| case.profile.acceptors(token));
    let other = others.iter().filter(|(s, i)| (s, i) != (&entry.resource.service, &entry.resource.instance)).min();
    let differs = match reason {
        Reason::Signature | Reason::UnknownKey | Reason::JwksUnavailable => "its key differs",
        Reason::Audience => "the audience it expects differs",
        Reason::Issuer => "the issuer it expects differs",
        Reason::Algorithm => "the algorithms it allows differ",
        Reason::Expired | Reason::NotYetValid => "its clock differs",
        _ => "its key, audience or clock differs",
    };
    let callee = &hop.callee;
    let detail = match other {
        Some((service, _)) if *service == entry.resource.service => {
            format!("one instance of {callee} refuses what another accepts: {differs}")
        }
        Some((service, _)) => {
            format!("{callee} refuses what {} accepts: {differs}", case.profile.shown(service))
        }
        None if case.profile.finds_valid(seen.token) => {
            format!("{callee} refuses what jwtrail finds valid: {differs}")
        }
        None => return None,
    };
    Some(hit(Finding::Disagreement, Severity::High, detail))
}

fn scope_widened(hop: &Judged<'_>) -> Option<FindingHit> {
    let change = hop.ruling.change.as_ref()?;
    let (from, to) = (change.from?.token, change.to?.token);
    let new: Vec<&str> = to.scope.iter().filter(|s| !from.scope.contains(s)).map(|s| &**s).collect();
    if from.scope.is_empty() || new.is_empty() {
        return None;
    }
    let severity = if from.aud == to.aud { Severity::High } else { Severity::Info };
    Some(hit(Finding::ScopeWidened, severity, format!("new scopes: {}", new.join(" "))))
}

fn bound_token_forwarded(hop: &Judged<'_>) -> Option<FindingHit> {
    let (_, to) = same_token(&hop.inbound, &hop.sent).or_else(|| same_token(&hop.inbound, &hop.received))?;
    let bound = to.token.cnf == Some(Confirmation::Jkt) && &*to.carried.scheme == "bearer";
    bound.then(|| {
        hit(Finding::BoundTokenForwarded, Severity::Medium, "a DPoP-bound token is relayed with the Bearer scheme")
    })
}

/// Carriers that mean the same: the caller's access token.
const ONE_MEANING: [&str; 4] = ["authorization", "x-auth-token", "x-access-token", "query:access_token"];

fn multiple_tokens(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<FindingHit> {
    let carrier = spans_of(case, hop).into_iter().find_map(|span| {
        let tokens: Vec<(&Carried, &Arc<Token>)> = span
            .carried
            .iter()
            .filter_map(|c| if let CarriedValue::Token(token) = &c.value { Some((c, token)) } else { None })
            .collect();
        tokens.iter().enumerate().find_map(|(i, (a, first))| {
            let clash = tokens[i + 1..].iter().find(|(b, second)| {
                let one_meaning = a.carrier == b.carrier
                    || ONE_MEANING.contains(&carrier_name(&a.carrier))
                        && ONE_MEANING.contains(&carrier_name(&b.carrier));
                one_meaning && first.same_as(second) == Some(false)
            });
            clash.map(|(b, _)| (Arc::clone(&a.carrier), Arc::clone(&b.carrier)))
        })
    });
    let (a, b) = carrier?;
    let detail = if a == b { format!("two tokens in {a}") } else { format!("different tokens in {a} and {b}") };
    Some(hit(Finding::MultipleTokens, Severity::Medium, detail))
}

fn expired_in_flight(case: &Case<'_, '_>, hop: &Judged<'_>, began: UnixNanos) -> Option<FindingHit> {
    let start = case.forest.own().spans[hop.pair.entry?].start;
    let exp = arrived(hop)?.token.exp?;
    if exp <= began.seconds() || start.seconds() < exp {
        return None;
    }
    let late = start.seconds() - exp;
    Some(hit(Finding::ExpiredInFlight, Severity::Medium, format!("it expired {late} s before this callee received it")))
}

fn unwanted(hop: &Judged<'_>) -> Option<FindingHit> {
    let there = hop.sent.has_token() || hop.received.has_token();
    (hop.rule == Some(TokenRule::Forbidden) && there).then_some(())?;
    Some(hit(Finding::Unwanted, Severity::High, "the policy forbids a token on this edge"))
}

fn moved(hop: &Judged<'_>) -> Option<FindingHit> {
    let steps = [(&hop.inbound, &hop.sent), (&hop.sent, &hop.received), (&hop.inbound, &hop.received)];
    let (from, to) = steps.into_iter().find_map(|(earlier, later)| {
        let (from, to) = same_token(earlier, later)?;
        let stayed = earlier.tokens.iter().any(|a| {
            later.tokens.iter().any(|b| {
                carrier_name(&a.carried.carrier) == carrier_name(&b.carried.carrier)
                    && a.token.same_as(b.token) == Some(true)
            })
        });
        (!stayed).then_some((from, to))
    })?;
    let detail = format!("from {} to {}", from.carried.carrier, to.carried.carrier);
    Some(hit(Finding::Moved, Severity::Low, detail))
}

fn long_lived(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<FindingHit> {
    let seen = arrived(hop)?;
    // Said once, where the token comes into sight, and not on each hop that forwards it.
    if same_token(&hop.inbound, &hop.sent).or_else(|| same_token(&hop.inbound, &hop.received)).is_some()
        || hop.ruling.cause == Some(Cause::Inherited)
        || hop.gap
        || !seen.token.shows_claims()
    {
        return None;
    }
    let bound = i64::try_from(case.rules.limits.max_lifetime).unwrap_or(i64::MAX);
    match (seen.token.exp, seen.token.iat) {
        (None, _) if seen.token.parts.is_some() => Some(hit(Finding::LongLived, Severity::Low, "it has no exp claim")),
        (Some(exp), Some(iat)) if exp.saturating_sub(iat) > bound => {
            let hours = exp.saturating_sub(iat) / 3600;
            Some(hit(Finding::LongLived, Severity::Low, format!("it lives for {hours} h")))
        }
        _ => None,
    }
}
