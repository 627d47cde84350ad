//! What would break for a user if spans were read wrongly.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, as tests do")]

use std::sync::Arc;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Anomaly, CarriedValue, SpanKind};
use jwtrail::otlp::BatchBuilder;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::redact::{redact_logs, visit_logs};
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span as ProtoSpan, Status};
use prost::Message;
use serde_json::json;

use crate::spans::{any, assert_no_piece, attribute, carriers, extract, list, one, request, span, text, token_at};
use crate::token::{shared, signed};

#[test]
fn carriers_are_known_however_they_are_captured() {
    let shared = shared();
    let token = signed(&json!({"iss": "https://idp.test", "sub": "ada"}));
    let bearer = format!("Bearer {token}");
    let listed = serde_json::to_string(&[&bearer]).unwrap();
    let captured = one(
        &shared,
        vec![
            attribute("http.request.header.Authorization", list(&[&bearer])),
            attribute("http.request.header.x_auth_token", text(&token)),
            attribute("rpc.request.metadata.authorization", list(&[&bearer])),
            attribute("rpc.grpc.request.metadata.X-Forwarded-Access-Token", text(&token)),
            attribute("messaging.header.authorization", text(&listed)),
            attribute("http.request.header.cookie", text(&format!("theme=dark; session={token}; id=7"))),
            attribute("url.query", text(&format!("a=1&access_token={token}"))),
        ],
    );
    assert_eq!(
        carriers(&captured),
        [
            "header:authorization",
            "header:x-auth-token",
            "metadata:authorization",
            "metadata:x-forwarded-access-token",
            "message:authorization",
            "cookie:session",
            "query:access_token",
        ]
    );
    for at in 0..captured.carried.len() {
        assert!(Arc::ptr_eq(token_at(&captured, at), token_at(&captured, 0)));
        assert_eq!(captured.carried[at].anomalies.0, 0, "{}", captured.carried[at].carrier);
    }
    assert!(captured.captured.carrier && captured.captured.any_header);
    assert_eq!(captured.carried[0].captured_length as usize, bearer.len());
    assert_eq!(captured.own().exposures.len(), 1, "only the query: {:?}", captured.own().exposures);
    assert_eq!(&*captured.own().exposures[0].place, "url.query");
    assert_eq!(captured.own().exposures[0].fingerprint, token_at(&captured, 0).s256);
}

#[test]
fn what_is_no_token_is_named_for_what_it_is() {
    let of = |value: Any| one(&shared(), vec![attribute("http.request.header.authorization", value)]);
    assert_eq!(
        of(list(&[""])).carried[0].value,
        CarriedValue::Empty,
        "nginx captures a missing header as one empty text"
    );
    assert_eq!(of(text("-")).carried[0].value, CarriedValue::Empty);
    let hidden = of(text("Bearer ****"));
    assert_eq!(hidden.carried[0].value, CarriedValue::Redacted);
    assert!(hidden.carried[0].anomalies.contains(Anomaly::Redacted) && &*hidden.carried[0].scheme == "bearer");
    assert_eq!(of(text("Bearer undefined")).carried[0].value, CarriedValue::Placeholder);
    assert_eq!(of(text("Basic dXNlcjpwYXNz")).carried[0].value, CarriedValue::OtherCredential("basic".into()));
    let two = of(list(&["Bearer opaque-one, Bearer opaque-two"]));
    assert_eq!(two.carried.len(), 2, "two values in one header");
}

#[test]
fn the_policy_adds_carriers_cookies_witnesses_and_sentinels() {
    let mut policy = Policy::default();
    policy.capture.carriers.push("X-Shop_Token".to_owned());
    policy.capture.cookies.push("sid".to_owned());
    policy.capture.witnesses.push("x-request-id".to_owned());
    policy.capture.sentinels.push("(none)".to_owned());
    let shared = Shared::new(&policy, FingerprintKey::random().unwrap(), KeySets::default()).unwrap();
    let captured = one(
        &shared,
        vec![
            attribute("http.request.header.x-shop-token", text("(none)")),
            attribute("http.request.header.cookie", text("sid=opaque-session; other=opaque")),
            attribute("http.request.header.x_request_id", text("7")),
        ],
    );
    assert_eq!(carriers(&captured), ["header:x-shop-token", "cookie:sid"]);
    assert_eq!(captured.carried[0].value, CarriedValue::Empty);
    assert!(captured.captured.traceparent, "the witness proves capture");
}

