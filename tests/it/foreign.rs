//! Traces of other tools, through the real decoder into spans and verdicts.

mod damage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch, CarriedValue, SpanKind, StatusCode, UnixNanos};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode, DecodeError, Encoding, Signal, VisitorDecoder};
use serde_json::{Value, json};

use crate::spans::{carriers, token_at};
use crate::token::{shared, signed};
use crate::trail::support::{judge, policy_of, runs};

const OTLP: Encoding = Encoding::Json;
const JAEGER: Encoding = Encoding::JaegerJson;
const ZIPKIN: Encoding = Encoding::ZipkinJson;

/// The samples, each of one span, with the way they are read.
const SAMPLES: [(&str, Encoding); 9] = [
    ("aspire-trace.json", OTLP),
    ("collector-file.jsonl", OTLP),
    ("grafana-download.json", OTLP),
    ("jaeger-ui.json", JAEGER),
    ("java-logging-otlp.jsonl", OTLP),
    ("otel-gui-export.json", OTLP),
    ("tempo-v1.json", OTLP),
    ("tempo-v2.json", OTLP),
    ("zipkin-v2.json", ZIPKIN),
];

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn try_decode(encoding: Encoding, body: &[u8]) -> Result<Batch, DecodeError> {
    let shared = shared();
    VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared))).decode(Signal::Traces, encoding, body)
}

fn decode(encoding: Encoding, body: impl AsRef<[u8]>) -> Batch {
    try_decode(encoding, body.as_ref()).unwrap()
}

fn decode_file(file: &str, encoding: Encoding) -> Batch {
    decode(encoding, std::fs::read(data(file)).unwrap())
}

/// The only span of a Jaeger trace with these members.
fn jaeger_span(members: &Value) -> Arrived {
    let mut span = json!({"traceID": "0a", "spanID": "1", "processID": "p1", "startTime": 1, "duration": 1});
    span.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let trace = json!({"spans": [span], "processes": {"p1": {"serviceName": "cart"}}});
    decode(JAEGER, trace.to_string()).spans.remove(0)
}

fn zipkin_span(members: &Value) -> Arrived {
    let mut span = json!({"traceId": "0a", "id": "1", "localEndpoint": {"serviceName": "cart"}});
    span.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    decode(ZIPKIN, span.to_string()).spans.remove(0)
}

fn tag(key: &str, value: impl Into<Value>) -> Value {
    json!({"key": key, "type": "string", "value": value.into()})
}

#[test]
fn every_sample_gives_the_same_span() {
    for (file, encoding) in SAMPLES {
        let batch = decode_file(&format!("formats/{file}"), encoding);
        assert_eq!((batch.spans.len(), batch.rejected, batch.hashed_ids), (1, 0, 0), "{file}");
        let span = &batch.spans[0];
        assert_eq!(span.trace_id.to_string(), "5b8efff798038103d269b633813fc60c", "{file}");
        assert_eq!(span.span_id.to_string(), "eee19b7ec3c1b174", "{file}");
        assert_eq!(span.kind, SpanKind::Server, "{file}");
        assert_eq!((span.start.0, span.end.0), (1_544_712_660_000_000_000, 1_544_712_661_000_000_000), "{file}");
        let parent = span.parent_id().map(|id| id.to_string());
        assert!(parent.is_none_or(|parent| parent == "eee19b7ec3c1b173"), "{file}");
        if file == "otel-gui-export.json" {
            assert!(span.resource.nameless && span.resource.service.name.starts_with("unknown_service"));
        } else {
            assert_eq!(&*span.resource.service.name, "cart", "{file}");
        }
    }
}

/// The counts were taken with jq: objects with `traceId` and `id`, or `spans`.
#[test]
fn every_public_trace_gives_all_its_spans() {
    let files = [
        ("jaeger-trace.json", JAEGER, 11, 11),
        ("otlp-trace.json", OTLP, 1, 0),
        ("zipkin-ascend.json", ZIPKIN, 8, 0),
        ("zipkin-envoy.json", ZIPKIN, 1, 0),
        ("zipkin-messaging-kafka.json", ZIPKIN, 28, 0),
        ("zipkin-messaging2.json", ZIPKIN, 11, 0),
        ("zipkin-simple-db-p6.json", ZIPKIN, 5, 0),
        ("zipkin-skew.json", ZIPKIN, 4, 0),
        ("zipkin-yelp.json", ZIPKIN, 16, 0),
    ];
    for (file, encoding, spans, hashed) in files {
        let batch = decode_file(&format!("public/{file}"), encoding);
        assert_eq!((batch.spans.len(), batch.rejected, batch.hashed_ids), (spans, 0, hashed), "{file}");
    }
}

