//! Requests as OTLP JSON: lowerCamelCase names, ids in hexadecimal digits, 64-bit numbers as text.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use serde_json::{Value, json};

use crate::template::hex;

pub(crate) fn encode(data: &TracesData) -> Vec<u8> {
    json!({ "resourceSpans": list(&data.resource_spans, group) }).to_string().into_bytes()
}

fn list<T>(items: &[T], each: fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(each).collect()
}

fn group(group: &ResourceSpans) -> Value {
    let attributes = group.resource.as_ref().map(|resource| list(&resource.attributes, attribute));
    json!({ "resource": { "attributes": attributes.unwrap_or_default() }, "scopeSpans": list(&group.scope_spans, scope) })
}

fn scope(spans: &ScopeSpans) -> Value {
    let scope = spans.scope.as_ref().map(|scope| json!({ "name": scope.name, "version": scope.version }));
    json!({ "scope": scope, "spans": list(&spans.spans, span) })
}

fn span(span: &Span) -> Value {
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "flags": span.flags,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": list(&span.attributes, attribute),
    })
}

fn attribute(attribute: &KeyValue) -> Value {
    json!({ "key": attribute.key, "value": attribute.value.as_ref().map(value) })
}

/// Of the kinds that the requests have.
fn value(value: &AnyValue) -> Value {
    match &value.value {
        Some(Any::StringValue(text)) => json!({ "stringValue": text }),
        Some(Any::IntValue(number)) => json!({ "intValue": number.to_string() }),
        Some(Any::ArrayValue(array)) => json!({ "arrayValue": { "values": list(&array.values, self::value) } }),
        _ => json!({}),
    }
}
