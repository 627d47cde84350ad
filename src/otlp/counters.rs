//! What came in, by protocol: every loss is counted and shown.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of all receivers.
#[derive(Default, Debug)]
pub struct Counters {
    /// OTLP over gRPC.
    pub grpc: ProtocolCounters,
    /// OTLP over HTTP.
    pub http: ProtocolCounters,
}

/// Counters of one protocol; read without a lock, each by itself.
#[derive(Default, Debug)]
pub struct ProtocolCounters {
    /// Export requests, of whatever outcome.
    pub requests: AtomicU64,
    /// Their bytes, unpacked.
    pub bytes: AtomicU64,
    /// Spans handed on.
    pub spans: AtomicU64,
    /// Log records handed on.
    pub logs: AtomicU64,
    /// Spans that could not be taken, and were answered so.
    pub rejected: AtomicU64,
    /// Requests refused because the intake was full or closed.
    pub refused: AtomicU64,
    /// Requests that could not be read.
    pub malformed: AtomicU64,
    /// Requests over the size limit.
    pub too_large: AtomicU64,
}

impl ProtocolCounters {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
