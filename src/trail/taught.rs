//! What traces taught of services, kept once for all that taught the same: most traces of a route teach the same facts,
//! and counting each of them anew for every trace would cost more than to judge it.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ahash::AHashSet;

use super::profile::{Fact, Profile};

/// Facts that traces teach together, in order. Counted as one in the profile, however many traces hold them.
#[derive(Debug)]
pub struct FactSet {
    facts: Box<[Arc<Fact>]>,
    /// Traces that hold it. Atomic only because a trail goes from thread to thread; one at a time looks at it.
    holders: AtomicU64,
    /// A trace that held it was evicted: its facts stay known.
    outlived: AtomicBool,
}

impl FactSet {
    /// The facts.
    pub fn facts(&self) -> &[Arc<Fact>] {
        &self.facts
    }

    fn is_held(&self) -> bool {
        self.holders.load(Ordering::Relaxed) > 0
    }
}

/// The sets that traces hold, to be found by what is in them.
#[derive(Default, Debug)]
pub(super) struct Sets(AHashSet<ByContent>, usize);

/// Bytes of a set without its facts, and of each of those.
const PER_SET: usize = 96;
const PER_FACT: usize = size_of::<Arc<Fact>>();

impl Sets {
    /// Bytes that they take; their facts are the profile's.
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * PER_SET + self.1 * PER_FACT
    }
}

/// Parts of a trail know what the whole knows and count for themselves.
impl Clone for Sets {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[derive(Debug)]
struct ByContent(Arc<FactSet>);

impl Borrow<[Arc<Fact>]> for ByContent {
    fn borrow(&self) -> &[Arc<Fact>] {
        &self.0.facts
    }
}

impl Hash for ByContent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.facts.hash(state);
    }
}

impl PartialEq for ByContent {
    fn eq(&self, other: &Self) -> bool {
        self.0.facts == other.0.facts
    }
}

impl Eq for ByContent {}

impl Profile {
    /// The set of these facts, which are in order; `None` for none.
    pub fn set_of(&self, facts: Vec<Fact>) -> Option<Arc<FactSet>> {
        if facts.is_empty() {
            return None;
        }
        let share = |fact: Fact| {
            self.facts.get_key_value(&fact).map_or_else(|| Arc::new(fact.clone()), |(known, _)| Arc::clone(known))
        };
        let facts: Box<[Arc<Fact>]> = facts.into_iter().map(share).collect();
        let known = self.sets.0.get(&*facts).map(|known| Arc::clone(&known.0));
        let new = |facts| Arc::new(FactSet { facts, holders: AtomicU64::new(0), outlived: AtomicBool::new(false) });
        Some(known.unwrap_or_else(|| new(facts)))
    }

    /// The set with the same facts that traces hold, itself where none does.
    pub fn held_like(&self, set: Arc<FactSet>) -> Arc<FactSet> {
        if set.is_held() {
            return set;
        }
        self.sets.0.get(set.facts()).map_or(set, |known| Arc::clone(&known.0))
    }

    /// Counts a trace that teaches a set, of those that [`Profile::held_like`] gives. Facts that nobody had taught are
    /// added to `new`.
    pub fn hold(&mut self, set: &Arc<FactSet>, new: &mut Vec<Arc<Fact>>) {
        if set.holders.fetch_add(1, Ordering::Relaxed) == 0 {
            new.extend(set.facts.iter().filter(|fact| self.add(Fact::clone(fact)).1).cloned());
            self.sets.1 += set.facts.len();
            self.sets.0.insert(ByContent(Arc::clone(set)));
        }
    }

    /// Takes a trace's set back. Facts that nobody teaches any more are added to `gone`.
    pub fn release(&mut self, set: &FactSet, gone: &mut Vec<Arc<Fact>>) {
        if set.holders.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.sets.1 = self.sets.1.saturating_sub(set.facts.len());
            self.sets.0.remove(set.facts());
            if !set.outlived.swap(false, Ordering::Relaxed) {
                gone.extend(set.facts.iter().filter(|fact| self.remove(fact)).cloned());
            }
        }
    }

    /// A trace that held a set is evicted: what it taught of services stays known.
    pub fn outlive(&mut self, set: &FactSet) {
        set.outlived.store(true, Ordering::Relaxed);
        self.release(set, &mut Vec::new());
    }
}
