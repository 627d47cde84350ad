//! One trace as it is kept: its spans, its logs, and what it last contributed.

use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ahash::{AHashMap, AHashSet};

use crate::model::meter::allocated;
use crate::model::{Finding, LogRecord, Severity, Span, SpanId, SpanKind, TraceId, UnixNanos};

use super::aggregate::{Contribution, Found};
use super::kept::Kept;
use super::profile::Fact;
use super::size::{heap_of_log, heap_of_span};
use super::taught::FactSet;
use super::tree::canonical;

/// A trace in memory. There are as many as memory holds: a byte counts.
#[derive(Default)]
pub struct TraceState {
    /// Its spans; in canonical order and without duplicates once [`TraceState::prepare`] ran.
    pub spans: Vec<Span>,
    /// What few traces have.
    rare: Option<Box<Rare>>,
    /// When it last grew, on the engine's clock.
    pub touched: UnixNanos,
    /// What it added to the sums.
    hops: Box<[Kept]>,
    /// What it taught the profile of services.
    pub taught: Option<Arc<FactSet>>,
    /// The facts that its verdicts lean on.
    pub leans_on: Box<[Arc<Fact>]>,
    /// When and where it began and ended.
    pub extent: Extent,
    /// Bytes that it is counted with.
    pub bytes: usize,
    /// Those of them that its spans and logs have taken for themselves.
    heap: usize,
    /// Those of `bytes` that count as broken.
    pub broken_bytes: usize,
    /// Hops of `contributions` with an accused verdict.
    pub accused: u32,
    /// What the last search found here: its number and the answer, zero where it has to look anew.
    note: AtomicU32,
    /// Whether it waits to be judged.
    pub dirty: bool,
    /// Whether it has been quiet for the settle window.
    pub settled: bool,
    /// Whether a hop waits for a span that may still come: settling will count it.
    pub waiting: bool,
    /// Whether a hop of it is accused.
    pub broken: bool,
    /// Whether it was counted as settled, and then as one of a single service.
    pub counted_single: Option<bool>,
    /// Worst severity of `contributions`, findings included; `None` where there are none.
    pub severity: Option<Severity>,
    unsorted: bool,
}

const _: () = assert!(size_of::<TraceState>() <= 144);

/// What few traces have: kept apart, so that the others do not pay for it.
#[derive(Default)]
struct Rare {
    /// Log records joined to it.
    logs: Vec<LogRecord>,
    /// What it taught the profile of single tokens.
    of_tokens: Vec<Arc<Fact>>,
    /// Findings, with the hop that has them, in order.
    findings: Vec<(u32, Found)>,
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.of_tokens.is_empty() && self.findings.is_empty()
    }

    /// Bytes that it takes, without what log records hold.
    fn bytes(&self) -> usize {
        allocated(size_of::<Self>())
            + allocated(self.logs.capacity() * size_of::<LogRecord>())
            + allocated(self.of_tokens.capacity() * size_of::<Arc<Fact>>())
            + allocated(self.findings.capacity() * size_of::<(u32, Found)>())
            + self.findings.iter().map(|(_, found)| found.heap()).sum::<usize>()
    }
}

/// What a list sorts traces by, kept so that a list of many need not look at their spans.
#[derive(Clone, Debug)]
pub struct Extent {
    /// Start of the first span.
    pub start: UnixNanos,
    /// End of the last one.
    pub end: UnixNanos,
    /// Place of the root span, of the first span where the root is not there.
    pub root: u32,
}

impl Default for Extent {
    fn default() -> Self {
        Self { start: UnixNanos(u64::MAX), end: UnixNanos(0), root: 0 }
    }
}

impl Extent {
    fn add(&mut self, at: usize, spans: &[Span]) {
        let span = &spans[at];
        self.start = self.start.min(span.start);
        self.end = self.end.max(span.end.max(span.start));
        let key = |at: usize| (spans[at].parent_id().is_some(), spans[at].start);
        if key(at) < key(self.root as usize) {
            self.root = at as u32;
        }
    }
}

/// Bytes of a trace's own block, and of its places in the map and in the queue of arrival: those grow to twice what they
/// hold.
const PER_TRACE: usize = allocated(size_of::<TraceState>()) + (PLACE_IN_MAP + size_of::<TraceId>()) * 3 / 2;
const PLACE_IN_MAP: usize = size_of::<(TraceId, Box<TraceState>)>() + 1;

/// What it costs that a trace leans on a fact: its place in the list of those that do, and in a small trace's own list.
const PER_LEANING: usize = 48;

impl TraceState {
    /// An empty trace.
    pub fn new() -> Self {
        Self { bytes: PER_TRACE, ..Self::default() }
    }

