//! OTLP's JSON mapping, as the Collector's file exporter writes it: ids in hex, 64-bit integers as text, enums as
//! numbers, what is empty left out.
//!
//! Written here, because the serde types of `opentelemetry-proto` write every empty field out, which makes a span twice
//! as long.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

use crate::otlp::extract::PROFILE_SCOPE;

/// OTLP `SEVERITY_NUMBER_INFO`.
const INFO: i32 = 9;

/// One line of traces, with its line feed.
pub(in crate::otlp) fn traces(groups: &[ResourceSpans], out: &mut Vec<u8>) {
    let mut line = Object::open(out);
    line.list("resourceSpans", groups, |group, out| {
        let mut object = Object::open(out);
        object.resource(group.resource.as_ref());
        object.list("scopeSpans", &group.scope_spans, |scope_spans, out| {
            let mut object = Object::open(out);
            object.scope(scope_spans.scope.as_ref());
            object.list("spans", &scope_spans.spans, span);
            object.close();
        });
        object.close();
    });
    line.close();
    out.push(b'\n');
}

/// One line of log records, with its line feed.
pub(in crate::otlp) fn logs(groups: &[ResourceLogs], out: &mut Vec<u8>) {
    let mut line = Object::open(out);
    line.list("resourceLogs", groups, |group, out| {
        let mut object = Object::open(out);
        object.resource(group.resource.as_ref());
        object.list("scopeLogs", &group.scope_logs, |scope_logs, out| {
            let mut object = Object::open(out);
            object.scope(scope_logs.scope.as_ref());
            object.list("logRecords", &scope_logs.log_records, log);
            object.close();
        });
        object.close();
    });
    line.close();
    out.push(b'\n');
}

/// A capture profile as a line of its own: a log record, which every reader of OTLP can pass over or on.
pub fn profile_line(profile: &str) -> Vec<u8> {
    let text = |text: &str| Some(AnyValue { value: Some(Any::StringValue(text.to_owned())) });
    let name = KeyValue { key: "service.name".to_owned(), value: text("jwtrail"), ..KeyValue::default() };
    let record = LogRecord { severity_number: INFO, body: text(profile), ..LogRecord::default() };
    let scope = InstrumentationScope { name: PROFILE_SCOPE.to_owned(), ..InstrumentationScope::default() };
    let mut group = ResourceLogs::default();
    group.resource.get_or_insert_default().attributes.push(name);
    let scope_logs = &mut group.scope_logs;
    scope_logs.push(opentelemetry_proto::tonic::logs::v1::ScopeLogs::default());
    if let Some(scope_logs) = scope_logs.first_mut() {
        scope_logs.scope = Some(scope);
        scope_logs.log_records.push(record);
    }
    let mut out = Vec::new();
    logs(&[group], &mut out);
    out
}

/// An object that is being written.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    fn close(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Whatever is the default is left out.
    fn number(&mut self, key: &str, number: u64) {
        if number != 0 {
            self.key(key).extend_from_slice(number.to_string().as_bytes());
        }
    }

    fn enumeration(&mut self, key: &str, number: i32) {
        if number != 0 {
            self.key(key).extend_from_slice(number.to_string().as_bytes());
        }
    }

    fn nanos(&mut self, key: &str, number: u64) {
        if number != 0 {
            let out = self.key(key);
            out.push(b'"');
            out.extend_from_slice(number.to_string().as_bytes());
            out.push(b'"');
        }
    }

    fn text(&mut self, key: &str, written: &str) {
        if !written.is_empty() {
            text(written, self.key(key));
        }
    }

    fn id(&mut self, key: &str, id: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        if !id.is_empty() {
            let out = self.key(key);
            out.push(b'"');
            for byte in id {
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
            out.push(b'"');
        }
    }

    fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
        if !items.is_empty() {
            list(items, self.key(key), write);
        }
    }

    fn attributes(&mut self, attributes: &[KeyValue]) {
        self.list("attributes", attributes, entry);
    }

    fn resource(&mut self, resource: Option<&Resource>) {
        if let Some(resource) = resource {
            let mut object = Object::open(self.key("resource"));
            object.attributes(&resource.attributes);
            object.close();
        }
    }

    fn scope(&mut self, scope: Option<&InstrumentationScope>) {
        if let Some(scope) = scope {
            let mut object = Object::open(self.key("scope"));
            object.text("name", &scope.name);
            object.text("version", &scope.version);
            object.attributes(&scope.attributes);
            object.close();
        }
    }
}

