//! The trail at work: judge what changed, settle what is quiet, evict what no longer fits.

use std::sync::Arc;

use crate::model::{Fingerprint, Hop, Severity, Span, TraceId, UnixNanos, Verdict};

use super::Trail;
use super::aggregate::Contribution;
use super::explain::{explain, key_of};
use super::facts;
use super::judge::{Case, Judged, judge};
use super::leaning::{are, awaits_one_of};
use super::pairing::{Caller, Forest};
use super::profile::Fact;
use super::refusal::SaidInWords;
use super::rows;
use super::store::TraceState;
use super::summary::NodeKind;
use super::tree::Tree;
use super::wanted::Wanted;

/// How often one call may judge a trace anew because others taught it something: facts feed each other at most so deep.
const ROUNDS: usize = 4;

/// The same at the end of a run, where nothing else waits.
const ROUNDS_AT_THE_END: usize = 16;

/// A judged trace, ready to be counted.
struct Outcome {
    hops: Vec<Drawn>,
    /// Whether some hops are held back until the trace is settled.
    waiting: bool,
    facts: Vec<Fact>,
    leans_on: Vec<Fact>,
    /// Tokens of refused hops, where that matters to other parts.
    refused: Vec<Fingerprint>,
    /// Facts that hold if a callee is ever seen to refuse, where that matters to other parts.
    supposed: Vec<Fact>,
    skew: Vec<(Arc<str>, Arc<str>, u64)>,
}

/// One hop's part in the sums, before its edge has a number.
struct Drawn {
    caller: Option<Arc<str>>,
    callee: Arc<str>,
    outside: NodeKind,
    waypoints: Vec<Arc<str>>,
    contribution: Contribution,
}

impl Trail {
    /// Judges what changed since the last tick, settles quiet traces, evicts beyond the memory bound. True if anything
    /// that a screen shows has changed.
    pub fn tick(&mut self, now: UnixNanos) -> bool {
        let settled = self.settle_quiet(now);
        let judged = self.judge_dirty();
        let evicted = self.evict();
        settled | judged | evicted
    }

    /// Judges everything as settled: the end of a file, or of a run.
    pub fn settle_all(&mut self) {
        let unsettled = self.traces.iter().filter(|(_, trace)| !trace.settled);
        let ids: Vec<TraceId> = unsettled.map(|(id, _)| *id).collect();
        for id in ids {
            self.settle(id);
            self.touch_linked(id);
        }
        // Facts feed each other: a report stands on what no further judgement changes.
        for _ in 0..ROUNDS_AT_THE_END {
            self.judge_dirty();
            if self.dirty.is_empty() && self.learned.is_empty() && !self.learned_all {
                break;
            }
        }
        if self.stats.evicted_traces == 0 {
            self.count_anew();
        }
    }

    /// Runs a judgement over one trace and those that it links to.
    pub(super) fn with_case<R: Default>(&self, id: TraceId, run: impl FnOnce(&Case<'_, '_>) -> R) -> R {
        let Some(trace) = self.traces.get(&id) else { return R::default() };
        let mut linked: Vec<TraceId> = trace
            .spans
            .iter()
            .flat_map(|span| &span.own().links)
            .map(|link| link.trace_id)
            .filter(|t| *t != id)
            .collect();
        linked.sort_unstable();
        linked.dedup();
        let others = linked.iter().filter_map(|linked| self.traces.get(linked).or_else(|| self.guests.get(linked)));
        let trees = std::iter::once(trace).chain(others).map(|held| Tree::new(&held.spans, &self.rules)).collect();
        let links_in = self.links_in.get(&id).into_iter().flatten().filter(|(from, _)| self.traces.contains_key(from));
        let from_afar = self.linked_from_afar.get(&id).into_iter().flatten();
        let forest = Forest::new(trees, links_in.map(|(_, span)| span).chain(from_afar).copied().collect());
        let said = SaidInWords::new(&trace.spans, trace.logs());
        run(&Case { forest: &forest, profile: &self.profile, rules: &self.rules, said: &said })
    }

    fn settle_quiet(&mut self, now: UnixNanos) -> bool {
        let window = u64::try_from(self.options.settle.as_nanos()).unwrap_or(u64::MAX);
        let mut any = false;
        while let Some(&(touched, id)) = self.quiet.front() {
            if now.0.saturating_sub(touched.0) < window {
                break;
            }
            self.quiet.pop_front();
            if self.traces.get(&id).is_some_and(|trace| trace.touched == touched && !trace.settled) {
                self.settle(id);
                any = true;
            }
        }
        any
    }

