//! What would break for a user if something of a token were left in what jwtrail writes.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, as tests do")]

use jwtrail::model::{CarriedValue, Span};
use jwtrail::otlp::redact::redact_traces;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValueList;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use proptest::prelude::*;
use prost::Message;
use serde_json::json;

use crate::spans::{assert_no_piece, attribute, carriers, extract, list, request, span, text};
use crate::token::{shared, signed};

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
        (was.captured, &was.own().links, &was.own().exceptions, &was.name),
        (is.captured, &is.own().links, &is.own().exceptions, &is.name)
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

/// What once came out differently the second time, and what only looks like a mark.
#[test]
fn redacting_twice_is_redacting_once() {
    let shared = shared();
    for value in [
        "access_token=\"eyAaccess_token=",
        "access_token='eyJhbGciOiJub25lIn0.e30.",
        "access_token=jwt:0p4qu3-Cr3d3nt14l",
        "Bearer Basic ,",
        "access_token=%22eyJhbGciOiJub25lIn0.e30.",
    ] {
        let key = if value.contains('=') { "url.query" } else { "http.request.header.authorization" };
        let mut once = request(vec![], vec![span(2, vec![attribute(key, text(value))])]);
        redact_traces(&mut once, &shared);
        assert_no_piece("0p4qu3-Cr3d3nt14l", &once.encode_to_vec(), value);
        let mut twice = once.clone();
        redact_traces(&mut twice, &shared);
        assert_eq!(once, twice, "{value}");
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