#[test]
fn what_was_captured_is_seen_whatever_it_held() {
    let of = |key: &str, value: &str| one(&shared(), vec![attribute(key, text(value))]).captured;
    let sampled = of("http.request.header.traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03");
    assert!(sampled.traceparent && !sampled.unsampled_parent && !sampled.carrier);
    assert!(
        of("http.request.header.traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02")
            .unsampled_parent
    );
    assert!(of("http.request.header.user_agent", "curl").user_agent_or_host);
    assert!(of("http.request.header.host", "shop").user_agent_or_host);
    assert!(!of("user_agent.original", "curl").user_agent_or_host, "every server span has that");
    assert!(of("http.request.header.accept", "*/*").any_header);
}

#[test]
fn old_and_new_conventions_say_the_same() {
    let shared = shared();
    let new = one(
        &shared,
        vec![
            attribute("http.request.method", text("GET")),
            attribute("http.response.status_code", Any::IntValue(401)),
            attribute("url.path", text("/a")),
            attribute("url.scheme", text("http")),
            attribute("server.address", text("Shop.Test:8080")),
            attribute("server.port", Any::IntValue(8080)),
            attribute("user_agent.original", text("curl")),
        ],
    );
    let old = one(
        &shared,
        vec![
            attribute("http.method", text("GET")),
            attribute("http.status_code", text("401")),
            attribute("http.target", text("/a?b=c")),
            attribute("http.scheme", text("http")),
            attribute("http.host", text("shop.test:8080")),
            attribute("http.user_agent", text("curl")),
            attribute("net.peer.name", text("10.0.0.9")),
        ],
    );
    for span in [&new, &old] {
        assert_eq!(span.http_status, Some(401));
        assert_eq!((span.path.as_deref(), span.url_scheme.as_deref()), (Some("/a"), Some("http")));
        assert_eq!((span.host.as_deref(), span.port), (Some("shop.test"), Some(8080)));
        assert_eq!((span.method.as_deref(), span.user_agent.as_deref()), (Some("GET"), Some("curl")));
    }
    let client = extract(
        &shared,
        &request(
            vec![],
            vec![span(3, vec![attribute("url.full", text("https://ada:secret@pay.test/charge?card=1#x"))])],
        ),
    );
    let client = &client.spans[0];
    assert_eq!(client.kind, SpanKind::Client);
    assert_eq!(
        (client.host.as_deref(), client.port, client.path.as_deref()),
        (Some("pay.test"), Some(443), Some("/charge"))
    );
}

#[test]
fn rpc_messaging_and_databases_are_read() {
    let shared = shared();
    let rpc = one(
        &shared,
        vec![
            attribute("rpc.system.name", text("grpc")),
            attribute("rpc.method", text("shop.Cart/Add")),
            attribute("rpc.response.status_code", text("UNAUTHENTICATED")),
            attribute("net.peer.name", text("the-caller")),
        ],
    );
    assert_eq!(rpc.operation(), "shop.Cart/Add");
    assert_eq!((rpc.grpc_status, rpc.host.as_deref()), (Some(16), None), "on a server the peer is the caller");
    for (key, value, expected) in [
        ("messaging.destination.name", ",queue", "queue"),
        ("messaging.destination", "orders", "orders"),
        ("messaging.rabbitmq.routing_key", "norders", "norders"),
    ] {
        let message = one(
            &shared,
            vec![
                attribute("messaging.destination", text(if key.ends_with("key") { "" } else { value })),
                attribute(key, text(value)),
                attribute("messaging.operation", text("publish")),
            ],
        );
        assert_eq!(message.messaging_destination.as_deref(), Some(expected));
        assert_eq!(message.messaging_operation.as_deref(), Some("publish"));
    }
    assert_eq!(one(&shared, vec![attribute("db.system", text("redis"))]).db_system.as_deref(), Some("redis"));
    assert!(one(&shared, vec![attribute("component", text("proxy"))]).proxy);
    assert!(one(&shared, vec![attribute("upstream_cluster", text("shop"))]).proxy);
}

