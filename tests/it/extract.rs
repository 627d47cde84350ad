//! What would break for a user if spans were read or written wrongly.

use std::sync::Arc;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Anomaly, Batch, CarriedValue, Check, Reason, Span, SpanKind, Token, TokenFormat, VerifyResult};
use jwtrail::otlp::BatchBuilder;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::redact::{redact_logs, redact_traces, visit_logs, visit_traces};
use jwtrail::token::{FingerprintKey, KeySets, RawToken, Shared};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan, Status};
use proptest::prelude::*;
use prost::Message;
use serde_json::json;

use crate::token::{shared, signed};

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

fn list(items: &[&str]) -> Any {
    Any::ArrayValue(ArrayValue { values: items.iter().map(|item| any(text(item))).collect() })
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}

fn span(kind: i32, attributes: Vec<KeyValue>) -> ProtoSpan {
    ProtoSpan {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        kind,
        name: "GET /orders".to_owned(),
        attributes,
        ..ProtoSpan::default()
    }
}

fn request(resource: Vec<KeyValue>, spans: Vec<ProtoSpan>) -> ExportTraceServiceRequest {
    let scope = Some(InstrumentationScope { name: "test".to_owned(), ..InstrumentationScope::default() });
    let resource = Some(Resource { attributes: resource, ..Resource::default() });
    let scope_spans = vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

fn extract(shared: &Arc<Shared>, request: &ExportTraceServiceRequest) -> Batch {
    let mut extractor = Extractor::new(Arc::clone(shared));
    visit_traces(request, &mut extractor);
    extractor.finish(0)
}

fn one(shared: &Arc<Shared>, attributes: Vec<KeyValue>) -> Span {
    extract(shared, &request(vec![], vec![span(2, attributes)])).spans.remove(0)
}

fn token_at(span: &Span, at: usize) -> &Arc<Token> {
    match &span.carried[at].value {
        CarriedValue::Token(token) => token,
        other => panic!("expected a token, found {other:?}"),
    }
}

fn carriers(span: &Span) -> Vec<&str> {
    span.carried.iter().map(|carried| &*carried.carrier).collect()
}

/// No nine neighbouring characters of a token stand in the text.
fn assert_no_piece(token: &str, haystack: &[u8], place: &str) {
    for piece in token.as_bytes().windows(9).filter(|piece| !piece.contains(&b'.')) {
        let found = memchr::memmem::find(haystack, piece).is_some();
        assert!(!found, "{} of the token is left in {place}", String::from_utf8_lossy(piece));
    }
}

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
    assert_eq!(captured.exposures.len(), 1, "only the query: {:?}", captured.exposures);
    assert_eq!(&*captured.exposures[0].place, "url.query");
    assert_eq!(captured.exposures[0].fingerprint, token_at(&captured, 0).s256);
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
        span.challenge.as_deref(),
        Some(r#"Bearer error="invalid_token", error_description="The token expired""#)
    );
    assert_eq!(span.location.as_deref(), Some("https://idp.test/login"));
    assert_eq!(span.error_code.as_deref(), Some("UNAUTHENTICATED"));
    let exception = &span.exceptions[0];
    assert!(exception.message.starts_with("Signature has expired: jwt:s256:"));
    assert!(exception.stack.chars().count() <= 1024 && exception.stack.starts_with("Traceback"));
    assert!(exception.stack.contains("ExpiredSignatureError: jwt:"), "the last lines name the cause");
    let places: Vec<&str> = span.exposures.iter().map(|exposure| &*exposure.place).collect();
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
    assert_eq!(extract(&shared(), &request(vec![], vec![linked])).spans[0].links.len(), 1);
}

