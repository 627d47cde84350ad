//! Saved spans in the order in which their exporters had them: by their end.

use crate::engine::replay::{Arrival, Recorded};
use crate::model::{Batch, Span, UnixNanos};
use crate::trail::parts;

/// What is behind the end of every recording: there everything is judged as settled.
pub const END: UnixNanos = UnixNanos(u64::MAX);

/// A recording. It is read once, and shared from then on: whoever goes back copies what it needs.
#[derive(Debug, Default)]
pub struct Timeline {
    arrivals: Vec<Arrival>,
    start: UnixNanos,
    end: UnixNanos,
    rejected: u64,
    bad_tags: u64,
    left_out: u64,
}

/// When a span's exporter had it.
pub fn done(span: &Span) -> UnixNanos {
    span.end.max(span.start)
}

/// A recording in the making, within a bound on memory.
pub struct Builder {
    line: Timeline,
    bytes: usize,
    most: usize,
}

impl Builder {
    /// Takes no more than so many bytes of spans; what comes beyond is counted.
    pub fn within(most: usize) -> Self {
        Self { line: Timeline::default(), bytes: 0, most }
    }

    /// Takes what was read.
    pub fn take(&mut self, batch: Batch) {
        self.line.rejected += batch.rejected;
        self.line.bad_tags += batch.bad_tags;
        for span in batch.spans {
            let bytes = parts::cost_of_span(&span);
            if self.has_room(bytes) {
                self.line.arrivals.push(Arrival { at: done(&span), what: Recorded::Span(span) });
            }
        }
        for log in batch.logs {
            let bytes = parts::cost_of_log(&log);
            if self.has_room(bytes) {
                self.line.arrivals.push(Arrival { at: log.time, what: Recorded::Log(Box::new(log)) });
            }
        }
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        // Nothing comes behind what was left out: a recording that ends early is understood, one with holes is not.
        let fits = self.line.left_out == 0 && self.bytes.saturating_add(bytes) <= self.most;
        if fits {
            self.bytes += bytes;
        } else {
            self.line.left_out += 1;
        }
        fits
    }

    /// Sorts what was taken.
    pub fn finish(self) -> Timeline {
        let mut line = self.line;
        let spans = || {
            line.arrivals.iter().filter_map(|arrival| match &arrival.what {
                Recorded::Span(span) => Some((span.start, arrival.at)),
                Recorded::Log(_) => None,
            })
        };
        let start = spans().map(|(start, _)| start).min().unwrap_or_default();
        let end = spans().map(|(_, end)| end).max().unwrap_or_default();
        (line.start, line.end) = (start, end);
        // A log record explains a span: it comes with the last one at the latest.
        for arrival in &mut line.arrivals {
            arrival.at = arrival.at.clamp(start, end);
        }
        line.arrivals.sort_by_key(|arrival| arrival.at);
        line.arrivals.shrink_to_fit();
        line
    }
}

impl Timeline {
    /// Sorts what was read, whatever it takes.
    pub fn new(batches: Vec<Batch>) -> Self {
        let mut builder = Builder::within(usize::MAX);
        for batch in batches {
            builder.take(batch);
        }
        builder.finish()
    }

    /// Start of the first span.
    pub fn start(&self) -> UnixNanos {
        self.start
    }

    /// End of the last span.
    pub fn end(&self) -> UnixNanos {
        self.end
    }

    /// Whether there is nothing to replay.
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// All of it, in order.
    pub fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// How many had arrived by then.
    pub fn by(&self, now: UnixNanos) -> usize {
        self.arrivals.partition_point(|arrival| arrival.at <= now)
    }

    /// Spans that could not be read, and tags.
    pub fn lost(&self) -> (u64, u64) {
        (self.rejected, self.bad_tags)
    }

    /// Spans and log records beyond the bound on memory.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Arrived, Resource, ServiceName};

    fn span(start: u64, end: u64) -> Arrived {
        let resource = Resource {
            service: ServiceName { namespace: "".into(), name: "orders".into() },
            nameless: false,
            instance: "1".into(),
            language: "".into(),
            sdk: "".into(),
            host: "".into(),
        };
        let mut span = Arrived::new(Arc::new(resource), "".into());
        (span.start, span.end) = (UnixNanos(start), UnixNanos(end));
        span
    }

    #[test]
    fn spans_come_when_they_had_ended() {
        let batch = |spans| Batch { spans, rejected: 1, ..Batch::default() };
        let line = Timeline::new(vec![batch(vec![span(5, 50), span(6, 20)]), batch(vec![span(1, 90)])]);
        assert_eq!((line.start(), line.end()), (UnixNanos(1), UnixNanos(90)));
        assert_eq!(line.lost(), (2, 0));
        let ends: Vec<u64> = line.arrivals().iter().map(|arrival| arrival.at.0).collect();
        assert_eq!(ends, [20, 50, 90]);
        assert_eq!([0, 19, 20, 89, 90].map(|now| line.by(UnixNanos(now))), [0, 0, 1, 2, 3]);
        assert_eq!(line.by(END), 3);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_leaves_no_hole() {
        let one = parts::cost_of_span(&span(0, 1));
        let mut builder = Builder::within(one * 2 + one / 2);
        let mut large = span(0, 7);
        large.path = Some("x".repeat(one).into());
        builder.take(Batch { spans: vec![span(0, 1), large, span(0, 2)], ..Batch::default() });
        let line = builder.finish();
        assert_eq!((line.arrivals().len(), line.left_out(), line.end()), (1, 2, UnixNanos(1)));
    }

    #[test]
    fn a_recording_without_duration_is_one() {
        let line = Timeline::new(vec![Batch { spans: vec![span(7, 7), span(7, 3)], ..Batch::default() }]);
        assert_eq!((line.start(), line.end(), line.by(UnixNanos(7))), (UnixNanos(7), UnixNanos(7), 2));
    }
}
