//! What a judged trace teaches the profile.

use std::sync::Arc;

use ahash::AHashSet;

use crate::model::{CarriedValue, Finding, Fingerprint, Verdict, VerifyResult};

use super::judge::{Case, Judged};
use super::nature::Nature;
use super::profile::{Checked, Fact};

/// The facts of one judged trace, each once, in order: equal judgements give equal lists.
pub fn of(case: &Case<'_, '_>, hops: &[Judged<'_>]) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |fact: Fact| facts.push(fact);
    for hop in hops {
        of_callee(case, hop, &mut add);
        of_call(case, hop, &mut add);
        of_check(hop, &mut add);
    }
    facts.sort_unstable();
    facts.dedup();
    facts.shrink_to_fit();
    facts
}

/// The facts that a judged trace leans on, whether they hold or not: where one of them turns, it is judged anew. Facts
/// about whole services are few and turn once; those concern every trace of the service and are not listed.
pub fn interests(case: &Case<'_, '_>, hops: &[Judged<'_>]) -> Vec<Fact> {
    let mut interests: AHashSet<Fact> = AHashSet::new();
    for hop in hops {
        // Where a verdict looks at jwtrail's own check in vain, it waits for it.
        if hop.answer.refused || hop.ruling.change.is_some() {
            let tokens = hop.sent.tokens.iter().chain(&hop.received.tokens).map(|seen| seen.token);
            let unchecked = tokens.filter(|token| Checked::of(token).is_none()).filter_map(|token| token.fingerprint());
            interests.extend(unchecked.map(|token| Fact::Unchecked(token.clone())));
        }
        let Some(entry) = hop.pair.entry else {
            if let Some(host) = super::outbound::host(case, hop) {
                interests.extend([Fact::TracedHost(Arc::clone(&host)), Fact::HostGivenToken(host)]);
            }
            continue;
        };
        let service = || case.forest.own().service(entry).clone();
        if hop.ruling.verdict == Verdict::Dropped {
            interests.insert(Fact::ReceivesToken(service(), folded(&hop.operation)));
        }
        if hop.findings.iter().any(|hit| hit.finding == Finding::AcceptedUnverified) {
            interests.insert(Fact::RefusesAt(service(), folded(&hop.operation)));
        }
        let token = hop.received.tokens.first().and_then(|seen| seen.token.fingerprint());
        if let Some(token) = token.filter(|_| hop.refused_itself()) {
            interests.insert(Fact::Refused(token.clone()));
        }
    }
    let mut interests: Vec<Fact> = interests.into_iter().collect();
    interests.sort_unstable();
    interests
}

/// The tokens of refused hops: what others say of them may change the verdict.
pub fn refused(hops: &[Judged<'_>]) -> Vec<Fingerprint> {
    let refused = hops.iter().filter(|hop| hop.answer.refused);
    let tokens = refused.flat_map(|hop| hop.sent.tokens.iter().chain(&hop.received.tokens));
    tokens.filter_map(|seen| seen.token.fingerprint()).cloned().collect()
}

/// Tokens that callees took which were not seen to refuse any: facts as soon as they are.
pub fn supposed(case: &Case<'_, '_>, hops: &[Judged<'_>]) -> Vec<Fact> {
    let took = hops.iter().filter(|hop| hop.answer.accepted());
    let took = took.filter(|hop| !case.profile.holds(&super::judge::refuses(case, hop)));
    let fact = |hop: &Judged<'_>| {
        let resource = &case.forest.own().spans[hop.pair.entry?].resource;
        let token = hop.received.tokens.first().and_then(|seen| seen.token.fingerprint())?;
        Some(Fact::Accepts(token.clone(), resource.service.clone(), Arc::clone(&resource.instance)))
    };
    took.filter_map(fact).collect()
}

fn of_callee(case: &Case<'_, '_>, hop: &Judged<'_>, add: &mut impl FnMut(Fact)) {
    let Some(entry) = hop.pair.entry else { return };
    let service = || case.forest.own().service(entry).clone();
    let said_failed = hop.answer.verification.result == VerifyResult::Failed;
    if hop.refused_itself() || said_failed && hop.answer.own_words {
        add(Fact::Refuses(service()));
        add(Fact::RefusesAt(service(), folded(&hop.operation)));
    }
    let own_spans = hop.pair.group.iter().map(|&i| case.forest.own().span(i));
    let token_arrived = own_spans
        .flat_map(|span| &span.carried)
        .any(|c| matches!(c.value, CarriedValue::Token(_) | CarriedValue::Redacted));
    if token_arrived {
        add(Fact::ReceivesToken(service(), folded(&hop.operation)));
    }
    if let Some(host) = super::outbound::host(case, hop) {
        add(Fact::TracedHost(host));
    }
    let resource = &case.forest.own().spans[entry].resource;
    if let Some(token) = hop.received.tokens.first().and_then(|seen| seen.token.fingerprint()) {
        let said_ok = hop.answer.verification.result == VerifyResult::Ok;
        let verifies = case.profile.holds(&super::judge::refuses(case, hop));
        if said_ok || hop.answer.accepted() && verifies {
            add(Fact::Accepts(token.clone(), service(), Arc::clone(&resource.instance)));
        }
    }
}

/// What jwtrail's own check said of this hop's tokens.
fn of_check(hop: &Judged<'_>, add: &mut impl FnMut(Fact)) {
    for seen in hop.sent.tokens.iter().chain(&hop.received.tokens) {
        let Some(token) = seen.token.fingerprint() else { continue };
        if let Some(checked) = Checked::of(seen.token) {
            add(Fact::Checked(token.clone(), checked));
        }
    }
}

fn of_call(case: &Case<'_, '_>, hop: &Judged<'_>, add: &mut impl FnMut(Fact)) {
    let Some(at) = hop.call() else { return };
    if hop.sent.has_token()
        && let Some(host) = super::outbound::host(case, hop)
    {
        add(Fact::HostGivenToken(host));
    }
    let nature = super::exempt::nature(case, hop);
    if matches!(nature, Nature::TokenEndpoint | Nature::Introspection) && hop.ruling.verdict != Verdict::Failed {
        add(Fact::AsksIssuer(case.forest.service(at).clone()));
    }
}

/// An operation as facts know it: ids in a path are one and the same, where no route was captured.
pub fn folded(operation: &Arc<str>) -> Arc<str> {
    let is_id = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        digits > 0 && (digits == part.len() || part.len() >= 16 || digits * 2 > part.len())
    };
    if !operation.contains('/') || !operation.bytes().any(|b| b.is_ascii_digit()) {
        return Arc::clone(operation);
    }
    let parts: Vec<&str> = operation.split('/').map(|part| if is_id(part) { "*" } else { part }).collect();
    parts.join("/").into()
}
