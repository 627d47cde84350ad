//! The trail at work: judge what changed, settle what is quiet, evict what no longer fits.

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{Hop, Severity, Span, SpanId, TraceId, UnixNanos};

use super::Trail;
use super::aggregate::{Contribution, Sample};
use super::explain::key_of;
use super::judge::Case;
use super::leaning::{are, awaits_one_of};
use super::memo::Recipe;
use super::outcome::{Conclusion, Outcome};
use super::pairing::Forest;
use super::profile::Fact;
use super::refusal::SaidInWords;
use super::rows;
use super::store::TraceState;
use super::tree::Tree;
use super::wanted::Wanted;

/// Spans of a trace that is judged whenever it grew; beyond, many times what it costs to judge a span, in nanoseconds;
/// and the longest that a screen may be behind.
const NO_REST: usize = 512;
const REST_A_SPAN: u64 = 20_000;
const LONGEST_REST: u64 = 5_000_000_000;

/// Bytes that judging takes for a span while it lasts: tree, hops, what they were sent and received.
pub(super) const SCRATCH_A_SPAN: usize = 1024;

/// How often one call may judge a trace anew because others taught it something: facts feed each other at most so deep.
const ROUNDS: usize = 4;

/// The same at the end of a run, where nothing else waits.
const ROUNDS_AT_THE_END: usize = 16;

impl Trail {
    /// Judges what changed since the last tick, settles quiet traces, evicts beyond the memory bound. True if anything
    /// that a screen shows has changed.
    pub fn tick(&mut self, now: UnixNanos) -> bool {
        let settled = self.settle_quiet(now);
        let judged = self.judge_dirty(Some(now));
        let evicted = self.evict();
        settled | judged | evicted | std::mem::take(&mut self.changed)
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
            self.judge_dirty(None);
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
        let held = |id: TraceId| Some((id, self.traces.get(&id).or_else(|| self.guests.get(&id))?));
        let all = std::iter::once((id, trace)).chain(linked.into_iter().filter_map(held));
        let trees = all.map(|(id, held)| Tree::new(id, &held.spans, &self.rules)).collect();
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
        self.large.remove(&id);
        self.rest();
    }

    /// Judges what changed; at a time, but what was judged too shortly before.
    fn judge_dirty(&mut self, now: Option<UnixNanos>) -> bool {
        let mut any = false;
        let mut resting = Vec::new();
        for _ in 0..ROUNDS {
            self.spread_what_was_learned();
            let mut dirty = std::mem::take(&mut self.dirty);
            dirty.retain(|id| {
                self.prepare(*id, now) || {
                    resting.push(*id);
                    false
                }
            });
            if dirty.is_empty() {
                break;
            }
            any = true;
            for id in dirty {
                self.judge_one(id);
            }
        }
        self.dirty.append(&mut resting);
        any
    }

    /// Readies a trace to be judged. False where it rests: the more there is of a trace that still grows, the longer. Else
    /// one that comes in many small batches would be judged whole for each of them.
    fn prepare(&mut self, id: TraceId, now: Option<UnixNanos>) -> bool {
        let prepared = self.change(id, |trace| (trace.prepare(), trace.spans.len(), trace.settled));
        let Some((duplicates, spans, settled)) = prepared else { return true };
        self.stats.duplicates += duplicates;
        let small = settled || spans <= NO_REST;
        let Some(now) = now.filter(|_| !small) else { return true };
        let rest = ((spans - NO_REST) as u64 * REST_A_SPAN).min(LONGEST_REST);
        let judged = self.large.entry(id).or_insert(UnixNanos(0));
        // What it taught itself counts at once: that is within one time.
        if now > *judged && now.0 - judged.0 < rest {
            return false;
        }
        *judged = now;
        self.scratch = self.scratch.max(spans * SCRATCH_A_SPAN);
        true
    }

    /// No large trace is left: none has to be judged again.
    pub(super) fn rest(&mut self) {
        if self.large.is_empty() {
            self.scratch = 0;
        }
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
        let sketched = self.sketch(id);
        if sketched && let Some(recalled) = self.recall(id) {
            self.stats.recalled += 1;
            return self.conclude(id, recalled);
        }
        let Some(held) = self.traces.get(&id) else { return };
        let wanted = (self.wanted.is_some(), self.wanted.as_ref().is_some_and(Wanted::supposes));
        let noted = sketched && self.memo.wants();
        let outcome = self.with_case(id, |case| Some(Outcome::of(case, held.settled, wanted, noted)));
        let Some(mut outcome) = outcome else { return };
        if let Some(wanted) = &mut self.wanted {
            wanted.note(&outcome.refused);
            wanted.suppose(std::mem::take(&mut outcome.supposed));
            wanted.select(&mut outcome.facts, &self.profile);
        }
        let recipe = outcome.recipe.take();
        let conclusion = self.count_edges(outcome);
        if let Some(recipe) = recipe {
            self.remember(id, recipe, &conclusion);
        }
        self.conclude(id, conclusion);
    }

