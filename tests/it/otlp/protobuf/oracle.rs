//! What prost decoded, as visits.

use std::borrow::Cow;

use jwtrail::otlp::data::{
    Attributes, EventData, LinkData, LogData, ResourceData, ScopeData, SpanData, Value, Visitor,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};

use crate::otlp::support::Visits;

pub fn traces(data: &TracesData) -> Visits {
    let mut visits = Visits::default();
    for group in &data.resource_spans {
        visits.resource(&resource(group.resource.as_ref()));
        for scope_spans in &group.scope_spans {
            visits.scope(&scope(scope_spans.scope.as_ref()));
            scope_spans.spans.iter().for_each(|it| visits.span(&span(it)));
        }
    }
    visits
}

pub fn logs(data: &LogsData) -> Visits {
    let mut visits = Visits::default();
    for group in &data.resource_logs {
        visits.resource(&resource(group.resource.as_ref()));
        for scope_logs in &group.scope_logs {
            visits.scope(&scope(scope_logs.scope.as_ref()));
            scope_logs.log_records.iter().for_each(|it| visits.log(&log(it)));
        }
    }
    visits
}

fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(bytes)
}

fn resource(resource: Option<&Resource>) -> ResourceData<'_> {
    ResourceData { attributes: resource.map(|it| attributes(&it.attributes)).unwrap_or_default() }
}

fn scope(scope: Option<&InstrumentationScope>) -> ScopeData<'_> {
    let Some(it) = scope else { return ScopeData::default() };
    ScopeData { name: text(&it.name), version: text(&it.version), attributes: attributes(&it.attributes) }
}

fn attributes(list: &[KeyValue]) -> Attributes<'_> {
    list.iter().map(|it| (text(&it.key), it.value.as_ref().map(value).unwrap_or_default())).collect()
}

fn value(any: &AnyValue) -> Value<'_> {
    match &any.value {
        None | Some(ProtoValue::StringValueStrindex(_)) => Value::Empty,
        Some(ProtoValue::StringValue(it)) => Value::Str(text(it)),
        Some(ProtoValue::BoolValue(it)) => Value::Bool(*it),
        Some(ProtoValue::IntValue(it)) => Value::Int(*it),
        Some(ProtoValue::DoubleValue(it)) => Value::Double(*it),
        Some(ProtoValue::BytesValue(it)) => Value::Bytes(bytes(it)),
        Some(ProtoValue::ArrayValue(it)) => Value::Array(it.values.iter().map(value).collect()),
        Some(ProtoValue::KvlistValue(it)) => Value::Map(attributes(&it.values)),
    }
}

fn span(it: &Span) -> SpanData<'_> {
    SpanData {
        trace_id: bytes(&it.trace_id),
        span_id: bytes(&it.span_id),
        parent_span_id: bytes(&it.parent_span_id),
        trace_state: text(&it.trace_state),
        flags: it.flags,
        kind: it.kind,
        name: text(&it.name),
        start: it.start_time_unix_nano,
        end: it.end_time_unix_nano,
        attributes: attributes(&it.attributes),
        events: it.events.iter().map(event).collect(),
        links: it.links.iter().map(link).collect(),
        status_code: it.status.as_ref().map_or(0, |status| status.code),
        status_message: it.status.as_ref().map_or(text(""), |status| text(&status.message)),
    }
}

fn event(it: &Event) -> EventData<'_> {
    EventData { time: it.time_unix_nano, name: text(&it.name), attributes: attributes(&it.attributes) }
}

fn link(it: &Link) -> LinkData<'_> {
    LinkData { trace_id: bytes(&it.trace_id), span_id: bytes(&it.span_id), attributes: attributes(&it.attributes) }
}

fn log(it: &LogRecord) -> LogData<'_> {
    LogData {
        trace_id: bytes(&it.trace_id),
        span_id: bytes(&it.span_id),
        time: if it.time_unix_nano == 0 { it.observed_time_unix_nano } else { it.time_unix_nano },
        severity: it.severity_number,
        body: it.body.as_ref().map(value).unwrap_or_default(),
        attributes: attributes(&it.attributes),
    }
}
