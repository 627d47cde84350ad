//! The JSON walker on what exporters write and backends give back.

use jwtrail::otlp::json;
use jwtrail::otlp::protobuf;
use proptest::prelude::*;

use super::support::Visits;

fn visits(document: &str) -> Vec<String> {
    let mut seen = Visits::default();
    json::walk(document.as_bytes(), &mut seen).unwrap();
    seen.0
}

/// A document around one span's members.
fn with_span(members: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"resource":{{}},"scopeSpans":[{{"scope":{{}},"spans":[{{{members}}}]}}]}}]}}"#)
}

fn span(members: &str) -> String {
    visits(&with_span(members)).pop().unwrap()
}

#[test]
fn every_spelling_of_one_span_reads_alike() {
    let plain = span(
        r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173",
        "flags":769,"name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000000",
        "endTimeUnixNano":"1544712661000000000","status":{"code":2,"message":"m"},
        "attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"f","value":{"doubleValue":"NaN"}},
        {"key":"l","value":{"arrayValue":{}}},{"key":"b","value":{"bytesValue":"+/8="}}],"events":[],"links":[]"#,
    );
    let other = span(
        r#""trace_id":"W47/95gDgQPSabYzgT/GDA==","span_id":"7uGbfsPBsXQ=","parent_span_id":"7uGbfsPBsXM=",
        "flags":"769","name":"GET \u002f","kind":"SPAN_KIND_SERVER","start_time_unix_nano":1.54471266e18,
        "end_time_unix_nano":1544712661000000000,"status":{"message":"m","code":"STATUS_CODE_ERROR","x":[{}]},
        "attributes":[{"value":{"int_value":7},"key":"n"},{"key":"f","value":{"double_value":NaN}},
        {"key":"l","value":{"array_value":{"values":null},"stringValue":null}},
        {"key":"b","value":{"bytes_value":"-_8"}}],"events":null,"links":null"#,
    );
    assert_eq!(plain, other);
    assert!(plain.contains("trace_id: [91, 142, 255"), "{plain}");
    assert!(plain.contains("start: 1544712660000000000"), "{plain}");
    assert!(plain.contains(r#"("l", Array([])), ("b", Bytes([251, 255]))"#), "{plain}");
}

#[test]
fn a_short_hex_trace_id_is_padded_and_a_foreign_one_is_hashed() {
    assert!(span(r#""traceId":"eee19b7ec3c1b174""#).contains("trace_id: [0, 0, 0, 0, 0, 0, 0, 0, 238, 225"));
    assert!(span(r#""traceId":"trace-123""#).contains("trace_id: [5, 11, 53, 39, 95, 239, 140, 122, 110, 2,"));
    assert!(span(r#""spanId":"trace-123""#).contains("span_id: [5, 11, 53, 39, 95, 239, 140, 122],"));
}

#[test]
fn a_resource_behind_its_spans_is_told_first() {
    let spans = r#"{"spans":[{"name":"a"}],"scope":{"name":"s"}}"#;
    let late = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{spans}],"resource":{{"attributes":[{{"key":"service.name",
        "value":{{"stringValue":"cart"}}}}]}}}}]}}"#
    );
    let seen = visits(&late);
    assert_eq!(seen.len(), 3);
    assert!(seen[0].starts_with("ResourceData") && seen[0].contains("cart"), "{seen:?}");
    assert!(seen[1].starts_with("ScopeData") && seen[1].contains("\"s\""), "{seen:?}");
    assert!(seen[2].starts_with("SpanData"), "{seen:?}");
}

