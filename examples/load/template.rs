//! Requests that are built once, and whose trace ids are rewritten for each sending.

#![allow(dead_code, reason = "the programs that share this file use a part of it each")]

use std::collections::BTreeMap;
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

/// Services of one trace.
const HOPS: usize = 4;

/// Spans of one trace: each service gets a request and sends one on.
pub(crate) const SPANS_PER_TRACE: usize = 2 * HOPS;

/// The most that all variants together may take.
const MOST_BYTES: usize = 512 << 20;

/// How a trace id begins before it is rewritten: long enough to occur nowhere else.
const MARK: [u8; 12] = *b"\xf1id\xf2mark\xf3her";

/// What requests hold.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) spans: usize,
    pub(crate) mode: Mode,
    /// Distinct services, four at the least.
    pub(crate) services: usize,
    /// Distinct tokens; as many as a request has traces where it is not said.
    pub(crate) tokens: Option<usize>,
    /// Requests that differ in more than their ids, at the least.
    pub(crate) variants: usize,
}

impl Plan {
    pub(crate) fn new(spans: usize, mode: Mode) -> Self {
        Self { spans, mode, services: HOPS, tokens: None, variants: 1 }
    }

    pub(crate) fn traces(&self) -> usize {
        (self.spans / SPANS_PER_TRACE).max(1)
    }

    fn distinct_tokens(&self) -> usize {
        self.tokens.unwrap_or(self.traces()).max(1)
    }

    /// As many requests as it takes until every token and every service has occurred.
    pub(crate) fn requests(&self) -> usize {
        let tokens = self.distinct_tokens().div_ceil(self.traces());
        let services = if self.services > HOPS { self.services.div_ceil(self.traces()) } else { 1 };
        self.variants.max(tokens).max(services).max(1)
    }
}

/// What happens to a token on its way, and at which service: 1 to 3.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Dropped(usize),
    Changed(usize),
}

#[derive(Clone)]
pub(crate) struct Template {
    variants: Arc<Vec<Variant>>,
}

struct Variant {
    bytes: Vec<u8>,
    /// Where trace ids stand.
    ids: Vec<usize>,
    /// Whether they are in hexadecimal digits.
    hex: bool,
}

impl Template {
    /// One request in protobuf, over and over.
    pub(crate) fn new(spans: usize, mode: Mode) -> Self {
        let data = data(&Plan::new(spans, mode), 0, &|_| None);
        Self { variants: Arc::new(vec![Variant::new(data.encode_to_vec(), false)]) }
    }

    /// As many requests as the plan asks for; traces are numbered through all of them. Nothing where they would take
    /// too much memory.
    pub(crate) fn planned(
        plan: &Plan,
        json: Option<fn(&TracesData) -> Vec<u8>>,
        fault: &dyn Fn(usize) -> Option<Fault>,
    ) -> Option<Self> {
        let (mut variants, mut bytes) = (Vec::new(), 0);
        for number in 0..plan.requests() {
            let data = data(plan, number, fault);
            let encoded = json.map_or_else(|| data.encode_to_vec(), |json| json(&data));
            bytes += encoded.len();
            if bytes > MOST_BYTES {
                return None;
            }
            variants.push(Variant::new(encoded, json.is_some()));
        }
        Some(Self { variants: Arc::new(variants) })
    }

    /// Bytes of the first request.
    pub(crate) fn len(&self) -> usize {
        self.variants.first().map_or(0, |variant| variant.bytes.len())
    }

    /// The request of this number; the last four bytes of an id tell a request's traces apart and stay.
    pub(crate) fn request(&self, run: u64, number: u64) -> Bytes {
        let variant = usize::try_from(number).unwrap_or_default() % self.variants.len().max(1);
        self.variants.get(variant).map(|variant| variant.request(run, number)).unwrap_or_default()
    }
}

impl Variant {
    fn new(bytes: Vec<u8>, hex: bool) -> Self {
        let mark = if hex { self::hex(&MARK).into_bytes() } else { MARK.to_vec() };
        let ids = memchr::memmem::find_iter(&bytes, &mark).collect();
        Self { bytes, ids, hex }
    }

    fn request(&self, run: u64, number: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        let mut id = [0; 12];
        let (head, tail) = id.split_at_mut(8);
        head.copy_from_slice(&run.to_be_bytes());
        tail.copy_from_slice(number.to_be_bytes().get(4..).unwrap_or_default());
        let id = if self.hex { hex(&id).into_bytes() } else { id.to_vec() };
        for &at in &self.ids {
            if let Some(place) = bytes.get_mut(at..at + id.len()) {
                place.copy_from_slice(&id);
            }
        }
        Bytes::from(bytes)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The spans of one request.
fn data(plan: &Plan, number: usize, fault: &dyn Fn(usize) -> Option<Fault>) -> TracesData {
    let mut services: BTreeMap<usize, Vec<Span>> = BTreeMap::new();
    for position in 0..HOPS {
        for trace in 0..plan.traces() {
            let trace = Trace::new(plan, number, trace, fault);
            let spans = services.entry(trace.service(position)).or_default();
            spans.extend([trace.entry(position), trace.call(position)]);
        }
    }
    TracesData { resource_spans: services.into_iter().map(|(service, spans)| group(service, spans)).collect() }
}

fn service_name(service: usize) -> String {
    match ["gateway", "orders", "payment", "shipping"].get(service) {
        Some(name) => (*name).to_owned(),
        None => format!("service-{service}"),
    }
}

fn group(service: usize, spans: Vec<Span>) -> ResourceSpans {
    let name = service_name(service);
    let attributes = vec![
        text("service.name", &name),
        text("service.instance.id", &format!("{name}-7d4b9c6f5-x2x7k")),
        text("telemetry.sdk.language", "go"),
        text("telemetry.sdk.name", "opentelemetry"),
        text("host.name", "node-1"),
    ];
    let scope = InstrumentationScope { name: "load".to_owned(), version: "1".to_owned(), ..Default::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }
}

struct Trace<'a> {
    plan: &'a Plan,
    /// Among those of its request.
    index: usize,
    /// Among all.
    number: usize,
    fault: Option<Fault>,
}

impl<'a> Trace<'a> {
    fn new(plan: &'a Plan, request: usize, index: usize, fault: &dyn Fn(usize) -> Option<Fault>) -> Self {
        let number = request * plan.traces() + index;
        Self { plan, index, number, fault: fault(number) }
    }