#[test]
fn refusals_leave_their_words() {
    let token = signed(&json!({"sub": "ada"}));
    let mut failing = span(
        2,
        vec![
            attribute(
                "http.response.header.www-authenticate",
                list(&[r#"Bearer error="invalid_token", error_description="The token expired""#]),
            ),
            attribute("http.response.header.location", text("https://idp.test/login?state=secret")),
            attribute("error.type", text("401")),
            attribute("http.response.header.grpc-status", list(&["16"])),
        ],
    );
    let stack = format!("Traceback\n{}\njwt.exceptions.ExpiredSignatureError: {token}", "  frame\n".repeat(1000));
    failing.events.push(Event {
        name: "exception".to_owned(),
        attributes: vec![
            attribute("exception.type", text("jwt.exceptions.ExpiredSignatureError")),
            attribute("exception.message", text(&format!("Signature has expired: {token}"))),
            attribute("exception.stacktrace", text(&stack)),
        ],
        ..Event::default()
    });
    failing.status = Some(Status { code: 2, message: format!("bad {token}") });
    let batch = extract(&shared(), &request(vec![], vec![failing]));
    let span = &batch.spans[0];
    assert_eq!(
        span.own().challenge.as_deref(),
        Some(r#"Bearer error="invalid_token", error_description="The token expired""#)
    );
    assert_eq!(span.own().location.as_deref(), Some("https://idp.test/login"));
    assert_eq!(span.error_code.as_deref(), Some("UNAUTHENTICATED"));
    let exception = &span.own().exceptions[0];
    assert!(exception.message.starts_with("Signature has expired: jwt:s256:"));
    assert!(exception.stack.chars().count() <= 1024 && exception.stack.starts_with("Traceback"));
    assert!(exception.stack.contains("ExpiredSignatureError: jwt:"), "the last lines name the cause");
    let places: Vec<&str> = span.own().exposures.iter().map(|exposure| &*exposure.place).collect();
    assert_eq!(places, ["status.message", "exception.message", "exception.stacktrace"]);
    assert_no_piece(&token, format!("{batch:?}").as_bytes(), "the batch");
}

#[test]
fn nameless_services_are_told_apart() {
    let name = |attributes: Vec<KeyValue>| {
        let batch = extract(&shared(), &request(attributes, vec![span(2, vec![])]));
        (batch.spans[0].resource.service.to_string(), batch.spans[0].resource.nameless)
    };
    let node = |more: Vec<KeyValue>| {
        let mut all = vec![attribute("service.name", text("unknown_service:node")), attribute("host.name", text("h1"))];
        all.extend(more);
        name(all)
    };
    assert_eq!(node(vec![attribute("process.pid", Any::IntValue(7))]), ("unknown_service:node@7".to_owned(), true));
    assert_eq!(node(vec![attribute("service.instance.id", text("i1"))]).0, "unknown_service:node@i1");
    assert_eq!(node(vec![]).0, "unknown_service:node@h1");
    let (one, other) = (name(vec![]).0, name(vec![attribute("os.type", text("linux"))]).0);
    assert!(one.starts_with("unknown_service@") && one != other);
    assert_eq!(one, name(vec![]).0, "the same in every run");
    let named = name(vec![attribute("service.name", text("orders")), attribute("service.namespace", text("shop"))]);
    assert_eq!(named, ("shop/orders".to_owned(), false));
}

#[test]
fn ids_that_no_trace_can_be_built_of_are_counted() {
    let bad = |change: &dyn Fn(&mut ProtoSpan)| {
        let mut span = span(2, vec![]);
        change(&mut span);
        let batch = extract(&shared(), &request(vec![], vec![span]));
        (batch.spans.len(), batch.rejected)
    };
    assert_eq!(bad(&|span| span.trace_id = vec![1; 8]), (0, 1));
    assert_eq!(bad(&|span| span.trace_id = vec![0; 16]), (0, 1));
    assert_eq!(bad(&|span| span.span_id = vec![]), (0, 1));
    assert_eq!(bad(&|span| span.span_id = vec![0; 8]), (0, 1));
    assert_eq!(bad(&|span| span.parent_span_id = vec![3; 4]), (0, 1));
    assert_eq!(bad(&|span| span.parent_span_id = vec![0; 8]), (1, 0), "a zero parent is a root");
    let mut linked = span(5, vec![]);
    linked.links = vec![
        Link { trace_id: vec![9; 16], span_id: vec![9; 8], ..Link::default() },
        Link { trace_id: vec![9; 3], span_id: vec![9; 8], ..Link::default() },
    ];
    assert_eq!(extract(&shared(), &request(vec![], vec![linked])).spans[0].own().links.len(), 1);
}

#[test]
fn logs_that_may_explain_a_refusal_are_kept() {
    let token = signed(&json!({"sub": "ada"}));
    let record = |severity: i32, body: &str, ids: bool| LogRecord {
        trace_id: if ids { vec![1; 16] } else { vec![] },
        span_id: if ids { vec![2; 8] } else { vec![] },
        severity_number: severity,
        observed_time_unix_nano: 7,
        body: Some(any(text(body))),
        ..LogRecord::default()
    };
    let mut thrown = record(9, "", true);
    thrown.attributes = vec![attribute("exception.type", text("TokenExpiredError"))];
    let records = vec![
        record(13, &format!("rejected {token}"), true),
        record(9, "invalid signature", true),
        record(9, "order 7 shipped", true),
        record(17, "no span", false),
        thrown,
    ];
    let mut logs = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }],
    };
    let shared = shared();
    let read = |logs: &ExportLogsServiceRequest| {
        let mut extractor = Extractor::new(Arc::clone(&shared));
        visit_logs(logs, &mut extractor);
        extractor.finish(0).logs
    };
    let kept = read(&logs);
    let texts: Vec<&str> =
        kept.iter().map(|log| if log.text.kind.is_empty() { &*log.text.message } else { &*log.text.kind }).collect();
    assert!(texts[0].starts_with("rejected jwt:s256:"));
    assert_eq!(texts[1..], ["invalid signature", "TokenExpiredError"]);
    redact_logs(&mut logs, &shared);
    assert_no_piece(&token, &logs.encode_to_vec(), "the logs");
    assert_eq!(read(&logs), kept);
}

