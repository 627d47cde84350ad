//! Hops on which no token is expected, by policy or by nature (verdicts.md section 8).

use crate::model::policy::TokenRule;
use crate::model::{Cause, SpanKind, Verdict};

use super::judge::{Case, Judged};
use super::nature::Nature;
use super::observe::What;

/// Turns `dropped`, `changed`, `absent` and `unknown` into `absent/exempt` where section 8 says so.
pub fn excuse(case: &Case<'_, '_>, hop: &mut Judged<'_>) {
    let excusable =
        matches!(hop.ruling.verdict, Verdict::Dropped | Verdict::Changed | Verdict::Absent | Verdict::Unknown);
    if !excusable || !(by_policy(hop) || by_nature(case, hop)) {
        return;
    }
    hop.ruling.verdict = Verdict::Absent;
    hop.ruling.cause = Some(Cause::Exempt);
    hop.ruling.segment = None;
    hop.ruling.change = None;
    hop.ruling.anomaly = false;
    hop.blame = None;
}

fn by_policy(hop: &Judged<'_>) -> bool {
    let nothing_sent = match hop.sent.what {
        // What the callee got was sent by somebody, even if the header was added after capture.
        What::Absent | What::None => !matches!(hop.received.what, What::Token | What::Placeholder),
        What::Unknown => matches!(hop.received.what, What::Absent | What::None),
        What::Token | What::Placeholder => false,
    };
    matches!(hop.rule, Some(TokenRule::Optional | TokenRule::Forbidden)) && nothing_sent
}

/// The nature of a hop: the callee's own view of the request, else the caller's.
pub fn nature(case: &Case<'_, '_>, hop: &Judged<'_>) -> Nature {
    let own = case.forest.own();
    let entry = hop.pair.group.iter().map(|&i| own.nodes[i].nature);
    let calls = hop.pair.chain.iter().map(|&at| case.forest.trees[at.tree].nodes[at.span].nature);
    entry.chain(calls).find(|nature| *nature != Nature::Ordinary).unwrap_or(Nature::Ordinary)
}

fn by_nature(case: &Case<'_, '_>, hop: &Judged<'_>) -> bool {
    let nature = nature(case, hop);
    if nature.exempt() {
        return true;
    }
    let own = case.forest.own();
    let entries = hop.pair.group.iter().map(|&i| own.span(i));
    let calls = hop.pair.chain.iter().map(|&at| case.forest.span(at));
    let mut spans = entries.chain(calls);
    let message =
        nature == Nature::Message || spans.clone().any(|s| matches!(s.kind, SpanKind::Producer | SpanKind::Consumer));
    message
        && hop.rule != Some(TokenRule::Required)
        && !spans.any(|s| s.messaging_destination.as_ref().is_some_and(|d| case.profile.destination_carries(d)))
}
