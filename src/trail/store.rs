//! One trace as it is kept: its spans, its logs, and what it last contributed.

use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::model::{LogRecord, Own, Severity, Span, UnixNanos};

use super::aggregate::Contribution;
use super::profile::Fact;
use super::tree::canonical;

/// A trace in memory.
#[derive(Default)]
pub struct TraceState {
    /// Its spans; in canonical order and without duplicates once [`TraceState::prepare`] ran.
    pub spans: Vec<Span>,
    /// Log records joined to it.
    pub logs: Vec<LogRecord>,
    /// When it last grew, on the engine's clock.
    pub touched: UnixNanos,
    /// Whether it waits to be judged.
    pub dirty: bool,
    /// Whether it has been quiet for the settle window.
    pub settled: bool,
    /// Whether a hop waits for a span that may still come: settling will count it.
    pub waiting: bool,
    /// Whether a hop of it is accused.
    pub broken: bool,
    /// What it added to the sums.
    pub contributions: Vec<Contribution>,
    /// What it taught the profile.
    pub facts: Vec<Fact>,
    /// The facts that its verdicts lean on.
    pub leans_on: Vec<Fact>,
    /// Bytes that it is counted with.
    pub bytes: usize,
    /// Those of them that count as broken.
    pub broken_bytes: usize,
    /// Whether it was counted as settled, and then as one of a single service.
    pub counted_single: Option<bool>,
    /// Hops of `contributions` with an accused verdict.
    pub accused: usize,
    /// Worst severity of `contributions`, findings included; `None` where there are none.
    pub severity: Option<Severity>,
    /// When and where it began and ended.
    pub extent: Extent,
    /// What the last search found here: its number and the answer, zero where it has to look anew.
    note: AtomicU32,
    unsorted: bool,
}

/// What a list sorts traces by, kept so that a list of many need not look at their spans.
#[derive(Clone, Debug)]
pub struct Extent {
    /// Start of the first span.
    pub start: UnixNanos,
    /// End of the last one.
    pub end: UnixNanos,
    /// Place of the root span, of the first span where the root is not there.
    pub root: usize,
    /// By which that span was chosen.
    chosen: (bool, UnixNanos),
}

impl Default for Extent {
    fn default() -> Self {
        Self { start: UnixNanos(u64::MAX), end: UnixNanos(0), root: 0, chosen: (true, UnixNanos(u64::MAX)) }
    }
}

impl Extent {
    fn add(&mut self, at: usize, span: &Span) {
        self.start = self.start.min(span.start);
        self.end = self.end.max(span.end.max(span.start));
        let key = (span.parent_id.is_some(), span.start);
        if key < self.chosen {
            (self.root, self.chosen) = (at, key);
        }
    }
}

impl TraceState {
    /// An empty trace, counted with so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Adds a span.
    pub fn push(&mut self, span: Span) {
        self.bytes += size_of_span(&span);
        self.extent.add(self.spans.len(), &span);
        self.unsorted = true;
        self.spans.push(span);
    }

    /// Adds a log record.
    pub fn push_log(&mut self, record: LogRecord) {
        self.bytes += size_of_log(&record);
        self.unsorted = true;
        self.logs.push(record);
    }

    /// Sorts spans and logs and merges duplicates; returns how many spans there were twice. A span sent twice: the later
    /// end wins, then the greater in all that it says, so that the order of arrival does not matter.
    pub fn prepare(&mut self) -> u64 {
        if !self.unsorted {
            return 0;
        }
        self.unsorted = false;
        let before = (self.spans.len(), self.logs.len());
        let bytes: usize =
            self.spans.iter().map(|span| size_of_span(span)).chain(self.logs.iter().map(size_of_log)).sum();
        self.spans.sort_by(|a, b| {
            let twins = (a.span_id, a.kind).cmp(&(b.span_id, b.kind));
            twins.then_with(|| b.end.cmp(&a.end)).then_with(|| later(b, a))
        });
        self.spans.dedup_by(|next, kept| (next.span_id, next.kind) == (kept.span_id, kept.kind));
        self.spans.sort_by(|a, b| canonical(a, b));
        self.logs.sort_by(|a, b| {
            let key =
                |r: &LogRecord| (r.time, r.span_id, r.text.kind.clone(), r.text.message.clone(), r.text.stack.clone());
            key(a).cmp(&key(b))
        });
        self.logs.dedup();
        if before != (self.spans.len(), self.logs.len()) {
            let kept: usize =
                self.spans.iter().map(|span| size_of_span(span)).chain(self.logs.iter().map(size_of_log)).sum();
            self.bytes -= bytes - kept;
        }
        self.extent = Extent::default();
        self.spans.iter().enumerate().for_each(|(at, span)| self.extent.add(at, span));
        (before.0 - self.spans.len()) as u64
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

/// Twins with one end are told apart by everything they say; equal ones are one.
fn later(a: &Span, b: &Span) -> std::cmp::Ordering {
    if a == b { std::cmp::Ordering::Equal } else { format!("{a:?}").cmp(&format!("{b:?}")) }
}

/// Bytes that a log record takes.
pub fn size_of_log(record: &LogRecord) -> usize {
    size_of::<LogRecord>() + record.text.message.len() + record.text.stack.len()
}

/// What a link costs beside itself: where it leads is indexed.
const PER_LINK: usize = 64;

/// Bytes that a span takes, its own heap included; shared strings count where they are rarely shared.
pub fn size_of_span(span: &Span) -> usize {
    let own = if span.has_own() { size_of_own(span.own()) } else { 0 };
    size_of::<Span>() + span.path.as_ref().map_or(0, |path| path.len() + 16) + own
}

fn size_of_own(own: &Own) -> usize {
    let text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |t| t.len() + 16);
    let exceptions: usize =
        own.exceptions.iter().map(|e| size_of_val(e) + e.kind.len() + e.message.len() + e.stack.len()).sum();
    size_of_val(own)
        + size_of_val(own.links.as_slice())
        + own.links.len() * PER_LINK
        + size_of_val(own.exposures.as_slice())
        + text(&own.challenge)
        + text(&own.location)
        + exceptions
}