    /// Adds a span.
    pub fn push(&mut self, span: Span) {
        let heap = heap_of_span(&span);
        let room = self.spans.capacity();
        self.unsorted = true;
        self.spans.push(span);
        self.extent.add(self.spans.len() - 1, &self.spans);
        // What it holds beside is not gone through for each span.
        self.heap += heap;
        self.bytes += heap;
        if self.spans.capacity() != room {
            let block = |spans: usize| allocated(spans * size_of::<Span>());
            self.bytes = (self.bytes + block(self.spans.capacity())).saturating_sub(block(room));
        }
    }

    /// Adds a log record.
    pub fn push_log(&mut self, record: LogRecord) {
        self.heap += heap_of_log(&record);
        self.unsorted = true;
        self.rare.get_or_insert_default().logs.push(record);
        self.weigh();
    }

    /// Log records joined to it.
    pub fn logs(&self) -> &[LogRecord] {
        self.rare.as_deref().map_or(&[], |rare| &rare.logs)
    }

    /// Takes its spans and logs out.
    pub fn into_parts(self) -> (Vec<Span>, Vec<LogRecord>) {
        (self.spans, self.rare.map(|rare| rare.logs).unwrap_or_default())
    }

    /// Gives back the room that was kept for more spans.
    pub fn tighten(&mut self) {
        // Shrinking in place would leave the block as it is: the allocator moves nothing that fits by half.
        if allocated(self.spans.capacity() * size_of::<Span>()) > allocated(size_of_val(self.spans.as_slice())) {
            let mut tight = Vec::with_capacity(self.spans.len());
            tight.append(&mut self.spans);
            self.spans = tight;
        }
        self.weigh();
    }

    /// Counts its bytes anew; cheap, whatever it holds.
    pub fn weigh(&mut self) {
        self.bytes = PER_TRACE
            + self.heap
            + allocated(self.spans.capacity() * size_of::<Span>())
            + allocated(size_of_val(&*self.hops))
            + self.rare.as_deref().map_or(0, Rare::bytes)
            + allocated(size_of_val(&*self.leans_on))
            + self.leans_on.len() * PER_LEANING;
    }

    /// Sorts spans and logs and merges duplicates; returns how many spans there were twice. A span sent twice: the later
    /// end wins, then the greater in all that it says, so that the order of arrival does not matter.
    pub fn prepare(&mut self) -> u64 {
        if !self.unsorted {
            return 0;
        }
        self.unsorted = false;
        let before = self.spans.len();
        let twins = has_twins(&self.spans);
        let named: Vec<_> = self.hops.iter().map(|hop| self.spans.get(hop.place()).map(identity)).collect();
        self.spans.sort_by(canonical);
        if twins {
            self.merge_twins();
        }
        self.find_again(&named);
        if let Some(Rare { logs, .. }) = self.rare.as_deref_mut() {
            logs.sort_by(|a, b| key_of_log(a).cmp(&key_of_log(b)));
            logs.dedup();
        }
        self.heap = self.spans.iter().map(heap_of_span).chain(self.logs().iter().map(heap_of_log)).sum();
        self.extent = Extent::default();
        (0..self.spans.len()).for_each(|at| self.extent.add(at, &self.spans));
        self.weigh();
        (before - self.spans.len()) as u64
    }

    /// Spans have moved: the hops that they name find them again.
    fn find_again(&mut self, named: &[Option<(SpanId, SpanKind)>]) {
        if named.is_empty() {
            return;
        }
        let few = self.spans.len() <= FEW;
        let places: AHashMap<_, usize> =
            if few { AHashMap::new() } else { self.spans.iter().map(identity).zip(0..).collect() };
        for (hop, name) in self.hops.iter_mut().zip(named) {
            let find = |name| {
                if few { self.spans.iter().position(|span| identity(span) == name) } else { places.get(&name).copied() }
            };
            hop.move_to(name.and_then(find));
        }
    }

    /// The hops that count, without their findings.
    pub fn hops(&self) -> &[Kept] {
        &self.hops
    }

    /// The id of the span that names a hop.
    pub fn key_of(&self, hop: Kept) -> SpanId {
        self.spans.get(hop.place()).map(|span| span.span_id).unwrap_or_default()
    }

    /// The findings of the hop at a place.
    pub fn findings_of(&self, hop: usize) -> &[(Finding, Severity)] {
        let findings = self.rare.as_deref().map_or(&[][..], |rare| &rare.findings);
        let at = findings.binary_search_by_key(&hop, |(of, _)| *of as usize);
        at.map_or(&[], |at| &findings[at].1)
    }

