//! Sums into rows that people read.

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{Hop, Severity, UnixNanos, Verdict};

use super::Trail;
use super::aggregate::{EdgeSum, ProblemKind, ProblemSum, Sample};
use super::hints;
use super::summary::{Announcement, EdgeRow, NodeKind, ProblemRow, SetupNote, Summary};

/// How long a drawn-up sample stays before a newer hop replaces it: screens need no more, and drawing up costs a judgement.
const SAMPLE_FOR: u64 = 1_000_000_000;

/// Traces that are judged anew in one summary for newer samples: intake waits meanwhile.
const REDRAWN: usize = 64;

impl Trail {
    /// Problems that appeared or were withdrawn since the last call.
    pub fn announcements(&mut self) -> Vec<Announcement> {
        let mut found: Vec<Announcement> =
            std::mem::take(&mut self.withdrawn).into_iter().map(|row| Announcement::Withdrawn(Box::new(row))).collect();
        for edge in &mut self.sums.edges {
            let of = edge.verdicts.iter().sum();
            let mut kinds: Vec<_> = edge.problems.keys().copied().collect();
            kinds.sort();
            for kind in kinds {
                let Some(sum) = edge.problems.get(&kind).filter(|sum| !sum.announced && sum.count() > 0) else {
                    continue;
                };
                let row = problem_row(edge, kind, sum, of, sum.last_seen);
                if let (Some(row), Some(sum)) = (row, edge.problems.get_mut(&kind)) {
                    sum.announced = true;
                    found.push(Announcement::New(Box::new(row)));
                }
            }
        }
        found
    }

