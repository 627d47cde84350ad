//! One request, built once, whose trace ids are rewritten for each sending.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message as _;

use crate::Mode;

const SERVICES: [&str; 4] = ["gateway", "orders", "payment", "shipping"];

/// How a trace id begins before it is rewritten: long enough to occur nowhere else.
const MARK: [u8; 12] = *b"\xf1id\xf2mark\xf3her";

#[derive(Clone)]
pub(crate) struct Template {
    bytes: Arc<Vec<u8>>,
    /// Where trace ids stand.
    ids: Arc<Vec<usize>>,
}

impl Template {
    pub(crate) fn new(spans: usize, mode: Mode) -> Self {
        let groups = SERVICES.iter().enumerate().map(|(index, name)| group(index, name, spans / 8, mode));
        let bytes = TracesData { resource_spans: groups.collect() }.encode_to_vec();
        let marks = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| **window == MARK);
        let ids = marks.map(|(at, _)| at).collect();
        Self { bytes: Arc::new(bytes), ids: Arc::new(ids) }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The request of this number; the last four bytes of an id tell a request's traces apart and stay.
    pub(crate) fn request(&self, run: u64, number: u64) -> Bytes {
        let mut bytes = self.bytes.to_vec();
        let [run, number] = [run.to_be_bytes(), number.to_be_bytes()];
        for &at in &*self.ids {
            if let Some(id) = bytes.get_mut(at..at + 12) {
                let (head, tail) = id.split_at_mut(8);
                head.copy_from_slice(&run);
                tail.copy_from_slice(number.get(4..).unwrap_or_default());
            }
        }
        Bytes::from(bytes)
    }
}

fn group(service: usize, name: &str, traces: usize, mode: Mode) -> ResourceSpans {
    let attributes = vec![
        text("service.name", name),
        text("service.instance.id", &format!("{name}-7d4b9c6f5-x2x7k")),
        text("telemetry.sdk.language", "go"),
        text("telemetry.sdk.name", "opentelemetry"),
        text("host.name", "node-1"),
    ];
    let spans = (0..traces).flat_map(|trace| [entry(service, trace, mode), call(service, trace, mode)]).collect();
    let scope = InstrumentationScope { name: "load".to_owned(), version: "1".to_owned(), ..Default::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }
}

/// What arrives at a service, from the call of the one before it.
fn entry(service: usize, trace: usize, mode: Mode) -> Span {
    let parent = service.checked_sub(1).map(|caller| span_id(caller, trace, 1)).unwrap_or_default();
    let mut span = span(service, trace, SpanKind::Server, parent, mode);
    span.attributes.extend([
        text("http.route", "/api/v1/things/{id}"),
        text("url.path", "/api/v1/things/4711"),
        text("user_agent.original", "load/1.0 (benchmark)"),
    ]);
    span
}

/// What a service sends to the next one; the last one works inside instead.
fn call(service: usize, trace: usize, mode: Mode) -> Span {
    let last = service + 1 == SERVICES.len();
    let (kind, mode) = if last { (SpanKind::Internal, Mode::None) } else { (SpanKind::Client, mode) };
    let mut span = span(service, trace, kind, span_id(service, trace, 0), mode);
    let next = SERVICES.get(service + 1).unwrap_or(&"nobody");
    span.attributes.extend([
        text("url.full", &format!("http://{next}:8080/api/v1/things/4711?page=2")),
        text("server.address", next),
        int("server.port", 8080),
    ]);
    span
}

fn span(service: usize, trace: usize, kind: SpanKind, parent_span_id: Vec<u8>, mode: Mode) -> Span {
    let mut attributes = vec![
        text("http.request.method", "GET"),
        int("http.response.status_code", 200),
        text("url.scheme", "http"),
        text("network.protocol.version", "1.1"),
        text("network.peer.address", "10.42.0.17"),
    ];
    attributes.extend(token(trace, mode));
    let start = 1_700_000_000_000_000_000 + (service as u64) * 2_000_000;
    let call = kind != SpanKind::Server;
    Span {
        trace_id: [&MARK[..], &(trace as u32).to_be_bytes()].concat(),
        span_id: span_id(service, trace, u8::from(call)),
        parent_span_id,
        flags: if call { 0x101 } else { 0x301 },
        name: "GET /api/v1/things/{id}".to_owned(),
        kind: kind as i32,
        start_time_unix_nano: start + u64::from(call) * 1_000_000,
        end_time_unix_nano: start + 50_000_000 - (service as u64) * 5_000_000 - u64::from(call) * 2_000_000,
        attributes,
        ..Span::default()
    }
}

fn span_id(service: usize, trace: usize, call: u8) -> Vec<u8> {
    [&[service as u8 + 1, call, 0, 7][..], &(trace as u32).to_be_bytes()].concat()
}

fn token(trace: usize, mode: Mode) -> Vec<KeyValue> {
    // No digest, but as long as one, and another one for each trace.
    let digest = URL_SAFE_NO_PAD.encode([&[0x5a; 28][..], &(trace as u32).to_be_bytes()].concat());
    match mode {
        Mode::None => Vec::new(),
        Mode::Tags => vec![
            text("jwtrail.token.presence", "present"),
            text("jwtrail.token.fp", &format!("s256:{digest}")),
            text("jwtrail.token.location", "header:authorization"),
            text("jwtrail.token.scheme", "bearer"),
        ],
        Mode::Jwt => {
            let value = AnyValue { value: Some(Value::StringValue(format!("Bearer {}", jwt(trace)))) };
            let array = Value::ArrayValue(ArrayValue { values: vec![value] });
            let value = Some(AnyValue { value: Some(array) });
            vec![KeyValue { key: "http.request.header.authorization".to_owned(), value, ..KeyValue::default() }]
        }
    }
}

/// A JWT of about 900 bytes with a signature that nobody made.
fn jwt(trace: usize) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"at+jwt","kid":"load-1"}"#);
    let roles = r#""roles/some-resource/reader","#.repeat(9);
    let payload = URL_SAFE_NO_PAD.encode(format!(
        r#"{{"iss":"https://issuer.example","sub":"user-{trace}","aud":"shop","exp":1900000000,"iat":1700000000,"roles":[{roles}"x"]}}"#
    ));
    let signature = URL_SAFE_NO_PAD.encode([0x5a; 256]);
    format!("{header}.{payload}.{signature}")
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
