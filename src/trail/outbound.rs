//! Hops whose callee never reports (verdicts.md section 3, last paragraph).

use std::sync::Arc;

use crate::model::{Cause, Confidence, Segment, Verdict};

use super::compare::{Relation, relate};
use super::judge::{Case, Judged};
use super::observe::{Observed, What};
use super::profile::Fact;
use super::table::Ruling;

/// Rules on what a call span alone shows.
pub fn rule_outbound<'a>(case: &Case<'a, '_>, hop: &Judged<'a>, inbound: &Observed<'a>) -> Ruling<'a> {
    let untraced = || Ruling::new(Verdict::Unknown, Some(Cause::CalleeUntraced), Confidence::Possible);
    match hop.sent.what {
        What::Token | What::Placeholder if inbound.has_token() => match relate(inbound, &hop.sent) {
            Relation::Same => Ruling::new(Verdict::Intact, None, Confidence::Likely),
            Relation::Other(change) if is_damage(change.cause) => Ruling {
                segment: Some(Segment::Relay),
                cause: Some(change.cause),
                change: Some(change),
                ..Ruling::new(Verdict::Changed, None, Confidence::Proven)
            },
            Relation::Other(_) => Ruling::new(Verdict::Originated, Some(Cause::Minted), Confidence::Likely),
            Relation::Incomparable(cause) => Ruling::new(Verdict::Unknown, Some(cause), Confidence::Possible),
        },
        What::Token if inbound.none_there() => {
            Ruling::new(Verdict::Originated, Some(Cause::Minted), Confidence::Likely)
        }
        What::Placeholder => {
            Ruling { anomaly: true, ..Ruling::new(Verdict::Absent, Some(Cause::Anonymous), hop.sent.confidence) }
        }
        What::Absent => nothing_sent(case, hop, inbound),
        _ => untraced(),
    }
}

/// The caller's own token, harmed, is no credential of another kind.
fn is_damage(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Placeholder
            | Cause::Prefix
            | Cause::Reencoded
            | Cause::Truncated
            | Cause::SignatureStripped
            | Cause::Tampered
            | Cause::Resigned
    )
}

fn nothing_sent<'a>(case: &Case<'a, '_>, hop: &Judged<'a>, inbound: &Observed<'a>) -> Ruling<'a> {
    let host = host(case, hop);
    let internal = is_internal(case, host.as_ref());
    if !internal {
        return Ruling::new(Verdict::Absent, Some(Cause::Exempt), hop.sent.confidence);
    }
    let others_send = host.is_some_and(|host| case.profile.holds(&Fact::HostGivenToken(host)));
    if hop.answer.refused && inbound.has_token() && others_send {
        return Ruling {
            segment: Some(Segment::Relay),
            ..Ruling::new(Verdict::Dropped, Some(Cause::NotSent), hop.sent.confidence.min(Confidence::Likely))
        };
    }
    Ruling::new(Verdict::Unknown, Some(Cause::CalleeUntraced), Confidence::Possible)
}

/// The host that was called, by the first call span that knows it.
pub fn host(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<Arc<str>> {
    hop.pair.chain.iter().find_map(|&at| case.forest.span(at).host.clone())
}

/// Whether a host belongs to the cluster: by name, by policy, or because a traced service answers there.
pub fn is_internal(case: &Case<'_, '_>, host: Option<&Arc<str>>) -> bool {
    host.is_none_or(|host| case.rules.is_internal_host(host) || case.profile.holds(&Fact::TracedHost(Arc::clone(host))))
}
