//! What all traces together show: which unit captures what, who refuses, who consumes (tagging.md section 3).
//!
//! The second input of the judge. Facts only come, never go, so that another trace can turn unknown into known and not
//! the other way; facts that stem from judged hops are counted by trace and go when the trace is judged anew.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use serde::{Deserialize, Serialize};

use crate::model::{Carried, CarriedValue, Fingerprint, Resource, ServiceName, Span, SpanKind};

/// One process, one span kind, one instrumentation scope.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Unit {
    pub(super) instance: Arc<str>,
    pub(super) kind: SpanKind,
    pub(super) scope: Arc<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct UnitFacts {
    pub(super) carrier: bool,
    pub(super) traceparent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct ProcessFacts {
    pub(super) captures: bool,
    pub(super) longest: u32,
    pub(super) longest_count: u32,
}

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
    /// This token was refused somewhere in the trace, for its own sake.
    Refused(Fingerprint),
}

/// The capture profile and its companions.
#[derive(Default, Debug)]
pub struct Profile {
    pub(super) units: AHashMap<Unit, UnitFacts>,
    pub(super) processes: AHashMap<Arc<str>, ProcessFacts>,
    pub(super) consumers: AHashSet<ServiceName>,
    pub(super) destinations: AHashSet<Arc<str>>,
    pub(super) namespaces: AHashMap<Arc<str>, AHashSet<Arc<str>>>,
    pub(super) facts: AHashMap<Fact, u32>,
    acceptors: AHashMap<Fingerprint, Vec<(ServiceName, Arc<str>)>>,
    /// The resource of the last span: its name is known, and spans come in groups.
    last: Option<Arc<Resource>>,
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
    pub fn learn(&mut self, span: &Span) -> Learned {
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
        if span.kind == SpanKind::Consumer && !self.consumers.contains(&span.resource.service) {
            self.consumers.insert(span.resource.service.clone());
            learned = learned.max(Learned::Service);
        }
        if let Some(destination) = &span.messaging_destination
            && shows_token(span)
            && !self.destinations.contains(destination)
        {
            self.destinations.insert(Arc::clone(destination));
            learned = Learned::Anyone;
        }
        learned
    }

    fn learn_name(&mut self, service: &ServiceName) -> bool {
        if let Some(namespaces) = self.namespaces.get_mut(&service.name) {
            return !namespaces.contains(&service.namespace) && namespaces.insert(Arc::clone(&service.namespace));
        }
        self.namespaces.insert(Arc::clone(&service.name), std::iter::once(Arc::clone(&service.namespace)).collect());
        false
    }

    fn learn_unit(&mut self, span: &Span) -> bool {
        if !span.captured.carrier && !span.captured.traceparent {
            return false;
        }
        let unit =
            Unit { instance: Arc::clone(&span.resource.instance), kind: span.kind, scope: Arc::clone(&span.scope) };
        let facts = self.units.entry(unit).or_default();
        let before = *facts;
        facts.carrier |= span.captured.carrier;
        facts.traceparent |= span.captured.traceparent;
        *facts != before
    }

    fn learn_process(&mut self, span: &Span) -> bool {
        let facts = match self.processes.get_mut(&span.resource.instance) {
            Some(facts) => facts,
            None => self.processes.entry(Arc::clone(&span.resource.instance)).or_default(),
        };
        let before = *facts;
        facts.captures |= span.captured.carrier || span.captured.traceparent;
        let (length, count) = span.longest_text;
        if length > facts.longest {
            (facts.longest, facts.longest_count) = (length, u32::from(count));
        } else if length == facts.longest && facts.longest_count < 2 {
            facts.longest_count += u32::from(count);
        }
        // A length limit matters only where a captured value could have been cut at it.
        let cut_changed = facts.longest >= CUT_FROM
            && (facts.longest, facts.longest_count >= 2) != (before.longest, before.longest_count >= 2);
        facts.captures != before.captures || cut_changed
    }

    /// Whether this span's unit was ever seen to capture a carrier.
    pub fn unit_captures_carrier(&self, span: &Span) -> bool {
        self.unit(span).carrier
    }

    /// Whether this span's unit was ever seen to capture a carrier or the witness.
    pub fn unit_captures(&self, span: &Span) -> bool {
        let facts = self.unit(span);
        facts.carrier || facts.traceparent
    }

    fn unit(&self, span: &Span) -> UnitFacts {
        let unit =
            Unit { instance: Arc::clone(&span.resource.instance), kind: span.kind, scope: Arc::clone(&span.scope) };
        self.units.get(&unit).copied().unwrap_or_default()
    }

    /// Whether any span of this process was seen to capture a carrier or the witness.
    pub fn process_captures(&self, span: &Span) -> bool {
        self.processes.get(&span.resource.instance).is_some_and(|facts| facts.captures)
    }

    /// Whether a value of this length stands at this process's attribute length limit.
    pub fn at_length_limit(&self, span: &Span, carried: &Carried) -> bool {
        self.processes.get(&span.resource.instance).is_some_and(|facts| {
            facts.longest >= CUT_FROM && facts.longest_count >= 2 && carried.captured_length == facts.longest
        })
    }

    /// Whether this service consumes messages.
    pub fn consumes(&self, service: &ServiceName) -> bool {
        self.consumers.contains(service)
    }

    /// Whether a token was ever seen on messages to this destination.
    pub fn destination_carries(&self, destination: &str) -> bool {
        self.destinations.contains(destination)
    }

    /// The name to show: bare unless two namespaces hold the same one.
    pub fn shown(&self, service: &ServiceName) -> Arc<str> {
        match self.namespaces.get(&service.name) {
            Some(namespaces) if namespaces.len() > 1 => service.to_string().into(),
            _ => Arc::clone(&service.name),
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

    /// Adds a trace's fact; true where it is new.
    pub fn add(&mut self, fact: &Fact) -> bool {
        if let Some(count) = self.facts.get_mut(fact) {
            *count += 1;
            return false;
        }
        if let Fact::Accepts(token, service, instance) = fact {
            self.acceptors.entry(token.clone()).or_default().push((service.clone(), Arc::clone(instance)));
        }
        self.facts.insert(fact.clone(), 1);
        true
    }

    /// Takes a trace's fact back; true where no other trace holds it.
    pub fn remove(&mut self, fact: &Fact) -> bool {
        match self.facts.get_mut(fact) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => {
                if let Fact::Accepts(token, service, instance) = fact
                    && let Some(list) = self.acceptors.get_mut(token)
                {
                    list.retain(|(s, i)| (s, i) != (service, instance));
                    if list.is_empty() {
                        self.acceptors.remove(token);
                    }
                }
                self.facts.remove(fact).is_some()
            }
            None => false,
        }
    }
}

/// The shortest attribute length limit that could cut a token (tagging.md section 3).
const CUT_FROM: u32 = 64;

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