#[test]
fn tags_by_hand_are_read_and_checked() {
    let shared = shared();
    let print = format!("s256:{}", "A".repeat(43));
    let tagged = one(
        &shared,
        vec![
            attribute("jwtrail.token.presence", text("present")),
            attribute("jwtrail.token.fp", text(&print)),
            attribute("jwtrail.token.fp.payload", text(&print)),
            attribute("jwtrail.token.sub_hash", text("ada")),
            attribute("jwtrail.token.aud", list(&["shop", "bank"])),
            attribute("jwtrail.token.exp", text("1900000000")),
            attribute("jwtrail.token.format", text("jws")),
            attribute("jwtrail.verify.result", text("failed")),
            attribute("jwtrail.verify.reason", text("expired")),
            attribute("jwtrail.verify.key_fp", text("hunter2")),
            attribute("jwtrail.check.result", text("failed")),
            attribute("jwtrail.check.reason", text("signature")),
        ],
    );
    let token = token_at(&tagged, 0);
    assert_eq!(token.s256.as_ref().map(ToString::to_string), Some(print.clone()));
    assert_eq!((token.payload.clone(), token.sub_hash.clone()), (None, None), "only keyed forms are taken there");
    assert_eq!((token.aud.len(), token.exp, token.format), (2, Some(1_900_000_000), Some(TokenFormat::Jws)));
    assert_eq!(token.check, Check::Failed(Reason::Signature));
    let tags = tagged.tags.as_ref().unwrap();
    assert_eq!((tags.verify_result, tags.verify_reason), (Some(VerifyResult::Failed), Some(Reason::Expired)));
    assert_eq!(tags.verify_key, None);
    let bad = extract(
        &shared,
        &request(
            vec![],
            vec![span(
                2,
                vec![
                    attribute("jwtrail.token.fp", text("s256:short")),
                    attribute("jwtrail.exchange.from_fp", text(&format!("h256.XYZ:{}", "A".repeat(22)))),
                ],
            )],
        ),
    );
    assert_eq!((bad.bad_tags, bad.spans[0].carried.len()), (2, 0));
    let absent = one(&shared, vec![attribute("jwtrail.token.presence", text("absent"))]);
    assert!(absent.tags.is_some_and(|tags| tags.absent) && absent.carried.is_empty());
    let hidden = one(&shared, vec![attribute("jwtrail.token.presence", text("present"))]);
    assert_eq!(hidden.carried[0].value, CarriedValue::Redacted, "there, and that is all it says");
}

#[test]
fn several_carriers_stand_in_arrays() {
    let (one_print, other) = (format!("s256:{}", "A".repeat(43)), format!("h256.0123abcd:{}", "B".repeat(22)));
    let tagged = one(
        &shared(),
        vec![
            attribute("jwtrail.token.presence", list(&["present", "present", "absent"])),
            attribute("jwtrail.token.location", list(&["header:Authorization", "cookie:SID", "header:x_auth_token"])),
            attribute("jwtrail.token.fp", list(&[&one_print, &other, ""])),
            attribute("jwtrail.token.scheme", list(&["Bearer", "", ""])),
            attribute("jwtrail.token.scope", list(&["read write", "admin", ""])),
        ],
    );
    assert_eq!(carriers(&tagged), ["header:authorization", "cookie:SID", "header:x-auth-token"]);
    assert_eq!((token_at(&tagged, 0).scope.len(), token_at(&tagged, 1).scope.len()), (2, 1));
    assert!(token_at(&tagged, 0).s256.is_some() && token_at(&tagged, 1).h256.is_some());
    assert_eq!(tagged.carried[2].value, CarriedValue::Empty);
}

#[test]
fn equal_tags_share_one_token() {
    let tags = || {
        vec![
            attribute("jwtrail.token.fp", text(&format!("s256:{}", "A".repeat(43)))),
            attribute("jwtrail.token.iss", text("https://idp.test")),
        ]
    };
    let batch = extract(&shared(), &request(vec![], (0..512).map(|_| span(2, tags())).collect()));
    assert!(batch.spans.iter().all(|span| Arc::ptr_eq(token_at(span, 0), token_at(&batch.spans[0], 0))));
}

