//! One pass over the hops: sums, and one issue for each verdict that matters and each finding on an edge.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Counts, Edge, Issue, path};
use crate::model::{Cause, Finding, Hop, Severity, Verdict};

/// At most so many traces are named for an issue.
const TRACES: usize = 5;

/// Caller and callee.
type Ends = (Option<Arc<str>>, Arc<str>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    edge: Ends,
    verdict: Option<Verdict>,
    cause: Option<Cause>,
    finding: Option<Finding>,
}

/// Sums so far.
#[derive(Default)]
pub(super) struct Sums {
    counts: Counts,
    edges: HashMap<Ends, Edge>,
    issues: HashMap<Key, Issue>,
}

impl Sums {
    /// Adds those hops of a trace that are chosen; traces come in the report's order.
    pub(super) fn add(&mut self, trace: &[Hop], chosen: &[Hop]) {
        for hop in chosen {
            self.add_hop(hop, trace);
        }
    }

    fn add_hop(&mut self, hop: &Hop, trace: &[Hop]) {
        let edge: Ends = (hop.caller.as_ref().map(|party| Arc::clone(&party.service)), Arc::clone(&hop.callee.service));
        let counts = &mut self.counts;
        counts.hops += 1;
        counts.verdicts[hop.verdict as usize] += 1;
        counts.worst = counts.worst.max(Some(hop.worst()));
        if hop.verdict.accuses() || hop.severity > Severity::Info {
            let key = Key { edge: edge.clone(), verdict: Some(hop.verdict), cause: hop.cause, finding: None };
            self.count(&key, hop, hop.severity, trace);
        }
        let mut seen = Vec::new();
        for hit in &hop.findings {
            if seen.contains(&hit.finding) {
                continue;
            }
            seen.push(hit.finding);
            self.counts.findings[hit.finding as usize] += 1;
            let same = hop.findings.iter().filter(|other| other.finding == hit.finding);
            let severity = same.map(|other| other.severity).fold(hit.severity, Severity::max);
            let key = Key { edge: edge.clone(), verdict: None, cause: None, finding: Some(hit.finding) };
            self.count(&key, hop, severity, trace);
        }
        let (caller, callee) = edge.clone();
        self.edges.entry(edge).or_insert_with(|| Edge { caller, callee, hops: 0, unknown: 0, reason: None }).add(hop);
    }

    fn count(&mut self, key: &Key, hop: &Hop, severity: Severity, trace: &[Hop]) {
        let issue = self.issues.entry(key.clone()).or_insert_with(|| Issue::first(key, hop, severity, trace));
        issue.count += 1;
        issue.first_seen = issue.first_seen.min(hop.start);
        issue.last_seen = issue.last_seen.max(hop.start);
        if issue.traces.len() < TRACES && !issue.traces.contains(&hop.trace_id) {
            issue.traces.push(hop.trace_id);
        }
        if (severity, hop.confidence) > (issue.severity, issue.confidence) {
            (issue.severity, issue.confidence) = (severity, hop.confidence);
            issue.show(hop, trace);
        }
    }

    /// The sums, the issues worst first, then by caller, callee, cause, and the edges by caller, callee.
    pub(super) fn finish(self) -> (Counts, Vec<Issue>, Vec<Edge>) {
        let Self { counts, edges, issues } = self;
        let mut issues: Vec<Issue> = issues.into_values().collect();
        for issue in &mut issues {
            issue.of = edges.get(&(issue.caller.clone(), Arc::clone(&issue.callee))).map_or(0, |edge| edge.hops);
        }
        issues.sort_by(|a, b| {
            let order = |issue: &Issue| {
                let names = (issue.caller.clone(), Arc::clone(&issue.callee));
                let cause = (issue.cause.map(Cause::name), issue.verdict.map(Verdict::name));
                (names, cause, issue.finding.map(Finding::name))
            };
            b.severity.cmp(&a.severity).then_with(|| order(a).cmp(&order(b)))
        });
        let mut edges: Vec<Edge> = edges.into_values().collect();
        edges.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
        (counts, issues, edges)
    }
}

impl Edge {
    fn add(&mut self, hop: &Hop) {
        self.hops += 1;
        if hop.verdict == Verdict::Unknown {
            self.unknown += 1;
            self.reason = self.reason.or(hop.cause);
        }
    }
}

impl Issue {
    fn first(key: &Key, hop: &Hop, severity: Severity, trace: &[Hop]) -> Self {
        let mut issue = Self {
            caller: key.edge.0.clone(),
            callee: Arc::clone(&key.edge.1),
            verdict: key.verdict,
            cause: key.cause,
            finding: key.finding,
            segment: None,
            severity,
            confidence: hop.confidence,
            count: 0,
            of: 0,
            first_seen: hop.start,
            last_seen: hop.start,
            traces: Vec::new(),
            hint: None,
            sample: hop.clone(),
            path: Vec::new(),
            known: false,
        };
        issue.show(hop, trace);
        issue
    }

    /// Takes what is shown from a hop.
    fn show(&mut self, hop: &Hop, trace: &[Hop]) {
        // A finding's own words say more of it than the hint of a verdict that stands beside it.
        let found = self.finding.and_then(|finding| hop.findings.iter().find(|hit| hit.finding == finding));
        self.segment = if self.finding.is_some() { None } else { hop.segment };
        self.hint =
            found.map(|hit| hit.detail.clone()).filter(|detail| !detail.is_empty()).or_else(|| hop.hint.clone());
        self.sample = hop.clone();
        self.path = path::to(hop, trace).into_iter().cloned().collect();
    }
}