/// What is told of each hop, in an order that does not depend on ids.
fn verdicts(batches: Vec<Batch>) -> Vec<String> {
    let hops = judge(policy_of(&runs("drop-in-fanout.jsonl")), batches);
    let mut told: Vec<String> = hops
        .iter()
        .map(|hop| {
            let caller = hop.caller.as_ref().map(|caller| caller.service.to_string());
            format!("{caller:?} → {}: {}/{:?}", hop.callee.service, hop.verdict.name(), hop.cause)
        })
        .collect();
    told.sort();
    told
}

/// A recorded run, and what a converter made of it; in Zipkin's, clients and servers share their ids.
#[test]
fn a_trace_is_judged_alike_in_every_format() {
    let lines = std::fs::read_to_string(runs("drop-in-fanout.jsonl")).unwrap();
    let plain = verdicts(lines.lines().map(|line| decode(OTLP, line)).collect());
    assert!(plain.iter().any(|hop| hop == r#"Some("orders") → shipping: dropped/Some(NotSent)"#), "{plain:#?}");
    assert_eq!(verdicts(vec![decode_file("formats/drop-in-fanout.jaeger.json", JAEGER)]), plain);
    let zipkin = decode_file("formats/drop-in-fanout.zipkin.json", ZIPKIN);
    let shares = |span: &Arrived| zipkin.spans.iter().filter(|other| other.span_id == span.span_id).count() == 2;
    assert!(zipkin.spans.iter().filter(|span| shares(span)).count() >= 18, "the run has pairs that share an id");
    assert_eq!(verdicts(vec![zipkin]), plain);
}

#[test]
fn both_halves_of_a_shared_id_are_one_hop() {
    let hops = judge(Policy::default(), [decode_file("public/zipkin-skew.json", ZIPKIN)]);
    let mut edges: Vec<_> =
        hops.iter().map(|hop| (hop.caller.as_ref().map(|caller| &*caller.service), &*hop.callee.service)).collect();
    edges.sort_unstable();
    assert_eq!(edges, [(None, "servicea"), (Some("servicea"), "serviceb")]);
}

#[test]
fn jaeger_references_are_parent_and_links() {
    let refers = |kind, trace, span| json!({"refType": kind, "traceID": trace, "spanID": span});
    let references = json!([
        refers("FOLLOWS_FROM", "0a", "2"),
        refers("CHILD_OF", "0b", "3"),
        refers("CHILD_OF", "0a", "4"),
        refers("CHILD_OF", "0a", "5"),
    ]);
    let span = jaeger_span(&json!({"references": references, "parentSpanID": "9"}));
    assert_eq!(span.parent_id().unwrap().to_string(), format!("{:016x}", 4));
    let links: Vec<u8> = span.own().links.iter().map(|link| link.span_id.0[7]).collect();
    assert_eq!(links, [2, 3, 5]);
    assert_eq!(jaeger_span(&json!({"parentSpanID": "9"})).parent_id().unwrap().0[7], 9);
    assert_eq!(jaeger_span(&json!({"parentSpanID": "0", "references": null})).parent_id(), None);
    let follows = jaeger_span(&json!({"references": [refers("FOLLOWS_FROM", "0a", "2")]}));
    assert_eq!((follows.parent_id().unwrap().0[7], follows.own().links.len()), (2, 0));
}

#[test]
fn jaeger_tags_become_what_otlp_has_fields_for() {
    let span = jaeger_span(&json!({
        "operationName": "GET /",
        "tags": [
            tag("span.kind", "client"),
            {"key": "error", "type": "bool", "value": true},
            tag("otel.status_description", "no token"),
            tag("otel.library.name", "requests"),
            {"key": "http.status_code", "type": "int64", "value": "401"},
            {"key": "peer.service", "type": "string", "value": "orders"},
            {"key": "warnings", "type": "binary", "value": "AAEC"},
            {"key": "odd", "type": "int64", "value": "seven"},
            tag("http.request.header.authorization", "[\"Bearer undefined\"]"),
        ],
        "logs": [
            {"timestamp": 5, "fields": [tag("event", "exception"), tag("exception.type", "TokenExpired")]},
            {"timestamp": 6, "fields": [tag("event", "error"), tag("error.kind", "Denied"), tag("message", "no")]},
        ],
        "warnings": ["clock skew"],
    }));
    assert_eq!((span.kind, span.status, span.http_status), (SpanKind::Client, StatusCode::Error, Some(401)));
    assert_eq!((&*span.scope, span.peer_service.as_deref()), ("requests", Some("orders")));
    assert_eq!((span.start, span.end), (UnixNanos(1_000), UnixNanos(2_000)));
    let exceptions: Vec<_> = span.own().exceptions.iter().map(|it| (&*it.kind, &*it.message)).collect();
    assert_eq!(exceptions, [("TokenExpired", ""), ("Denied", "no")]);
    assert_eq!(carriers(&span), ["header:authorization"]);
    assert_eq!(span.carried[0].value, CarriedValue::Placeholder);
    let fine = jaeger_span(&json!({"tags": [{"key": "error", "type": "bool", "value": "false"}]}));
    assert_eq!(fine.status, StatusCode::Unset);
    let set = jaeger_span(&json!({"tags": [tag("error", "false"), tag("otel.status_code", "OK")]}));
    assert_eq!(set.status, StatusCode::Ok);
}

#[test]
fn jaeger_processes_are_resources() {
    let span = |id: &str, process: &str| json!({"traceID": "a", "spanID": id, "processID": process});
    let process =
        |name: &str| json!({"serviceName": name, "tags": [tag("host.name", "h"), tag("service.namespace", "lab")]});
    let nameless =
        json!({"serviceName": "OTLPResourceNoServiceName", "tags": [tag("hostname", "h"), tag("client-uuid", "7")]});
    let inline = json!({"traceID": "a", "spanID": "4", "process": process("inline")});
    let trace = json!({
        "processes": {"p1": process("cart"), "p2": process("cart"), "p3": nameless},
        "spans": [span("1", "p1"), span("2", "p2"), span("3", "p3"), inline, span("5", "none")],
    });
    let batch = decode(JAEGER, trace.to_string());
    let names: Vec<String> = batch.spans.iter().map(|span| span.resource.service.to_string()).collect();
    assert_eq!((&*names[0], &*names[1], &*names[3]), ("lab/cart", "lab/cart", "lab/inline"));
    assert_eq!((&*names[2], &*batch.spans[2].resource.host), ("unknown_service@7", "h"));
    assert!(names[4].starts_with("unknown_service"), "{names:?}");
    assert!(Arc::ptr_eq(&batch.spans[0].resource, &batch.spans[1].resource));
}

#[test]
fn zipkin_spans_tell_peer_status_and_events() {
    let span = zipkin_span(&json!({
        "kind": "CLIENT", "timestamp": 5, "duration": 2,
        "remoteEndpoint": {"serviceName": "orders", "ipv4": "10.0.0.1", "port": 8080},
        "tags": {
            "http.method": "GET", "http.path": "/orders", "http.status_code": "401", "error": "denied",
            "otel.scope.name": "requests", "telemetry.sdk.language": "java",
            "otlp.link.0": "5b8efff798038103d269b633813fc60c|eee19b7ec3c1b174||{}|0",
            "http.request.header.authorization": "[]",
        },
        "annotations": [
            {"timestamp": 6, "value": "exception|{\"exception.type\":\"TokenExpired\"}|0"},
            {"timestamp": 7, "value": "\"exception\":{\"exception.type\":\"Denied\"}"},
            {"timestamp": 8, "value": "Headers | Received"},
        ],
    }));
    assert_eq!((span.kind, span.status, span.http_status), (SpanKind::Client, StatusCode::Error, Some(401)));
    assert_eq!((span.start, span.end), (UnixNanos(5_000), UnixNanos(7_000)));
    assert_eq!((span.peer_service.as_deref(), span.port), (Some("orders"), Some(8080)));
    assert_eq!((&*span.operation(), &*span.scope, &*span.resource.language), ("GET /orders", "requests", "java"));
    assert_eq!(span.own().links[0].span_id.to_string(), "eee19b7ec3c1b174");
    assert_eq!(span.own().exceptions.iter().map(|it| &*it.kind).collect::<Vec<_>>(), ["TokenExpired", "Denied"]);
    assert_eq!(span.carried[0].value, CarriedValue::Empty, "a header that was captured without a value");
    assert_eq!(zipkin_span(&json!({"tags": {"error": "false"}})).status, StatusCode::Unset);
    let old = zipkin_span(&json!({"annotations": [{"timestamp": 9, "value": "sr"}]}));
    assert_eq!((old.kind, old.start), (SpanKind::Server, UnixNanos(9_000)));
    assert!(zipkin_span(&json!({"localEndpoint": null})).resource.nameless);
    let served = zipkin_span(&json!({"kind": "SERVER", "localEndpoint": {"port": 80}, "parentId": "1"}));
    assert_eq!((served.port, served.parent_id()), (Some(80), None), "a span is not its own parent");
}

/// Aspire and Zipkin know only text, Jaeger's exporters write lists as JSON.
#[test]
fn tags_written_as_text_say_the_same() {
    let print = "s256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let texts = [
        ("http.response.status_code", "401"),
        ("server.port", "8080"),
        ("jwtrail.token.presence", "[\"present\",\"absent\"]"),
        ("jwtrail.token.fp", &format!("[\"{print}\",\"\"]")),
        ("jwtrail.token.location", "[\"header:authorization\",\"header:x-user-token\"]"),
    ];
    let attributes: Vec<Value> =
        texts.iter().map(|(key, text)| json!({"key": key, "value": {"stringValue": text}})).collect();
    let aspire = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0a".repeat(16), "spanId": "0b".repeat(8), "attributes": attributes}]}]}], "resourceLogs": []});
    let tags: Vec<Value> = texts.iter().map(|(key, text)| tag(key, *text)).collect();
    let spans = [
        decode(OTLP, aspire.to_string()).spans.remove(0),
        jaeger_span(&json!({"tags": tags})),
        zipkin_span(&json!({"tags": texts.into_iter().collect::<std::collections::BTreeMap<_, _>>()})),
    ];
    for span in spans {
        assert_eq!((span.http_status, span.port), (Some(401), Some(8080)));
        assert_eq!(carriers(&span), ["header:authorization", "header:x-user-token"]);
        assert_eq!(token_at(&span, 0).s256.as_ref().unwrap().as_str(), print);
        assert_eq!(span.carried[1].value, CarriedValue::Empty);
    }
}

#[test]
fn ids_of_no_known_kind_are_hashed_and_counted() {
    let trace = json!({"traceID": "trace-123", "processes": {}, "spans": [
        {"traceID": "trace-123", "spanID": "span-1"},
        {"spanID": "span-2", "references": [{"refType": "CHILD_OF", "traceID": "trace-123", "spanID": "span-1"}]},
    ]});
    let batch = decode(JAEGER, trace.to_string());
    assert_eq!((batch.spans.len(), batch.rejected, batch.hashed_ids), (2, 0, 2));
    let (first, second) = (&batch.spans[0], &batch.spans[1]);
    assert_eq!(first.trace_id.to_string(), "050b35275fef8c7a6e02c3e98bf2fdf9");
    assert_eq!((second.trace_id, second.parent_id()), (first.trace_id, Some(first.span_id)));
    let otlp = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"trace-123","spanId":"span-1"}]}]}]}"#;
    let zipkin = r#"[{"traceId":"trace-123","id":"span-1"}]"#;
    for batch in [decode(OTLP, otlp), decode(ZIPKIN, zipkin)] {
        assert_eq!((batch.spans[0].trace_id, batch.spans[0].span_id), (first.trace_id, first.span_id));
        assert_eq!(batch.hashed_ids, 1);
    }
}