    /// Rows for a screen or a report.
    pub fn summary(&mut self, now: UnixNanos) -> Summary {
        self.refresh_samples(now);
        let mut edges = Vec::new();
        let mut problems = Vec::new();
        let mut outside: Vec<(Arc<str>, NodeKind)> = Vec::new();
        for sum in &self.sums.edges {
            let Some(row) = edge_row(sum, now) else { continue };
            problems.extend(problem_rows(sum, row.hops, now));
            if sum.outside != NodeKind::Service {
                outside.push((Arc::clone(&sum.callee), sum.outside));
            }
            edges.push(row);
        }
        problems.sort_by(|a, b| {
            let key =
                |p: &ProblemRow| (p.caller.clone(), Arc::clone(&p.callee), p.cause.map(crate::model::Cause::name));
            b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b))).then_with(|| a.finding.cmp(&b.finding))
        });
        let services = self.coverage.rows(&self.profile, &edges, &outside);
        let mut setup = self.coverage.notes(&self.profile);
        if self.sums.folded > 0 {
            setup.push(SetupNote::Intake(format!(
                "{} hops lie on edges beyond the first {}: they are summed up as (others)",
                self.sums.folded,
                self.sums.most()
            )));
        }
        let nameless = self.coverage.folded + self.profile.nameless;
        if nameless > 0 {
            setup.push(SetupNote::Intake(format!(
                "{nameless} times a name was one too many (services, processes, destinations): they are summed up as \
                 (others), and of theirs only what each span shows alone is known"
            )));
        }
        if self.profile.turned_away() > 0 {
            setup.push(SetupNote::Intake(format!(
                "the capture profile is full: {} facts about services and operations were not kept",
                self.profile.turned_away()
            )));
        }
        Summary { services, edges, problems, setup }
    }

    /// Draws up newer samples, in turn where there are more than one summary should wait for.
    fn refresh_samples(&mut self, now: UnixNanos) {
        // One judgement a trace serves all samples that lie in it.
        let mut drawn = Drawn::default();
        let (edges, first) = (self.sums.edges.len(), self.sums.turn);
        let mut turn = None;
        for edge in (first..edges).chain(0..first.min(edges)) {
            for verdict in 0..8 {
                if !is_stale(&self.sums.edges[edge].samples[verdict], now, &drawn) {
                    continue;
                }
                let mut sample = std::mem::take(&mut self.sums.edges[edge].samples[verdict]);
                self.refresh(&mut sample, now, &mut drawn, |hop| {
                    hop.verdict as usize == verdict && self.is_on(edge, hop)
                });
                self.sums.edges[edge].samples[verdict] = sample;
            }
            if !self.sums.edges[edge].problems.is_empty() {
                self.refresh_problems(edge, now, &mut drawn);
            }
            if drawn.len() >= REDRAWN {
                turn.get_or_insert(edge);
            }
        }
        self.sums.turn = turn.unwrap_or(first);
    }

    fn refresh_problems(&mut self, edge: usize, now: UnixNanos, drawn: &mut Drawn) {
        let kinds: Vec<ProblemKind> = self.sums.edges[edge].problems.keys().copied().collect();
        for kind in kinds {
            let Some(sum) = self.sums.edges[edge].problems.get_mut(&kind) else { continue };
            let lost = sum.sample.newest.is_none() && sum.count() > 0;
            if !lost && !is_stale(&sum.sample, now, drawn) {
                continue;
            }
            let mut sample = std::mem::take(&mut sum.sample);
            let traces = sum.traces.clone();
            if lost {
                sample.newest = traces.iter().find_map(|&trace| self.place_of(trace, edge, kind));
            }
            self.refresh(&mut sample, now, drawn, |hop| kind.shows_in(hop) && self.is_on(edge, hop));
            if let Some(sum) = self.sums.edges[edge].problems.get_mut(&kind) {
                sum.sample = sample;
            }
        }
    }

    fn place_of(
        &self,
        trace: crate::model::TraceId,
        edge: usize,
        kind: ProblemKind,
    ) -> Option<(UnixNanos, crate::model::TraceId, crate::model::SpanId)> {
        let held = self.traces.get(&trace)?;
        let fits = |(at, c): &(usize, &super::kept::Kept)| {
            c.edge() == edge
                && match kind {
                    ProblemKind::Verdict(verdict, cause) => (c.verdict(), c.cause()) == (verdict, cause),
                    ProblemKind::Finding(finding) => held.findings_of(*at).iter().any(|(f, _)| *f == finding),
                }
        };
        held.hops().iter().enumerate().find(fits).map(|(_, c)| (c.start(), trace, held.key_of(*c)))
    }

    /// One span can name several hops: a batch has many callers.
    pub(super) fn is_on(&self, edge: usize, hop: &Hop) -> bool {
        let edge = &self.sums.edges[edge];
        let caller = hop.caller.as_ref().map(|party| &party.service);
        // What lies beyond the bound on edges is summed up under a name that no hop has.
        edge.is_others() || (edge.caller.as_ref(), &edge.callee) == (caller, &hop.callee.service)
    }

    fn refresh(&self, sample: &mut Sample, now: UnixNanos, drawn: &mut Drawn, fits: impl Fn(&Hop) -> bool) {
        let Some(place) = sample.newest.filter(|_| is_stale(sample, now, drawn)) else { return };
        let (_, trace, span) = place;
        if !self.traces.contains_key(&trace) {
            return;
        }
        let hops = drawn.entry(trace).or_insert_with(|| {
            let mut by_name = ByName::new();
            for hop in self.hops_of(trace) {
                let hops = by_name.entry(name_of(&hop)).or_default();
                hops.push(Arc::new(hop));
            }
            by_name
        });
        if let Some(hop) = hops.get(&Some(span)).into_iter().flatten().find(|hop| fits(hop)) {
            sample.hop = Some(Arc::clone(hop));
            sample.drawn = Some((place, now));
        }
    }
}

/// Whether a sample is to be drawn up: there is none yet, or a newer one, and others have had their turn.
fn is_stale(sample: &Sample, now: UnixNanos, drawn: &Drawn) -> bool {
    let Some(place) = sample.newest else { return false };
    let fresh =
        sample.drawn.is_some_and(|(last, at)| last == place && now >= at || now.0.saturating_sub(at.0) < SAMPLE_FOR);
    sample.hop.is_none() || !fresh && (drawn.len() < REDRAWN || drawn.contains_key(&place.1))
}

/// Hops drawn up in one refresh, by trace and by the spans that name them.
type Drawn = AHashMap<crate::model::TraceId, ByName>;
type ByName = AHashMap<Option<crate::model::SpanId>, Vec<Arc<Hop>>>;

fn name_of(hop: &Hop) -> Option<crate::model::SpanId> {
    hop.callee.span_id.or(hop.caller.as_ref().and_then(|caller| caller.span_id))
}

