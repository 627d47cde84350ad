//! What a judged trace teaches the profile.

use std::sync::Arc;

use crate::model::{CarriedValue, Verdict, VerifyResult};

use super::judge::{Case, Judged};
use super::nature::Nature;
use super::profile::Fact;

/// The facts of one judged trace, each once, in order: equal judgements give equal lists.
pub fn of(case: &Case<'_, '_>, hops: &[Judged<'_>]) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |fact: Fact| facts.push(fact);
    for hop in hops {
        of_callee(case, hop, &mut add);
        of_call(case, hop, &mut add);
    }
    facts.sort_unstable();
    facts.dedup();
    facts.shrink_to_fit();
    facts
}

fn of_callee(case: &Case<'_, '_>, hop: &Judged<'_>, add: &mut impl FnMut(Fact)) {
    let Some(entry) = hop.pair.entry else { return };
    let service = || case.forest.own().service(entry).clone();
    let said_failed = hop.answer.verification.result == VerifyResult::Failed;
    if hop.refused_itself() || said_failed && hop.answer.own_words {
        add(Fact::Refuses(service()));
        add(Fact::RefusesAt(service(), hop.operation.clone()));
    }
    let own_spans = hop.pair.group.iter().map(|&i| case.forest.own().span(i));
    let token_arrived = own_spans
        .flat_map(|span| &span.carried)
        .any(|c| matches!(c.value, CarriedValue::Token(_) | CarriedValue::Redacted));
    if token_arrived {
        add(Fact::ReceivesToken(service(), hop.operation.clone()));
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
        } else if hop.refused_itself() {
            add(Fact::Refused(token.clone()));
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
