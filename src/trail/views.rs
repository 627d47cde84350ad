//! What screens ask of the trail beside its sums: traces as rows, one trace whole.

use std::sync::Arc;

use crate::model::{CarriedValue, Cause, Hop, LogRecord, Severity, Span, SpanId, Token, TraceId, UnixNanos, Verdict};

use super::Trail;
use super::store::TraceState;

/// One trace in a list.
#[derive(Clone, PartialEq, Debug)]
pub struct TraceRow {
    /// Its id.
    pub id: TraceId,
    /// Start of its first span.
    pub start: UnixNanos,
    /// From there to the end of its last span, in nanoseconds.
    pub duration: u64,
    /// Service of its root span as shown (of its first span where the root is not there).
    pub service: Arc<str>,
    /// What that span says was asked for: `GET /orders`.
    pub operation: Arc<str>,
    /// Services seen in it, in order of their first span.
    pub services: Vec<Arc<str>>,
    /// Spans held.
    pub spans: usize,
    /// Hops judged.
    pub hops: usize,
    /// Hops with an accused verdict.
    pub accused: usize,
    /// Its worst verdict: of the accused one with the highest severity, else none.
    pub worst: Option<Verdict>,
    /// The cause of that.
    pub cause: Option<Cause>,
    /// Worst severity of its hops, findings included.
    pub severity: Severity,
    /// Tokens seen, in order of their first span; at most eight.
    pub tokens: Vec<Arc<Token>>,
    /// HTTP or gRPC status of the root span.
    pub status: Option<u16>,
    /// Whether it has been quiet for the settle window.
    pub settled: bool,
}

/// One trace, whole.
#[derive(Clone, PartialEq, Debug)]
pub struct TraceView {
    /// Its id.
    pub id: TraceId,
    /// When it last grew, on the engine's clock: a view of the same moment is the same.
    pub touched: UnixNanos,
    /// Spans with the names of their services as shown, in order of their start.
    pub spans: Vec<(Arc<str>, Span)>,
    /// Log records joined to it.
    pub logs: Vec<LogRecord>,
    /// Judged hops in the report's order.
    pub hops: Vec<Hop>,
    /// Whether it has been quiet for the settle window.
    pub settled: bool,
}

impl TraceView {
    /// The span with this id.
    pub fn span(&self, id: SpanId) -> Option<&Span> {
        self.spans.iter().map(|(_, span)| span).find(|span| span.span_id == id)
    }

    /// The span that the trace is named after, with its service as shown: the first one without a parent, else the first.
    pub fn root(&self) -> Option<&(Arc<str>, Span)> {
        self.spans.iter().min_by_key(|(_, span)| (span.parent_id().is_some(), span.start))
    }
}

/// The span that a trace is named after.
pub(super) fn root_of<'a>(spans: impl Iterator<Item = &'a Span>) -> Option<&'a Span> {
    spans.min_by_key(|span| (span.parent_id().is_some(), span.start))
}

impl Trail {
    /// A trace as a row; `None` where it is not held, or holds no span yet.
    pub fn trace_row(&self, id: TraceId) -> Option<TraceRow> {
        self.row_of(id, self.traces.get(&id)?)
    }

    pub(super) fn row_of(&self, id: TraceId, trace: &TraceState) -> Option<TraceRow> {
        let start = trace.start();
        let first = root_of(trace.spans.iter())?;
        let mut services: Vec<Arc<str>> = Vec::new();
        let mut tokens: Vec<Arc<Token>> = Vec::new();
        for span in &trace.spans {
            let name = self.profile.shown(&span.resource.service);
            if !services.contains(&name) {
                services.push(name);
            }
            for token in tokens_of(span) {
                if tokens.len() < 8 && !tokens.contains(token) {
                    tokens.push(Arc::clone(token));
                }
            }
        }
        let accused = trace.hops().iter().filter(|c| c.verdict().accuses());
        let worst = accused.max_by_key(|c| c.severity());
        Some(TraceRow {
            id,
            start,
            duration: trace.extent.end.0.saturating_sub(start.0),
            service: self.profile.shown(&first.resource.service),
            operation: first.operation().into(),
            services,
            spans: trace.spans.len(),
            hops: trace.hops().len(),
            accused: trace.accused as usize,
            worst: worst.map(|c| c.verdict()),
            cause: worst.and_then(|c| c.cause()),
            severity: trace.severity.unwrap_or(Severity::Info),
            tokens,
            status: first.http_status.or(first.grpc_status),
            settled: trace.settled,
        })
    }

    /// Traces that are held and judged together with this one, because a span of either links to the other.
    pub fn linked_with(&self, id: TraceId) -> Vec<TraceId> {
        let to = self.traces.get(&id).into_iter().flat_map(|trace| &trace.spans).flat_map(|span| &span.own().links);
        let from = self.links_in.get(&id).into_iter().flatten().map(|(from, _)| *from);
        let mut ids: Vec<TraceId> = to.map(|link| link.trace_id).chain(from).collect();
        ids.retain(|other| *other != id && self.traces.contains_key(other));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// A trace with everything that is known of it; `None` where it is not held.
    pub fn trace_view(&self, id: TraceId) -> Option<TraceView> {
        let trace = self.traces.get(&id)?;
        let mut spans: Vec<(Arc<str>, Span)> =
            trace.spans.iter().map(|span| (self.profile.shown(&span.resource.service), span.clone())).collect();
        spans.sort_by_key(|(_, span)| (span.start, span.span_id));
        Some(TraceView {
            id,
            touched: trace.touched,
            spans,
            logs: trace.logs().to_vec(),
            hops: self.hops_of(id),
            settled: trace.settled,
        })
    }
}

/// The tokens that a span's carriers held.
pub(super) fn tokens_of(span: &Span) -> impl Iterator<Item = &Arc<Token>> {
    span.carried.iter().filter_map(|carried| match &carried.value {
        CarriedValue::Token(token) => Some(token),
        _ => None,
    })
}
