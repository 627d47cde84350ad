//! Which traces a fact that turned concerns: their verdicts lean on it.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};

use crate::model::{CarriedValue, Fingerprint, Span, TraceId};

use super::profile::{Checked, Fact};

/// Which traces lean on which fact.
#[derive(Default)]
pub struct Leaning(AHashMap<Arc<Fact>, AHashSet<TraceId>>);

/// Bytes of a fact on which somebody leans: itself, its place, and the smallest set of traces.
const PER_FACT: usize = 320;

impl Leaning {
    /// The traces that lean on a fact.
    pub fn of(&self, fact: &Fact) -> impl Iterator<Item = &TraceId> {
        self.0.get(fact).into_iter().flatten()
    }

    /// A trace leans on other facts than before, or on none. What it now has to keep.
    pub fn lean(&mut self, id: TraceId, old: &[Arc<Fact>], new: &[Fact]) -> Box<[Arc<Fact>]> {
        for gone in old.iter().filter(|fact| !new.contains(fact)) {
            if let Some(traces) = self.0.get_mut(&**gone) {
                traces.remove(&id);
                if traces.is_empty() {
                    self.0.remove(&**gone);
                }
            }
        }
        new.iter()
            .map(|fact| {
                let known = self.0.get_key_value(fact).map(|(known, _)| Arc::clone(known));
                let fact = known.unwrap_or_else(|| Arc::new(fact.clone()));
                self.0.entry(Arc::clone(&fact)).or_default().insert(id);
                fact
            })
            .collect()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Bytes that it takes beside what each trace is counted with.
    pub fn bytes(&self) -> usize {
        self.0.len() * PER_FACT
    }
}

/// Whether kept facts are just these.
pub fn are(kept: &[Arc<Fact>], facts: &[Fact]) -> bool {
    kept.iter().map(|fact| &**fact).eq(facts)
}

/// Whether a span carries one of these tokens from before its check.
pub fn awaits_one_of(span: &Span, failed: &AHashSet<Fingerprint>) -> bool {
    !failed.is_empty()
        && span.carried.iter().any(|carried| {
            matches!(&carried.value, CarriedValue::Token(token) if Checked::of(token).is_none()
                && token.fingerprint().is_some_and(|token| failed.contains(token)))
        })
}
