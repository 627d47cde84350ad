//! The profile between passes over a trail that is judged in parts: facts that are known though no trace is held.

use std::sync::Arc;

use ahash::AHashSet;

use crate::model::Fingerprint;

use super::profile::{Fact, Profile};
use super::taught::Sets;

/// The count of a fact that is known without a trace to hold it.
const KNOWN: u32 = 1 << 31;

impl Profile {
    /// Counts facts that found no room elsewhere.
    pub fn turn_away(&mut self, facts: u64) {
        self.turned_away += facts;
    }

    /// Tokens of which a fact is held.
    pub fn tokens_known(&self) -> usize {
        self.acceptors.len() + self.checks.len()
    }

    /// Takes these facts for known, and forgets all others. No trace is counted with them.
    pub fn know(&mut self, facts: impl IntoIterator<Item = Fact>) {
        self.facts.clear();
        self.lasting = 0;
        self.acceptors.clear();
        self.checks.clear();
        self.sets = Sets::default();
        self.age.others += 1;
        for fact in facts {
            let (fact, _) = self.add(fact);
            self.facts.insert(fact, KNOWN);
        }
    }

    /// Whether these facts are those that are known, no more and no less.
    pub fn knows_just(&self, facts: &AHashSet<Fact>) -> bool {
        facts.len() == self.facts.len() && facts.iter().all(|fact| self.holds(fact))
    }

    /// The facts that traces hold: what was only known is not among them.
    pub fn into_held(self) -> impl Iterator<Item = Fact> {
        self.facts.into_iter().filter(|(_, count)| count & !KNOWN > 0).map(|(fact, _)| Arc::unwrap_or_clone(fact))
    }

    /// Forgets the facts about tokens that are not asked for.
    pub fn keep_tokens(&mut self, asked_for: impl Fn(&Fingerprint) -> bool) {
        self.facts.retain(|fact, _| fact.token().is_none_or(&asked_for));
        self.acceptors.retain(|token, _| asked_for(token));
        self.checks.retain(|token, _| asked_for(token));
    }
}
