//! One export request from its bytes to its fate, the same for gRPC and HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;

use super::buffer::{Budget, Buffer, Overflow};
use super::compression::{Coding, UnpackError, unpack};
use super::counters::{Counters, ProtocolCounters, add};
use super::decode::{Decode, DecodeError, Encoding, Signal};
use super::limits::Limits;
use super::stack;
use crate::model::{Refused, Sink};

/// How long a refused body is read and thrown away, so that its sender reads the answer instead of a reset.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How many times the largest request is thrown away of a body that was too large or came at a bad time.
const DRAIN_TIMES: usize = 4;

/// Decoding a request of this size takes long enough to be in the way of others on the same thread.
const OFFLOAD_BYTES: usize = 1 << 20;

/// When to come again where too many requests are in flight, in milliseconds. Python's exporter tries six times within ten
/// seconds: sooner, and it gives up sooner; later, and it tries less often.
const BUSY_RETRY_MS: u64 = 1_500;

/// What every request needs.
pub(super) struct Intake {
    pub(super) decoder: Arc<dyn Decode>,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) counters: Arc<Counters>,
    pub(super) budget: Budget,
    pub(super) limits: Limits,
}

/// Which counters a request belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

/// What is known of a body's length before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ahead {
    /// Nothing: it comes in chunks.
    Nothing,
    /// What its header says.
    Length(usize),
    /// It begins with gRPC's prefix, a byte and a big-endian u32.
    Prefix,
}

/// What the answer to a request that was taken says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Accepted {
    /// Spans or records that were not taken.
    pub(super) rejected: u64,
    /// Why, or a warning; empty if all is well.
    pub(super) message: String,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    #[error("{0}")]
    Damaged(String),
    #[error(
        "the request is larger than {0} bytes, the most that jwtrail takes: lower the exporter's batch size, or raise \
         --max-request"
    )]
    TooLarge(usize),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("{0}")]
    Unsupported(String),
    #[error("the request's body did not arrive within {} seconds", .0.as_secs_f32())]
    Slow(Duration),
}

impl From<Overflow> for Failure {
    fn from(overflow: Overflow) -> Self {
        match overflow {
            Overflow::TooLarge { limit } => Self::TooLarge(limit),
            Overflow::Busy => Self::Refused(Refused::Full { retry_after_ms: BUSY_RETRY_MS }),
        }
    }
}

impl From<UnpackError> for Failure {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Overflow(overflow) => overflow.into(),
            UnpackError::Damaged(_) => Self::Damaged(error.to_string()),
        }
    }
}

impl Intake {
    fn counters(&self, protocol: Protocol) -> &ProtocolCounters {
        match protocol {
            Protocol::Grpc => &self.counters.grpc,
            Protocol::Http => &self.counters.http,
        }
    }

    /// Counts a request and how it failed.
    pub(super) fn count(&self, protocol: Protocol, outcome: &Result<Accepted, Failure>) {
        let counters = self.counters(protocol);
        add(&counters.requests, 1);
        match outcome {
            Ok(_) => {}
            Err(Failure::TooLarge(_)) => add(&counters.too_large, 1),
            Err(Failure::Refused(_)) => add(&counters.refused, 1),
            Err(Failure::Slow(_)) => add(&counters.slow, 1),
            Err(_) => add(&counters.malformed, 1),
        }
    }

    /// Reads a body whole; `prefix` are bytes of it that are no part of the message.
    pub(super) async fn read(&self, mut body: Body, prefix: usize, ahead: Ahead) -> Result<Buffer, Failure> {
        let limits = &self.limits;
        let mut buffer = Buffer::new(&self.budget, limits.request + prefix);
        let read = tokio::time::timeout(limits.body_time, fill(&mut body, &mut buffer, ahead)).await;
        let failure = match read.unwrap_or(Err(Failure::Slow(limits.body_time))) {
            Ok(()) => return Ok(buffer),
            Err(Failure::TooLarge(_)) => Failure::TooLarge(limits.request),
            Err(refused @ Failure::Refused(_)) => refused,
            Err(other) => return Err(other),
        };
        drop(buffer);
        drain(body, limits.request.saturating_mul(DRAIN_TIMES)).await;
        Err(failure)
    }

    /// Unpacks, decodes and hands on a request; `packed` is read from `from` on.
    pub(super) async fn take(
        self: &Arc<Self>,
        protocol: Protocol,
        (signal, encoding): (Signal, Encoding),
        (coding, packed, from): (Coding, Buffer, usize),
    ) -> Result<Accepted, Failure> {
        if !self.decoder.reads(signal) {
            add(&self.counters(protocol).bytes, packed.len().saturating_sub(from) as u64);
            return Ok(Accepted::default());
        }
        self.sink.has_room(packed.len().saturating_sub(from))?;
        if coding == Coding::Identity && packed.len() < OFFLOAD_BYTES {
            return self.decode(protocol, signal, encoding, packed.get(from..).unwrap_or_default());
        }
        let intake = Arc::clone(self);
        let work = move || {
            let packed_bytes = packed.get(from..).unwrap_or_default();
            if coding == Coding::Identity {
                return intake.decode(protocol, signal, encoding, packed_bytes);
            }
            let mut plain = Buffer::new(&intake.budget, intake.limits.request);
            unpack(coding, packed_bytes, &mut plain)?;
            drop(packed);
            intake.decode(protocol, signal, encoding, &plain)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(Failure::Refused(Refused::Closed)))
    }

    fn decode(&self, protocol: Protocol, signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Accepted, Failure> {
        let counters = self.counters(protocol);
        add(&counters.bytes, body.len() as u64);
        let decoded = self.decoder.decode(signal, encoding, body);
        stack::wipe();
        let batch = decoded?;
        let (spans, logs) = (batch.spans.len() as u64, batch.logs.len() as u64);
        let (rejected, bad_tags) = (batch.rejected, batch.bad_tags);
        if spans + logs + rejected + bad_tags > 0 || batch.passed.is_some() {
            self.sink.accept(batch)?;
        }
        add(&counters.spans, spans);
        add(&counters.logs, logs);
        add(&counters.rejected, rejected);
        Ok(Accepted { rejected, message: message(rejected, bad_tags) })
    }
}

fn message(rejected: u64, bad_tags: u64) -> String {
    let mut parts = Vec::new();
    if rejected > 0 {
        parts.push(format!(
            "{rejected} not taken: expected a trace id of 16 bytes and a span id of 8 that are not all zero, and values of \
             their fields' types"
        ));
    }
    if bad_tags > 0 {
        parts.push(format!("{bad_tags} jwtrail.* tags dropped: expected fingerprints such as s256:… or h256.…"));
    }
    parts.join("; ")
}

async fn fill(body: &mut Body, buffer: &mut Buffer, ahead: Ahead) -> Result<(), Failure> {
    if let Ahead::Length(length) = ahead {
        buffer.expect(length)?;
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::Damaged("the connection broke within the request".to_owned()))?;
        let Some(data) = frame.data_ref() else { continue };
        if let (Ahead::Prefix, true, Some(length)) = (ahead, buffer.is_empty(), data.get(1..5)) {
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            buffer.expect(length.saturating_add(5))?;
        }
        buffer.extend(data)?;
    }
    Ok(())
}

/// Reads a body and throws it away, up to so many bytes and for a while. Whether this ends by its last byte, by the cap
/// or by time makes no difference to the answer.
pub(super) async fn drain(mut body: Body, most: usize) {
    let thrown_away = async {
        let mut left = most;
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, bytes::Bytes::len)) else { return };
            left = rest;
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, thrown_away).await;
}
