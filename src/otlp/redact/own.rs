//! What a walker hands over, as prost's types: the way back from `borrow`.
//!
//! Walkers hand over what jwtrail reads. Dropped counts, schema URLs, entity references, a log's severity text, event
//! name and flags, and a link's trace state and flags do not come this far.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::otlp::data::{Attributes, LogData, ResourceData, ScopeData, SpanData, Value};

pub(super) fn resource(data: &ResourceData<'_>) -> Resource {
    Resource { attributes: attributes(&data.attributes), ..Resource::default() }
}

pub(super) fn scope(data: &ScopeData<'_>) -> InstrumentationScope {
    InstrumentationScope {
        name: data.name.to_string(),
        version: data.version.to_string(),
        attributes: attributes(&data.attributes),
        ..InstrumentationScope::default()
    }
}

/// `None` where the ids are none: whatever stands in their place is not written down.
pub(super) fn span(data: &SpanData<'_>) -> Option<Span> {
    let (trace_id, span_id) = (id::<16>(&data.trace_id)?, id::<8>(&data.span_id)?);
    let events = data.events.iter().map(|event| Event {
        time_unix_nano: event.time,
        name: event.name.to_string(),
        attributes: attributes(&event.attributes),
        ..Event::default()
    });
    let links = data.links.iter().map(|link| Link {
        trace_id: id::<16>(&link.trace_id).unwrap_or_default(),
        span_id: id::<8>(&link.span_id).unwrap_or_default(),
        attributes: attributes(&link.attributes),
        ..Link::default()
    });
    let status = Status { code: data.status_code, message: data.status_message.to_string() };
    Some(Span {
        trace_id,
        span_id,
        parent_span_id: id::<8>(&data.parent_span_id).unwrap_or_default(),
        trace_state: data.trace_state.to_string(),
        flags: data.flags,
        kind: data.kind,
        name: data.name.to_string(),
        start_time_unix_nano: data.start,
        end_time_unix_nano: data.end,
        attributes: attributes(&data.attributes),
        events: events.collect(),
        links: links.collect(),
        status: (status != Status::default()).then_some(status),
        ..Span::default()
    })
}

pub(super) fn log(data: &LogData<'_>) -> LogRecord {
    LogRecord {
        trace_id: id::<16>(&data.trace_id).unwrap_or_default(),
        span_id: id::<8>(&data.span_id).unwrap_or_default(),
        time_unix_nano: data.time,
        severity_number: data.severity,
        body: (data.body != Value::Empty).then(|| any(&data.body)),
        attributes: attributes(&data.attributes),
        ..LogRecord::default()
    }
}

/// An id of the right length that is not all zero.
fn id<const N: usize>(bytes: &[u8]) -> Option<Vec<u8>> {
    (bytes.len() == N && bytes.iter().any(|byte| *byte != 0)).then(|| bytes.to_vec())
}

fn attributes(entries: &Attributes<'_>) -> Vec<KeyValue> {
    entries.iter().map(|(key, value)| entry(key, any(value))).collect()
}

fn entry(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn any(value: &Value<'_>) -> AnyValue {
    let value = match value {
        Value::Empty => None,
        Value::Str(text) => Some(Any::StringValue(text.to_string())),
        Value::Bool(flag) => Some(Any::BoolValue(*flag)),
        Value::Int(number) => Some(Any::IntValue(*number)),
        Value::Double(number) => Some(Any::DoubleValue(*number)),
        Value::Bytes(bytes) => Some(Any::BytesValue(bytes.to_vec())),
        Value::Array(items) => Some(Any::ArrayValue(ArrayValue { values: items.iter().map(any).collect() })),
        Value::Map(entries) => Some(Any::KvlistValue(KeyValueList { values: attributes(entries) })),
    };
    AnyValue { value }
}
