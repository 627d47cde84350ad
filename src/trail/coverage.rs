//! What each service tells, and what is wrong with the set-up (verdicts.md section 10, last paragraph).

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};

use crate::model::{CarriedValue, ServiceName, Span, VerifyResult};

use super::aggregate::OTHERS;
use super::hints;
use super::process::names_within;
use super::profile::{Fact, Profile};
use super::summary::{CheckGround, EdgeRow, NodeKind, ServiceRow, SetupNote};

/// Sums of one service.
#[derive(Clone, Debug)]
struct ServiceSum {
    service: ServiceName,
    language: Arc<str>,
    sdk: Arc<str>,
    nameless: bool,
    proxy: bool,
    witness: bool,
    spans: u64,
    inbound: Option<bool>,
    outbound: Option<bool>,
    verifies: Option<bool>,
    keys: Vec<Arc<str>>,
}

impl ServiceSum {
    /// Notes what a span says of its service's own check.
    fn check(&mut self, span: &Span) {
        let Some(tags) = span.tags() else { return };
        match tags.verify_result {
            Some(VerifyResult::Ok | VerifyResult::Failed) => self.verifies = Some(true),
            Some(VerifyResult::Skipped) => self.verifies = self.verifies.or(Some(false)),
            _ => {}
        }
        if self.keys.len() >= KEYS || !matches!(tags.verify_result, Some(VerifyResult::Ok | VerifyResult::Failed)) {
            return;
        }
        let named = tags.verify_key.as_ref().map(|key| Arc::from(key.as_str()));
        // A token that did not verify does not say which key was used.
        let kid = span.carried.iter().find_map(|carried| match &carried.value {
            CarriedValue::Token(token) if tags.verify_result == Some(VerifyResult::Ok) => token.kid.clone(),
            _ => None,
        });
        if let Some(key) = named.or(kid).filter(|key| !self.keys.contains(key)) {
            self.keys.push(key);
        }
    }
}

fn name_of_others() -> ServiceName {
    ServiceName { namespace: "".into(), name: OTHERS.into() }
}

/// Keys that are kept of one service.
const KEYS: usize = 8;

/// Sums of all services and of the set-up's oddities.
#[derive(Default, Debug)]
pub struct Coverage {
    services: Vec<ServiceSum>,
    index: AHashMap<ServiceName, usize>,
    last: Option<(Arc<crate::model::Resource>, usize)>,
    skew: AHashMap<(Arc<str>, Arc<str>), u64>,
    /// How many services are told apart, and spans of those beyond.
    most: Option<usize>,
    pub folded: u64,
    /// Settled traces with one service, and all settled traces.
    pub single: (u64, u64),
}

impl Coverage {
    /// Counts a span.
    pub fn add(&mut self, span: &Span) {
        let at = self.service(span);
        let sum = &mut self.services[at];
        sum.spans += 1;
        sum.proxy |= span.proxy;
        let shows = span.captured.carrier
            || span.captured.traceparent
            || span.captured.user_agent_or_host
            || span.tags().is_some()
            || span.carried.iter().any(|c| !matches!(c.value, CarriedValue::Empty));
        let side = if span.is_entry() { Some(&mut sum.inbound) } else { span.is_call().then_some(&mut sum.outbound) };
        if let Some(side) = side
            && span.db_system.is_none()
        {
            *side = Some(side.unwrap_or(false) | shows);
        }
        let says_absent = span.tags().is_some_and(|tags| tags.absent);
        sum.witness |= span.captured.traceparent || span.captured.user_agent_or_host || says_absent;
        sum.check(span);
    }

    fn service(&mut self, span: &Span) -> usize {
        if let Some((resource, at)) = &self.last
            && Arc::ptr_eq(resource, &span.resource)
        {
            self.folded += u64::from(self.is_others(*at));
            return *at;
        }
        let resource = &span.resource;
        let at = self.index.get(&resource.service).copied().unwrap_or_else(|| {
            if self.services.len() > self.most() {
                return self.most();
            }
            // What a stranger can name without end is summed up under one name.
            let others = self.services.len() == self.most();
            let of_one = |text: &Arc<str>| if others { "".into() } else { Arc::clone(text) };
            self.services.push(ServiceSum {
                service: if others { name_of_others() } else { resource.service.clone() },
                language: of_one(&resource.language),
                sdk: of_one(&resource.sdk),
                nameless: resource.nameless && !others,
                proxy: false,
                witness: false,
                spans: 0,
                inbound: None,
                outbound: None,
                verifies: None,
                keys: Vec::new(),
            });
            if !others {
                self.index.insert(resource.service.clone(), self.services.len() - 1);
            }
            self.services.len() - 1
        });
        self.folded += u64::from(self.is_others(at));
        self.last = Some((Arc::clone(resource), at));
        at
    }

