//! Sums over judged hops: what the screens and the report's issues are made of. Every sum can be taken back.

use std::ops::Deref;
use std::sync::Arc;

use ahash::AHashMap;

use crate::model::meter::allocated;
use crate::model::{Cause, Confidence, Finding, Hop, Segment, Severity, SpanId, TraceId, UnixNanos, Verdict};

use super::slots::Slots;
use super::summary::NodeKind;

/// What one hop adds to the sums; [`Kept`](super::kept::Kept) is what is held of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Contribution {
    /// Start of the hop.
    pub start: UnixNanos,
    /// The span that names the hop.
    pub key: SpanId,
    /// Its place among the spans of the trace.
    pub place: u32,
    /// Findings.
    pub findings: Found,
    /// Which edge: there are less than [`MAX_EDGES`] and one more.
    pub edge: u32,
    /// Verdict.
    pub verdict: Verdict,
    /// Cause.
    pub cause: Option<Cause>,
    /// Segment.
    pub segment: Option<Segment>,
    /// Severity of the verdict.
    pub severity: Severity,
    /// Confidence.
    pub confidence: Confidence,
}

/// The findings of one hop, each with its severity: hardly any hop has one.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(clippy::box_collection, reason = "a third of the size where there are none, which is nearly always")]
pub struct Found(Option<Box<Vec<(Finding, Severity)>>>);

impl FromIterator<(Finding, Severity)> for Found {
    fn from_iter<I: IntoIterator<Item = (Finding, Severity)>>(findings: I) -> Self {
        let findings: Vec<_> = findings.into_iter().collect();
        Self((!findings.is_empty()).then(|| Box::new(findings)))
    }
}

impl Deref for Found {
    type Target = [(Finding, Severity)];

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl Contribution {
    /// The place of its edge among all.
    pub fn edge(&self) -> usize {
        self.edge as usize
    }
}
impl Found {
    /// Bytes that they take beside their place.
    pub fn heap(&self) -> usize {
        let list = |found: &Vec<_>| allocated(size_of_val(found)) + allocated(size_of_val(found.as_slice()));
        self.0.as_deref().map_or(0, list)
    }
}

/// What a problem is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ProblemKind {
    /// An accused verdict.
    Verdict(Verdict, Option<Cause>),
    /// A finding.
    Finding(Finding),
}

impl ProblemKind {
    /// Whether a hop has this problem.
    pub fn shows_in(self, hop: &Hop) -> bool {
        match self {
            Self::Verdict(verdict, cause) => (hop.verdict, hop.cause) == (verdict, cause),
            Self::Finding(finding) => hop.findings.iter().any(|hit| hit.finding == finding),
        }
    }
}

/// The newest hop of an edge or problem, as it was last drawn up.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The newest hop's place, `None` where it was taken back.
    pub newest: Option<(UnixNanos, TraceId, SpanId)>,
    /// A hop drawn up.
    pub hop: Option<Arc<Hop>>,
    /// Which one, and when.
    pub drawn: Option<((UnixNanos, TraceId, SpanId), UnixNanos)>,
}

/// Sums of one problem.
#[derive(Clone, Debug)]
pub struct ProblemSum {
    /// Hops by severity and confidence.
    pub counts: [[u64; 3]; 5],
    /// Hops by segment; the last slot counts those without.
    pub segments: [u64; 4],
    /// Start of the first hop.
    pub first_seen: UnixNanos,
    /// Start of the newest hop.
    pub last_seen: UnixNanos,
    /// At most five traces.
    pub traces: Vec<TraceId>,
    /// Hops in each slot of 25 seconds.
    pub spark: Slots<12>,
    /// The newest hop.
    pub sample: Sample,
    /// Whether it was announced.
    pub announced: bool,
}

impl Default for ProblemSum {
    fn default() -> Self {
        Self {
            counts: [[0; 3]; 5],
            segments: [0; 4],
            first_seen: UnixNanos(u64::MAX),
            last_seen: UnixNanos(0),
            traces: Vec::new(),
            spark: Slots::new(25_000_000_000),
            sample: Sample::default(),
            announced: false,
        }
    }
}

