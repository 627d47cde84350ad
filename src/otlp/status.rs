//! `google.rpc.Status` and OTLP's answers, in protobuf and in JSON.

use prost::Message;

use super::decode::{Encoding, Signal};
use super::intake::Accepted;
use crate::model::Refused;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// `google.rpc.Code`.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// For developers.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Typed details.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct Any {
    /// Name of the packed type.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The packed message.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    /// How long to wait.
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<Duration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// When to come again to a receiver that is ending, in milliseconds: another may be there by then.
const CLOSED_RETRY_MS: u64 = 1_000;

/// When to come again, in milliseconds.
pub(super) fn retry_ms(refused: Refused) -> u64 {
    match refused {
        Refused::Full { retry_after_ms } => retry_after_ms,
        Refused::Closed => CLOSED_RETRY_MS,
    }
}

impl Status {
    /// A status without details.
    pub fn new(code: i32, message: String) -> Self {
        Self { code, message, details: Vec::new() }
    }

    /// With a `RetryInfo` that says when to come again: without it an OTLP exporter may give up.
    #[must_use]
    pub fn with_retry(mut self, refused: Refused) -> Self {
        let retry_ms = retry_ms(refused);
        let seconds = i64::try_from(retry_ms / 1_000).unwrap_or(i64::MAX);
        let nanos = (retry_ms % 1_000) as i32 * 1_000_000;
        let info = RetryInfo { retry_delay: Some(Duration { seconds, nanos }) };
        let type_url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
        self.details.push(Any { type_url, value: info.encode_to_vec() });
        self
    }

    /// The body of an HTTP answer.
    pub fn encoded(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Protobuf => self.encode_to_vec(),
            Encoding::Json | Encoding::JaegerJson | Encoding::ZipkinJson => {
                serde_json::json!({ "code": self.code, "message": self.message }).to_string().into_bytes()
            }
        }
    }
}

/// `Export…PartialSuccess`: the three signals' have one wire shape.
#[derive(Clone, PartialEq, Eq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `Export…ServiceResponse`, likewise.
#[derive(Clone, PartialEq, Eq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// How many items an answer says were not taken; 0 where it says nothing that can be read.
pub(super) fn rejected(body: &[u8], json: bool) -> u64 {
    if json {
        // An int64 is a text in protobuf's JSON mapping; some write a number.
        let count = |value: &serde_json::Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let partial = answer.get("partialSuccess").and_then(serde_json::Value::as_object);
        let rejected = partial.and_then(|partial| partial.iter().find(|(key, _)| key.starts_with("rejected")));
        return rejected.and_then(|(_, value)| count(value)).unwrap_or(0);
    }
    let partial = Response::decode(body).ok().and_then(|response| response.partial_success);
    partial.and_then(|partial| u64::try_from(partial.rejected).ok()).unwrap_or(0)
}

/// The answer to a request that was taken, with `partial_success` only where there is something to say.
pub(super) fn response(signal: Signal, accepted: &Accepted, encoding: Encoding) -> Vec<u8> {
    let partial = !accepted.message.is_empty() || accepted.rejected > 0;
    match encoding {
        Encoding::Protobuf => {
            let rejected = i64::try_from(accepted.rejected).unwrap_or(i64::MAX);
            let success = partial.then(|| PartialSuccess { rejected, error_message: accepted.message.clone() });
            Response { partial_success: success }.encode_to_vec()
        }
        _ if !partial => b"{}".to_vec(),
        Encoding::Json | Encoding::JaegerJson | Encoding::ZipkinJson => {
            let key = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            // An int64 is a text in protobuf's JSON mapping.
            let (rejected, message) = (accepted.rejected.to_string(), &accepted.message);
            serde_json::json!({ "partialSuccess": { key: rejected, "errorMessage": message } }).to_string().into_bytes()
        }
    }
}
