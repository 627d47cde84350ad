//! Which traces a fact that turned concerns: their verdicts lean on it.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};

use crate::model::{CarriedValue, Fingerprint, Span, TraceId};

use super::Trail;
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
    pub fn lean(&mut self, id: TraceId, old: &[Arc<Fact>], new: Vec<Fact>) -> Box<[Arc<Fact>]> {
        for gone in old.iter().filter(|fact| !new.contains(fact)) {
            if let Some(traces) = self.0.get_mut(&**gone) {
                traces.remove(&id);
                if traces.is_empty() {
                    self.0.remove(&**gone);
                }
            }
        }
        new.into_iter()
            .map(|fact| {
                let known = self.0.get_key_value(&fact).map(|(known, _)| Arc::clone(known));
                let fact = known.unwrap_or_else(|| Arc::new(fact));
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

impl Trail {
    /// True where the trace's own verdicts lean on what it taught.
    pub(super) fn replace_facts(&mut self, id: TraceId, facts: Vec<Fact>) -> bool {
        let Some(trace) = self.traces.get_mut(&id).filter(|trace| !are(&trace.facts, &facts)) else { return false };
        let added: Vec<(Arc<Fact>, bool)> = facts.into_iter().map(|fact| self.profile.add(fact)).collect();
        let facts: Box<[Arc<Fact>]> = added.iter().map(|(fact, _)| Arc::clone(fact)).collect();
        let old = std::mem::replace(&mut trace.facts, facts);
        let facts = &trace.facts;
        let mut flipped: Vec<&Arc<Fact>> = added.iter().filter(|(_, new)| *new).map(|(fact, _)| fact).collect();
        let gone: Vec<&Arc<Fact>> = old.iter().filter(|fact| self.profile.remove(fact)).collect();
        let mut reconsider: Vec<TraceId> = Vec::new();
        // A fact that left and came back in one judgement has not changed.
        flipped.retain(|fact| !old.contains(fact));
        for fact in flipped.into_iter().chain(gone.into_iter().filter(|fact| !facts.contains(fact))) {
            match &**fact {
                Fact::Refuses(service) | Fact::AsksIssuer(service) => {
                    self.learned.insert(service.clone());
                }
                Fact::Accepts(token, ..) => {
                    let refused = Fact::Refused(token.clone());
                    reconsider.extend(self.leaning.of(&refused));
                }
                Fact::Checked(token, Checked::Valid) => {
                    let waits = Fact::Unchecked(token.clone());
                    reconsider.extend(self.leaning.of(&waits));
                }
                Fact::Checked(token, Checked::Failed(_)) => {
                    self.failed_checks.insert(token.clone());
                }
                other => reconsider.extend(self.leaning.of(other)),
            }
        }
        let itself = reconsider.contains(&id);
        reconsider.into_iter().filter(|trace| *trace != id).for_each(|trace| self.touch_linked(trace));
        itself
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
