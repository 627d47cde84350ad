//! From the bytes of one request to a [`Batch`]: what receivers and file readers call, whatever builds the batch.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::data::Visitor;
use super::{json, protobuf};
use crate::model::Batch;

/// What a request carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// `ExportTraceServiceRequest`.
    Traces,
    /// `ExportLogsServiceRequest`.
    Logs,
    /// `ExportMetricsServiceRequest`: taken so that exporters stay quiet, and dropped unread.
    Metrics,
}

impl Signal {
    /// The signal's name in OTLP's paths: `traces`, `logs`, `metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// How a request is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// Binary protobuf.
    Protobuf,
    /// OTLP's JSON mapping, read tolerantly.
    Json,
    /// One trace of Jaeger's API or of a download from its UI.
    JaegerJson,
    /// One span of Zipkin v2, or a list of them.
    ZipkinJson,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protobuf => "protobuf",
            Self::Json => "JSON",
            Self::JaegerJson => "Jaeger JSON",
            Self::ZipkinJson => "Zipkin JSON",
        })
    }
}

/// Why a request could not be read. It never quotes the request: that may hold a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed {encoding} at byte {offset}: {what}")]
pub struct DecodeError {
    /// How the request was written.
    pub encoding: Encoding,
    /// Where reading stopped, in bytes from the start of the unpacked request.
    pub offset: usize,
    /// What was expected and what was found.
    pub what: Cow<'static, str>,
}

/// Turns one request into a batch.
pub trait Decode: Send + Sync + 'static {
    /// Reads a whole, unpacked request. A JSON document says itself what it carries; metrics give an empty batch.
    fn decode(&self, signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Batch, DecodeError>;

    /// Whether requests with a signal are looked into at all; others are not even unpacked.
    fn reads(&self, signal: Signal) -> bool {
        signal != Signal::Metrics
    }
}

/// A [`Visitor`] that builds a [`Batch`], request after request.
pub trait BatchBuilder: for<'a> Visitor<'a> + Send {
    /// The batch of everything visited since the last call, and a clean slate. `bytes` is the unpacked size.
    fn finish(&mut self, bytes: usize) -> Batch;
}

/// [`Decode`] by visitors that are made once and used again.
pub struct VisitorDecoder<B, F> {
    make: F,
    idle: Mutex<Vec<B>>,
}

impl<B: BatchBuilder, F: Fn() -> B> VisitorDecoder<B, F> {
    /// A decoder whose visitors come from `make`, at most one for each request read at the same time.
    pub fn new(make: F) -> Self {
        Self { make, idle: Mutex::new(Vec::new()) }
    }
}

impl<B, F> Decode for VisitorDecoder<B, F>
where
    B: BatchBuilder + 'static,
    F: Fn() -> B + Send + Sync + 'static,
{
    fn decode(&self, signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Batch, DecodeError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut builder = idle.unwrap_or_else(&self.make);
        // A builder that met an error is dropped: half of a request must not turn up in the next one's batch.
        walk(signal, encoding, body, &mut builder)?;
        let batch = builder.finish(body.len());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(builder);
        Ok(batch)
    }
}

/// Walks one request of any signal and encoding.
pub fn walk<'a>(
    signal: Signal,
    encoding: Encoding,
    body: &'a [u8],
    visitor: &mut impl Visitor<'a>,
) -> Result<(), DecodeError> {
    match (signal, encoding) {
        (Signal::Metrics, _) => Ok(()),
        (_, Encoding::Json) => json::walk(body, visitor),
        (_, Encoding::JaegerJson) => json::jaeger(body, visitor),
        (_, Encoding::ZipkinJson) => json::zipkin(body, visitor),
        (Signal::Traces, Encoding::Protobuf) => protobuf::traces(body, visitor),
        (Signal::Logs, Encoding::Protobuf) => protobuf::logs(body, visitor),
    }
}
