//! The pure core: spans into hops, hops into verdicts. No socket, no screen, no clock: time comes from spans and ticks.

mod aggregate;
mod alike;
mod blame;
mod compare;
mod coverage;
mod evict;
mod exchange;
mod exempt;
mod explain;
mod facts;
mod findings;
pub mod held;
pub mod hints;
mod judge;
mod kept;
mod known;
mod leaning;
mod memo;
mod nature;
mod observe;
mod outbound;
mod outcome;
mod pairing;
pub mod parts;
mod places;
mod process;
mod profile;
mod redirect;
mod refusal;
mod rejections;
mod rows;
mod rules;
mod saved;
mod severity;
mod sides;
mod size;
mod slots;
mod store;
pub mod summary;
mod table;
mod taught;
mod teach;
pub mod tokens;
mod tree;
pub mod twin;
pub mod views;
mod wanted;
mod way;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};

use crate::model::policy::Policy;
use crate::model::{
    Arrived, Batch, Fingerprint, Hop, Link, LogRecord, Meter, ServiceName, Span, SpanId, TraceId, UnixNanos,
};

pub use saved::SavedProfile;

use aggregate::Sums;
use coverage::Coverage;
use leaning::Leaning;
use memo::Memo;
use places::Places;
use profile::{Fact, Learned, Profile};
use rules::Rules;
use store::TraceState;
use summary::ProblemRow;
use wanted::Wanted;

/// Bounds and switches of a [`Trail`].
#[derive(Clone, Debug)]
pub struct TrailOptions {
    /// Turns what nobody captured into absent, likely (`--assume-captured`).
    pub assume_captured: bool,
    /// How long a trace must be quiet to be settled.
    pub settle: Duration,
    /// Bytes that may be kept for judging; whole traces are evicted beyond it.
    pub memory: usize,
    /// Spans kept of one trace; what comes beyond is counted.
    pub spans_per_trace: usize,
}

/// Counters of a [`Trail`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TrailStats {
    /// Spans taken, duplicates included.
    pub spans: u64,
    /// Log records taken.
    pub logs: u64,
    /// Spans that were there already.
    pub duplicates: u64,
    /// Traces held.
    pub traces: u64,
    /// Hops judged, of the traces held and of those evicted.
    pub hops: u64,
    /// Hops by verdict, indexed by `Verdict as usize`.
    pub verdicts: [u64; 8],
    /// `dropped` hops of severity low.
    pub dropped_low: u64,
    /// Judgements that stood from an earlier trace that was alike.
    pub recalled: u64,
    /// Traces evicted whole.
    pub evicted_traces: u64,
    /// Start of the newest of them: whatever is missing began no later.
    pub evicted_until: UnixNanos,
    /// Spans in those.
    pub evicted_spans: u64,
    /// Spans and log records beyond the bound for one trace.
    pub trace_overflow: u64,
    /// Spans of services, and hops on edges, beyond the bounds on those.
    pub folded: (u64, u64),
    /// Bytes kept for judging.
    pub memory_used: usize,
}

/// All traces held, their verdicts, and the capture profile built of them.
pub struct Trail {
    options: TrailOptions,
    rules: Arc<Rules>,
    profile: Profile,
    places: Places,
    coverage: Coverage,
    sums: Sums,
    memo: Memo,
    stats: TrailStats,
    /// Boxed: a growing map moves what it holds.
    traces: AHashMap<TraceId, Box<TraceState>>,
    /// Traces to judge at the next tick.
    dirty: Vec<TraceId>,
    /// Services about which the profile learned something: their traces are judged anew.
    learned: AHashSet<ServiceName>,
    /// Something was learned that may concern any trace.
    learned_all: bool,
    /// Spans that spans of other traces link to: by their trace, the span and the linking trace.
    links_in: AHashMap<TraceId, AHashSet<(TraceId, SpanId)>>,
    /// When large traces that still grow were judged last.
    large: AHashMap<TraceId, UnixNanos>,
    /// Traces by the time of their last change, for settling.
    quiet: VecDeque<(UnixNanos, TraceId)>,
    /// Traces in order of arrival, for eviction; broken ones move to a queue of their own.
    oldest: VecDeque<TraceId>,
    oldest_broken: VecDeque<TraceId>,
    broken_bytes: usize,
    /// Bytes that judging the largest trace took that still grows.
    scratch: usize,
    /// Something that a screen shows has changed since the last tick.
    changed: bool,
    withdrawn: Vec<ProblemRow>,
    /// What counts the bytes of all that spans share.
    meter: Option<Arc<Meter>>,
    /// Traces by the facts that their verdicts lean on.
    leaning: Leaning,
    /// Tokens whose check failed, for traces that saw them unchecked.
    failed_checks: AHashSet<Fingerprint>,
    /// What written profiles know: it stays known between the passes over parts, too.
    restored: AHashSet<Fact>,
    /// Traces of other parts that traces held here link to: looked at, never judged.
    guests: AHashMap<TraceId, Box<TraceState>>,
    /// Spans held here that spans of other parts link to.
    linked_from_afar: AHashMap<TraceId, AHashSet<SpanId>>,
    /// Which facts about tokens are worth keeping; only where a trail is judged in parts.
    wanted: Option<Wanted>,
}