    /// Sketches a trace, where its judgement depends on nothing but its own spans and the profile.
    fn sketch(&mut self, id: TraceId) -> bool {
        let Some(trace) = self.traces.get(&id) else { return false };
        let linked = !self.links_in.is_empty() && self.links_in.contains_key(&id)
            || !self.linked_from_afar.is_empty() && self.linked_from_afar.contains_key(&id);
        trace.logs().is_empty() && !linked && self.wanted.is_none() && self.memo.sketch(&trace.spans)
    }

    fn recall(&self, id: TraceId) -> Option<Conclusion> {
        let trace = self.traces.get(&id)?;
        self.memo.recall(&trace.spans, trace.settled, &self.profile)
    }

    fn remember(&mut self, id: TraceId, recipe: Recipe, conclusion: &Conclusion) {
        let others = conclusion.contributions.iter().any(|c| self.sums.edges[c.edge()].is_others());
        if let Some(trace) = self.traces.get(&id).filter(|_| !others) {
            self.memo.keep(&trace.spans, trace.settled, recipe, conclusion, &self.profile);
        }
    }

    /// Gives the hops of an outcome the numbers of their edges.
    fn count_edges(&mut self, outcome: Outcome) -> Conclusion {
        let mut contributions = Vec::with_capacity(outcome.hops.len());
        for drawn in outcome.hops {
            let edge = self.sums.edge(drawn.caller.as_ref(), &drawn.callee, drawn.outside);
            for waypoint in drawn.waypoints {
                if !self.sums.edges[edge].waypoints.contains(&waypoint) {
                    self.sums.edges[edge].waypoints.push(waypoint);
                }
            }
            contributions.push(Contribution { edge: edge as u32, ..drawn.contribution });
        }
        let (of_tokens, facts) = outcome.facts.into_iter().partition(Fact::is_of_a_token);
        Conclusion {
            contributions,
            waiting: outcome.waiting,
            taught: self.profile.set_of(facts),
            of_tokens,
            leans_on: (!outcome.leans_on.is_empty()).then(|| Arc::from(outcome.leans_on)),
            skew: outcome.skew,
        }
    }

    /// Counts what a trace was judged to be.
    fn conclude(&mut self, id: TraceId, conclusion: Conclusion) {
        for (caller, callee, ms) in conclusion.skew {
            self.coverage.skewed(&caller, &callee, ms);
        }
        let leans_on = conclusion.leans_on.as_deref().unwrap_or_default();
        if let Some(trace) = self.traces.get_mut(&id).filter(|trace| !are(&trace.leans_on, leans_on)) {
            trace.leans_on = self.leaning.lean(id, &trace.leans_on, leans_on);
        }
        let taught_itself = self.replace_facts(id, conclusion.taught, conclusion.of_tokens);
        self.replace_contributions(id, &conclusion.contributions, conclusion.waiting);
        if taught_itself {
            self.touch_linked(id);
        }
    }

    fn replace_contributions(&mut self, id: TraceId, new: &[Contribution], waiting: bool) {
        let Some(trace) = self.traces.get_mut(&id) else { return };
        trace.broken = new.iter().any(|c| c.verdict.accuses() || c.findings.iter().any(|f| f.1 > Severity::Low));
        (trace.dirty, trace.waiting) = (false, waiting);
        let counted = if trace.broken { trace.bytes } else { 0 };
        let before = std::mem::replace(&mut trace.broken_bytes, counted);
        self.broken_bytes = (self.broken_bytes + counted).saturating_sub(before);
        trace.forget_note();
        trace.accused = new.iter().filter(|c| c.verdict.accuses()).count() as u32;
        let found = new.iter().flat_map(|c| &*c.findings).map(|(_, severity)| *severity);
        trace.severity = new.iter().map(|c| c.severity).chain(found).max();
        if !trace.hops_are(new) {
            let old = trace.replace_hops(new);
            self.sums.replace(id, &old, new);
            self.draw_first_samples(id, new);
            self.withdraw(&old);
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
        let mut drawn: AHashMap<SpanId, Vec<Arc<Hop>>> = AHashMap::new();
        for hop in self.hops_of(id) {
            if let Some(key) = key_of(&hop) {
                drawn.entry(key).or_default().push(Arc::new(hop));
            }
        }
        for c in new {
            let edge = &self.sums.edges[c.edge()];
            let wants =
                |sample: &Sample| sample.hop.is_none() && sample.newest.is_some_and(|(_, t, s)| t == id && s == c.key);
            let wanted = wants(&edge.samples[c.verdict as usize]) || edge.problems.values().any(|p| wants(&p.sample));
            if !wanted {
                continue;
            }
            let named = |hop: &&Arc<Hop>| hop.verdict == c.verdict && self.is_on(c.edge(), hop);
            let Some(hop) = drawn.get(&c.key).into_iter().flatten().find(named).cloned() else { continue };
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
            let Some(trace) = self.traces.get(&id) else { continue };
            for contribution in trace.contributions() {
                self.sums.add(id, &contribution);
            }
        }
    }
}