    /// Four services in a row, or of many services ways that cross each other.
    fn service(&self, position: usize) -> usize {
        if self.plan.services <= HOPS {
            return position;
        }
        (self.number + position * (1 + self.number % 3)) % self.plan.services
    }

    /// What arrives at a service, from the call of the one before it.
    fn entry(&self, position: usize) -> Span {
        let parent = position.checked_sub(1).map(|caller| self.span_id(caller, 1)).unwrap_or_default();
        let mut span = self.span(position, SpanKind::Server, parent);
        span.attributes.extend([
            text("http.route", "/api/v1/things/{id}"),
            text("url.path", "/api/v1/things/4711"),
            text("user_agent.original", "load/1.0 (benchmark)"),
        ]);
        span
    }

    /// What a service sends to the next one; the last one works inside instead.
    fn call(&self, position: usize) -> Span {
        let last = position + 1 == HOPS;
        let kind = if last { SpanKind::Internal } else { SpanKind::Client };
        let mut span = self.span(position, kind, self.span_id(position, 0));
        let next = if last { "nobody".to_owned() } else { service_name(self.service(position + 1)) };
        span.attributes.extend([
            text("url.full", &format!("http://{next}:8080/api/v1/things/4711?page=2")),
            text("server.address", &next),
            int("server.port", 8080),
        ]);
        span
    }

    fn span(&self, position: usize, kind: SpanKind, parent_span_id: Vec<u8>) -> Span {
        let mut attributes = vec![
            text("http.request.method", "GET"),
            int("http.response.status_code", 200),
            text("url.scheme", "http"),
            text("network.protocol.version", "1.1"),
            text("network.peer.address", "10.42.0.17"),
        ];
        if kind != SpanKind::Internal {
            attributes.extend(self.token(position));
        }
        let start = 1_700_000_000_000_000_000 + (position as u64) * 2_000_000;
        let call = kind != SpanKind::Server;
        Span {
            trace_id: [&MARK[..], &(self.index as u32).to_be_bytes()].concat(),
            span_id: self.span_id(position, u8::from(call)),
            parent_span_id,
            flags: if call { 0x101 } else { 0x301 },
            name: "GET /api/v1/things/{id}".to_owned(),
            kind: kind as i32,
            start_time_unix_nano: start + u64::from(call) * 1_000_000,
            end_time_unix_nano: start + 50_000_000 - (position as u64) * 5_000_000 - u64::from(call) * 2_000_000,
            attributes,
            ..Span::default()
        }
    }

    fn span_id(&self, position: usize, call: u8) -> Vec<u8> {
        [&[position as u8 + 1, call, 0, 7][..], &(self.index as u32).to_be_bytes()].concat()
    }

    fn token(&self, position: usize) -> Vec<KeyValue> {
        let tokens = self.plan.distinct_tokens();
        let own = self.number % tokens;
        match self.fault {
            Some(Fault::Dropped(at)) if position >= at => absent(self.plan.mode),
            Some(Fault::Changed(at)) if position >= at => present(own + tokens, self.plan.mode),
            _ => present(own, self.plan.mode),
        }
    }
}

fn present(number: usize, mode: Mode) -> Vec<KeyValue> {
    // No digest, but as long as one, and another one for each token.
    let digest = URL_SAFE_NO_PAD.encode([&[0x5a; 28][..], &(number as u32).to_be_bytes()].concat());
    match mode {
        Mode::None => Vec::new(),
        Mode::Tags => vec![
            text("jwtrail.token.presence", "present"),
            text("jwtrail.token.fp", &format!("s256:{digest}")),
            text("jwtrail.token.location", "header:authorization"),
            text("jwtrail.token.scheme", "bearer"),
        ],
        Mode::Jwt => vec![header("authorization", format!("Bearer {}", jwt(number)))],
    }
}

/// Looked for and not there.
fn absent(mode: Mode) -> Vec<KeyValue> {
    match mode {
        Mode::None => Vec::new(),
        Mode::Tags => vec![text("jwtrail.token.presence", "absent")],
        Mode::Jwt => vec![header("user-agent", "load/1.0 (benchmark)".to_owned())],
    }
}

/// A JWT of about 900 bytes with a signature that nobody made.
pub(crate) fn jwt(number: usize) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"at+jwt","kid":"load-1"}"#);
    let roles = r#""roles/some-resource/reader","#.repeat(9);
    let payload = URL_SAFE_NO_PAD.encode(format!(
        r#"{{"iss":"https://issuer.example","sub":"user-{number}","aud":"shop","exp":1900000000,"iat":1700000000,"roles":[{roles}"x"]}}"#
    ));
    let signature = URL_SAFE_NO_PAD.encode([0x5a; 256]);
    format!("{header}.{payload}.{signature}")
}

fn header(name: &str, value: String) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value)) };
    attribute(&format!("http.request.header.{name}"), Value::ArrayValue(ArrayValue { values: vec![value] }))
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
