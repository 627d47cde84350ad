//! Tags of formats that know no more than text: back into what OTLP has fields for.
//!
//! The names are those that OpenTelemetry's exporters to Jaeger and Zipkin write (specification, "mapping to non-OTLP
//! formats"), and `OpenTracing`'s.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::span::{code, kind};
use crate::otlp::data::{Attributes, EventData, ScopeData, SpanData, Value};
use crate::otlp::extract::fields::text;
use crate::otlp::extract::headers::{request_header, response_header};

/// What OpenTelemetry's Collector writes where a resource has no service name.
const NAMELESS: &str = "OTLPResourceNoServiceName";

/// OTLP `STATUS_CODE_ERROR`.
const ERROR: i32 = 2;

/// Takes out of a span's tags what OTLP keeps elsewhere. What is not understood stays a tag.
pub(super) fn lift<'a>(span: &mut SpanData<'a>) -> ScopeData<'a> {
    let mut scope = ScopeData::default();
    let mut error = None;
    for (key, mut value) in std::mem::take(&mut span.attributes) {
        unfold(&key, &mut value);
        let taken = match (&*key, &value) {
            ("span.kind", Value::Str(name)) => kind(name).map(|kind| span.kind = kind).is_some(),
            ("otel.status_code", Value::Str(name)) => code(name).map(|code| span.status_code = code).is_some(),
            ("otel.status_description", Value::Str(_)) => put(&mut span.status_message, &mut value),
            ("otel.scope.name" | "otel.library.name", Value::Str(_)) => put(&mut scope.name, &mut value),
            ("otel.scope.version" | "otel.library.version", Value::Str(_)) => put(&mut scope.version, &mut value),
            ("w3c.tracestate", Value::Str(_)) => put(&mut span.trace_state, &mut value),
            ("error", Value::Bool(_) | Value::Str(_)) => {
                error = Some(std::mem::take(&mut value));
                true
            }
            (key, Value::Str(link)) if key.starts_with("otlp.link.") => super::zipkin::link(link, &mut span.links),
            _ => false,
        };
        if !taken {
            let key = if key == "http.path" { Cow::Borrowed("url.path") } else { key };
            span.attributes.push((key, value));
        }
    }
    if let Some(error) = error {
        failed(span, error);
    }
    scope
}

/// The tag `error`: `true`, or (in Zipkin) what went wrong. It counts more than a status beside it.
fn failed<'a>(span: &mut SpanData<'a>, error: Value<'a>) {
    match error {
        Value::Bool(false) => return,
        Value::Str(text) if text.eq_ignore_ascii_case("false") => return,
        Value::Str(text) if !text.is_empty() && !text.eq_ignore_ascii_case("true") => {
            if span.status_message.is_empty() {
                span.status_message = text;
            } else {
                span.attributes.push((Cow::Borrowed("error"), Value::Str(text)));
            }
        }
        _ => {}
    }
    span.status_code = ERROR;
}

/// A service's name, empty where that is what it stands for.
pub(super) fn service(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.eq_ignore_ascii_case(NAMELESS) { Cow::Borrowed("") } else { name }
}

/// Fills a text that is still empty.
fn put<'a>(place: &mut Cow<'a, str>, value: &mut Value<'a>) -> bool {
    let free = place.is_empty();
    if free && let Value::Str(text) = value {
        *place = std::mem::take(text);
    }
    free
}

/// A list that an exporter wrote as JSON text, where a list is meant: in jwtrail's tags, and a header without a value.
pub(super) fn unfold(key: &str, value: &mut Value<'_>) {
    let Value::Str(text) = &*value else { return };
    if !text.starts_with('[') {
        return;
    }
    if key.starts_with("jwtrail.") {
        if let Ok(list @ Json::Array(_)) = serde_json::from_str(text) {
            *value = of_json(list);
        }
    } else if text.trim() == "[]" && (request_header(key).is_some() || response_header(key).is_some()) {
        *value = Value::Array(Vec::new());
    }
}

/// The name of an event, and an exception as `OpenTracing` wrote it under OpenTelemetry's names.
pub(super) fn named(event: &mut EventData<'_>) {
    if let Some(at) = event.attributes.iter().position(|(key, value)| key == "event" && text(value).is_some()) {
        let (_, value) = event.attributes.remove(at);
        if let Value::Str(name) = value {
            event.name = name;
        }
    }
    if event.name != "error" {
        return;
    }
    event.name = Cow::Borrowed("exception");
    for (key, _) in &mut event.attributes {
        *key = match &**key {
            "error.kind" => Cow::Borrowed("exception.type"),
            "message" => Cow::Borrowed("exception.message"),
            "stack" => Cow::Borrowed("exception.stacktrace"),
            _ => continue,
        };
    }
}

/// A JSON value of its own; serde has bounded its depth.
pub(super) fn of_json(json: Json) -> Value<'static> {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => number.as_f64().map_or(Value::Empty, Value::Double),
        },
        Json::String(text) => Value::Str(Cow::Owned(text)),
        Json::Array(items) => Value::Array(items.into_iter().map(of_json).collect()),
        Json::Object(entries) => Value::Map(attributes_of(entries)),
    }
}

/// The members of a JSON object.
pub(super) fn attributes_of(entries: serde_json::Map<String, Json>) -> Attributes<'static> {
    entries.into_iter().map(|(key, value)| (Cow::Owned(key), of_json(value))).collect()
}