impl Trail {
    /// An empty trail.
    pub fn new(policy: Policy, options: TrailOptions) -> Self {
        let rules = Rules::new(policy, options.assume_captured);
        Self::under(Arc::new(rules), options)
    }

    fn under(rules: Arc<Rules>, options: TrailOptions) -> Self {
        Self {
            rules,
            profile: Profile::default().within(options.memory / SHARE_OF_FACTS),
            places: Places::within(options.memory),
            coverage: Coverage::default().within(options.memory / SHARE_OF_FACTS),
            sums: Sums::default().within(options.memory / SHARE_OF_FACTS),
            memo: Memo::within(options.memory),
            stats: TrailStats::default(),
            traces: AHashMap::new(),
            dirty: Vec::new(),
            learned: AHashSet::new(),
            learned_all: false,
            links_in: AHashMap::new(),
            large: AHashMap::new(),
            quiet: VecDeque::new(),
            oldest: VecDeque::new(),
            oldest_broken: VecDeque::new(),
            broken_bytes: 0,
            scratch: 0,
            changed: false,
            withdrawn: Vec::new(),
            leaning: Leaning::default(),
            meter: None,
            failed_checks: AHashSet::new(),
            restored: AHashSet::new(),
            guests: AHashMap::new(),
            linked_from_afar: AHashMap::new(),
            wanted: None,
            options,
        }
    }

    /// Judges by another policy from the next tick on, everything that is held anew. What was evicted stays as it was
    /// judged; which headers carry tokens was decided when spans came in.
    pub fn set_policy(&mut self, policy: Policy) {
        self.rules = Arc::new(Rules::new(policy, self.options.assume_captured));
        self.learned_all = true;
        self.memo.clear();
        self.sums.redraw();
    }

    /// Judges as another trail does from the next tick on, everything that is held anew; nothing where it did already.
    pub fn judge_like(&mut self, other: &Self) {
        if !Arc::ptr_eq(&self.rules, &other.rules) {
            self.rules = Arc::clone(&other.rules);
            self.learned_all = true;
            self.memo.clear();
            self.sums.redraw();
        }
    }

    /// The capture profile, to be written beside what was recorded.
    pub fn profile(&self) -> SavedProfile {
        self.profile.save()
    }

    /// Gives a written profile back: what it knows stays known.
    pub fn restore_profile(&mut self, saved: &SavedProfile) {
        self.profile.restore(saved);
        self.restored.extend(saved.facts().iter().cloned());
        self.learned_all = true;
    }

    /// Takes spans and logs; `now` is the engine's clock, which decides when a trace has been quiet long enough.
    pub fn ingest(&mut self, batch: Batch, now: UnixNanos) {
        if batch.meter.is_some() {
            self.meter = batch.meter;
        }
        for span in batch.spans {
            self.take(span, now);
        }
        for record in batch.logs {
            self.take_log(record, now);
        }
        // Between two ticks more may come than the bound has room for: what came first is judged before it goes.
        if self.memory_used() > self.options.memory.saturating_add(self.options.memory / SLACK) {
            self.changed |= self.tick(now);
        }
    }

    /// Takes one span.
    pub fn take(&mut self, mut span: Arrived, now: UnixNanos) {
        self.stats.spans += 1;
        match self.places.learn(&mut span, &mut self.profile) {
            Learned::Nothing => {}
            Learned::Service => {
                self.learned.insert(span.resource.service.clone());
            }
            Learned::Anyone => self.learned_all = true,
        }
        self.coverage.add(&span);
        self.hold(span.trace_id, span.span, now);
    }

    /// Takes one log record.
    pub fn take_log(&mut self, record: LogRecord, now: UnixNanos) {
        self.stats.logs += 1;
        self.hold_log(record, now);
    }

