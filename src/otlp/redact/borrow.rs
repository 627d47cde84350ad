//! prost's types as the walkers would hand them over.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::otlp::data::{Attributes, EventData, LinkData, LogData, ResourceData, ScopeData, SpanData, Value, Visitor};

/// Visits a decoded trace request.
pub fn visit_traces<'a>(request: &'a ExportTraceServiceRequest, visitor: &mut impl Visitor<'a>) {
    for group in &request.resource_spans {
        visitor.resource(&resource(group.resource.as_ref()));
        for scope_spans in &group.scope_spans {
            visitor.scope(&scope(scope_spans.scope.as_ref()));
            for item in &scope_spans.spans {
                visitor.span(&span(item));
            }
        }
    }
}

/// Visits a decoded log request.
pub fn visit_logs<'a>(request: &'a ExportLogsServiceRequest, visitor: &mut impl Visitor<'a>) {
    for group in &request.resource_logs {
        visitor.resource(&resource(group.resource.as_ref()));
        for scope_logs in &group.scope_logs {
            visitor.scope(&scope(scope_logs.scope.as_ref()));
            for record in &scope_logs.log_records {
                let time =
                    if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
                visitor.log(&LogData {
                    trace_id: Cow::Borrowed(&record.trace_id),
                    span_id: Cow::Borrowed(&record.span_id),
                    time,
                    severity: record.severity_number,
                    body: value(record.body.as_ref()),
                    attributes: attributes(&record.attributes),
                });
            }
        }
    }
}

/// Borrows a list of attributes.
pub(in crate::otlp) fn attributes(entries: &[KeyValue]) -> Attributes<'_> {
    entries.iter().map(|entry| (Cow::Borrowed(&*entry.key), value(entry.value.as_ref()))).collect()
}

fn value(any: Option<&AnyValue>) -> Value<'_> {
    match any.and_then(|any| any.value.as_ref()) {
        None | Some(Any::StringValueStrindex(_)) => Value::Empty,
        Some(Any::StringValue(text)) => Value::Str(Cow::Borrowed(text)),
        Some(Any::BoolValue(flag)) => Value::Bool(*flag),
        Some(Any::IntValue(number)) => Value::Int(*number),
        Some(Any::DoubleValue(number)) => Value::Double(*number),
        Some(Any::BytesValue(bytes)) => Value::Bytes(Cow::Borrowed(bytes)),
        Some(Any::ArrayValue(list)) => Value::Array(list.values.iter().map(|item| value(Some(item))).collect()),
        Some(Any::KvlistValue(map)) => Value::Map(attributes(&map.values)),
    }
}

fn resource(resource: Option<&Resource>) -> ResourceData<'_> {
    ResourceData { attributes: resource.map(|resource| attributes(&resource.attributes)).unwrap_or_default() }
}

fn scope(scope: Option<&InstrumentationScope>) -> ScopeData<'_> {
    scope.map_or_else(ScopeData::default, |scope| ScopeData {
        name: Cow::Borrowed(&scope.name),
        version: Cow::Borrowed(&scope.version),
        attributes: attributes(&scope.attributes),
    })
}

fn span(span: &Span) -> SpanData<'_> {
    let events = span.events.iter().map(|event| EventData {
        time: event.time_unix_nano,
        name: Cow::Borrowed(&event.name),
        attributes: attributes(&event.attributes),
    });
    let links = span.links.iter().map(|link| LinkData {
        trace_id: Cow::Borrowed(&link.trace_id),
        span_id: Cow::Borrowed(&link.span_id),
        attributes: attributes(&link.attributes),
    });
    SpanData {
        trace_id: Cow::Borrowed(&span.trace_id),
        span_id: Cow::Borrowed(&span.span_id),
        parent_span_id: Cow::Borrowed(&span.parent_span_id),
        trace_state: Cow::Borrowed(&span.trace_state),
        flags: span.flags,
        kind: span.kind,
        name: Cow::Borrowed(&span.name),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        attributes: attributes(&span.attributes),
        events: events.collect(),
        links: links.collect(),
        status_code: span.status.as_ref().map_or(0, |status| status.code),
        status_message: Cow::Borrowed(span.status.as_ref().map_or("", |status| &status.message)),
    }
}
