//! The demo's shop against receivers that decode with opentelemetry-proto: what a new user's first screen is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use jwtrail::app::demo::{Shop, ShopOptions, expectations};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use tokio::net::TcpListener;

/// (service, span) pairs, with the protocol each came by.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<(&'static str, ExportTraceServiceRequest)>>>);

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.lock().unwrap().push(("grpc", request.into_inner()));
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn over_http(State(sink): State<Sink>, headers: HeaderMap, body: Bytes) -> Bytes {
    if headers["content-type"] == "application/json" {
        sink.0.lock().unwrap().push(("json", serde_json::from_slice(&body).unwrap()));
        Bytes::from_static(b"{}")
    } else {
        sink.0.lock().unwrap().push(("protobuf", ExportTraceServiceRequest::decode(body).unwrap()));
        Bytes::new()
    }
}

async fn receivers() -> (Sink, SocketAddr, SocketAddr) {
    let sink = Sink::default();
    let (grpc, http) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let addresses = (grpc.local_addr().unwrap(), http.local_addr().unwrap());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(grpc);
    let service = TraceServiceServer::new(sink.clone());
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    let router = axum::Router::new().route("/v1/traces", axum::routing::post(over_http)).with_state(sink.clone());
    tokio::spawn(async move { axum::serve(http, router).await });
    (sink, addresses.0, addresses.1)
}

/// Runs the shop for three rounds of every page and gives what it exported.
async fn exported(faulty: bool) -> Exported {
    let (sink, grpc, http) = receivers().await;
    let options = ShopOptions { pace: Duration::from_millis(5), seed: 1, faulty };
    let shop = Shop::start_with(grpc, http, options).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while shop.requests() < 25 {
        assert!(Instant::now() < deadline, "the shop answered {} requests in 30 s", shop.requests());
        looks.tick().await;
    }
    shop.stop().await;
    Exported::of(&sink.0.lock().unwrap())
}

#[derive(Clone)]
struct Seen {
    service: String,
    scope: String,
    span: Span,
}

struct Exported {
    spans: HashMap<Vec<u8>, Seen>,
    wires: BTreeMap<String, BTreeSet<&'static str>>,
}

/// One hop as the spans show it.
struct Hop<'a> {
    inbound: Option<&'a Seen>,
    client: &'a Seen,
    server: &'a Seen,
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::ArrayValue(array)) => {
            array.values.iter().map(|value| text(Some(value))).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> String {
    text(attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.as_ref()))
}

impl Seen {
    fn get(&self, key: &str) -> String {
        attribute(&self.span.attributes, key)
    }

    fn authorization(&self) -> String {
        self.get("http.request.header.authorization")
    }

    fn status(&self) -> String {
        self.get("http.response.status_code")
    }

    fn kind(&self) -> SpanKind {
        self.span.kind()
    }

    fn exception(&self) -> String {
        self.span
            .events
            .iter()
            .find(|event| event.name == "exception")
            .map_or_else(String::new, |event| attribute(&event.attributes, "exception.type"))
    }
}

