//! What crosses the bounded channel from intake to engine.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Arrived, Exception, Exposure, Meter, Resource, SpanId, TraceId, UnixNanos};

/// An OTLP log record that may explain a refusal; joined by trace and span id.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LogRecord {
    /// Trace of the record.
    pub trace_id: TraceId,
    /// Span of the record.
    pub span_id: SpanId,
    /// Time of the record.
    pub time: UnixNanos,
    /// Process that it comes from.
    pub resource: Arc<Resource>,
    /// Body and exception fields, scrubbed and capped: the body stands in `message` where no exception does.
    pub text: Exception,
    /// Tokens that stood in the record.
    pub exposures: Vec<Exposure>,
}

/// One decoded request: spans, logs, and what was lost on the way.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Spans in the order of the request.
    pub spans: Vec<Arrived>,
    /// Log records that belong to a span.
    pub logs: Vec<LogRecord>,
    /// Spans that could not be taken (ids of wrong length, zero ids, values of a wrong kind), with the reason in the receiver's answer.
    pub rejected: u64,
    /// `jwtrail.*` fingerprints of a stranger that were malformed and dropped.
    pub bad_tags: u64,
    /// Spans with an id that was neither hex nor base64 and is known by its hash.
    pub hashed_ids: u64,
    /// Size of the request unpacked, in bytes: what the intake bound counts.
    pub bytes: usize,
    /// Capture profiles that stood beside the spans, as their JSON. Only who reads a recording believes them: over the
    /// network anybody can send one.
    pub profiles: Vec<Box<str>>,
    /// What counts the bytes of all that its spans share, where somebody does.
    pub meter: Option<Arc<Meter>>,
    /// The same request without credentials, where the decoder was asked for it.
    pub redacted: Option<Box<Redacted>>,
    /// What the next collector is to have of it, where the decoder was asked for it.
    pub passed: Option<Box<Passed>>,
}

/// One request in OTLP's protobuf for the next collector, without credentials.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Passed {
    /// An `ExportTraceServiceRequest`; empty where there is none.
    pub traces: Vec<u8>,
    /// Spans in it.
    pub spans: u64,
    /// An `ExportLogsServiceRequest`, likewise.
    pub logs: Vec<u8>,
    /// An `ExportMetricsServiceRequest`, likewise.
    pub metrics: Vec<u8>,
    /// There was no room for it when it came, so it was not written: spans that are lost with it.
    pub crowded: Option<u64>,
    /// It could not be passed on without a credential.
    pub unsafe_to_pass: bool,
}

/// One request as OTLP JSON lines, without credentials.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Redacted {
    /// At most two lines, each with its line feed: traces, then logs. Empty where nothing was left.
    pub lines: Vec<u8>,
    /// Spans in them.
    pub spans: u64,
    /// Values in which a credential, or who a user is, gave way to a mark.
    pub masked: u64,
    /// Attributes and texts left out because nobody knows them to be harmless.
    pub dropped: u64,
    /// Spans left out because their ids are none.
    pub left_out: u64,
}

/// Why a batch was not taken; the receiver passes it on to the exporter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The channel holds as many bytes as it may: the exporter should come again.
    #[error("intake is full: try again in {retry_after_ms} ms")]
    Full {
        /// When to come again, in milliseconds.
        retry_after_ms: u64,
    },
    /// jwtrail is going down.
    #[error("shutting down")]
    Closed,
}

/// Where receivers and readers put what they decoded.
pub trait Sink: Send + Sync + 'static {
    /// Whether a request of so many bytes would be taken: asked before it is unpacked and decoded, so that a full intake
    /// spends nothing on what it refuses. A yes is no promise.
    fn has_room(&self, bytes: usize) -> Result<(), Refused> {
        let _ = bytes;
        Ok(())
    }

    /// Takes the whole batch or none of it, without waiting.
    fn accept(&self, batch: Batch) -> Result<(), Refused>;
}