#[test]
fn a_header_outweighs_the_tag_that_repeats_it() {
    let shared = shared();
    let token = signed(&json!({"sub": "ada"}));
    let print = shared.token(&RawToken::borrowed(&token), "bearer").0.s256.clone().unwrap();
    let both = |value: &str, tag: &str| {
        one(
            &shared,
            vec![attribute("http.request.header.authorization", text(value)), attribute("jwtrail.token.fp", text(tag))],
        )
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(both(&bearer, print.as_str()).carried.len(), 1);
    assert_eq!(both(&bearer, &format!("s256:{}", "A".repeat(43))).carried.len(), 2, "two tokens in one carrier");
    let hidden = both("[REDACTED]", print.as_str());
    assert_eq!(hidden.carried.len(), 1);
    assert_eq!(token_at(&hidden, 0).s256, Some(print));
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

/// A span with tokens in every place that a span has.
fn planted(token: &str, other: &str, opaque: &str) -> ExportTraceServiceRequest {
    let encoded = token.replace('.', "%2E");
    let map = Any::KvlistValue(KeyValueList {
        values: vec![attribute(token, text(other)), attribute("authorization", text(opaque))],
    });
    let mut span = span(
        2,
        vec![
            attribute("http.request.header.authorization", list(&[&format!("Bearer {token}")])),
            attribute("http.request.header.x_auth_token", text(other)),
            attribute("http.request.header.cookie", list(&[&format!("a={opaque}; sid={token}; b")])),
            attribute("http.request.header.proxy-authorization", text(opaque)),
            attribute("http.request.header.x-api-key", text(opaque)),
            attribute("http.request.header.x-custom", text(other)),
            attribute("http.response.header.set-cookie", list(&[&format!("sid={opaque}")])),
            attribute("rpc.request.metadata.authorization", text(&format!("[\"Bearer {opaque}\"]"))),
            attribute("messaging.header.txn_token", text(&format!("\"{token}\""))),
            attribute(
                "url.full",
                text(&format!("https://x.test/a?access_token={encoded}&token={opaque}&code={opaque}")),
            ),
            attribute("url.query", text(&format!("access_token={token}"))),
            attribute("db.query.text", text(&format!("select '{other}'"))),
            attribute("baggage", text(&format!("token={opaque},jwt={token}"))),
            attribute("nested", map),
            attribute("bytes", Any::BytesValue(format!("\u{1}{token}").into_bytes())),
            attribute("more.bytes", Any::BytesValue([&[0xff, 0xfe], token.as_bytes()].concat())),
            attribute("cut", text(&token[..token.len() / 2])),
            attribute(&format!("key.{token}"), text("x")),
            attribute("authorization", text(opaque)),
            attribute("oauth.client_secret", text(opaque)),
            attribute("jwtrail.exchange.from_fp", text(token)),
            attribute("enduser.id", text(opaque)),
            attribute("auth.header", text(&format!("DPoP {opaque}"))),
        ],
    );
    span.name = format!("GET /verify/{token}");
    span.trace_state = format!("a={token}");
    span.status = Some(Status { code: 2, message: format!("bearer {opaque}") });
    span.events = vec![Event {
        name: format!("e {token}"),
        attributes: vec![attribute("exception.message", text(other))],
        ..Event::default()
    }];
    span.links = vec![Link {
        trace_id: vec![7; 16],
        span_id: vec![7; 8],
        trace_state: token.to_owned(),
        attributes: vec![attribute("x", text(token))],
        ..Link::default()
    }];
    let arguments = attribute("process.command_args", list(&["--token", other]));
    let mut request = request(vec![arguments, attribute("service.name", text("orders"))], vec![span]);
    let scope_spans = &mut request.resource_spans[0].scope_spans[0];
    let scope = scope_spans.scope.as_mut().unwrap();
    (scope.name, scope.version) = (format!("s {token}"), token.to_owned());
    scope.attributes = vec![attribute("x", text(token))];
    scope_spans.schema_url = format!("https://x.test/{token}");
    request
}

#[test]
fn nothing_of_a_token_is_left_anywhere_and_the_reading_stays_the_same() {
    let shared = shared();
    let token = signed(
        &json!({"iss": "https://idp.test", "sub": "ada", "aud": ["shop"], "scope": "read write", "exp": 1_900_000_000}),
    );
    let other = signed(&json!({"iss": "https://idp.test", "sub": "grace", "act": {"sub": "ada"}, "jti": "1"}));
    let opaque = "0p4qu3-Cr3d3nt14l_0f-th1rty-tw0-ch4rs";
    let mut request = planted(&token, &other, opaque);
    let before = extract(&shared, &request);
    redact_traces(&mut request, &shared);
    let bytes = request.encode_to_vec();
    for secret in [token.as_str(), other.as_str(), opaque] {
        assert_no_piece(secret, &bytes, "the re-encoded span");
        assert_no_piece(secret, format!("{before:?}").as_bytes(), "the batch");
    }
    let read_back = ExportTraceServiceRequest::decode(&*bytes).unwrap();
    let after = extract(&shared, &read_back);
    let (was, is) = (&before.spans[0], &after.spans[0]);
    assert_eq!(carriers(was), carriers(is));
    assert_eq!(was.carried, is.carried);
    assert_eq!(
        (was.captured, &was.links, &was.exceptions, &was.name),
        (is.captured, &is.links, &is.exceptions, &is.name)
    );
    let tokens = was.carried.iter().filter(|carried| matches!(carried.value, CarriedValue::Token(_))).count();
    assert_eq!(tokens, 6);
    let mut twice = read_back.clone();
    redact_traces(&mut twice, &shared);
    assert_eq!(twice, read_back, "redacting what is redacted changes nothing");
}

#[test]
fn what_is_no_token_reads_back_as_it_was() {
    let shared = shared();
    for value in
        ["Bearer undefined", "Bearer ****", "[REDACTED]", "Basic dXNlcjpwYXNz", "", "-", "Bearer", "Bearer {{token}}"]
    {
        let mut request =
            request(vec![], vec![span(2, vec![attribute("http.request.header.authorization", list(&[value]))])]);
        let before = extract(&shared, &request).spans.remove(0);
        redact_traces(&mut request, &shared);
        let after = extract(&shared, &request).spans.remove(0);
        let seen = |span: &Span| {
            let carried = &span.carried[0];
            (carried.value.clone(), carried.anomalies, carried.scheme.clone(), span.captured)
        };
        assert_eq!(seen(&before), seen(&after), "{value}");
        assert!(!format!("{request:?}").contains("dXNlcjpwYXNz"));
    }
}

proptest! {
    /// Wherever a token stands in whatever text, nothing of it is left.
    #[test]
    fn no_text_around_a_token_hides_it(before in "\\PC{0,20}[ /=\"&?:,;(%3D)]?", after in "[^\\w.~=%-]?\\PC{0,20}", subject in "[a-z]{1,20}") {
        let token = signed(&json!({"sub": subject}));
        let clean = shared().scrub(&format!("{before}{token}{after}")).into_owned();
        for piece in token.as_bytes().windows(12).filter(|piece| !piece.contains(&b'.')) {
            prop_assert!(memchr::memmem::find(clean.as_bytes(), piece).is_none(), "{}", clean);
        }
    }

    /// No input makes the extractor panic, and redacting twice is redacting once.
    #[test]
    fn any_attribute_can_be_read_and_redacted(
        key in "(http\\.request\\.header\\.|rpc\\.request\\.metadata\\.|jwtrail\\.token\\.|url\\.)(authorization|cookie|fp|location|presence|query|full|aud)",
        value in "(Bearer |Basic |%|\"|ey[JA]|access_token=|jwt:|\\[\"|‹redacted›|\\PC){0,12}",
    ) {
        let shared = shared();
        let mut request = request(vec![], vec![span(2, vec![attribute(&key, text(&value)), attribute(&key, list(&[&value, &value]))])]);
        let _ = extract(&shared, &request);
        redact_traces(&mut request, &shared);
        let once = request.clone();
        redact_traces(&mut request, &shared);
        prop_assert_eq!(once, request);
    }
}