impl Exported {
    fn of(requests: &[(&'static str, ExportTraceServiceRequest)]) -> Self {
        let mut exported = Self { spans: HashMap::new(), wires: BTreeMap::new() };
        for (wire, request) in requests {
            for group in &request.resource_spans {
                let resource = &group.resource.as_ref().unwrap().attributes;
                let service = attribute(resource, "service.name");
                assert!(!attribute(resource, "service.instance.id").is_empty(), "{service} has no instance id");
                assert_eq!(attribute(resource, "telemetry.sdk.language"), "rust");
                exported.wires.entry(service.clone()).or_default().insert(wire);
                for scoped in &group.scope_spans {
                    for span in &scoped.spans {
                        let scope = scoped.scope.as_ref().unwrap().name.clone();
                        let seen = Seen { service: service.clone(), scope, span: span.clone() };
                        exported.spans.insert(span.span_id.clone(), seen);
                    }
                }
            }
        }
        exported
    }

    fn hops(&self) -> Vec<Hop<'_>> {
        let servers = self.spans.values().filter(|seen| seen.kind() == SpanKind::Server);
        servers
            .filter(|server| !server.span.parent_span_id.is_empty())
            .map(|server| {
                let client = &self.spans[&server.span.parent_span_id];
                Hop { inbound: self.spans.get(&client.span.parent_span_id), client, server }
            })
            .collect()
    }

    fn between<'a>(hops: &'a [Hop<'a>], caller: &str, callee: &str) -> Vec<&'a Hop<'a>> {
        let found: Vec<_> =
            hops.iter().filter(|hop| hop.client.service == caller && hop.server.service == callee).collect();
        assert!(!found.is_empty(), "no hop {caller} → {callee}");
        found
    }
}

fn payload(header: &str) -> String {
    header.split('.').nth(1).unwrap_or_default().to_owned()
}

fn signature(header: &str) -> String {
    header.split('.').nth(2).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_in_the_spans_of_its_own_edge() {
    let exported = exported(true).await;
    let hops = exported.hops();
    for hop in Exported::between(&hops, "orders", "shipping") {
        assert!(!hop.inbound.unwrap().authorization().is_empty());
        assert_eq!((hop.client.authorization(), hop.server.authorization()), (String::new(), String::new()));
        assert!(!hop.server.get("http.request.header.traceparent").is_empty(), "the witness of the drop is missing");
        assert_eq!(hop.server.status(), "401");
    }
    for hop in Exported::between(&hops, "gateway", "stock") {
        assert_eq!(hop.server.authorization(), "Bearer undefined");
        assert_eq!((hop.server.exception().as_str(), hop.server.status().as_str()), ("InvalidToken", "401"));
    }
    let paid = Exported::between(&hops, "orders", "payment");
    assert!(paid.iter().any(|hop| hop.server.exception() == "InvalidSignature" && hop.server.status() == "401"));
    assert!(paid.iter().all(|hop| hop.inbound.unwrap().authorization() == hop.server.authorization()));
    for hop in Exported::between(&hops, "cart", "tracking") {
        let (before, after) = (hop.inbound.unwrap().authorization(), hop.server.authorization());
        assert!(before != after && hop.client.authorization() == after && hop.server.status() == "200");
    }
    for hop in Exported::between(&hops, "orders", "tracking") {
        assert_ne!(hop.inbound.unwrap().authorization(), hop.server.authorization());
        assert_eq!(hop.server.status(), "403");
    }
    for hop in Exported::between(&hops, "gateway", "tracking") {
        let (before, after) = (hop.inbound.unwrap().authorization(), hop.server.authorization());
        assert!(signature(&before) == signature(&after) && payload(&before) != payload(&after));
        assert_eq!(hop.server.exception(), "InvalidSignature");
    }
    for hop in Exported::between(&hops, "gateway", "shipping") {
        let moved = hop.server.get("http.request.header.x-auth-token");
        assert_eq!(format!("Bearer {moved}"), hop.inbound.unwrap().authorization());
        assert!(hop.server.authorization().is_empty() && hop.server.status() == "200");
    }
    for hop in Exported::between(&hops, "orders", "stock") {
        assert_eq!(hop.client.authorization(), hop.inbound.unwrap().authorization());
        assert!(hop.server.authorization().is_empty() && hop.server.status() == "401");
        assert_eq!(
            hop.server.get("http.request.header.traceparent"),
            hop.client.get("http.request.header.traceparent")
        );
    }
    for hop in Exported::between(&hops, "cart", "stock") {
        assert_eq!(hop.server.exception(), "InvalidAudience");
        assert_eq!((hop.inbound.unwrap().status(), hop.server.status()), ("401".to_owned(), "401".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_fault_off_each_token_arrives_and_nobody_is_refused() {
    let exported = exported(false).await;
    let hops = exported.hops();
    for expected in expectations() {
        Exported::between(&hops, expected.caller, expected.callee);
    }
    for hop in &hops {
        let (caller, callee) = (&hop.client.service, &hop.server.service);
        assert_eq!(hop.server.status(), "200", "{caller} → {callee}");
        assert!(hop.server.authorization().starts_with("Bearer ey"), "{caller} → {callee}");
        assert_eq!(hop.inbound.unwrap().authorization(), hop.server.authorization(), "{caller} → {callee}");
        assert_eq!(hop.client.authorization(), hop.server.authorization(), "{caller} → {callee}");
    }
    assert!(exported.spans.values().all(|seen| seen.service != "auth" || seen.span.parent_span_id.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spans_look_like_those_of_stock_instrumentations() {
    let exported = exported(true).await;
    for seen in exported.spans.values() {
        let side =
            if seen.kind() == SpanKind::Server { "opentelemetry-instrumentation-tower" } else { "reqwest-tracing" };
        assert_eq!(seen.scope, side);
        assert!(!seen.get("http.request.method").is_empty() && !seen.status().is_empty());
        let array = seen.span.attributes.iter().find(|a| a.key == "http.request.header.user-agent").unwrap();
        assert!(matches!(array.value.as_ref().unwrap().value, Some(Value::ArrayValue(_))));
    }
    let wires: BTreeSet<_> = exported.wires.values().flatten().copied().collect();
    assert_eq!(wires, BTreeSet::from(["grpc", "json", "protobuf"]));
    assert!(exported.wires.values().all(|wires| wires.len() == 1), "{:?}", exported.wires);
    assert_eq!(exported.wires.len(), 8, "{:?}", exported.wires.keys());
    let heads: BTreeSet<_> = exported
        .spans
        .values()
        .filter_map(|seen| {
            seen.authorization().strip_prefix("Bearer ey").and_then(|t| t.split('.').next().map(str::to_owned))
        })
        .collect();
    assert!(heads.len() >= 3, "RS256 and ES256 tokens of the issuer, and one that cart made: {}", heads.len());
}

/// The script that checks `demo --headless` reads a file of its own: it must say what the code says.
#[test]
fn the_script_that_checks_the_demo_expects_what_the_shop_does() {
    let rows: Vec<serde_json::Value> = serde_json::from_str(include_str!("../interop/demo.json")).unwrap();
    let said: Vec<_> = expectations()
        .iter()
        .map(|expected| {
            serde_json::json!({
                "caller": expected.caller,
                "callee": expected.callee,
                "verdict": expected.verdict.name(),
                "cause": expected.cause.map(jwtrail::model::Cause::name),
                "severity": expected.severity.name(),
                "findings": expected.findings.iter().map(|finding| finding.name()).collect::<Vec<_>>(),
            })
        })
        .collect();
    assert_eq!(rows, said);
}