    /// What it added to the sums.
    pub fn contributions(&self) -> impl Iterator<Item = Contribution> {
        let found = |at| self.findings_of(at).iter().copied().collect();
        self.hops.iter().enumerate().map(move |(at, hop)| hop.unpack(&self.spans, found(at)))
    }

    /// Whether it added just this.
    pub fn hops_are(&self, new: &[Contribution]) -> bool {
        self.hops.len() == new.len()
            && self
                .hops
                .iter()
                .zip(new)
                .enumerate()
                .all(|(at, (hop, new))| *hop == Kept::new(new) && *self.findings_of(at) == *new.findings)
    }

    /// Adds something else to the sums; what it was.
    pub fn replace_hops(&mut self, new: &[Contribution]) -> Vec<Contribution> {
        let old = self.contributions().collect();
        self.hops = new.iter().map(Kept::new).collect();
        let found = (0..).zip(new).filter(|(_, c)| !c.findings.is_empty()).map(|(at, c)| (at, c.findings.clone()));
        let found: Vec<(u32, Found)> = found.collect();
        if !found.is_empty() || self.rare.is_some() {
            self.rare.get_or_insert_default().findings = found;
            self.rare.take_if(|rare| rare.is_empty());
        }
        old
    }

    fn merge_twins(&mut self) {
        self.spans.sort_by(|a, b| {
            let twins = (a.span_id, a.kind).cmp(&(b.span_id, b.kind));
            twins.then_with(|| b.end.cmp(&a.end)).then_with(|| later(b, a))
        });
        self.spans.dedup_by(|next, kept| (next.span_id, next.kind) == (kept.span_id, kept.kind));
        self.spans.sort_by(canonical);
    }

    /// What it taught the profile of single tokens.
    pub fn of_tokens(&self) -> &[Arc<Fact>] {
        self.rare.as_deref().map_or(&[], |rare| &rare.of_tokens)
    }

    /// The same, replaced; what it was.
    pub fn replace_of_tokens(&mut self, facts: Vec<Arc<Fact>>) -> Vec<Arc<Fact>> {
        if facts.is_empty() && self.rare.is_none() {
            return facts;
        }
        let old = std::mem::replace(&mut self.rare.get_or_insert_default().of_tokens, facts);
        self.rare.take_if(|rare| rare.is_empty());
        old
    }

    /// What it taught the profile.
    pub fn facts(&self) -> impl Iterator<Item = &Arc<Fact>> {
        self.taught.iter().flat_map(|set| set.facts()).chain(self.of_tokens())
    }

    /// Start of the first span.
    pub fn start(&self) -> UnixNanos {
        if self.spans.is_empty() { UnixNanos::default() } else { self.extent.start }
    }

    /// What the search with this number found here.
    pub fn noted(&self, search: u32) -> Option<bool> {
        let note = self.note.load(Ordering::Relaxed);
        (note >> 1 == search).then_some(note & 1 == 1)
    }

    /// Notes what the search with this number, above zero, found here. It holds until the trace is judged anew.
    pub fn write_note(&self, search: u32, found: bool) {
        self.note.store(search << 1 | u32::from(found), Ordering::Relaxed);
    }

    /// Takes what was found here back: the next search looks anew.
    pub fn forget_note(&self) {
        self.note.store(0, Ordering::Relaxed);
    }

    /// Whether all spans are of one service.
    pub fn single_service(&self) -> bool {
        let first = self.spans.first().map(|span| &span.resource.service);
        self.spans.iter().all(|span| Some(&span.resource.service) == first)
    }
}

/// What tells a span from the others of its trace: both sides of a call may share an id.
fn identity(span: &Span) -> (SpanId, SpanKind) {
    (span.span_id, span.kind)
}

/// So few spans are held each against each: that is faster than to sort or hash them.
const FEW: usize = 24;

/// Whether a span is there twice.
fn has_twins(spans: &[Span]) -> bool {
    if spans.len() <= FEW {
        let twin = |(i, a): (usize, &Span)| spans[..i].iter().any(|b| a.span_id == b.span_id && a.kind == b.kind);
        return spans.iter().enumerate().any(twin);
    }
    let mut ids = AHashSet::with_capacity(spans.len());
    !spans.iter().all(|span| ids.insert((span.span_id, span.kind)))
}

/// Twins with one end are told apart by everything they say; equal ones are one.
fn later(a: &Span, b: &Span) -> std::cmp::Ordering {
    if a == b { std::cmp::Ordering::Equal } else { format!("{a:?}").cmp(&format!("{b:?}")) }
}

fn key_of_log(record: &LogRecord) -> (UnixNanos, SpanId, &str, &str, &str) {
    (record.time, record.span_id, &record.text.kind, &record.text.message, &record.text.stack)
}