#[test]
fn an_attribute_length_limit_shows_in_the_longest_text() {
    let cut = "é".repeat(128);
    let limited = one(
        &shared(),
        vec![
            attribute("url.full", text(&cut)),
            attribute("http.request.header.authorization", list(&[&format!("Bearer {}", "a".repeat(121))])),
            attribute("short", text("x")),
        ],
    );
    assert_eq!((limited.longest_text, limited.longest_texts), (128, 2), "characters, as the limit counts them");
    assert_eq!(limited.carried[0].captured_length, 128);
}

#[test]
fn tokens_in_structured_logs_are_exposures() {
    let token = signed(&json!({"iss": "https://idp.test", "sub": "u"}));
    let record = LogRecord {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        severity_number: 9,
        body: Some(any(text("order 7 shipped"))),
        attributes: vec![attribute("headers", list(&["accept: */*", &format!("x: {token}")]))],
        ..LogRecord::default()
    };
    let logs = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }],
    };
    let mut extractor = Extractor::new(shared());
    visit_logs(&logs, &mut extractor);
    let kept = extractor.finish(0).logs;
    assert_eq!(kept.len(), 1, "a record that holds a token is kept, whatever its severity");
    assert_eq!(&*kept[0].exposures[0].place, "headers");
    assert!(kept[0].exposures[0].fingerprint.is_some());
}