    /// Tells as many services apart as names are known in so many bytes.
    pub fn within(mut self, bytes: usize) -> Self {
        self.most = Some(names_within(bytes));
        self
    }

    fn most(&self) -> usize {
        self.most.unwrap_or_else(|| names_within(usize::MAX))
    }

    fn is_others(&self, at: usize) -> bool {
        at == self.most()
    }

    /// Notes that a callee began before its call by more than the call lasted; of so many pairs only.
    pub fn skewed(&mut self, caller: &Arc<str>, callee: &Arc<str>, ms: u64) {
        let most = self.most();
        if self.skew.len() >= most && !self.skew.contains_key(&(Arc::clone(caller), Arc::clone(callee))) {
            return;
        }
        let worst = self.skew.entry((Arc::clone(caller), Arc::clone(callee))).or_default();
        *worst = ms.max(*worst);
    }

    /// Adds what a part of the trail found: skew, and settled traces.
    pub fn absorb(&mut self, part: &Self) {
        part.skew.iter().for_each(|((caller, callee), &ms)| self.skewed(caller, callee, ms));
        self.single = (self.single.0 + part.single.0, self.single.1 + part.single.1);
    }

    /// Rows: services that take part in a hop or stand alone, then what lies outside.
    pub fn rows(&self, profile: &Profile, edges: &[EdgeRow], outside: &[(Arc<str>, NodeKind)]) -> Vec<ServiceRow> {
        let mut rows: Vec<ServiceRow> = Vec::new();
        let callers = edges.iter().filter_map(|edge| edge.caller.as_ref());
        let on_edges: AHashSet<&Arc<str>> = edges.iter().map(|edge| &edge.callee).chain(callers).collect();
        let mut named: AHashSet<Arc<str>> = AHashSet::new();
        for (at, sum) in self.services.iter().enumerate() {
            let name = if self.is_others(at) { OTHERS.into() } else { profile.shown(&sum.service) };
            // A proxy that only ever stood between two services is drawn on their edge.
            if sum.proxy && !on_edges.contains(&name) || !named.insert(Arc::clone(&name)) {
                continue;
            }
            let refuses = profile.holds(&Fact::Refuses(sum.service.clone()));
            rows.push(ServiceRow {
                name,
                kind: NodeKind::Service,
                language: Arc::clone(&sum.language),
                sdk: Arc::clone(&sum.sdk),
                spans: sum.spans,
                captures_inbound: sum.inbound,
                captures_outbound: sum.outbound,
                witness: sum.witness,
                verifies: if refuses { Some(true) } else { sum.verifies },
                check: CheckGround { says: sum.verifies.is_some(), refuses, keys: sum.keys.clone() },
            });
        }
        // Of services beyond the bound only those on an edge have a node of their own.
        let services =
            edges.iter().filter(|_| self.folded > 0).flat_map(|edge| edge.caller.iter().chain([&edge.callee]));
        let services = services.map(|name| (name, NodeKind::Service));
        for (name, kind) in outside.iter().map(|(name, kind)| (name, *kind)).chain(services) {
            if named.insert(Arc::clone(name)) {
                rows.push(ServiceRow::silent(name, kind));
            }
        }
        rows
    }

    /// What is wrong with the set-up.
    pub fn notes(&self, profile: &Profile) -> Vec<SetupNote> {
        let mut notes = Vec::new();
        let (single, all) = self.single;
        if self.services.len() > 1 && all >= 5 && single * 2 > all {
            notes.push(SetupNote::ContextBroken { single, all });
        }
        let mut skew: Vec<_> = self.skew.iter().collect();
        skew.sort();
        notes.extend(skew.into_iter().map(|((caller, callee), &ms)| SetupNote::SkewSuspected {
            caller: Arc::clone(caller),
            callee: Arc::clone(callee),
            ms,
        }));
        for sum in self.services.iter().take(self.most()).filter(|sum| !sum.proxy) {
            let service = profile.shown(&sum.service);
            if sum.nameless {
                notes.push(SetupNote::Nameless { service: Arc::clone(&service) });
            }
            let sides = [sum.inbound, sum.outbound];
            if sides.contains(&Some(false)) && !sides.contains(&Some(true)) {
                notes.push(SetupNote::Dark { service, advice: hints::to_capture(&sum.language) });
            }
        }
        notes
    }
}
