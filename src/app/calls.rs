//! Dependency lists as a picture: who calls whom how often, and no verdict.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Snapshot;
use crate::model::{
    Anomalies, Cause, Confidence, Hop, Party, Presence, Severity, Side, TraceId, UnixNanos, Verdict, Verification,
    VerifyResult,
};
use crate::otlp::dependencies::Dependency;
use crate::trail::summary::{EdgeRow, NodeKind, ServiceRow, SetupNote};

/// Edges beyond which calls are only counted.
const MOST_EDGES: usize = 100_000;

/// What lists have counted so far.
#[derive(Debug, Default)]
pub struct Calls {
    edges: BTreeMap<(Arc<str>, Arc<str>), u64>,
    left_out: u64,
}

impl Calls {
    /// Adds one line of a list.
    pub fn take(&mut self, call: &Dependency) {
        let ends = (Arc::from(&*call.parent), Arc::from(&*call.child));
        if self.edges.len() >= MOST_EDGES && !self.edges.contains_key(&ends) {
            self.left_out = self.left_out.saturating_add(call.calls.max(1));
            return;
        }
        let sum = self.edges.entry(ends).or_default();
        *sum = sum.saturating_add(call.calls);
    }

    /// Whether no list was read.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// The picture, by name.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot { revision: 1, ..Snapshot::default() };
        let mut services: BTreeMap<Arc<str>, ServiceRow> = BTreeMap::new();
        for ((caller, callee), &calls) in &self.edges {
            for name in [caller, callee] {
                services.entry(Arc::clone(name)).or_insert_with(|| ServiceRow::silent(name, NodeKind::Service));
            }
            let mut verdicts = [0; 8];
            verdicts[Verdict::Unknown as usize] = calls;
            snapshot.totals.hops = snapshot.totals.hops.saturating_add(calls);
            snapshot.edges.push(EdgeRow {
                caller: Some(Arc::clone(caller)),
                callee: Arc::clone(callee),
                hops: calls,
                verdicts,
                severity: Severity::Info,
                shown: Verdict::Unknown,
                rate: 0.0,
                last_seen: UnixNanos(0),
                waypoints: Vec::new(),
                sample: Arc::new(sample(caller, callee)),
            });
        }
        // The busiest calls are looked at first.
        snapshot.edges.sort_by_key(|row| std::cmp::Reverse(row.hops));
        snapshot.totals.verdicts[Verdict::Unknown as usize] = snapshot.totals.hops;
        snapshot.services = services.into_values().collect();
        snapshot.setup.push(SetupNote::Intake(
            "a dependency list: who calls whom how often, without a span, so nothing can be judged".to_owned(),
        ));
        if self.left_out > 0 {
            let said = format!("{} calls lie on edges beyond the first {MOST_EDGES}: they are left out", self.left_out);
            snapshot.setup.push(SetupNote::Intake(said));
        }
        snapshot
    }
}

/// A hop that stands for all calls of an edge: nothing is known of it.
fn sample(caller: &Arc<str>, callee: &Arc<str>) -> Hop {
    let party = |service: &Arc<str>| Party {
        service: Arc::clone(service),
        span_id: None,
        trace_id: None,
        language: "".into(),
        scope: "".into(),
    };
    let side = || Side {
        presence: Presence::Unknown,
        token: None,
        carrier: "".into(),
        anomalies: Anomalies::default(),
        span_id: None,
        ground: "a dependency list holds no span".to_owned(),
    };
    Hop {
        trace_id: TraceId::default(),
        caller: Some(party(caller)),
        callee: party(callee),
        operation: "".into(),
        start: UnixNanos(0),
        status: None,
        verdict: Verdict::Unknown,
        cause: Some(Cause::NotCaptured),
        segment: None,
        severity: Severity::Info,
        confidence: Confidence::Proven,
        gap: false,
        settled: true,
        inbound: side(),
        sent: side(),
        received: side(),
        verification: Verification {
            result: VerifyResult::Unknown,
            reason: None,
            source: None,
            evidence: None,
            relayed_from: None,
        },
        blame: None,
        findings: Vec::new(),
        waypoints: Vec::new(),
        detail: None,
        hint: Some("replay the traces themselves to see where tokens go".to_owned()),
    }
}
