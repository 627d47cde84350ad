//! Requests of every shape that the types allow.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,12}", "\\PC{0,6}"]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..4), vec(any::<u8>(), 16), vec(any::<u8>(), 8)]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        text().prop_map(Value::StringValue),
        any::<bool>().prop_map(Value::BoolValue),
        any::<i64>().prop_map(Value::IntValue),
        any::<f64>().prop_map(Value::DoubleValue),
        bytes().prop_map(Value::BytesValue),
    ];
    let any = option::weighted(0.9, leaf).prop_map(|value| AnyValue { value });
    any.prop_recursive(3, 12, 3, |inner| {
        let array = vec(inner.clone(), 0..3).prop_map(|values| Value::ArrayValue(ArrayValue { values }));
        let pair = (text(), option::of(inner));
        let pair = pair.prop_map(|(key, value)| KeyValue { key, value, ..KeyValue::default() });
        let map = vec(pair, 0..3).prop_map(|values| Value::KvlistValue(KeyValueList { values }));
        prop_oneof![array, map].prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = (text(), option::weighted(0.9, any_value()));
    vec(pair.prop_map(|(key, value)| KeyValue { key, value, ..KeyValue::default() }), 0..4)
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    option::of(attributes().prop_map(|attributes| Resource { attributes, ..Resource::default() }))
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    option::of((text(), text(), attributes()).prop_map(|(name, version, attributes)| InstrumentationScope {
        name,
        version,
        attributes,
        dropped_attributes_count: 3,
    }))
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes()).prop_map(|(time_unix_nano, name, attributes)| Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count: 1,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (bytes(), bytes(), text(), attributes()).prop_map(|(trace_id, span_id, trace_state, attributes)| Link {
        trace_id,
        span_id,
        trace_state,
        attributes,
        dropped_attributes_count: 1,
        flags: 0x300,
    })
}

fn span() -> impl Strategy<Value = Span> {
    let head = (bytes(), bytes(), bytes(), text(), text(), any::<u32>(), any::<i32>());
    let status = option::of((text(), any::<i32>()).prop_map(|(message, code)| Status { message, code }));
    let tail = (any::<u64>(), any::<u64>(), attributes(), vec(event(), 0..3), vec(link(), 0..3), status);
    (head, tail).prop_map(|(head, tail)| Span {
        trace_id: head.0,
        span_id: head.1,
        parent_span_id: head.2,
        trace_state: head.3,
        name: head.4,
        flags: head.5,
        kind: head.6,
        start_time_unix_nano: tail.0,
        end_time_unix_nano: tail.1,
        attributes: tail.2,
        dropped_attributes_count: 2,
        events: tail.3,
        dropped_events_count: 0,
        links: tail.4,
        dropped_links_count: 7,
        status: tail.5,
    })
}

pub fn traces() -> impl Strategy<Value = TracesData> {
    let scope_spans = (scope(), vec(span(), 0..4), text());
    let scope_spans = scope_spans.prop_map(|(scope, spans, schema_url)| ScopeSpans { scope, spans, schema_url });
    let group = (resource(), vec(scope_spans, 0..3), text())
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url });
    vec(group, 0..3).prop_map(|resource_spans| TracesData { resource_spans })
}

fn log() -> impl Strategy<Value = LogRecord> {
    let times = (prop_oneof![Just(0), any::<u64>()], any::<u64>());
    (times, any::<i32>(), option::of(any_value()), attributes(), bytes(), bytes()).prop_map(
        |((time_unix_nano, observed_time_unix_nano), severity_number, body, attributes, trace_id, span_id)| LogRecord {
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            severity_text: "WARN".to_owned(),
            body,
            attributes,
            dropped_attributes_count: 1,
            flags: 1,
            trace_id,
            span_id,
            event_name: "e".to_owned(),
        },
    )
}

pub fn logs() -> impl Strategy<Value = LogsData> {
    let scope_logs = (scope(), vec(log(), 0..4), text()).prop_map(|(scope, log_records, schema_url)| ScopeLogs {
        scope,
        log_records,
        schema_url,
    });
    let group = (resource(), vec(scope_logs, 0..3), text())
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url });
    vec(group, 0..3).prop_map(|resource_logs| LogsData { resource_logs })
}
