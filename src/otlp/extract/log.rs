//! Log records that may explain a refusal: warnings and errors, exceptions, and texts that speak of tokens.

use std::sync::Arc;

use super::Exposures;
use super::exception::exception_of;
use super::observe::look_through;
use super::text::capped;
use crate::model::{Exception, LogRecord, Resource, SpanId, TraceId, UnixNanos};
use crate::otlp::data::{LogData, Value};
use crate::token::Shared;

/// OTLP `SEVERITY_NUMBER_WARN`.
const WARN: i32 = 13;

/// Where logging bridges put an error's own text: slog, zap, Rust's tracing.
const ERRORS: [&str; 3] = ["error", "err", "error.message"];

const WORDS: [&str; 7] = ["jwt", "token", "bearer", "unauthorized", "unauthenticated", "signature", "expired"];

/// `None` for a record that belongs to no span or says nothing of interest.
pub(super) fn read(log: &LogData<'_>, resource: &Arc<Resource>, shared: &Shared) -> Option<LogRecord> {
    let trace_id = TraceId(<[u8; 16]>::try_from(&*log.trace_id).ok()?);
    let span_id = SpanId(<[u8; 8]>::try_from(&*log.span_id).ok()?);
    if trace_id.is_zero() || span_id.is_zero() {
        return None;
    }
    let mut exposures = Exposures::new(shared);
    let body = body_of(&log.body);
    look_through(&log.body, "log body", &mut exposures);
    let mut text = exception_of(&log.attributes, shared, &mut |_, _| ());
    let mut error = "";
    for (key, value) in &log.attributes {
        look_through(value, key, &mut exposures);
        let Some(value) = super::fields::text(value) else { continue };
        if ERRORS.iter().any(|name| key.eq_ignore_ascii_case(name)) {
            error = value;
        }
    }
    let exposures = exposures.into_found();
    let speaks = log.severity >= WARN || speaks_of_tokens(body) || speaks_of_tokens(error);
    if text == Exception::default() && !speaks && exposures.is_empty() {
        return None;
    }
    if text.message.is_empty() {
        let said = if error.is_empty() { body.to_owned() } else { format!("{body}: {error}") };
        text.message = Arc::from(capped(&shared.scrub(&said), super::exception::MAX_MESSAGE));
    }
    if text == Exception::default() && exposures.is_empty() {
        return None;
    }
    let time = UnixNanos(log.time);
    Some(LogRecord { trace_id, span_id, time, resource: Arc::clone(resource), text, exposures })
}

/// A text body, or the message in a structured one.
fn body_of<'l>(body: &'l Value<'_>) -> &'l str {
    match body {
        Value::Str(text) => text,
        Value::Map(entries) => entries
            .iter()
            .filter(|(key, _)| ["message", "msg", "error", "err"].iter().any(|name| key.eq_ignore_ascii_case(name)))
            .find_map(|(_, value)| super::fields::text(value))
            .unwrap_or(""),
        _ => "",
    }
}

fn speaks_of_tokens(body: &str) -> bool {
    let head = capped(body, 512).to_ascii_lowercase();
    WORDS.iter().any(|word| head.contains(word))
}
