//! One trace as it is kept: its spans, its logs, and what it last contributed.

use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ahash::AHashSet;

use crate::model::meter::{allocated, text};
use crate::model::{Exception, Exposure, Link, LogRecord, Own, Severity, Span, SpanId, TraceId, UnixNanos};

use super::aggregate::Contribution;
use super::profile::Fact;
use super::taught::FactSet;
use super::tree::canonical;

/// A trace in memory. There are as many as memory holds: a byte counts.
#[derive(Default)]
pub struct TraceState {
    /// Its spans; in canonical order and without duplicates once [`TraceState::prepare`] ran.
    pub spans: Vec<Span>,
    /// Log records joined to it: few traces have any.
    #[allow(clippy::box_collection, reason = "a third of the size where there are none, which is nearly always")]
    logs: Option<Box<Vec<LogRecord>>>,
    /// When it last grew, on the engine's clock.
    pub touched: UnixNanos,
    /// What it added to the sums.
    pub contributions: Box<[Contribution]>,
    /// What it taught the profile of services.
    pub taught: Option<Arc<FactSet>>,
    /// What it taught the profile of single tokens: few traces do.
    #[expect(clippy::box_collection, reason = "a third of the room where there is none")]
    of_tokens: Option<Box<Vec<Arc<Fact>>>>,
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

const _: () = assert!(size_of::<TraceState>() <= 160);

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
        let key = |at: usize| (spans[at].parent_id.is_some(), spans[at].start);
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
        self.heap += size_of_log(&record);
        self.unsorted = true;
        self.logs.get_or_insert_default().push(record);
        self.weigh();
    }

    /// Log records joined to it.
    pub fn logs(&self) -> &[LogRecord] {
        self.logs.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Takes its spans and logs out.
    pub fn into_parts(self) -> (Vec<Span>, Vec<LogRecord>) {
        (self.spans, self.logs.map(|logs| *logs).unwrap_or_default())
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
        let contributions: usize = self.contributions.iter().map(Contribution::heap).sum();
        self.bytes = PER_TRACE
            + self.heap
            + allocated(self.spans.capacity() * size_of::<Span>())
            + allocated(size_of_val(&*self.contributions))
            + contributions
            + allocated(size_of_val(self.of_tokens()))
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
        self.spans.sort_by(canonical);
        if twins {
            self.merge_twins();
        }
        if let Some(logs) = &mut self.logs {
            logs.sort_by(|a, b| key_of_log(a).cmp(&key_of_log(b)));
            logs.dedup();
        }
        self.heap = self.spans.iter().map(heap_of_span).chain(self.logs().iter().map(size_of_log)).sum();
        self.extent = Extent::default();
        (0..self.spans.len()).for_each(|at| self.extent.add(at, &self.spans));
        self.weigh();
        (before - self.spans.len()) as u64
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
        self.of_tokens.as_deref().map_or(&[], Vec::as_slice)
    }

    /// The same, replaced; what it was.
    pub fn replace_of_tokens(&mut self, facts: Vec<Arc<Fact>>) -> Vec<Arc<Fact>> {
        let new = (!facts.is_empty()).then(|| Box::new(facts));
        std::mem::replace(&mut self.of_tokens, new).map(|facts| *facts).unwrap_or_default()
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

/// Whether a span is there twice. Of few spans each is held against each: that is faster than to sort or hash them.
fn has_twins(spans: &[Span]) -> bool {
    const FEW: usize = 24;
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

/// Bytes that a log record takes.
pub fn size_of_log(record: &LogRecord) -> usize {
    // Lists grow to twice what they hold.
    size_of::<LogRecord>() * 3 / 2 + size_of_exception(&record.text) + size_of_exposures(&record.exposures)
}

/// What a link costs beside itself: where it leads is indexed, in a set of its own if it is the only one.
const PER_LINK: usize = 336;

/// Bytes that a span takes, its own heap included, without what it shares with others.
pub fn size_of_span(span: &Span) -> usize {
    size_of::<Span>() + heap_of_span(span)
}

/// Bytes that a span has taken for itself alone. Its path may be shared, too, and counts in full: most are not.
fn heap_of_span(span: &Span) -> usize {
    let own = if span.has_own() { size_of_own(span.own()) } else { 0 };
    span.path.as_ref().map_or(0, |path| text(path.len())) + own
}

fn size_of_own(own: &Own) -> usize {
    let said = |said: &Option<Arc<str>>| said.as_ref().map_or(0, |said| text(said.len()));
    allocated(size_of_val(own))
        + allocated(own.links.capacity() * size_of::<Link>())
        + own.links.len() * PER_LINK
        + allocated(own.exceptions.capacity() * size_of::<Exception>())
        + own.exceptions.iter().map(size_of_exception).sum::<usize>()
        + size_of_exposures(&own.exposures)
        + said(&own.challenge)
        + said(&own.location)
}

fn size_of_exception(exception: &Exception) -> usize {
    [&exception.kind, &exception.message, &exception.stack].into_iter().map(|said| text(said.len())).sum()
}

fn size_of_exposures(exposures: &Vec<Exposure>) -> usize {
    let own = exposures.iter().map(|exposure| {
        text(exposure.place.len()) + exposure.fingerprint.as_ref().map_or(0, |print| text(print.as_str().len()))
    });
    allocated(exposures.capacity() * size_of::<Exposure>()) + own.sum::<usize>()
}