    fn settle(&mut self, id: TraceId) {
        let Some(trace) = self.traces.get_mut(&id) else { return };
        if trace.settled {
            return;
        }
        trace.settled = true;
        trace.forget_note();
        if !trace.spans.is_empty() {
            let single = trace.single_service();
            // A late span reopens a trace: it is counted once.
            match trace.counted_single.replace(single) {
                Some(before) => self.coverage.single.0 -= u64::from(before),
                None => self.coverage.single.1 += 1,
            }
            self.coverage.single.0 += u64::from(single);
        }
        // What was judged since it last changed, and left no hop waiting, would be judged the same again.
        if trace.waiting && !trace.dirty {
            trace.dirty = true;
            self.dirty.push(id);
        }
        self.change(id, TraceState::tighten);
    }

    fn judge_dirty(&mut self) -> bool {
        let mut any = false;
        for _ in 0..ROUNDS {
            self.spread_what_was_learned();
            let dirty = std::mem::take(&mut self.dirty);
            if dirty.is_empty() {
                break;
            }
            any = true;
            for &id in &dirty {
                let duplicates = self.change(id, TraceState::prepare);
                self.stats.duplicates += duplicates.unwrap_or(0);
            }
            for id in dirty {
                self.judge_one(id);
            }
        }
        any
    }

    /// Marks the traces that new knowledge may concern.
    fn spread_what_was_learned(&mut self) {
        if !self.learned_all && self.learned.is_empty() && self.failed_checks.is_empty() {
            return;
        }
        let learned = std::mem::take(&mut self.learned);
        let failed = std::mem::take(&mut self.failed_checks);
        for (id, trace) in &mut self.traces {
            let about = |span: &Span| learned.contains(&span.resource.service) || awaits_one_of(span, &failed);
            let concerned = self.learned_all || trace.spans.iter().any(about);
            if concerned && !trace.dirty {
                trace.dirty = true;
                self.dirty.push(*id);
            }
        }
        self.learned_all = false;
    }

    fn judge_one(&mut self, id: TraceId) {
        let Some(held) = self.traces.get(&id) else { return };
        let settled = held.settled;
        let supposing = self.wanted.as_ref().is_some_and(Wanted::supposes);
        let outcome = self.with_case(id, |case| {
            let hops = judge(case);
            Some(Outcome {
                refused: if self.wanted.is_some() { facts::refused(&hops) } else { Vec::new() },
                supposed: if supposing { facts::supposed(case, &hops) } else { Vec::new() },
                facts: facts::of(case, &hops),
                leans_on: facts::interests(case, &hops),
                skew: hops.iter().filter_map(|hop| skew(case, hop)).collect(),
                waiting: !settled && !hops.iter().all(complete),
                hops: hops.iter().filter(|hop| settled || complete(hop)).map(|hop| draw(case, hop)).collect(),
            })
        });
        let Some(mut outcome) = outcome else { return };
        if let Some(wanted) = &mut self.wanted {
            wanted.note(&outcome.refused);
            wanted.suppose(outcome.supposed);
            wanted.select(&mut outcome.facts, &self.profile);
        }
        for (caller, callee, ms) in outcome.skew {
            self.coverage.skewed(&caller, &callee, ms);
        }
        if let Some(trace) = self.traces.get_mut(&id).filter(|trace| !are(&trace.leans_on, &outcome.leans_on)) {
            trace.leans_on = self.leaning.lean(id, &trace.leans_on, outcome.leans_on);
        }
        let taught_itself = self.replace_facts(id, outcome.facts);
        self.replace_contributions(id, outcome.hops, outcome.waiting);
        if taught_itself {
            self.touch_linked(id);
        }
    }

