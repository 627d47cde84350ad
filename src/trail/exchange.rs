//! When a change was meant (verdicts.md section 6).

use crate::model::policy::TokenRule;
use crate::model::{Cause, Confidence, Span, Token, TokenFormat, UnixNanos};

use super::compare::{Change, Subject, same_issuer, subject};
use super::nature::Nature;
use super::pairing::{At, Forest, top_down};
use super::profile::{Fact, Profile};
use super::tree::{Role, Tree};

/// What the judge knows of the caller of a changed hop.
pub struct Circumstances<'c> {
    /// The policy's rule for the edge.
    pub rule: Option<TokenRule>,
    /// The call span and those around it.
    pub calls: Vec<&'c Span>,
    /// The caller's name.
    pub caller: &'c str,
    /// Calls by this caller, before this call: to a token endpoint, to an introspection endpoint.
    pub fetched: Fetched,
    /// Whether the callee, or jwtrail's own check, takes the new token.
    pub accepted: bool,
}

/// What this caller asked the issuer before this call.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fetched {
    /// A token endpoint, in this trace.
    pub token: bool,
    /// An introspection endpoint, in this trace.
    pub introspection: bool,
    /// Either, in any trace.
    pub ever: bool,
}

/// The cause and confidence of `exchanged`, where the change was meant.
pub fn meant(change: &Change<'_>, about: &Circumstances<'_>) -> Option<(Cause, Confidence)> {
    let (Some(from), Some(to)) = (change.from.map(|s| &**s.token), change.to.map(|s| &**s.token)) else {
        return by_policy_alone(change, about);
    };
    match (about.rule, change.cause) {
        (Some(TokenRule::Own), Cause::SubjectSwitched | Cause::Reminted | Cause::Replaced | Cause::Resigned)
        | (Some(TokenRule::Exchange), Cause::Reminted | Cause::Replaced | Cause::Resigned) => {
            return Some((Cause::Policy, Confidence::Proven));
        }
        (_, Cause::Reminted | Cause::Replaced) => {}
        _ => return None,
    }
    if says_so(to, about) || is_transaction_token(from, to) {
        return Some((Cause::Evidence, Confidence::Likely));
    }
    let kept = subject(from, to) == Subject::Kept;
    if kept && about.fetched.token {
        return Some((Cause::Evidence, Confidence::Likely));
    }
    if kept && same_issuer(from, to) == Some(true) && from.aud != to.aud && about.accepted {
        return Some((Cause::Evidence, Confidence::Possible));
    }
    if to.format == Some(TokenFormat::Jws) && matches!(from.format, Some(TokenFormat::Opaque | TokenFormat::Jwe)) {
        let asked = about.fetched.introspection || about.fetched.token || about.fetched.ever;
        return Some((Cause::OpaqueToJws, if asked { Confidence::Likely } else { Confidence::Possible }));
    }
    None
}

fn by_policy_alone(change: &Change<'_>, about: &Circumstances<'_>) -> Option<(Cause, Confidence)> {
    let expected = matches!(about.rule, Some(TokenRule::Exchange | TokenRule::Own));
    (expected && change.cause == Cause::Replaced).then_some((Cause::Policy, Confidence::Proven))
}

/// The caller's own tags, or an `act` claim (RFC 8693 section 4.1) that names the caller.
fn says_so(to: &Token, about: &Circumstances<'_>) -> bool {
    let tagged = about
        .calls
        .iter()
        .filter_map(|span| span.tags())
        .any(|tags| tags.exchange_intent.is_some() || tags.exchanged_from.is_some());
    tagged || to.actors.first().is_some_and(|actor| names(actor, about.caller))
}

/// Whether an actor's identifier names a service: `orders`, `…/sa/orders`, `system:serviceaccount:shop:orders`.
fn names(actor: &str, service: &str) -> bool {
    let bare = service.rsplit('/').next().unwrap_or(service);
    let actor = actor.strip_suffix("@clients").unwrap_or(actor);
    let actor = actor.strip_prefix("service-account-").unwrap_or(actor);
    actor.rsplit(['/', ':']).next() == Some(bare)
}

/// `typ` `txntoken+jwt` with the same `txn` as before, or the first of its transaction.
fn is_transaction_token(from: &Token, to: &Token) -> bool {
    to.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("txntoken+jwt"))
        && match (&from.txn_hash, &to.txn_hash) {
            (Some(a), Some(b)) => a.compare(b) == Some(true),
            (None, _) => true,
            _ => false,
        }
}

/// Calls to issuers in the own trace: for each, the top of its service's run of spans, its nature and its start.
pub struct IssuerCalls {
    calls: Vec<(usize, Nature, UnixNanos)>,
    tops: Vec<usize>,
}

impl IssuerCalls {
    /// Gathers them in one pass, parents before children.
    pub fn new(tree: &Tree<'_>) -> Self {
        let issuer = |i: &usize| {
            tree.nodes[*i].role == Role::Call
                && matches!(tree.nodes[*i].nature, Nature::TokenEndpoint | Nature::Introspection)
        };
        let calls: Vec<usize> = (0..tree.spans.len()).filter(issuer).collect();
        if calls.is_empty() {
            return Self { calls: Vec::new(), tops: Vec::new() };
        }
        let mut tops: Vec<usize> = (0..tree.spans.len()).collect();
        for i in top_down(tree) {
            if let Some(parent) = tree.nodes[i].parent {
                let called = tree.nodes[i].role == Role::Entry && tree.nodes[parent].role == Role::Call;
                if tree.same_service(i, parent) && !called {
                    tops[i] = tops[parent];
                }
            }
        }
        let calls = calls.into_iter().map(|i| (tops[i], tree.nodes[i].nature, tree.span(i).start)).collect();
        Self { calls, tops }
    }

    /// What the maker of a call asked of an issuer under the same entry, before this call.
    pub fn before(&self, forest: &Forest<'_>, call: At, profile: &Profile) -> Fetched {
        let tree = &forest.trees[call.tree];
        let ever = profile.holds(&Fact::AsksIssuer(tree.service(call.span).clone()));
        let mut fetched = Fetched { ever, ..Fetched::default() };
        let start = tree.span(call.span).start;
        if call.tree != 0 || self.calls.is_empty() {
            return fetched;
        }
        for (_, nature, _) in self.calls.iter().filter(|(top, _, at)| *top == self.tops[call.span] && *at < start) {
            fetched.token |= *nature == Nature::TokenEndpoint;
            fetched.introspection |= *nature == Nature::Introspection;
        }
        fetched
    }
}