impl ProblemSum {
    /// Hops with this problem.
    pub fn count(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The worst severity, and the surest confidence among the hops that have it.
    pub fn worst(&self) -> (Severity, Confidence) {
        let worst = (0..5).rev().find(|&s| self.counts[s].iter().any(|&n| n > 0)).unwrap_or(0);
        let surest = (0..3).rev().find(|&c| self.counts[worst][c] > 0).unwrap_or(0);
        (Severity::ALL[worst], Confidence::ALL[surest])
    }

    /// The segment of most hops.
    pub fn segment(&self) -> Option<Segment> {
        let most = (0..3).filter(|&i| self.segments[i] > 0).max_by_key(|&i| (self.segments[i], 3 - i))?;
        Segment::ALL.get(most).copied()
    }
}

/// Sums of one edge.
#[derive(Clone, Debug)]
pub struct EdgeSum {
    /// Caller.
    pub caller: Option<Arc<str>>,
    /// Callee.
    pub callee: Arc<str>,
    /// What the callee is, where it never reports.
    pub outside: NodeKind,
    /// Hops by verdict.
    pub verdicts: [u64; 8],
    /// Start of the newest hop.
    pub last_seen: UnixNanos,
    /// Waypoints passed.
    pub waypoints: Vec<Arc<str>>,
    /// Hops in each of the last seconds.
    pub rate: Slots<10>,
    /// Those of them that are unknown.
    pub unknown: Slots<10>,
    /// Newest hop of each verdict.
    pub samples: [Sample; 8],
    /// Problems.
    pub problems: AHashMap<ProblemKind, ProblemSum>,
}

impl EdgeSum {
    /// Whether this is the one that stands for all beyond the bound.
    pub fn is_others(&self) -> bool {
        &*self.callee == OTHERS && self.caller.as_deref() == Some(OTHERS)
    }
}

/// All sums.
#[derive(Default, Debug)]
pub struct Sums {
    /// Edges, in order of first appearance.
    pub edges: Vec<EdgeSum>,
    /// Hops by verdict.
    pub verdicts: [u64; 8],
    /// `dropped` hops of severity low.
    pub dropped_low: u64,
    /// Hops on edges beyond the bound.
    pub folded: u64,
    most: Option<usize>,
    /// The edge at which samples are looked at first.
    pub turn: usize,
    index: AHashMap<(Option<Arc<str>>, Arc<str>), usize>,
}

/// Edges that are told apart.
pub(super) const MAX_EDGES: usize = 10_000;

/// The name that stands for those beyond a bound.
pub const OTHERS: &str = "(others)";

const LEAST_EDGES: usize = 1_000;
/// Bytes of an edge with its newest hops.
const PER_EDGE: usize = 4_096;

impl Sums {
    /// Tells as many edges apart as fit into so many bytes.
    pub fn within(self, bytes: usize) -> Self {
        Self { most: Some((bytes / PER_EDGE).clamp(LEAST_EDGES, MAX_EDGES)), ..self }
    }

    /// How many edges are told apart.
    pub fn most(&self) -> usize {
        self.most.unwrap_or(MAX_EDGES)
    }

    /// Samples speak of the rules that they were judged by: all are drawn up anew when next shown.
    pub fn redraw(&mut self) {
        for edge in &mut self.edges {
            let problems = edge.problems.values_mut().map(|problem| &mut problem.sample);
            edge.samples.iter_mut().chain(problems).for_each(|sample| sample.drawn = None);
        }
    }

    /// The number of an edge; made where it is new.
    pub fn edge(&mut self, caller: Option<&Arc<str>>, callee: &Arc<str>, outside: NodeKind) -> usize {
        let key = (caller.cloned(), Arc::clone(callee));
        if let Some(&edge) = self.index.get(&key) {
            if outside == NodeKind::Service {
                self.edges[edge].outside = outside;
            }
            return edge;
        }
        if self.edges.len() >= self.most() && (caller.map(|name| &**name), &**callee) != (Some(OTHERS), OTHERS) {
            // What a stranger can name without end is summed up under one name, and said so.
            self.folded += 1;
            return self.edge(Some(&OTHERS.into()), &OTHERS.into(), NodeKind::External);
        }
        self.edges.push(EdgeSum {
            caller: key.0.clone(),
            callee: Arc::clone(callee),
            outside,
            verdicts: [0; 8],
            last_seen: UnixNanos(0),
            waypoints: Vec::new(),
            rate: Slots::new(1_000_000_000),
            unknown: Slots::new(1_000_000_000),
            samples: Default::default(),
            problems: AHashMap::new(),
        });
        self.index.insert(key, self.edges.len() - 1);
        self.edges.len() - 1
    }

    /// Knows the edges of a part: what their callees are, and what was passed on the way.
    pub fn know_edges(&mut self, part: &Self) {
        let mut edges: Vec<&EdgeSum> = part.edges.iter().collect();
        edges.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
        for known in edges {
            let edge = self.edge(known.caller.as_ref(), &known.callee, known.outside);
            for waypoint in &known.waypoints {
                if !self.edges[edge].waypoints.contains(waypoint) {
                    self.edges[edge].waypoints.push(Arc::clone(waypoint));
                }
            }
        }
    }

    /// Takes a hop that was just added for a sample where it is the newest.
    pub fn sample(&mut self, c: &Contribution, trace: TraceId, hop: &Arc<Hop>) {
        let place = (c.start, trace, c.key);
        let edge = &mut self.edges[c.edge()];
        edge.samples[c.verdict as usize].draw(place, hop);
        for (kind, _) in problems_of(c) {
            if let Some(sum) = edge.problems.get_mut(&kind) {
                sum.sample.draw(place, hop);
            }
        }
    }