    fn replace_contributions(&mut self, id: TraceId, hops: Vec<Drawn>, waiting: bool) {
        let mut new = Vec::with_capacity(hops.len());
        for drawn in hops {
            let edge = self.sums.edge(drawn.caller.as_ref(), &drawn.callee, drawn.outside);
            for waypoint in drawn.waypoints {
                if !self.sums.edges[edge].waypoints.contains(&waypoint) {
                    self.sums.edges[edge].waypoints.push(waypoint);
                }
            }
            new.push(Contribution { edge: edge as u32, ..drawn.contribution });
        }
        let Some(trace) = self.traces.get_mut(&id) else { return };
        trace.broken = new.iter().any(|c| c.verdict.accuses() || c.findings.iter().any(|f| f.1 > Severity::Low));
        (trace.dirty, trace.waiting) = (false, waiting);
        let counted = if trace.broken { trace.bytes } else { 0 };
        let before = std::mem::replace(&mut trace.broken_bytes, counted);
        self.broken_bytes = (self.broken_bytes + counted).saturating_sub(before);
        let old = std::mem::take(&mut trace.contributions);
        if *old != *new {
            self.sums.replace(id, &old, &new);
            self.draw_first_samples(id, &new);
            self.withdraw(&old);
        }
        if let Some(trace) = self.traces.get_mut(&id) {
            trace.forget_note();
            trace.accused = new.iter().filter(|c| c.verdict.accuses()).count() as u32;
            let found = new.iter().flat_map(|c| &*c.findings).map(|(_, severity)| *severity);
            trace.severity = new.iter().map(|c| c.severity).chain(found).max();
            trace.contributions = new.into();
        }
        self.change(id, |trace| if trace.settled { trace.tighten() } else { trace.weigh() });
    }

    /// A new edge or problem gets its sample at once, while its trace is certainly held.
    fn draw_first_samples(&mut self, id: TraceId, new: &[Contribution]) {
        let wanting = new.iter().any(|c| {
            let edge = &self.sums.edges[c.edge()];
            edge.samples[c.verdict as usize].hop.is_none() || edge.problems.values().any(|p| p.sample.hop.is_none())
        });
        if !wanting {
            return;
        }
        let drawn: Vec<Arc<Hop>> = self.hops_of(id).into_iter().map(Arc::new).collect();
        for c in new {
            let named =
                |hop: &&Arc<Hop>| key_of(hop) == Some(c.key) && hop.verdict == c.verdict && self.is_on(c.edge(), hop);
            let Some(hop) = drawn.iter().find(named).cloned() else { continue };
            let edge = &mut self.sums.edges[c.edge()];
            let problems = edge.problems.values_mut().map(|problem| &mut problem.sample);
            for sample in problems.chain(edge.samples.iter_mut().skip(c.verdict as usize).take(1)) {
                if sample.hop.is_none() && sample.newest.is_some_and(|(_, t, s)| t == id && s == c.key) {
                    sample.hop = Some(Arc::clone(&hop));
                    sample.drawn = sample.newest.map(|place| (place, UnixNanos(0)));
                }
            }
        }
    }

    /// Problems that were announced and of which nothing is left.
    fn withdraw(&mut self, old: &[Contribution]) {
        let mut edges: Vec<usize> = old.iter().map(Contribution::edge).collect();
        edges.sort_unstable();
        edges.dedup();
        for number in edges {
            let edge = &mut self.sums.edges[number];
            let gone: Vec<_> =
                edge.problems.iter().filter(|(_, sum)| sum.announced && sum.count() == 0).map(|(k, _)| *k).collect();
            for kind in gone {
                let Some(sum) = edge.problems.remove(&kind) else { continue };
                let of = edge.verdicts.iter().sum();
                self.withdrawn.extend(rows::last_row(edge, kind, &sum, of, sum.last_seen));
            }
        }
    }

    /// Sums in an order that does not depend on arrival: the end of a file. Not after an eviction, which would be forgotten.
    fn count_anew(&mut self) {
        self.sums.clear_counts();
        for id in self.trace_ids() {
            let contributions = self.traces.get(&id).map(|trace| trace.contributions.clone()).unwrap_or_default();
            for contribution in &contributions {
                self.sums.add(id, contribution);
            }
        }
    }
}

/// Whether an unsettled hop may be counted: what only lacks a span that is still on its way waits for it.
fn complete(hop: &Judged<'_>) -> bool {
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

/// A callee that began before its call by more than the call lasted, in milliseconds.
fn skew(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<(Arc<str>, Arc<str>, u64)> {
    let (Caller::Call(at), Some(entry)) = (&hop.pair.caller, hop.pair.entry) else { return None };
    let (call, entry) = (case.forest.span(*at), case.forest.own().span(entry));
    let early = call.start.0.saturating_sub(entry.start.0);
    let lasted = call.end.0.saturating_sub(call.start.0);
    (early > lasted && hop.ruling.verdict != Verdict::Unknown || early > lasted.max(1_000_000))
        .then(|| Some((hop.caller.clone()?, Arc::clone(&hop.callee), early / 1_000_000)))
        .flatten()
        .filter(|(_, _, ms)| *ms > 0)
}