/// What the client did below the span whose id it shares with the server is the client's.
#[test]
fn work_below_a_shared_id_stays_in_its_service() {
    let token = signed(&json!({"sub": "s", "exp": 1_900_000_000}));
    let span = |id: &str, parent: &str, kind: &str, service: &str, header: Option<&str>| {
        let mut tags = json!({"http.request.header.traceparent": "00-a-b-01", "http.method": "GET"});
        if let Some(token) = header {
            tags["http.request.header.authorization"] = json!(format!("Bearer {token}"));
        }
        json!({"traceId": "0a", "id": id, "parentId": parent, "kind": kind, "timestamp": 5, "duration": 9, "tags": tags,
            "localEndpoint": {"serviceName": service}})
    };
    let trace = json!([
        span("1", "", "SERVER", "shop", Some(&token)),
        span("2", "1", "CLIENT", "shop", Some(&token)),
        span("2", "1", "SERVER", "cart", Some(&token)),
        span("3", "2", "CLIENT", "shop", None),
        span("4", "3", "SERVER", "audit", None),
    ]);
    let hops = judge(Policy::default(), [decode(ZIPKIN, trace.to_string())]);
    let hop = hops.iter().find(|hop| *hop.callee.service == *"audit").unwrap();
    let inbound = hop.inbound.span_id.map(|id| id.to_string());
    assert_eq!((hop.verdict.name(), inbound.as_deref()), ("dropped", Some("0000000000000001")));
}
