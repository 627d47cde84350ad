//! What of a request goes on, and what does not.

use jwtrail::model::ForwardCarriers;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{EntityRef, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use prost::Message as _;
use serde_json::json;
use tonic::codec::CompressionEncoding;

use super::next::Next;
use super::{Chain, ForwardOptions, count, options};
use crate::otlp::gzip;
use crate::spans::{assert_no_piece, attribute, list, request, span, text};
use crate::token::signed;

fn token() -> String {
    signed(&json!({"iss": "https://idp.test", "sub": "forwarded", "exp": 1_900_000_000}))
}

/// Every field that OTLP has, with something in it.
fn full() -> ExportTraceServiceRequest {
    let mut span = span(
        3,
        vec![
            attribute("http.request.header.authorization", list(&[&format!("Bearer {}", token())])),
            attribute("http.request.header.user_agent", list(&["curl/8"])),
            attribute("number", Any::IntValue(-7)),
            attribute("share", Any::DoubleValue(0.5)),
            attribute("flag", Any::BoolValue(false)),
            attribute("bytes", Any::BytesValue(vec![0, 255])),
            attribute("map", Any::KvlistValue(KeyValueList { values: vec![attribute("k", text("v"))] })),
            KeyValue { key: "nothing".to_owned(), ..KeyValue::default() },
        ],
    );
    span.parent_span_id = vec![3; 8];
    (span.trace_state, span.flags) = ("vendor=1".to_owned(), 0x301);
    (span.start_time_unix_nano, span.end_time_unix_nano) = (1_790_000_000_000_000_001, 1_790_000_000_000_000_002);
    (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count) = (4, 5, 6);
    span.status = Some(Status { code: 1, message: "fine".to_owned() });
    span.events = vec![Event {
        name: "retry".to_owned(),
        time_unix_nano: 1_790_000_000_000_000_001,
        attributes: vec![attribute("attempt", Any::IntValue(2))],
        dropped_attributes_count: 1,
    }];
    span.links = vec![Link {
        trace_id: vec![9; 16],
        span_id: vec![8; 8],
        trace_state: "other=2".to_owned(),
        attributes: vec![attribute("why", text("batch"))],
        dropped_attributes_count: 2,
        flags: 0x100,
    }];
    let mut request = request(vec![attribute("service.name", text("orders"))], vec![span]);
    let group = &mut request.resource_spans[0];
    "https://opentelemetry.io/schemas/1.37.0".clone_into(&mut group.schema_url);
    let resource = group.resource.as_mut().unwrap();
    resource.dropped_attributes_count = 3;
    resource.entity_refs = vec![EntityRef {
        r#type: "service".to_owned(),
        id_keys: vec!["service.name".to_owned()],
        ..EntityRef::default()
    }];
    let scope_spans = &mut group.scope_spans[0];
    "https://opentelemetry.io/schemas/1.36.0".clone_into(&mut scope_spans.schema_url);
    let scope = scope_spans.scope.as_mut().unwrap();
    (scope.version, scope.dropped_attributes_count) = ("1.2".to_owned(), 7);
    scope.attributes = vec![attribute("short_name", text("t"))];
    request
}

fn attributes(request: &mut ExportTraceServiceRequest) -> &mut Vec<KeyValue> {
    &mut request.resource_spans[0].scope_spans[0].spans[0].attributes
}

/// The carriers' attributes and the tags out of both, the rest must be the same.
fn assert_same_but_for_carriers(mut sent: ExportTraceServiceRequest, mut came: ExportTraceServiceRequest) {
    for request in [&mut sent, &mut came] {
        attributes(request)
            .retain(|entry| !entry.key.starts_with("jwtrail.") && entry.key != "http.request.header.authorization");
    }
    assert_eq!(sent, came);
}

async fn grpc(chain: &Chain, packed: bool, request: ExportTraceServiceRequest) {
    let url = format!("http://{}", chain.addresses.grpc.unwrap());
    let client = TraceServiceClient::connect(url).await.unwrap();
    let mut client = if packed { client.send_compressed(CompressionEncoding::Gzip) } else { client };
    client.export(request).await.unwrap();
}

/// A request through each door.
async fn through(chain: &Chain, door: &str, request: &ExportTraceServiceRequest) {
    let json = || serde_json::to_vec(request).unwrap();
    let status = match door {
        "grpc" | "grpc gzip" => {
            grpc(chain, door == "grpc gzip", request.clone()).await;
            200
        }
        "http" => chain.traces(request.encode_to_vec()).await,
        "json" => chain.post("/v1/traces", "application/json", None, json()).await,
        "json gzip" => chain.post("/v1/traces", "application/json", Some("gzip"), gzip(&json())).await,
        door => panic!("no door {door}"),
    };
    assert_eq!(status, 200, "{door}");
}

const DOORS: [&str; 5] = ["grpc", "grpc gzip", "http", "json", "json gzip"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_but_the_credential_goes_on_as_it_came() {
    for (scheme, compression) in [("grpc", "none"), ("grpc", "gzip"), ("http", "none"), ("http", "gzip")] {
        for door in DOORS {
            let next = Next::start().await;
            let compression = compression.parse().unwrap();
            let chain = Chain::start(&ForwardOptions { compression, ..options(&next.url(scheme)) });
            through(&chain, door, &full()).await;
            let mut came = next.one().await;
            assert_no_piece(&token(), &came.encode_to_vec(), door);
            let header = &attributes(&mut came)[0];
            assert_eq!(*header, attribute("http.request.header.authorization", list(&["‹redacted›"])), "{door}");
            let tag = |entry: &&KeyValue| entry.key == "jwtrail.token.fp";
            assert!(attributes(&mut came).iter().find(tag).is_some(), "{door}: no tag tells of the token");
            assert_same_but_for_carriers(full(), came);
            assert_eq!(*chain.taker.spans.lock().unwrap(), 1, "it is judged here too");
            assert_eq!(chain.finish().await.sent(), (1, 1));
        }
    }
}

#[tokio::test]
async fn carriers_may_go_altogether() {
    let next = Next::start().await;
    let chain = Chain::start(&ForwardOptions { carriers: ForwardCarriers::Drop, ..options(&next.url("grpc")) });
    let mut sent = full();
    attributes(&mut sent).push(attribute("http.request.header.cookie", list(&["theme=dark"])));
    attributes(&mut sent).push(attribute("http.request.header.x_auth_token", list(&["-"])));
    chain.traces(sent.encode_to_vec()).await;
    let mut came = next.one().await;
    assert_no_piece(&token(), &came.encode_to_vec(), "what was forwarded");
    let keys: Vec<&str> = attributes(&mut came).iter().map(|entry| &*entry.key).collect();
    for gone in ["authorization", "cookie", "x_auth_token"] {
        assert!(!keys.iter().any(|key| key.ends_with(gone)), "{keys:?}");
    }
    assert!(keys.contains(&"http.request.header.user_agent"), "{keys:?}");
    let presence = attributes(&mut came).iter().find(|entry| entry.key == "jwtrail.token.presence").unwrap().clone();
    assert_eq!(presence, attribute("jwtrail.token.presence", list(&["present", "absent"])), "an empty carrier said so");
}

/// A token in every place that is no header, through every door.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_piece_of_a_token_leaves() {
    let token = token();
    let planted = || {
        let mut request = full();
        let group = &mut request.resource_spans[0];
        group.resource.as_mut().unwrap().attributes.push(attribute("args", list(&["--token", &token])));
        group.schema_url = format!("https://x.test/{token}");
        let scope = group.scope_spans[0].scope.as_mut().unwrap();
        scope.attributes.push(attribute("a", text(&token)));
        let span = &mut group.scope_spans[0].spans[0];
        span.name = format!("GET /{token}");
        span.trace_state = format!("a={token}");
        span.parent_span_id = token.as_bytes()[..40].to_vec();
        span.status.as_mut().unwrap().message = format!("bad {token}");
        span.events[0].attributes.push(attribute("exception.message", text(&token)));
        span.links[0].attributes.push(attribute(&token, text(&token)));
        span.links[0].trace_state = format!("b={token}");
        span.links[0].trace_id = token.as_bytes()[..40].to_vec();
        span.attributes.push(attribute("bytes", Any::BytesValue(token.as_bytes().to_vec())));
        span.attributes.push(attribute("url.full", text(&format!("http://a.test/?access_token={token}"))));
        span.attributes.push(attribute("http.request.header.cookie", text(&format!("sid={token}"))));
        let mut bad = span.clone();
        bad.trace_id = token.as_bytes()[..20].to_vec();
        group.scope_spans[0].spans.push(bad);
        request
    };
    let next = Next::start().await;
    let chain = Chain::start(&options(&next.url("grpc")));
    for door in DOORS {
        through(&chain, door, &planted()).await;
    }
    let record = LogRecord {
        trace_id: vec![1; 16],
        span_id: token.as_bytes()[..30].to_vec(),
        severity_text: token.clone(),
        event_name: token.clone(),
        body: attribute("", text(&format!("InvalidSignatureError: {token}"))).value,
        attributes: vec![attribute("message", text(&token))],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    let logs = ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    let json = serde_json::to_vec(&logs).unwrap();
    assert_eq!(chain.post("/v1/logs", "application/x-protobuf", None, logs.encode_to_vec()).await, 200);
    assert_eq!(chain.post("/v1/logs", "application/json", None, json).await, 200);
    let seen = next.taken(DOORS.len() + 2).await;
    for seen in &seen {
        assert_no_piece(&token, &seen.body, seen.signal);
        assert!(!seen.body.is_empty());
    }
    assert_eq!(seen.iter().filter(|seen| seen.signal == "logs").count(), 2);
    let forwarded = chain.finish().await;
    // A span without an id is refused over protobuf, and does not go on; JSON's odd ids are known by a hash.
    assert_eq!(forwarded.sent(), (7, 3 + 2 * 2));
}

/// Names and ids that only jwtrail's own reader of JSON knows.
#[tokio::test]
async fn what_is_read_tolerantly_goes_on_too() {
    let next = Next::start().await;
    let chain = Chain::start(&options(&next.url("http")));
    let body = json!({"resource_spans": [{"scope_spans": [{"spans": [
        {"trace_id": "01".repeat(16), "span_id": "02".repeat(8), "name": format!("GET {}", token())},
    ]}]}]});
    assert_eq!(chain.post("/v1/traces", "application/json", None, body.to_string().into_bytes()).await, 200);
    assert_eq!(*chain.taker.spans.lock().unwrap(), 1);
    let came = next.one().await;
    let span = &came.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.trace_id.as_slice(), span.span_id.as_slice()), (&[1; 16][..], &[2; 8][..]));
    assert!(span.name.starts_with("GET jwt:"), "{}", span.name);
}

