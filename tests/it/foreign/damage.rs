//! What other tools' traces must not do: quote a token, take others down with them, pass for what they are not.

use jwtrail::model::UnixNanos;
use jwtrail::otlp::Encoding;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JAEGER, OTLP, SAMPLES, ZIPKIN, data, decode, tag, try_decode, zipkin_span};
use crate::spans::{assert_no_piece, token_at};
use crate::token::signed;

#[test]
fn an_absurd_value_costs_its_span_alone() {
    let good = json!({"traceID": "0a", "spanID": "1"});
    let bad = [
        json!({"traceID": "0a", "spanID": "1", "startTime": "yesterday"}),
        json!({"traceID": "0a", "spanID": "1", "tags": [7]}),
        json!({"traceID": {"low": 1}, "spanID": "1"}),
        json!({"traceID": "0a", "spanID": "0"}),
        json!(5),
    ];
    for bad in bad {
        let batch = decode(JAEGER, json!({"spans": [bad, good], "processes": {}}).to_string());
        assert_eq!((batch.spans.len(), batch.rejected), (1, 1), "{bad}");
    }
    let batch = decode(ZIPKIN, r#"[{"traceId":"a","id":"1","timestamp":[]},{"traceId":"a","id":"1"}]"#);
    assert_eq!((batch.spans.len(), batch.rejected), (1, 1));
    let span = |more: &str| format!(r#"{{"traceId":"{}","spanId":"{}"{more}}}"#, "0a".repeat(16), "0b".repeat(8));
    let spans = format!("{},{},{}", span(""), span(r#","endTimeUnixNano":"x""#), span(r#","kind":null"#));
    let logs = r#""resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":true}]}]}]"#;
    let batch = decode(OTLP, format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}],{logs}}}"#));
    assert_eq!((batch.spans.len(), batch.rejected), (2, 2));
    let far = zipkin_span(&json!({"timestamp": 1e300, "duration": -5}));
    assert_eq!((far.start, far.end), (UnixNanos(u64::MAX), UnixNanos(u64::MAX)));
}

#[test]
fn what_is_of_another_shape_is_an_error_with_its_place() {
    let cases = [
        (JAEGER, r#"  {"a":1}"#, "malformed Jaeger JSON at byte 2: expected a trace with `spans`"),
        (JAEGER, r#"{"spans":[]} x"#, "malformed Jaeger JSON at byte 13: expected the end of the document"),
        (JAEGER, r#"{"spans":[{"#, "malformed Jaeger JSON at byte 11"),
        (ZIPKIN, r#"{"a":1}"#, "malformed Zipkin JSON at byte 0: expected a Zipkin span"),
        (ZIPKIN, "[[[[[]]]]]", "malformed Zipkin JSON at byte 3: expected a span that is wrapped less"),
        (ZIPKIN, r#"[{"traceId":"a","id":"1","binaryAnnotations":[]}]"#, "of version 1: ask the API for v2"),
        (ZIPKIN, "", "malformed Zipkin JSON at byte 0"),
    ];
    for (encoding, body, wanted) in cases {
        let error = try_decode(encoding, body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{body}: {error}");
    }
    let deep = format!(
        "[{{\"id\":\"1\",\"traceId\":\"1\",\"tags\":{{\"a\":{}1{}}}}}]",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(decode(ZIPKIN, deep).spans.len(), 1);
}

/// A token in every place of a foreign span: seen, known by its fingerprint, and gone.
#[test]
fn no_token_gets_past_decoding() {
    let token = signed(&json!({"sub": "foreign", "exp": 1_900_000_000, "iss": "https://idp.test"}));
    let header = ("http.request.header.authorization", format!("[\"Bearer {token}\"]"));
    let places = ["span.kind", "error", "otel.status_description", "otel.scope.name", "note", "otlp.link.0"];
    let mut tags: Vec<Value> = places.iter().map(|key| tag(key, token.clone())).collect();
    tags.push(tag(header.0, header.1.clone()));
    tags.push(tag(&token, "in a key"));
    let jaeger = json!({"spans": [{"traceID": "0a", "spanID": "1", "operationName": token, "processID": "p", "tags": tags,
        "logs": [{"timestamp": 1, "fields": [tag("event", token.clone()), tag("message", token.clone())]}]}],
        "processes": {"p": {"serviceName": token, "tags": [tag("host.name", token.clone())]}}});
    let mut map: serde_json::Map<String, Value> = places.iter().map(|key| ((*key).into(), json!(token))).collect();
    map.insert(header.0.into(), header.1.clone().into());
    let zipkin = json!([{"traceId": "0a", "id": "1", "name": token, "tags": map,
        "localEndpoint": {"serviceName": token}, "remoteEndpoint": {"serviceName": token, "ipv4": token},
        "annotations": [{"timestamp": 1, "value": token}, {"timestamp": 2, "value": format!("e|{{\"k\":\"{token}\"}}|0")}]}]);
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let tempo = json!({"batches": [{"resource": {}, "scopeSpans": [{"spans": [{
        "traceId": "W47/95gDgQPSabYzgT/GDA==", "spanId": "7uGbfsPBsXQ=",
        "attributes": [attribute(header.0, &header.1), attribute("note", &token)]}]}]}]});
    for (encoding, body) in [(JAEGER, jaeger), (ZIPKIN, zipkin), (OTLP, tempo)] {
        let batch = decode(encoding, body.to_string());
        assert_no_piece(&token, format!("{batch:?}").as_bytes(), &format!("{encoding}"));
        let span = &batch.spans[0];
        let seen = token_at(span, 0);
        assert!(seen.s256.is_some() && seen.alg.as_deref() == Some("HS256"), "{encoding}: {seen:?}");
        let exposed: Vec<_> =
            span.own().exposures.iter().filter(|it| it.fingerprint.is_some()).map(|it| &*it.place).collect();
        assert!(exposed.contains(&"note"), "{encoding}: {exposed:?}");
        if encoding != OTLP {
            for place in ["span.kind", "status.message", "name", "event"] {
                assert!(exposed.contains(&place), "{encoding}: {place} is not among {exposed:?}");
            }
        }
        // Errors quote nothing, wherever the text is cut.
        let text = body.to_string();
        for cut in (0..text.len()).step_by(97) {
            if let Err(error) = try_decode(encoding, &text.as_bytes()[..cut]) {
                assert_no_piece(&token, error.to_string().as_bytes(), "an error");
            }
        }
    }
}

fn damaged() -> impl Strategy<Value = (Encoding, Vec<u8>, usize)> {
    let samples: Vec<(Encoding, Vec<u8>)> = SAMPLES
        .iter()
        .map(|(file, encoding)| (*encoding, data("formats").join(file)))
        .chain([(JAEGER, data("public/jaeger-trace.json")), (ZIPKIN, data("public/zipkin-skew.json"))])
        .map(|(encoding, path)| (encoding, std::fs::read(path).unwrap()))
        .collect();
    prop::sample::select(samples).prop_map(|(encoding, body)| {
        let batch = decode(encoding, &body);
        (encoding, body, batch.spans.len())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_ends_in_an_error_or_in_fewer_spans(
        (encoding, mut body, spans) in damaged(),
        flip in (any::<prop::sample::Index>(), 0..8_u8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let at = flip.0.index(body.len());
        body[at] ^= 1 << flip.1;
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        if let Ok(batch) = try_decode(encoding, &body) {
            prop_assert!(batch.spans.len() as u64 + batch.rejected <= spans as u64);
        }
    }
}
