//! Saved spans in the order in which their exporters had them: by their end.

use std::collections::VecDeque;

use crate::model::{Batch, LogRecord, Span, UnixNanos};

/// Spans handed over at once at most, so that a replay's batches fit the intake.
const CHUNK: usize = 4_096;

/// What is still to be replayed.
#[derive(Debug, Default)]
pub struct Timeline {
    spans: VecDeque<Box<Span>>,
    logs: VecDeque<LogRecord>,
    rejected: u64,
    bad_tags: u64,
    start: UnixNanos,
    end: UnixNanos,
}

fn done(span: &Span) -> UnixNanos {
    span.end.max(span.start)
}

impl Timeline {
    /// Sorts what was read.
    pub fn new(batches: Vec<Batch>) -> Self {
        let mut line = Self::default();
        for batch in batches {
            line.rejected += batch.rejected;
            line.bad_tags += batch.bad_tags;
            line.spans.extend(batch.spans);
            line.logs.extend(batch.logs);
        }
        line.spans.make_contiguous().sort_by_key(|span| done(span));
        line.logs.make_contiguous().sort_by_key(|log| log.time);
        line.start = line.spans.iter().map(|span| span.start).min().unwrap_or_default();
        line.end = line.spans.iter().map(|span| done(span)).max().unwrap_or_default();
        line
    }

    /// Start of the first span.
    pub fn start(&self) -> UnixNanos {
        self.start
    }

    /// End of the last span.
    pub fn end(&self) -> UnixNanos {
        self.end
    }

    /// Whether everything was handed over.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty()
    }

    /// What had ended by `now`, a chunk at a time; `None` when there is no more for the moment. Log records come with
    /// the spans of their time, and those past the last span with it.
    pub fn due(&mut self, now: UnixNanos) -> Option<Batch> {
        let spans = self.spans.iter().take(CHUNK).take_while(|span| done(span) <= now).count();
        let past = now >= self.end;
        let logs = self.logs.iter().take(CHUNK).take_while(|log| past || log.time <= now).count();
        if spans + logs == 0 {
            return None;
        }
        Some(Batch {
            spans: self.spans.drain(..spans).collect(),
            logs: self.logs.drain(..logs).collect(),
            rejected: std::mem::take(&mut self.rejected),
            bad_tags: std::mem::take(&mut self.bad_tags),
            ..Batch::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Resource, ServiceName};

    fn span(start: u64, end: u64) -> Box<Span> {
        let resource = Resource {
            service: ServiceName { namespace: "".into(), name: "orders".into() },
            nameless: false,
            instance: "1".into(),
            language: "".into(),
            sdk: "".into(),
            host: "".into(),
        };
        let mut span = Box::new(Span::new(Arc::new(resource), "".into()));
        (span.start, span.end) = (UnixNanos(start), UnixNanos(end));
        span
    }

    fn ends(batch: Option<Batch>) -> Vec<u64> {
        batch.map(|batch| batch.spans.iter().map(|span| span.end.0).collect()).unwrap_or_default()
    }

    #[test]
    fn spans_come_when_they_had_ended() {
        let batch = |spans| Batch { spans, rejected: 1, ..Batch::default() };
        let mut line = Timeline::new(vec![batch(vec![span(5, 50), span(6, 20)]), batch(vec![span(1, 90)])]);
        assert_eq!((line.start(), line.end()), (UnixNanos(1), UnixNanos(90)));
        assert!(line.due(UnixNanos(19)).is_none());
        let first = line.due(UnixNanos(50)).unwrap();
        assert_eq!(first.rejected, 2, "what could not be read is told once");
        assert_eq!(ends(Some(first)), [20, 50]);
        assert!(line.due(UnixNanos(50)).is_none() && !line.is_empty());
        assert_eq!(ends(line.due(line.end())), [90]);
        assert!(line.is_empty());
    }

    #[test]
    fn many_spans_come_in_chunks_and_none_is_left() {
        let all = (0..10_000).map(|end| span(0, end)).collect();
        let mut line = Timeline::new(vec![Batch { spans: all, ..Batch::default() }]);
        let mut count = 0;
        while let Some(batch) = line.due(line.end()) {
            assert!(batch.spans.len() <= CHUNK);
            count += batch.spans.len();
        }
        assert_eq!((count, line.is_empty()), (10_000, true));
    }
}