    /// Takes a trace's hops back and adds what they are now.
    pub fn replace(&mut self, trace: TraceId, old: &[Contribution], new: &[Contribution]) {
        for contribution in old {
            self.remove(trace, contribution);
        }
        for contribution in new {
            self.add(trace, contribution);
        }
    }

    /// Adds a hop.
    pub fn add(&mut self, trace: TraceId, c: &Contribution) {
        self.verdicts[c.verdict as usize] += 1;
        self.dropped_low += u64::from(is_dropped_low(c));
        let edge = &mut self.edges[c.edge()];
        edge.verdicts[c.verdict as usize] += 1;
        edge.last_seen = edge.last_seen.max(c.start);
        edge.rate.add(c.start);
        if c.verdict == Verdict::Unknown {
            edge.unknown.add(c.start);
        }
        let place = (c.start, trace, c.key);
        edge.samples[c.verdict as usize].offer(place);
        for (kind, severity) in problems_of(c) {
            let sum = edge.problems.entry(kind).or_default();
            sum.counts[severity as usize][c.confidence as usize] += 1;
            sum.segments[c.segment.map_or(3, |s| s as usize)] += 1;
            sum.first_seen = sum.first_seen.min(c.start);
            sum.last_seen = sum.last_seen.max(c.start);
            sum.spark.add(c.start);
            sum.sample.offer(place);
            if sum.traces.len() < 5 && !sum.traces.contains(&trace) {
                sum.traces.push(trace);
            }
        }
    }

    /// Takes a hop back.
    pub fn remove(&mut self, trace: TraceId, c: &Contribution) {
        self.verdicts[c.verdict as usize] = self.verdicts[c.verdict as usize].saturating_sub(1);
        self.dropped_low = self.dropped_low.saturating_sub(u64::from(is_dropped_low(c)));
        let edge = &mut self.edges[c.edge()];
        edge.verdicts[c.verdict as usize] = edge.verdicts[c.verdict as usize].saturating_sub(1);
        edge.rate.remove(c.start);
        if c.verdict == Verdict::Unknown {
            edge.unknown.remove(c.start);
        }
        edge.samples[c.verdict as usize].withdraw(trace);
        for (kind, severity) in problems_of(c) {
            if let Some(sum) = edge.problems.get_mut(&kind) {
                let count = &mut sum.counts[severity as usize][c.confidence as usize];
                *count = count.saturating_sub(1);
                let segment = &mut sum.segments[c.segment.map_or(3, |s| s as usize)];
                *segment = segment.saturating_sub(1);
                sum.spark.remove(c.start);
                sum.sample.withdraw(trace);
                sum.traces.retain(|t| *t != trace);
            }
        }
    }

    /// Starts the counts anew and keeps what was announced, and the waypoints: contributions do not carry those.
    pub fn clear_counts(&mut self) {
        self.verdicts = [0; 8];
        self.dropped_low = 0;
        for edge in &mut self.edges {
            edge.verdicts = [0; 8];
            edge.rate = Slots::new(1_000_000_000);
            edge.unknown = Slots::new(1_000_000_000);
            edge.samples = Default::default();
            for sum in edge.problems.values_mut() {
                *sum = ProblemSum { announced: sum.announced, ..ProblemSum::default() };
            }
        }
    }
}

impl Sample {
    fn offer(&mut self, place: (UnixNanos, TraceId, SpanId)) {
        if self.newest.is_none_or(|newest| place >= newest) {
            self.newest = Some(place);
        }
    }

    fn draw(&mut self, place: (UnixNanos, TraceId, SpanId), hop: &Arc<Hop>) {
        // Of several hops that one span names, the first.
        if self.newest == Some(place) && self.drawn.is_none_or(|(drawn, _)| drawn != place) {
            self.hop = Some(Arc::clone(hop));
            self.drawn = Some((place, UnixNanos(0)));
        }
    }

    fn withdraw(&mut self, trace: TraceId) {
        if self.newest.is_some_and(|(_, newest, _)| newest == trace) {
            self.newest = None;
        }
    }
}

fn is_dropped_low(c: &Contribution) -> bool {
    c.verdict == Verdict::Dropped && c.severity <= Severity::Low
}

/// The problems that a hop counts for.
fn problems_of(c: &Contribution) -> impl Iterator<Item = (ProblemKind, Severity)> + '_ {
    let accused = c.verdict.accuses().then_some((ProblemKind::Verdict(c.verdict, c.cause), c.severity));
    accused.into_iter().chain(c.findings.iter().map(|(finding, severity)| (ProblemKind::Finding(*finding), *severity)))
}
