//! What judging one trace comes to: its hops, what it teaches and leans on, and what the sums take of it.

use std::sync::Arc;

use crate::model::{Fingerprint, Span, Verdict};

use super::aggregate::Contribution;
use super::explain::explain;
use super::facts;
use super::judge::{Case, Judged, judge};
use super::kept::NOWHERE;
use super::memo::Recipe;
use super::pairing::Caller;
use super::profile::Fact;
use super::summary::NodeKind;
use super::taught::FactSet;

/// Caller and callee of which one's clock is behind, and by how many milliseconds.
pub type Skew = (Arc<str>, Arc<str>, u64);

/// A judged trace.
pub struct Outcome {
    /// The hops that count.
    pub hops: Vec<Drawn>,
    /// Whether some hops are held back until the trace is settled.
    pub waiting: bool,
    /// What it teaches the profile.
    pub facts: Vec<Fact>,
    /// The facts that its verdicts lean on.
    pub leans_on: Vec<Fact>,
    /// Tokens of refused hops, where that matters to other parts.
    pub refused: Vec<Fingerprint>,
    /// Facts that hold if a callee is ever seen to refuse, where that matters to other parts.
    pub supposed: Vec<Fact>,
    /// Clocks that stand apart.
    pub skew: Vec<Skew>,
    /// How the same is made of a trace that is alike; only where it was asked for, and where that can be.
    pub recipe: Option<Recipe>,
}

/// One hop's part in the sums, before its edge has a number.
pub struct Drawn {
    /// Caller as shown.
    pub caller: Option<Arc<str>>,
    /// Callee as shown.
    pub callee: Arc<str>,
    /// What the callee is.
    pub outside: NodeKind,
    /// Proxies passed.
    pub waypoints: Vec<Arc<str>>,
    /// The rest.
    pub contribution: Contribution,
}

/// A judged trace, ready to be counted.
pub struct Conclusion {
    /// The hops that count.
    pub contributions: Vec<Contribution>,
    /// Whether some hops are held back until the trace is settled.
    pub waiting: bool,
    /// What it teaches of services.
    pub taught: Option<Arc<FactSet>>,
    /// What it teaches of single tokens.
    pub of_tokens: Vec<Fact>,
    /// The facts that its verdicts lean on.
    pub leans_on: Option<Arc<[Fact]>>,
    /// Clocks that stand apart.
    pub skew: Vec<Skew>,
}

impl Outcome {
    /// Judges a trace. What is wanted beside: tokens of refused hops, facts that may turn out to hold, a recipe.
    pub fn of(case: &Case<'_, '_>, settled: bool, (refused, supposed): (bool, bool), recipe: bool) -> Self {
        let hops = judge(case);
        let leans_on = facts::interests(case, &hops);
        Self {
            refused: if refused { facts::refused(&hops) } else { Vec::new() },
            supposed: if supposed { facts::supposed(case, &hops) } else { Vec::new() },
            facts: facts::of(case, &hops),
            recipe: if recipe { Recipe::of(case, &hops, settled, &leans_on) } else { None },
            leans_on,
            skew: hops.iter().filter_map(|hop| skew(case, hop)).collect(),
            waiting: !settled && !hops.iter().all(complete),
            hops: hops.iter().filter(|hop| settled || complete(hop)).map(|hop| draw(case, hop)).collect(),
        }
    }
}

/// Whether an unsettled hop may be counted: what only lacks a span that is still on its way waits for it.
pub fn complete(hop: &Judged<'_>) -> bool {
    hop.pair.entry.is_some() && !hop.pair.gap
}

fn draw(case: &Case<'_, '_>, hop: &Judged<'_>) -> Drawn {
    let key = hop.key_span(case.forest);
    let shown = explain_waypoints(case, hop);
    Drawn {
        caller: hop.caller.clone(),
        callee: Arc::clone(&hop.callee),
        outside: outside(case, hop),
        waypoints: shown,
        contribution: Contribution {
            edge: 0,
            key: key.map(|span| span.span_id).unwrap_or_default(),
            place: hop.key_place().map_or(NOWHERE, |place| place as u32),
            start: key.map(|span| span.start).unwrap_or_default(),
            verdict: hop.ruling.verdict,
            cause: hop.ruling.cause,
            segment: hop.ruling.segment,
            severity: hop.severity,
            confidence: hop.ruling.confidence,
            findings: hop.findings.iter().map(|hit| (hit.finding, hit.severity)).collect(),
        },
    }
}

fn explain_waypoints(case: &Case<'_, '_>, hop: &Judged<'_>) -> Vec<Arc<str>> {
    if hop.pair.waypoints.is_empty() { Vec::new() } else { explain(case, hop, true).waypoints }
}

fn outside(case: &Case<'_, '_>, hop: &Judged<'_>) -> NodeKind {
    if hop.pair.entry.is_some() {
        return NodeKind::Service;
    }
    let spans = || hop.pair.chain.iter().map(|&at| case.forest.span(at));
    if spans().any(|span| span.db_system.is_some()) {
        NodeKind::Database
    } else if spans().any(|span| span.messaging_system.is_some()) {
        NodeKind::Queue
    } else {
        NodeKind::External
    }
}

fn skew(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<Skew> {
    let (Caller::Call(at), Some(entry)) = (&hop.pair.caller, hop.pair.entry) else { return None };
    let known = hop.ruling.verdict != Verdict::Unknown;
    let ms = behind(case.forest.span(*at), case.forest.own().span(entry), known)?;
    Some((hop.caller.clone()?, Arc::clone(&hop.callee), ms))
}

/// By how many milliseconds a callee began before its call, where that is more than the call lasted.
pub fn behind(call: &Span, entry: &Span, known: bool) -> Option<u64> {
    let early = call.start.0.saturating_sub(entry.start.0);
    let lasted = call.end.0.saturating_sub(call.start.0);
    let apart = early > lasted && known || early > lasted.max(1_000_000);
    Some(early / 1_000_000).filter(|ms| apart && *ms > 0)
}