fn span(span: &Span, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.id("traceId", &span.trace_id);
    object.id("spanId", &span.span_id);
    object.id("parentSpanId", &span.parent_span_id);
    object.text("traceState", &span.trace_state);
    object.number("flags", u64::from(span.flags));
    object.text("name", &span.name);
    object.enumeration("kind", span.kind);
    object.nanos("startTimeUnixNano", span.start_time_unix_nano);
    object.nanos("endTimeUnixNano", span.end_time_unix_nano);
    object.attributes(&span.attributes);
    object.list("events", &span.events, event);
    object.list("links", &span.links, link);
    if let Some(status) = &span.status {
        let mut inner = Object::open(object.key("status"));
        inner.text("message", &status.message);
        inner.enumeration("code", status.code);
        inner.close();
    }
    object.close();
}

fn event(event: &Event, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.nanos("timeUnixNano", event.time_unix_nano);
    object.text("name", &event.name);
    object.attributes(&event.attributes);
    object.close();
}

fn link(link: &Link, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.id("traceId", &link.trace_id);
    object.id("spanId", &link.span_id);
    object.attributes(&link.attributes);
    object.close();
}

fn log(record: &LogRecord, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.nanos("timeUnixNano", record.time_unix_nano);
    object.enumeration("severityNumber", record.severity_number);
    if let Some(body) = &record.body {
        value(body, object.key("body"));
    }
    object.attributes(&record.attributes);
    object.id("traceId", &record.trace_id);
    object.id("spanId", &record.span_id);
    object.close();
}

fn entry(entry: &KeyValue, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    text(&entry.key, object.key("key"));
    let out = object.key("value");
    match &entry.value {
        Some(any) => value(any, out),
        None => out.extend_from_slice(b"{}"),
    }
    object.close();
}

fn value(any: &AnyValue, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    match &any.value {
        None | Some(Any::StringValueStrindex(_)) => {}
        Some(Any::StringValue(written)) => text(written, object.key("stringValue")),
        Some(Any::BoolValue(flag)) => {
            object.key("boolValue").extend_from_slice(if *flag { b"true" } else { b"false" });
        }
        Some(Any::IntValue(number)) => text(&number.to_string(), object.key("intValue")),
        Some(Any::DoubleValue(number)) => double(*number, object.key("doubleValue")),
        Some(Any::BytesValue(bytes)) => text(&STANDARD.encode(bytes), object.key("bytesValue")),
        Some(Any::ArrayValue(array)) => {
            let mut inner = Object::open(object.key("arrayValue"));
            inner.list("values", &array.values, value);
            inner.close();
        }
        Some(Any::KvlistValue(map)) => {
            let mut inner = Object::open(object.key("kvlistValue"));
            inner.list("values", &map.values, entry);
            inner.close();
        }
    }
    object.close();
}

/// JSON has no word for what is no number: protobuf's mapping writes it as text.
fn double(number: f64, out: &mut Vec<u8>) {
    match number {
        number if number.is_nan() => out.extend_from_slice(b"\"NaN\""),
        f64::INFINITY => out.extend_from_slice(b"\"Infinity\""),
        f64::NEG_INFINITY => out.extend_from_slice(b"\"-Infinity\""),
        number => {
            let number = serde_json::Number::from_f64(number).unwrap_or(0.into());
            out.extend_from_slice(number.to_string().as_bytes());
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    let before = out.len();
    if serde_json::to_writer(&mut *out, text).is_err() {
        // Text goes into memory, which takes all of it; an empty one keeps the line whole.
        out.truncate(before);
        out.extend_from_slice(b"\"\"");
    }
}

fn list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}
