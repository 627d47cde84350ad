//! What all traces together show: which unit captures what, who refuses, who consumes (tagging.md section 3).
//!
//! The second input of the judge. Facts only come, never go, so that another trace can turn unknown into known and not
//! the other way; facts that stem from judged hops are counted by trace and go when the trace is judged anew.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use serde::{Deserialize, Serialize};

use crate::model::{Arrived, CarriedValue, Check, Fingerprint, Reason, Resource, ServiceName, Span, SpanKind, Token};

use super::process::{ProcessFacts, Unit, UnitFacts, names_within};
use super::taught::Sets;

/// A fact that a judged trace contributes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// This service was seen to refuse a token by itself.
    Refuses(ServiceName),
    /// This service was seen to refuse on this operation.
    RefusesAt(ServiceName, Arc<str>),
    /// A hop to this service and operation arrived with a token.
    ReceivesToken(ServiceName, Arc<str>),
    /// A traced service is called by this host name.
    TracedHost(Arc<str>),
    /// A call to this host carried a token.
    HostGivenToken(Arc<str>),
    /// This caller was seen at a token or introspection endpoint.
    AsksIssuer(ServiceName),
    /// This process of this service took this token: it said so, or answered well where it is known to refuse.
    Accepts(Fingerprint, ServiceName, Arc<str>),
    /// Whether anyone took a token that was refused: what a trace leans on, never what it teaches.
    Refused(Fingerprint),
    /// What jwtrail's own check said of this token.
    Checked(Fingerprint, Checked),
    /// A verdict of the trace would like to know what the own check says of this token, and there is none.
    Unchecked(Fingerprint),
}

/// The outcome of jwtrail's own check, the better one first: keys that were held once and no longer prove as much.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// The signature holds.
    Valid,
    /// It does not, or its algorithm is not the key's.
    Failed(Reason),
}

/// The capture profile and its companions.
#[derive(Clone, Default, Debug)]
pub struct Profile {
    pub(super) units: AHashMap<Unit, UnitFacts>,
    pub(super) processes: AHashMap<Arc<str>, ProcessFacts>,
    pub(super) consumers: AHashSet<ServiceName>,
    pub(super) destinations: AHashSet<Arc<str>>,
    pub(super) namespaces: AHashMap<Arc<str>, AHashSet<Arc<str>>>,
    pub(super) turned_away: u64,
    pub(super) facts: AHashMap<Arc<Fact>, u32>,
    pub(super) acceptors: AHashMap<Fingerprint, Vec<(ServiceName, Arc<str>)>>,
    pub(super) checks: AHashMap<Fingerprint, Vec<Checked>>,
    /// Facts that do not go with a token's traces, and how many there may be.
    pub(super) lasting: usize,
    pub(super) most: Option<usize>,
    /// How many names of each kind may be known, and how often there was no room for one.
    pub(super) most_names: Option<usize>,
    pub(super) nameless: u64,
    /// Sets of facts that traces teach.
    pub(super) sets: Sets,
    pub(super) age: Age,
    /// The resource of the last span: its name is known, and spans come in groups.
    last: Option<Arc<Resource>>,
}

/// Counts of changes: what was judged at one age would be judged the same at the same age, as far as the profile goes.
/// What is known of single tokens is not counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Age {
    /// Changes of what is known of operations: the only facts of which there may be new ones for ever.
    pub operations: u64,
    /// All other changes.
    pub others: u64,
}

/// What a span taught the profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Learned {
    /// Nothing new.
    Nothing,
    /// Something about the span's own service.
    Service,
    /// Something about more than one service.
    Anyone,
}