    /// Keeps a span that the profile knows.
    fn hold(&mut self, id: TraceId, span: Span, now: UnixNanos) {
        let limit = self.options.spans_per_trace.min(self.options.memory / PER_SPAN_OF_LARGE);
        let trace = self.touch(id, now);
        if trace.spans.len() >= limit {
            self.stats.trace_overflow += 1;
            return;
        }
        let links: Vec<Link> = span.own().links.iter().filter(|link| link.trace_id != id).copied().collect();
        let before = trace.bytes;
        trace.push(span);
        let added = trace.bytes - before;
        self.stats.memory_used += added;
        for link in links {
            if self.links_in.entry(link.trace_id).or_default().insert((id, link.span_id)) {
                self.touch_linked(link.trace_id);
            }
        }
    }

    fn hold_log(&mut self, record: LogRecord, now: UnixNanos) {
        let limit = self.options.spans_per_trace;
        let trace = self.touch(record.trace_id, now);
        if trace.logs().len() >= limit {
            self.stats.trace_overflow += 1;
            return;
        }
        let before = trace.bytes;
        trace.push_log(record);
        let added = trace.bytes - before;
        self.stats.memory_used += added;
    }

    /// Changes a trace, and counts the bytes that it then takes.
    fn change<R>(&mut self, id: TraceId, change: impl FnOnce(&mut TraceState) -> R) -> Option<R> {
        let trace = self.traces.get_mut(&id)?;
        let before = trace.bytes;
        let result = change(trace);
        self.stats.memory_used = (self.stats.memory_used + trace.bytes).saturating_sub(before);
        Some(result)
    }

    /// Marks a trace as changed, and those that link into it.
    fn touch(&mut self, id: TraceId, now: UnixNanos) -> &mut TraceState {
        // Once a tick is enough: what links here is marked when this trace is.
        if !self.links_in.is_empty() && self.traces.get(&id).is_none_or(|trace| !trace.dirty) {
            let linking: Vec<TraceId> = self.links_in.get(&id).into_iter().flatten().map(|(from, _)| *from).collect();
            for trace in linking {
                self.touch_linked(trace);
            }
        }
        let trace = self.traces.entry(id).or_insert_with(|| {
            self.oldest.push_back(id);
            let trace = TraceState::new();
            self.stats.memory_used += trace.bytes;
            Box::new(trace)
        });
        if !trace.dirty {
            trace.dirty = true;
            self.dirty.push(id);
        }
        if trace.touched != now || trace.settled {
            trace.touched = now;
            self.quiet.push_back((now, id));
        }
        trace.settled = false;
        trace
    }

    fn touch_linked(&mut self, id: TraceId) {
        if let Some(trace) = self.traces.get_mut(&id)
            && !trace.dirty
        {
            trace.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Counters.
    pub fn stats(&self) -> TrailStats {
        let mut stats = self.stats;
        stats.traces += self.traces.len() as u64;
        stats.verdicts = self.sums.verdicts;
        stats.hops = stats.verdicts.iter().sum();
        stats.dropped_low = self.sums.dropped_low;
        stats.folded = (self.coverage.folded + self.profile.nameless, self.sums.folded);
        stats.memory_used = self.memory_used();
        stats
    }

    /// Every trace held, in the report's order: trace start, then id.
    pub fn trace_ids(&self) -> Vec<TraceId> {
        let mut ids: Vec<(UnixNanos, TraceId)> = self.traces.iter().map(|(id, trace)| (trace.start(), *id)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id).collect()
    }

    /// The judged hops of one trace in the report's order: hop start, then callee span id (caller's where there is none).
    pub fn hops_of(&self, trace: TraceId) -> Vec<Hop> {
        let settled = self.traces.get(&trace).is_some_and(|held| held.settled);
        let mut hops = self.with_case(trace, |case| {
            let judged = judge::judge(case);
            judged.iter().map(|hop| explain::explain(case, hop, settled)).collect::<Vec<Hop>>()
        });
        hops.sort_by_key(explain::order_key);
        hops
    }
}

/// The share of the memory that may be held beyond the bound until the next tick.
const SLACK: usize = 32;

/// Of one trace so many spans are held that half of the memory is enough to judge it.
const PER_SPAN_OF_LARGE: usize = 2 * work::SCRATCH_A_SPAN;

/// Facts about services and operations may take this share of the memory.
const SHARE_OF_FACTS: usize = 8;