/// `None` for an edge whose hops were all taken back.
fn edge_row(sum: &EdgeSum, now: UnixNanos) -> Option<EdgeRow> {
    let hops: u64 = sum.verdicts.iter().sum();
    let severity = sum.problems.values().filter(|p| p.count() > 0).map(|p| p.worst().0).max().unwrap_or(Severity::Info);
    let shown = shown(sum)?;
    let sample = sum.samples[shown as usize].hop.clone().or_else(|| sum.samples.iter().find_map(|s| s.hop.clone()))?;
    let recent: u32 = sum.rate.until(now).iter().sum();
    Some(EdgeRow {
        caller: sum.caller.clone(),
        callee: Arc::clone(&sum.callee),
        hops,
        verdicts: sum.verdicts,
        severity,
        shown,
        rate: recent as f32 / 10.0,
        last_seen: sum.last_seen,
        waypoints: sorted(&sum.waypoints),
        sample,
    })
}

/// In an order that does not depend on which trace came first.
fn sorted(names: &[Arc<str>]) -> Vec<Arc<str>> {
    let mut names = names.to_vec();
    names.sort();
    names
}

/// The worst accused verdict above info, else the most frequent one: of those that are known, once the newest hops are.
fn shown(sum: &EdgeSum) -> Option<Verdict> {
    let accused =
        sum.problems.iter().filter(|(_, p)| p.count() > 0 && p.worst().0 > Severity::Info).filter_map(|(kind, p)| {
            match kind {
                ProblemKind::Verdict(verdict, _) => Some((p.worst().0, p.count(), *verdict)),
                ProblemKind::Finding(_) => None,
            }
        });
    let past = is_known_by_now(sum);
    let frequent = Verdict::ALL.iter().copied().filter(|v| sum.verdicts[*v as usize] > 0);
    let frequent = frequent.filter(|v| !past || *v != Verdict::Unknown);
    accused
        .max()
        .map(|(_, _, verdict)| verdict)
        .or_else(|| frequent.max_by_key(|v| (sum.verdicts[*v as usize], 8 - *v as usize)))
}

/// Whether its unknown hops are the past: a service began to capture, and what came last can be judged. Of the last
/// ten seconds with hops at least three must be known, and three of four: some wait for their other side.
fn is_known_by_now(sum: &EdgeSum) -> bool {
    let all: u32 = sum.rate.until(sum.last_seen).iter().sum();
    let unknown: u32 = sum.unknown.until(sum.last_seen).iter().sum();
    let known = all.saturating_sub(unknown);
    known >= 3 && known >= unknown * 3
}

fn problem_rows(sum: &EdgeSum, of: u64, now: UnixNanos) -> Vec<ProblemRow> {
    let mut kinds: Vec<&ProblemKind> = sum.problems.keys().collect();
    kinds.sort();
    kinds.into_iter().filter_map(|kind| problem_row(sum, *kind, &sum.problems[kind], of, now)).collect()
}

/// One problem as a row; `None` where nothing is left of it.
pub fn problem_row(edge: &EdgeSum, kind: ProblemKind, sum: &ProblemSum, of: u64, now: UnixNanos) -> Option<ProblemRow> {
    if sum.count() == 0 { None } else { last_row(edge, kind, sum, of, now) }
}

/// One problem as a row, though nothing may be left of it: what is withdrawn is still named.
pub fn last_row(edge: &EdgeSum, kind: ProblemKind, sum: &ProblemSum, of: u64, now: UnixNanos) -> Option<ProblemRow> {
    let sample = sum.sample.hop.clone()?;
    let (severity, confidence) = sum.worst();
    let (verdict, cause, finding) = match kind {
        ProblemKind::Verdict(verdict, cause) => (Some(verdict), cause, None),
        ProblemKind::Finding(finding) => (None, None, Some(finding)),
    };
    let hint = finding.map(|f| hints::for_finding(f).to_owned()).or_else(|| sample.hint.clone());
    Some(ProblemRow {
        caller: edge.caller.clone(),
        callee: Arc::clone(&edge.callee),
        verdict,
        cause,
        finding,
        segment: verdict.and_then(|_| sum.segment()),
        severity,
        confidence,
        count: sum.count(),
        of,
        first_seen: sum.first_seen,
        last_seen: sum.last_seen,
        traces: sum.traces.clone(),
        spark: sum.spark.until(now.max(sum.last_seen)),
        sample,
        hint,
    })
}
