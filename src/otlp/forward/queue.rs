//! What waits for the next collector, bounded in bytes, and what became of the rest.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::model::Passed;
use crate::otlp::Signal;

/// One request that waits.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) signal: Signal,
    pub(super) body: Bytes,
    pub(super) spans: u64,
    /// Bytes that it was counted with.
    cost: usize,
}

/// Where receivers put requests: they never wait.
#[derive(Clone)]
pub(super) struct Queue {
    sender: mpsc::UnboundedSender<Item>,
    pub(super) state: Arc<State>,
}

/// Shared by everyone who has to do with forwarding.
#[derive(Default, Debug)]
pub(super) struct State {
    /// Most bytes that may wait.
    limit: usize,
    /// Bytes that wait or are on their way.
    bytes: AtomicUsize,
    waiting: Lost,
    pub(super) sent: Lost,
    /// Found no room in the queue.
    pub(super) crowded: Lost,
    /// The next collector would never take them.
    pub(super) refused: Lost,
    /// Still waited at the end.
    pub(super) unsent: Lost,
    /// Spans, records and data points that the next collector left out of what it took.
    pub(super) rejected: AtomicU64,
    /// Metrics in which a token stood.
    pub(super) held_back: AtomicU64,
    /// Attempts without success.
    pub(super) failures: AtomicU64,
    /// Why the last attempt failed, until one succeeds.
    trouble: Mutex<Option<String>>,
    /// Why the last request was refused.
    refusal: Mutex<Option<String>>,
}

/// Requests and the spans in them.
#[derive(Default, Debug)]
pub(super) struct Lost {
    pub(super) requests: AtomicU64,
    pub(super) spans: AtomicU64,
}

impl Lost {
    pub(super) fn add(&self, requests: u64, spans: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.spans.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.spans.load(Ordering::Relaxed))
    }

    fn told(&self, why: &str) -> Option<String> {
        let (requests, spans) = self.get();
        (requests > 0).then(|| format!("{requests} requests with {spans} spans were not forwarded: {why}"))
    }
}

impl Queue {
    pub(super) fn new(limit: usize) -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (sender, items) = mpsc::unbounded_channel();
        (Self { sender, state: Arc::new(State { limit, ..State::default() }) }, items)
    }

    /// Whether nothing more has room: then a request need not be written anew.
    pub(super) fn is_full(&self) -> bool {
        self.state.bytes.load(Ordering::Acquire) >= self.state.limit
    }

    /// Takes what has room; the rest is counted and gone.
    pub(super) fn push(&self, passed: Passed) {
        if passed.unsafe_to_pass {
            self.state.held_back.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(spans) = passed.crowded {
            self.crowd(spans);
        }
        let parts = [
            (Signal::Traces, passed.traces, passed.spans),
            (Signal::Logs, passed.logs, 0),
            (Signal::Metrics, passed.metrics, 0),
        ];
        for (signal, body, spans) in parts.into_iter().filter(|(_, body, _)| !body.is_empty()) {
            let cost = body.len() + size_of::<Item>();
            let before = self.state.bytes.fetch_add(cost, Ordering::AcqRel);
            self.state.waiting.add(1, spans);
            // One that is larger than the queue is taken when nothing else waits, else it could never be.
            let full = before > 0 && before.saturating_add(cost) > self.state.limit;
            let item = Item { signal, body: Bytes::from(body), spans, cost };
            if full || self.sender.send(item).is_err() {
                self.state.leave(cost, spans);
                self.crowd(spans);
            }
        }
    }

    fn crowd(&self, spans: u64) {
        if self.state.crowded.requests.load(Ordering::Relaxed) == 0 {
            tracing::warn!("the queue to the next collector is full: requests are not forwarded");
        }
        self.state.crowded.add(1, spans);
    }
}

impl State {
    /// An item's fate is known.
    pub(super) fn done(&self, item: &Item, fate: &Lost) {
        self.leave(item.cost, item.spans);
        fate.add(1, item.spans);
    }

    fn leave(&self, cost: usize, spans: u64) {
        self.bytes.fetch_sub(cost, Ordering::AcqRel);
        self.waiting.requests.fetch_sub(1, Ordering::Relaxed);
        self.waiting.spans.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Counts what still waits as lost.
    pub(super) fn give_up(&self) {
        let (requests, spans) = self.waiting.get();
        self.waiting.requests.store(0, Ordering::Relaxed);
        self.waiting.spans.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Release);
        self.unsent.add(requests, spans);
    }

    /// Takes note of a failure; true where the one before was none.
    pub(super) fn failed(&self, why: String) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).replace(why).is_none()
    }

    /// Takes note of an answer; true where there was trouble before.
    pub(super) fn answered(&self) -> bool {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Takes note of a refusal; true for the first.
    pub(super) fn refused_for(&self, why: &str) -> bool {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).replace(why.to_owned()).is_none()
    }

    pub(super) fn losses(&self) -> Vec<String> {
        let read = |text: &Mutex<Option<String>>| text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (trouble, refusal) = (read(&self.trouble), read(&self.refusal));
        let mut told = Vec::new();
        let at_the_end = self.unsent.get().0 > 0;
        let waits = trouble.as_ref().filter(|_| !at_the_end);
        told.extend(waits.map(|why| format!("forwarding waits for the next collector: {why}")));
        told.extend(self.crowded.told("the queue is full (--forward-queue)"));
        told.extend(self.refused.told(refusal.as_deref().unwrap_or("the next collector refused them")));
        let why = trouble.map_or_else(String::new, |why| format!(": {why}"));
        told.extend(self.unsent.told(&format!("they still waited at the end{why}")));
        let rejected = self.rejected.load(Ordering::Relaxed);
        if rejected > 0 {
            told.push(format!("{rejected} spans, log records or data points were left out by the next collector"));
        }
        let held_back = self.held_back.load(Ordering::Relaxed);
        if held_back > 0 {
            told.push(format!("{held_back} requests with metrics were not forwarded: a token stood in them"));
        }
        told
    }

    /// Name, meaning and value of every counter, and of the gauges, whose names do not end in `_total`.
    pub(super) fn each(&self) -> [(&'static str, &'static str, u64); 14] {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            (
                "forward_queue_bytes",
                "Bytes that wait for the next collector",
                self.bytes.load(Ordering::Relaxed) as u64,
            ),
            ("forward_queue_limit_bytes", "Most bytes that may wait", self.limit as u64),
            ("forward_queue_requests", "Requests that wait for the next collector", load(&self.waiting.requests)),
            ("forward_queue_spans", "Spans that wait for the next collector", load(&self.waiting.spans)),
            ("forwarded_requests_total", "Requests that the next collector took", load(&self.sent.requests)),
            ("forwarded_spans_total", "Spans in them", load(&self.sent.spans)),
            ("forward_dropped_requests_total", "Requests that found no room", load(&self.crowded.requests)),
            ("forward_dropped_spans_total", "Spans in them", load(&self.crowded.spans)),
            ("forward_refused_requests_total", "Requests that were refused for good", load(&self.refused.requests)),
            ("forward_refused_spans_total", "Spans in them", load(&self.refused.spans)),
            ("forward_unsent_requests_total", "Requests that still waited at the end", load(&self.unsent.requests)),
            ("forward_rejected_items_total", "What partial successes left out", load(&self.rejected)),
            ("forward_held_back_requests_total", "Metrics in which a token stood", load(&self.held_back)),
            ("forward_failed_attempts_total", "Attempts that are to be tried again", load(&self.failures)),
        ]
    }
}
