//! Spans of a form that is known already read as if nothing had been known.

use std::sync::Arc;

use jwtrail::model::Batch;
use jwtrail::otlp::data::{LogData, ResourceData, ScopeData, SpanData, Visitor};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{BatchBuilder, Decode, Encoding, Signal, VisitorDecoder};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, TracesData};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use prost::Message as _;
use serde_json::json;

use crate::spans::{any as value, attribute, list, request, text};
use crate::token::{shared, signed};

/// Reads every span as a whole, whatever was read before.
struct Anew(Extractor);

impl<'a> Visitor<'a> for Anew {
    fn resource(&mut self, resource: &ResourceData<'a>) {
        self.0.resource(resource);
    }
    fn scope(&mut self, scope: &ScopeData<'a>) {
        self.0.scope(scope);
    }
    fn span(&mut self, span: &SpanData<'a>) {
        self.0.span(span);
    }
    fn log(&mut self, log: &LogData<'a>) {
        self.0.log(log);
    }
}

impl BatchBuilder for Anew {
    fn finish(&mut self, bytes: usize) -> Batch {
        self.0.finish(bytes)
    }
}

/// Attributes of every sort: few, so that spans repeat them.
fn palette() -> Vec<KeyValue> {
    let [ada, bob] = ["ada", "bob"].map(|sub| signed(&json!({"iss": "https://idp.test", "sub": sub})));
    let long = "select * from orders where customer = 'a name that is long enough to count'";
    let mut all = vec![
        attribute("http.request.method", text("GET")),
        attribute("http.request.method", text("POST")),
        attribute("http.response.status_code", Any::IntValue(200)),
        attribute("http.response.status_code", Any::IntValue(401)),
        attribute("http.route", text("/orders/{id}")),
        attribute("url.path", text("/orders/1")),
        attribute("url.path", text("/orders/2")),
        attribute("url.path", text(&"/a/path/that/is/long".repeat(4))),
        attribute("url.full", text("http://orders:8080/orders/1?page=2")),
        attribute("url.full", text(&format!("http://orders/?access_token={ada}"))),
        attribute("url.full", text(&format!("http://orders/{ada}"))),
        attribute("server.address", text("orders")),
        attribute("user_agent.original", text("curl/8")),
        attribute("rpc.grpc.status_code", Any::IntValue(16)),
        attribute("db.statement", text(long)),
        attribute("db.statement", text(&long.replace("order", "thing"))),
        attribute("db.statement", text(&format!("select '{ada}'"))),
        attribute("thread.id", Any::IntValue(-1)),
        attribute("thread.id", Any::IntValue(12)),
        attribute("ratio", Any::DoubleValue(0.5)),
        attribute("cached", Any::BoolValue(true)),
        attribute("names", list(&["a", &bob])),
        attribute("password=hunter2hunter2", text("x")),
        attribute("jwtrail.unknown", text(long)),
        attribute("jwt.claims.iss", text("https://idp.test")),
        attribute(
            "http.request.header.traceparent",
            list(&["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"]),
        ),
        attribute(
            "http.request.header.traceparent",
            list(&["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]),
        ),
        attribute("http.request.header.user-agent", text("captured/1")),
        attribute("http.request.header.cookie", text(&format!("theme=dark; session={bob}"))),
        attribute("http.request.header.cookie", text("session=‹redacted›")),
        attribute("http.request.header.x-empty", Any::ArrayValue(ArrayValue::default())),
        attribute("http.response.header.www-authenticate", list(&["Bearer error=\"invalid_token\""])),
        attribute("http.response.header.location", text("http://orders/?x=1")),
        KeyValue { key: "nothing".to_owned(), value: None, ..KeyValue::default() },
        attribute("nested", Any::ArrayValue(ArrayValue { values: vec![value(text(&ada))] })),
    ];
    all.extend(tags());
    for token in [&ada, &bob] {
        all.push(attribute("http.request.header.authorization", list(&[&format!("Bearer {token}")])));
        all.push(attribute("http.request.header.authorization", text(&format!("Bearer  Bearer {token}"))));
        all.push(attribute("rpc.request.metadata.authorization", text(token)));
    }
    all
}

/// What a span says by itself of its token.
fn tags() -> Vec<KeyValue> {
    let print = |digit: &str| format!("s256:{}", digit.repeat(43));
    vec![
        attribute("jwtrail.token.presence", text("present")),
        attribute("jwtrail.token.presence", text("absent")),
        attribute("jwtrail.token.fp", text(&print("a"))),
        attribute("jwtrail.token.fp", text(&print("b"))),
        attribute("jwtrail.token.fp", text("s256:no")),
        attribute("jwtrail.token.fp", list(&[&print("a"), &print("c")])),
        attribute("jwtrail.token.location", text("cookie:session")),
        attribute("jwtrail.token.captured_length", Any::IntValue(900)),
        attribute("jwtrail.verify.result", text("ok")),
    ]
}

/// Spans that repeat each other's attributes, in groups of a resource and a scope each.
fn traces() -> impl Strategy<Value = TracesData> {
    let palette = palette();
    let kinds = vec(vec(select(palette.clone()), 0..8), 1..4);
    let change = (any::<Index>(), any::<Index>(), select(palette));
    let rest = (0..4_u32, 0..4_i32, 0..3_i32, 0..20_u8, any::<bool>());
    let spans = vec((any::<Index>(), proptest::option::weighted(0.6, change), rest), 1..12);
    let group = (kinds, spans, select(vec!["orders", "payment"])).prop_map(|(kinds, spans, service)| {
        let spans =
            spans.into_iter().enumerate().map(|(number, (kind, change, (flags, kind_number, code, rare, named)))| {
                let mut attributes = kind.get(&kinds).clone();
                if let Some((at, _, new)) = change
                    && !attributes.is_empty()
                {
                    let at = at.index(attributes.len());
                    attributes[at] = new;
                }
                Span {
                    trace_id: vec![if rare == 1 { 0 } else { 7 }; 16],
                    span_id: (number as u64 + 1).to_le_bytes().to_vec(),
                    parent_span_id: if rare == 2 { vec![1; 3] } else { vec![] },
                    name: if named { "GET /orders".to_owned() } else { "token=hunter2hunter2".to_owned() },
                    kind: kind_number,
                    flags,
                    start_time_unix_nano: number as u64,
                    attributes,
                    status: (code > 0)
                        .then(|| Status { code, message: if rare == 3 { "no".to_owned() } else { String::new() } }),
                    events: if rare == 4 {
                        vec![Event { name: "exception".to_owned(), ..Event::default() }]
                    } else {
                        vec![]
                    },
                    links: if rare == 5 {
                        vec![Link { trace_id: vec![1; 16], span_id: vec![1; 8], ..Link::default() }]
                    } else {
                        vec![]
                    },
                    ..Span::default()
                }
            });
        request(vec![attribute("service.name", text(service))], spans.collect()).resource_spans.remove(0)
    });
    vec(group, 1..4).prop_map(|resource_spans| TracesData { resource_spans })
}

proptest! {
    #[test]
    fn a_known_form_changes_nothing_of_what_is_read(requests in vec((traces(), proptest::option::weighted(0.2, any::<(Index, u8)>())), 1..4)) {
        let shared = shared();
        let known = VisitorDecoder::new({
            let shared = Arc::clone(&shared);
            move || Extractor::new(Arc::clone(&shared))
        });
        let anew = VisitorDecoder::new(move || Anew(Extractor::new(Arc::clone(&shared))));
        for (request, damage) in requests {
            let mut bytes = request.encode_to_vec();
            if let Some((at, byte)) = damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let read = |decoder: &dyn Decode| {
                decoder.decode(Signal::Traces, Encoding::Protobuf, &bytes).map(|batch| (batch.spans, batch.rejected, batch.bad_tags))
            };
            prop_assert_eq!(read(&known), read(&anew));
        }
    }
}