impl Profile {
    /// Learns from one span.
    pub fn learn(&mut self, span: &Arrived) -> Learned {
        let mut learned = Learned::Nothing;
        if self.last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &span.resource)) {
            if self.learn_name(&span.resource.service) {
                learned = Learned::Anyone;
            }
            self.last = Some(Arc::clone(&span.resource));
        }
        if self.learn_unit(span) | self.learn_process(span) {
            learned = learned.max(Learned::Service);
        }
        if span.kind == SpanKind::Consumer
            && !self.consumers.contains(&span.resource.service)
            && self.has_room(self.consumers.len())
        {
            self.consumers.insert(span.resource.service.clone());
            // Once there is no room for more, any service may be one.
            let full = self.is_full(self.consumers.len());
            learned = learned.max(if full { Learned::Anyone } else { Learned::Service });
        }
        if let Some(destination) = &span.messaging_destination
            && shows_token(span)
            && !self.destinations.contains(destination)
            && self.has_room(self.destinations.len())
        {
            self.destinations.insert(Arc::clone(destination));
            learned = Learned::Anyone;
        }
        self.age.others += u64::from(learned != Learned::Nothing);
        learned
    }

    /// How often what is known has changed.
    pub fn age(&self) -> Age {
        self.age
    }

    /// Counts a fact that came or went.
    fn grow_older(&mut self, fact: &Fact) {
        match fact {
            Fact::ReceivesToken(..) | Fact::RefusesAt(..) => self.age.operations += 1,
            _ => self.age.others += u64::from(!fact.is_of_a_token()),
        }
    }

    /// Whether a judged trace holds this fact.
    pub fn holds(&self, fact: &Fact) -> bool {
        self.facts.contains_key(fact)
    }

    /// The processes that took a token, by service.
    pub fn acceptors(&self, token: &Fingerprint) -> &[(ServiceName, Arc<str>)] {
        self.acceptors.get(token).map_or(&[], Vec::as_slice)
    }

    /// The best of what jwtrail's own check said of a token on any span: keys may have come after it was first seen.
    pub fn check(&self, token: &Token) -> Option<Checked> {
        let own = Checked::of(token);
        if own == Some(Checked::Valid) || self.checks.is_empty() {
            return own;
        }
        let known = token.fingerprint().and_then(|token| self.checks.get(token)).into_iter().flatten().copied();
        known.chain(own).min()
    }

    /// Whether jwtrail's own check found a token's signature to hold.
    pub fn finds_valid(&self, token: &Token) -> bool {
        self.check(token) == Some(Checked::Valid)
    }

    /// Facts that found no room.
    pub fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// Adds a trace's fact, and gives back the shared one; true where it is new.
    pub fn add(&mut self, fact: Fact) -> (Arc<Fact>, bool) {
        if let Some((known, _)) = self.facts.get_key_value(&fact) {
            let known = Arc::clone(known);
            if let Some(count) = self.facts.get_mut(&*known) {
                *count += 1;
            }
            return (known, false);
        }
        // Facts about tokens go with their traces; those about services and operations stay, so strangers' names have a bound.
        if self.lasting >= self.most.unwrap_or(MAX_FACTS) && !fact.is_of_a_token() {
            self.turned_away += 1;
            return (Arc::new(fact), false);
        }
        self.lasting += usize::from(!fact.is_of_a_token());
        match &fact {
            Fact::Accepts(token, service, instance) => {
                self.acceptors.entry(token.clone()).or_default().push((service.clone(), Arc::clone(instance)));
            }
            Fact::Checked(token, checked) => self.checks.entry(token.clone()).or_default().push(*checked),
            _ => {}
        }
        self.grow_older(&fact);
        let fact = Arc::new(fact);
        self.facts.insert(Arc::clone(&fact), 1);
        (fact, true)
    }

    /// Holds so many facts about services and operations that they fit into so many bytes.
    pub fn within(mut self, bytes: usize) -> Self {
        self.most = Some((bytes / PER_FACT).clamp(LEAST_FACTS, MAX_FACTS));
        self.most_names = Some(names_within(bytes));
        self
    }

    /// Bytes that facts take.
    pub fn bytes(&self) -> usize {
        self.facts.len() * PER_FACT + (self.acceptors.len() + self.checks.len()) * PER_TOKEN + self.sets.bytes()
    }

    /// Takes a trace's fact back; true where no other trace holds it.
    pub fn remove(&mut self, fact: &Fact) -> bool {
        match self.facts.get_mut(fact) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => {
                match fact {
                    Fact::Accepts(token, service, instance) => {
                        let gone = |(s, i): &(ServiceName, Arc<str>)| (s, i) == (service, instance);
                        take_out(&mut self.acceptors, token, gone);
                    }
                    Fact::Checked(token, checked) => take_out(&mut self.checks, token, |known| known == checked),
                    _ => {}
                }
                self.lasting -= usize::from(!fact.is_of_a_token());
                self.grow_older(fact);
                self.facts.remove(fact).is_some()
            }
            None => false,
        }
    }
}

/// Takes entries out of a token's list, and the list with the last of them.
fn take_out<T>(lists: &mut AHashMap<Fingerprint, Vec<T>>, token: &Fingerprint, gone: impl Fn(&T) -> bool) {
    if let Some(list) = lists.get_mut(token) {
        list.retain(|entry| !gone(entry));
        if list.is_empty() {
            lists.remove(token);
        }
    }
}

impl Fact {
    /// Whether it says something of one token: such facts go with their trace, or there would be no end of them.
    pub fn is_of_a_token(&self) -> bool {
        self.token().is_some()
    }

    /// The same of another token, where it is of one.
    #[must_use]
    pub fn about(&self, token: &Fingerprint) -> Self {
        let mut fact = self.clone();
        if let Self::Accepts(of, ..) | Self::Refused(of) | Self::Checked(of, _) | Self::Unchecked(of) = &mut fact {
            *of = token.clone();
        }
        fact
    }

    /// The token that it says something of.
    pub fn token(&self) -> Option<&Fingerprint> {
        match self {
            Self::Accepts(token, ..) | Self::Refused(token) | Self::Checked(token, _) | Self::Unchecked(token) => {
                Some(token)
            }
            _ => None,
        }
    }
}

impl Checked {
    /// What a token itself says of its check.
    pub fn of(token: &Token) -> Option<Self> {
        match token.check {
            Check::NotChecked => None,
            Check::Valid(_) => Some(Self::Valid),
            Check::Failed(reason) => Some(Self::Failed(reason)),
        }
    }
}

/// Facts kept of all traces together.
const MAX_FACTS: usize = 500_000;

/// The least that are, however little memory there is.
const LEAST_FACTS: usize = 1_000;

/// Bytes that a fact takes with its place; and what is known of a token by its facts.
const PER_FACT: usize = 160;
const PER_TOKEN: usize = 288;

fn shows_token(span: &Span) -> bool {
    span.carried.iter().any(|c| matches!(c.value, CarriedValue::Token(_) | CarriedValue::Redacted))
}

impl Learned {
    fn rank(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Service => 1,
            Self::Anyone => 2,
        }
    }

    /// The wider of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }
}
