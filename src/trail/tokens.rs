//! Which traces news of one token concerns: those that refused it, and those whose verdicts wait for its check.

use ahash::{AHashMap, AHashSet};

use crate::model::{CarriedValue, Fingerprint, Span, TraceId};

use super::profile::{Checked, Fact};

/// Traces by a token that they hold.
pub type Holders = AHashMap<Fingerprint, AHashSet<TraceId>>;

/// Whether a span carries one of these tokens from before its check.
pub fn awaits_one_of(span: &Span, failed: &AHashSet<Fingerprint>) -> bool {
    !failed.is_empty()
        && span.carried.iter().any(|carried| {
            matches!(&carried.value, CarriedValue::Token(token) if Checked::of(token).is_none()
                && token.fingerprint().is_some_and(|token| failed.contains(token)))
        })
}

/// The token that a trace refused.
pub fn refused(fact: &Fact) -> Option<&Fingerprint> {
    if let Fact::Refused(token) = fact { Some(token) } else { None }
}

/// The token whose check a trace waits for.
pub fn unchecked(fact: &Fact) -> Option<&Fingerprint> {
    if let Fact::Unchecked(token) = fact { Some(token) } else { None }
}

/// Keeps which traces hold which token in such a fact, so that news of the token finds them.
pub fn note(index: &mut Holders, of: fn(&Fact) -> Option<&Fingerprint>, id: TraceId, old: &[Fact], new: &[Fact]) {
    for gone in old.iter().filter_map(of) {
        if let Some(traces) = index.get_mut(gone) {
            traces.remove(&id);
            if traces.is_empty() {
                index.remove(gone);
            }
        }
    }
    for token in new.iter().filter_map(of) {
        index.entry(token.clone()).or_default().insert(id);
    }
}
