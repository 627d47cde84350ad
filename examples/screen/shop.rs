//! A shop of many services as OTLP requests: each built once, its ids and times rewritten for each sending.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message as _;

/// How a trace id begins before it is rewritten: long enough to occur nowhere else.
const MARK: [u8; 12] = *b"\xf1id\xf2mark\xf3her";
/// How a time ends before it is rewritten, in the order of bytes on the wire; the four before are an offset.
const TIME: [u8; 4] = *b"\xf4\xf5\xf6\x17";
/// Traces in one request.
const TRACES: usize = 100;
/// Spans in each: an entry, and two calls with their entries.
pub(crate) const SPANS_A_TRACE: usize = 5;
/// Spans in one request.
pub(crate) const SPANS: usize = TRACES * SPANS_A_TRACE;
/// Different requests: together they use some thousand edges.
const TEMPLATES: usize = 48;
/// Services that each one calls.
const CALLEES: usize = 12;
/// One of so many edges loses the token.
const BROKEN: usize = 40;

/// All requests that there are, to be sent over and over.
#[derive(Clone)]
pub(crate) struct Shop {
    templates: Arc<Vec<Template>>,
}

struct Template {
    bytes: Vec<u8>,
    ids: Vec<usize>,
    times: Vec<usize>,
}

impl Shop {
    pub(crate) fn new(services: usize) -> Self {
        Self { templates: Arc::new((0..TEMPLATES).map(|number| Template::new(number, services)).collect()) }
    }

    /// The request of this number, with traces that no other has, at this moment in nanoseconds.
    pub(crate) fn request(&self, run: u64, number: u64, now: u64) -> Bytes {
        let at = usize::try_from(number).unwrap_or(0) % self.templates.len().max(1);
        self.templates.get(at).map(|template| template.request(run, number, now)).unwrap_or_default()
    }
}

impl Template {
    fn new(number: usize, services: usize) -> Self {
        let mut groups: Vec<Vec<Span>> = vec![Vec::new(); services];
        for trace in 0..TRACES {
            for (service, span) in route(number * TRACES + trace, services) {
                if let Some(group) = groups.get_mut(service) {
                    group.push(Span { trace_id: [&MARK[..], &(trace as u32).to_be_bytes()].concat(), ..span });
                }
            }
        }
        let groups = groups.into_iter().enumerate().filter(|(_, spans)| !spans.is_empty());
        let resource_spans = groups.map(|(service, spans)| group(service, spans)).collect();
        let bytes = TracesData { resource_spans }.encode_to_vec();
        let found = |mark: &[u8]| -> Vec<usize> {
            let windows = bytes.windows(mark.len()).enumerate();
            windows.filter(|(_, window)| *window == mark).map(|(at, _)| at).collect()
        };
        let (ids, times) = (found(&MARK), found(&TIME));
        Self { bytes, ids, times }
    }

    fn request(&self, run: u64, number: u64, now: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        let [run, number] = [run.to_be_bytes(), number.to_be_bytes()];
        for &at in &self.ids {
            if let Some(id) = bytes.get_mut(at..at + 12) {
                let (head, tail) = id.split_at_mut(8);
                head.copy_from_slice(&run);
                tail.copy_from_slice(number.get(4..).unwrap_or_default());
            }
        }
        for &at in &self.times {
            if let Some(time) = at.checked_sub(4).and_then(|at| bytes.get_mut(at..at + 8)) {
                let offset = time.iter().take(4).rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                time.copy_from_slice(&(now + offset).to_le_bytes());
            }
        }
        Bytes::from(bytes)
    }
}

/// The spans of one trace with their services: an entry, then a call and its entry, twice.
fn route(number: usize, services: usize) -> Vec<(usize, Span)> {
    let entry = mixed(number) % services.div_ceil(10);
    let first = callee(entry, mixed(number + 1_000_000), services);
    let second = callee(first, mixed(number + 2_000_000), services);
    let mut had = true;
    let mut spans = vec![(entry, span(0, SpanKind::Server, number, had))];
    for (hop, [from, to]) in [[entry, first], [first, second]].into_iter().enumerate() {
        had &= !mixed(from * 1_000 + to).is_multiple_of(BROKEN);
        let mut call = span(hop * 2 + 1, SpanKind::Client, number, had);
        call.attributes.push(text("server.address", &name(to)));
        spans.push((from, call));
        spans.push((to, span(hop * 2 + 2, SpanKind::Server, number, had)));
    }
    spans
}

fn callee(caller: usize, choice: usize, services: usize) -> usize {
    mixed(caller * 100 + choice % CALLEES) % services
}

/// A number that looks random, the same in each run.
fn mixed(number: usize) -> usize {
    let mut bits = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((bits ^ bits >> 31) >> 1).unwrap_or(0)
}

fn name(service: usize) -> String {
    const WORDS: [&str; 12] = [
        "orders", "payment", "stock", "pricing", "cart", "search", "users", "mail", "shipping", "audit", "tax", "media",
    ];
    format!("{}-{service:03}", WORDS.get(service % WORDS.len()).unwrap_or(&"other"))
}

fn group(service: usize, spans: Vec<Span>) -> ResourceSpans {
    let name = name(service);
    let attributes = vec![
        text("service.instance.id", &format!("{name}-7d4b9c6f5-x2x7k")),
        text("service.name", &name),
        text("telemetry.sdk.language", ["go", "java", "nodejs", "python"].get(service % 4).unwrap_or(&"go")),
    ];
    let scope = InstrumentationScope { name: "screen".to_owned(), ..InstrumentationScope::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }
}

fn span(place: usize, kind: SpanKind, number: usize, token: bool) -> Span {
    let id = |place: usize| [&[1, place as u8, 0, 7][..], &(number as u32).to_be_bytes()].concat();
    let server = kind == SpanKind::Server;
    let status = if token || !server { 200 } else { 401 };
    let mut attributes = vec![
        text("http.request.method", "GET"),
        KeyValue {
            key: "http.response.status_code".to_owned(),
            value: Some(value(Value::IntValue(status))),
            ..KeyValue::default()
        },
        text(
            if server { "url.path" } else { "url.full" },
            if server { "/api/v1/things/4711" } else { "http://thing/api" },
        ),
    ];
    if token {
        let digest = URL_SAFE_NO_PAD.encode([&[0x5a; 28][..], &(number as u32).to_be_bytes()].concat());
        attributes.extend([
            text("jwtrail.token.presence", "present"),
            text("jwtrail.token.fp", &format!("s256:{digest}")),
            text("jwtrail.token.location", "header:authorization"),
        ]);
    } else {
        attributes.push(text("jwtrail.token.presence", "absent"));
    }
    let time = |offset: u32| {
        let bytes = offset.to_le_bytes().into_iter().chain(TIME);
        bytes.rev().fold(0, |sum, byte| sum << 8 | u64::from(byte))
    };
    let inset = (place as u32) * 2_000_000;
    Span {
        span_id: id(place),
        parent_span_id: place.checked_sub(1).map(id).unwrap_or_default(),
        flags: if server { 0x301 } else { 0x101 },
        name: "GET /api/v1/things/{id}".to_owned(),
        kind: kind as i32,
        start_time_unix_nano: time(inset),
        end_time_unix_nano: time(50_000_000 - inset),
        attributes,
        ..Span::default()
    }
}

fn text(key: &str, text: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value(Value::StringValue(text.to_owned()))), ..KeyValue::default() }
}

fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}
