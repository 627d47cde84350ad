//! The profile on paper: written beside recordings, given back to the judge, so that one trace alone is judged as it
//! was among the others.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{ServiceName, SpanKind};

use super::process::{ProcessFacts, Unit, UnitFacts};
use super::profile::{Fact, Profile};

/// Everything that the capture profile knows, in a stable order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedProfile {
    /// Version of this layout.
    pub version: u32,
    units: Vec<SavedUnit>,
    processes: Vec<SavedProcess>,
    consumers: Vec<ServiceName>,
    destinations: Vec<Arc<str>>,
    services: Vec<ServiceName>,
    facts: Vec<Fact>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
struct SavedUnit {
    instance: Arc<str>,
    kind: SpanKind,
    scope: Arc<str>,
    carrier: bool,
    traceparent: bool,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
struct SavedProcess {
    instance: Arc<str>,
    captures: bool,
    longest: u32,
    longest_count: u32,
    longest_carried: u32,
}

impl SavedProfile {
    /// What traces taught.
    pub(super) fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Whether it knows nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self { version: self.version, ..Self::default() }
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}

impl Profile {
    /// Writes down what is known.
    pub fn save(&self) -> SavedProfile {
        let units = self.units.iter().map(|(unit, facts)| SavedUnit {
            instance: Arc::clone(&unit.instance),
            kind: unit.kind,
            scope: Arc::clone(&unit.scope),
            carrier: facts.carrier,
            traceparent: facts.traceparent,
        });
        let processes = self.processes.iter().map(|(instance, facts)| SavedProcess {
            instance: Arc::clone(instance),
            captures: facts.captures,
            longest: facts.longest,
            // One value seen once says nothing, and it may be the very one that comes again.
            longest_count: if facts.longest_count < 2 { 0 } else { 2 },
            longest_carried: facts.longest_carried,
        });
        let services = self.namespaces.iter().flat_map(|(name, namespaces)| {
            namespaces.iter().map(|namespace| ServiceName { namespace: Arc::clone(namespace), name: Arc::clone(name) })
        });
        SavedProfile {
            version: 1,
            units: sorted(units),
            processes: sorted(processes),
            consumers: sorted(self.consumers.iter().cloned()),
            destinations: sorted(self.destinations.iter().cloned()),
            services: sorted(services),
            facts: sorted(self.facts.keys().map(|fact| Fact::clone(fact))),
        }
    }

    /// Knows all that was written down, beside what it knows itself. It stays known, whatever comes.
    pub fn restore(&mut self, saved: &SavedProfile) {
        self.age.others += 1;
        for unit in &saved.units {
            let key = Unit { instance: Arc::clone(&unit.instance), kind: unit.kind, scope: Arc::clone(&unit.scope) };
            let facts: &mut UnitFacts = self.units.entry(key).or_default();
            facts.carrier |= unit.carrier;
            facts.traceparent |= unit.traceparent;
        }
        for process in &saved.processes {
            let facts: &mut ProcessFacts = self.processes.entry(Arc::clone(&process.instance)).or_default();
            facts.captures |= process.captures;
            facts.longest_carried = facts.longest_carried.max(process.longest_carried);
            if process.longest > facts.longest {
                (facts.longest, facts.longest_count) = (process.longest, process.longest_count);
            } else if process.longest == facts.longest {
                facts.longest_count = facts.longest_count.max(process.longest_count);
            }
        }
        self.consumers.extend(saved.consumers.iter().cloned());
        self.destinations.extend(saved.destinations.iter().cloned());
        for service in &saved.services {
            let namespaces = self.namespaces.entry(Arc::clone(&service.name)).or_default();
            namespaces.insert(Arc::clone(&service.namespace));
        }
        for fact in &saved.facts {
            self.add(fact.clone());
        }
    }
}
