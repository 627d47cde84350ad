//! Which traces a fact that turned concerns: their verdicts lean on it.

use ahash::{AHashMap, AHashSet};

use crate::model::{CarriedValue, Fingerprint, Span, TraceId};

use super::profile::{Checked, Fact};

/// Keeps which traces lean on which fact.
pub fn lean(leaning: &mut AHashMap<Fact, AHashSet<TraceId>>, id: TraceId, old: &[Fact], new: &[Fact]) {
    for gone in old.iter().filter(|fact| !new.contains(fact)) {
        if let Some(traces) = leaning.get_mut(gone) {
            traces.remove(&id);
            if traces.is_empty() {
                leaning.remove(gone);
            }
        }
    }
    for fact in new.iter().filter(|fact| !old.contains(fact)) {
        leaning.entry(fact.clone()).or_default().insert(id);
    }
}

/// Whether a span carries one of these tokens from before its check.
pub fn awaits_one_of(span: &Span, failed: &AHashSet<Fingerprint>) -> bool {
    !failed.is_empty()
        && span.carried.iter().any(|carried| {
            matches!(&carried.value, CarriedValue::Token(token) if Checked::of(token).is_none()
                && token.fingerprint().is_some_and(|token| failed.contains(token)))
        })
}