#[test]
fn what_backends_wrap_a_trace_in_is_read_through() {
    let group = r#"{"resource":{},"scopeSpans":[{"spans":[{"name":"a"}]}]}"#;
    let plain = visits(&format!(r#"{{"resourceSpans":[{group}]}}"#));
    assert_eq!(plain.len(), 3);
    for wrapped in [
        group.to_owned(),
        format!("\u{feff} {group}\r\n"),
        format!(r#"{{"batches":[{group}]}}"#),
        format!(r#"{{"result":{{"resourceSpans":[{group}]}}}}"#),
        format!(r#"{{"trace":{{"resourceSpans":[{group}]}},"metrics":{{"inspectedBytes":"1"}}}}"#),
        format!(r#"{{"format":"otel-gui-trace-export","traces":[{{"traceId":"x","resourceSpans":[{group}]}}]}}"#),
        format!(r#"{{"resource_spans":[{}]}}"#, group.replace("scopeSpans", "instrumentationLibrarySpans")),
        format!(r#"{{"resourceMetrics":[{{"resource":{{}},"scopeMetrics":[1]}}],"resourceSpans":[{group}]}}"#),
    ] {
        assert_eq!(visits(&wrapped), plain, "{wrapped}");
    }
}

#[test]
fn logs_come_beside_spans() {
    let seen = visits(
        r#"{"resourceSpans":[],"resourceLogs":[{"scopeLogs":[{"logRecords":[{"observedTimeUnixNano":"5",
        "severityNumber":"SEVERITY_NUMBER_WARN","body":{"stringValue":"jwt \"expired\" \ud83d\ude00 \ud83d"}}]}]}]}"#,
    );
    let log = seen.last().unwrap();
    assert!(log.contains("time: 5, severity: 13"), "{log}");
    assert!(log.contains("jwt \\\"expired\\\" 😀 \u{fffd}"), "{log}");
}

#[test]
fn deep_nesting_costs_neither_the_stack_nor_the_request() {
    let (open, close) = (r#"{"arrayValue":{"values":["#.repeat(30_000), "]}}".repeat(30_000));
    let deep = span(&format!(
        r#""attributes":[{{"key":"d","value":{open}{close}}}],"x":{}{}"#,
        "[".repeat(90_000),
        "]".repeat(90_000)
    ));
    assert_eq!(deep.matches("Array(").count(), 32);
    let traces = format!("{}{}", r#"{"trace":"#.repeat(50_000), "}".repeat(50_000));
    assert!(json::walk(traces.as_bytes(), &mut Visits::default()).is_err(), "the innermost value is missing");
}

#[test]
fn errors_say_where_and_what_without_quoting() {
    let error = |document: &str| json::walk(document.as_bytes(), &mut Visits::default()).unwrap_err().to_string();
    assert_eq!(error("[1]"), "malformed JSON at byte 1: expected an object, found a number");
    assert_eq!(error(r#"{"resourceSpans":{}}"#), "malformed JSON at byte 17: expected a list, found an object");
    assert_eq!(error(r#"{"resourceSpans":[]"#), "malformed JSON at byte 19: expected `,` or `}`, found the end");
    assert_eq!(error("{} {}"), "malformed JSON at byte 3: expected the end of the document, found an object");
    let secret = with_span(r#""name":"eyJhbGciOiJub25lIn0.e30.","kind":eyJhbGciOiJub25lIn0"#);
    assert!(!error(&secret).contains("eyJ"), "{}", error(&secret));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// What serde_json writes is read, text for text.
    #[test]
    fn texts_survive_escaping(name in any::<String>(), key in any::<String>()) {
        let document = with_span(&format!(
            r#""name":{},"attributes":[{{"key":{},"value":{{"stringValue":"x"}}}}]"#,
            serde_json::to_string(&name).unwrap(), serde_json::to_string(&key).unwrap(),
        ));
        let seen = visits(&document).pop().unwrap();
        let (name, key) = (format!("name: {name:?}"), format!("attributes: [({key:?}, Str(\"x\"))]"));
        prop_assert!(seen.contains(&name) && seen.contains(&key), "{}", seen);
    }

    /// Damaged documents end in an answer, never in a panic.
    #[test]
    fn damaged_documents_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = include_bytes!("../../data/formats/collector-file.jsonl").to_vec();
        bytes.extend_from_slice(br#"{"n":[1.5e3,true,null,"\u00e9\\"]}"#);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 3));
        let _ = json::walk(&bytes, &mut Visits::default());
        let _ = protobuf::traces(&bytes, &mut Visits::default());
    }
}