#[tokio::test]
async fn metrics_pass_unless_a_token_stands_in_them() {
    let metrics = |description: String| {
        let metric = Metric { name: "requests".to_owned(), description, ..Metric::default() };
        let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
        let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
        ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
    };
    let next = Next::start().await;
    let chain = Chain::start(&options(&next.url("http")));
    let harmless = metrics("per second".to_owned());
    // A field that nobody knows yet.
    let harmless = [&harmless[..], &[0xfa, 0x07, 1, b'x']].concat();
    for body in [metrics(token()), harmless.clone()] {
        assert_eq!(chain.post("/v1/metrics", "application/x-protobuf", None, body).await, 200);
    }
    let seen = next.taken(1).await;
    assert_eq!((seen.len(), seen[0].signal), (1, "metrics"));
    assert_eq!(seen[0].body, harmless, "byte for byte");
    let forwarded = chain.finish().await;
    assert_eq!(count(&forwarded, "forward_held_back_requests_total"), 1);
    assert_eq!(forwarded.losses(), ["1 requests with metrics were not forwarded: a token stood in them"]);
}

/// What is refused comes again, so it does not go on twice.
#[tokio::test]
async fn what_is_refused_does_not_go_on() {
    let next = Next::start().await;
    let chain = Chain::start(&options(&next.url("http")));
    *chain.taker.refuse.lock().unwrap() = true;
    assert_eq!(chain.traces(full().encode_to_vec()).await, 503);
    *chain.taker.refuse.lock().unwrap() = false;
    assert_eq!(chain.traces(full().encode_to_vec()).await, 200);
    assert_eq!(chain.finish().await.sent(), (1, 1));
    assert_eq!(next.attempts().len(), 1);
}
