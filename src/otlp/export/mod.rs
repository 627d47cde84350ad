//! The way back: what is kept of a trace as OTLP JSON, for files that `check` and `replay` read to the same verdicts.
//!
//! What was forgotten at ingest cannot be written, so nothing here knows a token. What tokens were is told by the tags
//! of tagging.md section 2; a carrier that was captured keeps its attribute with a mark in it, which proves that it was
//! looked for.

mod attributes;
mod carriers;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as OtlpLog, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link as OtlpLink};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan, Status};

use super::redact::json;
use crate::model::{Exception, LogRecord, Resource, Span, StatusCode, TraceId};
use attributes::{Attributes, exposures};

/// OTLP `SEVERITY_NUMBER_WARN`: what was kept of a log record was worth a warning.
const WARN: i32 = 13;

/// Where the extractor says that a token stood in a record's text.
const BODY: &str = "log body";

/// One trace as lines of OTLP JSON: its spans, and its log records where there are any.
pub fn lines<'a>(trace: TraceId, spans: impl Iterator<Item = &'a Span>, logs: &[LogRecord]) -> Vec<u8> {
    let mut out = Vec::new();
    let spans = spans_by_process(trace, spans);
    if !spans.is_empty() {
        json::traces(&spans, &mut out);
    }
    let logs = logs_by_process(logs);
    if !logs.is_empty() {
        json::logs(&logs, &mut out);
    }
    out
}

fn spans_by_process<'a>(trace: TraceId, spans: impl Iterator<Item = &'a Span>) -> Vec<ResourceSpans> {
    let mut groups: Vec<(&Resource, ResourceSpans)> = Vec::new();
    for span in spans {
        let at = groups.iter().position(|(resource, _)| **resource == *span.resource).unwrap_or_else(|| {
            groups.push((
                &span.resource,
                ResourceSpans { resource: Some(resource(&span.resource)), ..Default::default() },
            ));
            groups.len() - 1
        });
        let scopes = &mut groups[at].1.scope_spans;
        let within = |group: &ScopeSpans| group.scope.as_ref().is_some_and(|scope| *scope.name == *span.scope);
        let at = scopes.iter().position(within).unwrap_or_else(|| {
            let scope = InstrumentationScope { name: span.scope.to_string(), ..InstrumentationScope::default() };
            scopes.push(ScopeSpans { scope: Some(scope), ..ScopeSpans::default() });
            scopes.len() - 1
        });
        scopes[at].spans.push(otlp_span(trace, span));
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn logs_by_process(logs: &[LogRecord]) -> Vec<ResourceLogs> {
    let mut groups: Vec<(&Resource, ResourceLogs)> = Vec::new();
    for record in logs {
        let at = groups.iter().position(|(resource, _)| **resource == *record.resource).unwrap_or_else(|| {
            let scope_logs = vec![ScopeLogs::default()];
            let group = ResourceLogs { resource: Some(resource(&record.resource)), scope_logs, ..Default::default() };
            groups.push((&record.resource, group));
            groups.len() - 1
        });
        if let Some(group) = groups[at].1.scope_logs.first_mut() {
            group.log_records.push(otlp_log(record));
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// A process by the attributes that give the same [`Resource`] again.
fn resource(resource: &Resource) -> OtlpResource {
    let Resource { service, nameless, instance, language, sdk, host } = resource;
    let mut out = Attributes::default();
    out.text("service.namespace", &service.namespace);
    out.text("host.name", host);
    out.text("telemetry.sdk.language", language);
    out.text("telemetry.sdk.name", sdk);
    let named = |by: &str| service.name.strip_suffix(by).and_then(|rest| rest.strip_suffix('@'));
    let pid = instance.strip_prefix(&**host).and_then(|rest| rest.strip_prefix('/'));
    // A nameless service is told apart by what stood in for its name: that has to come first again.
    let by_host = (!host.is_empty()).then(|| named(host)).flatten();
    match (nameless, by_host, pid.and_then(|pid| Some((named(pid)?, pid))), named(instance)) {
        (true, Some(name), ..) => {
            out.text("service.name", name);
            out.text(super::extract::INSTANCE, instance);
        }
        (true, None, Some((name, pid)), _) => {
            out.text("service.name", name);
            out.text("process.pid", pid);
        }
        (true, None, None, Some(name)) => {
            out.text("service.name", name);
            let key = if host.is_empty() { super::extract::INSTANCE } else { "service.instance.id" };
            out.text(key, instance);
        }
        _ => {
            out.text("service.name", &service.name);
            out.text(super::extract::INSTANCE, instance);
        }
    }
    OtlpResource { attributes: out.done(), ..OtlpResource::default() }
}

fn otlp_span(trace: TraceId, span: &Span) -> OtlpSpan {
    let code = match span.status {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    let links = span.own().links.iter().map(|link| OtlpLink {
        trace_id: link.trace_id.0.to_vec(),
        span_id: link.span_id.0.to_vec(),
        ..OtlpLink::default()
    });
    let exceptions = span.own().exceptions.iter().map(|exception| Event {
        time_unix_nano: span.end.0,
        name: "exception".to_owned(),
        attributes: texts(exception),
        ..Event::default()
    });
    OtlpSpan {
        trace_id: trace.0.to_vec(),
        span_id: span.span_id.0.to_vec(),
        parent_span_id: span.parent_id().map(|parent| parent.0.to_vec()).unwrap_or_default(),
        flags: span.flags,
        kind: span.kind as i32,
        name: span.name.to_string(),
        start_time_unix_nano: span.start.0,
        end_time_unix_nano: span.end.0,
        attributes: attributes::of_span(trace, span),
        events: exceptions.collect(),
        links: links.collect(),
        status: (code != 0).then(|| Status { code, ..Status::default() }),
        ..OtlpSpan::default()
    }
}

fn otlp_log(record: &LogRecord) -> OtlpLog {
    let text = &record.text;
    let stood = |place: &str| record.exposures.iter().any(|exposure| &*exposure.place == place);
    // Without an exception the message was the body; a token that stood there stands there again.
    let by_body = text.kind.is_empty() && text.stack.is_empty() && stood(BODY);
    let mut attributes = if by_body { Vec::new() } else { texts(text) };
    let mut body = by_body.then(|| text.message.to_string());
    for exposure in exposures(&record.exposures, &attributes) {
        if exposure.key != BODY {
            attributes.push(exposure);
        } else if body.is_none() {
            body = exposure.value.and_then(|value| match value.value {
                Some(Any::StringValue(mark)) => Some(mark),
                _ => None,
            });
        }
    }
    OtlpLog {
        trace_id: record.trace_id.0.to_vec(),
        span_id: record.span_id.0.to_vec(),
        time_unix_nano: record.time.0,
        severity_number: WARN,
        body: body.map(|body| AnyValue { value: Some(Any::StringValue(body)) }),
        attributes,
        ..OtlpLog::default()
    }
}

fn texts(exception: &Exception) -> Vec<KeyValue> {
    let mut out = Attributes::default();
    out.text("exception.type", &exception.kind);
    out.text("exception.message", &exception.message);
    out.text("exception.stacktrace", &exception.stack);
    out.done()
}
