//! Where records begin and end, whatever the size of what is read at once.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jwtrail::model::{Arrived, Batch};
use jwtrail::otlp::files::{FileReport, Format, Options, Place, Progress, read_with};
use jwtrail::otlp::{Decode, DecodeError, Encoding, Signal};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::files::{delimited, public, sample};
use super::server::{gzip, json_request, request, zstd};
use super::support::{decoder, resource};

/// Decodes nothing: each record comes back as the name of a span.
struct Echo;

impl Decode for Echo {
    fn decode(&self, _: Signal, encoding: Encoding, body: &[u8]) -> Result<Batch, DecodeError> {
        let mut span = Arrived::new(resource(), Arc::from("scope"));
        span.name = Arc::from(format!("{encoding:?} {}", String::from_utf8_lossy(body)));
        Ok(Batch { spans: vec![span], bytes: body.len(), ..Batch::default() })
    }
}

/// Gives a few bytes at a time, like a pipe.
struct Drip<'a> {
    left: &'a [u8],
    most: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.most.min(into.len()).min(self.left.len());
        into[..length].copy_from_slice(&self.left[..length]);
        self.left = &self.left[length..];
        Ok(length)
    }
}

/// So small that even short texts are split, and several threads decode.
fn small() -> Options<'static> {
    Options { threads: 3, window: 200, piece: 300, job: 500, ..Options::default() }
}

fn names(bytes: &[u8], decoder: &dyn Decode, options: &Options<'_>, most: usize) -> (Vec<String>, FileReport) {
    let mut names = Vec::new();
    let mut each = |batch: Batch| {
        names.extend(batch.spans.iter().map(|span| format!("{:?} {} {}", span.trace_id, span.span_id, span.name)));
    };
    let report = read_with(Drip { left: bytes, most }, "FILE", decoder, options, &mut each).unwrap();
    (names, report)
}

/// The records of a text, each with its encoding.
fn records(bytes: &[u8]) -> Vec<(String, Value)> {
    let mut records = Vec::new();
    let mut each = |batch: Batch| {
        for span in batch.spans {
            let (encoding, text) = span.name.split_once(' ').unwrap();
            records.push((encoding.to_owned(), serde_json::from_str(text).unwrap()));
        }
    };
    read_with(bytes, "FILE", &Echo, &Options::default(), &mut each).unwrap();
    records
}

fn parsed(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap()
}

/// A group of one resource with so many spans, its resource and scope first.
fn long_group(resource: &str, spans: usize) -> String {
    let span = |i: usize| format!(r#"{{"traceId":"{}","spanId":"{:016x}","name":"n {i}"}}"#, "01".repeat(16), i + 1);
    let spans: Vec<String> = (0..spans).map(span).collect();
    format!(
        r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{resource}"}}}}]}},"scopeSpans":[{{"scope":{{"name":"s"}},"spans":[{}]}}],"schemaUrl":"u"}}"#,
        spans.join(",")
    )
}

#[test]
fn a_record_is_what_the_decoder_takes() {
    let otlp = |value: &Value| ("Json".to_owned(), value.clone());
    let pretty_records = |name: &str| records(&pretty(&parsed(name)));
    for name in ["collector-file.jsonl", "aspire-trace.json"] {
        assert_eq!(pretty_records(name), [otlp(&parsed(name)["resourceSpans"][0])], "{name}");
    }
    for name in ["grafana-download.json", "tempo-v1.json"] {
        assert_eq!(pretty_records(name), [otlp(&parsed(name)["batches"][0])], "{name}");
    }
    let tempo = parsed("tempo-v2.json");
    assert_eq!(pretty_records("tempo-v2.json"), [otlp(&tempo["trace"]["resourceSpans"][0])]);
    let gui = parsed("otel-gui-export.json");
    assert_eq!(pretty_records("otel-gui-export.json"), [otlp(&gui["traces"][0]["resourceSpans"][0])]);
    assert_eq!(pretty_records("java-logging-otlp.jsonl"), [otlp(&parsed("java-logging-otlp.jsonl"))]);
}

#[test]
fn jaeger_comes_trace_by_trace_and_zipkin_span_by_span() {
    let jaeger = |value: &Value| ("JaegerJson".to_owned(), value.clone());
    let zipkin = |value: &Value| ("ZipkinJson".to_owned(), value.clone());
    let download = parsed("jaeger-ui.json");
    assert_eq!(records(&sample("jaeger-ui.json")), [jaeger(&download["data"][0])]);
    let two = json!({"data": [download["data"][0], download["data"][0]], "total": 0});
    assert_eq!(records(&pretty(&two)).len(), 2);
    let bare: Value = serde_json::from_slice(&public("jaeger-trace.json")).unwrap();
    assert_eq!(records(&public("jaeger-trace.json")), [jaeger(&bare)]);
    assert_eq!(records(format!("{bare}\n{bare}\n").as_bytes()), [jaeger(&bare), jaeger(&bare)]);
    for name in ["zipkin-yelp.json", "zipkin-envoy.json", "zipkin-skew.json", "zipkin-messaging-kafka.json"] {
        let list: Value = serde_json::from_slice(&public(name)).unwrap();
        let spans: Vec<_> = list.as_array().unwrap().iter().map(zipkin).collect();
        assert_eq!(records(&public(name)), spans, "{name}");
        let api = json!([list, list]);
        assert_eq!(records(&pretty(&api)).len(), 2 * spans.len(), "{name}");
        assert_eq!(records(api.to_string().as_bytes()).len(), 2 * spans.len(), "{name}");
    }
}

#[test]
fn one_document_holds_spans_and_logs() {
    let text = json!({
        "resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": []}]}],
        "resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": []}]}],
        "resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [{"name": "m"}]}]}],
    });
    let records = records(&pretty(&text));
    let found: Vec<&Value> = records.iter().map(|(_, value)| value).collect();
    assert_eq!(found, [&text["resourceSpans"][0], &text["resourceLogs"][0]]);
}

#[test]
fn a_long_group_goes_on_under_the_same_resource_and_scope() {
    let text = format!(r#"{{"resourceSpans":[{},{}]}}"#, long_group("cart", 100), long_group("shop", 3));
    for text in [text.clone(), text.replace("},{", "},\n{")] {
        let (names, report) = names(text.as_bytes(), &Echo, &Options { window: 1_000, ..small() }, 64);
        assert!(report.records > 10 && report.damaged_total == 0, "{report:?}");
        let mut spans = Vec::new();
        for name in &names {
            let piece: Value = serde_json::from_str(name.split_once("Json ").unwrap().1).unwrap();
            assert_eq!(piece["scopeSpans"][0]["scope"], json!({"name": "s"}));
            let service = &piece["resource"]["attributes"][0]["value"]["stringValue"];
            let list = piece["scopeSpans"][0]["spans"].as_array().unwrap();
            spans.extend(list.iter().map(|span| format!("{service} {}", span["name"])));
            assert!(name.len() < 700, "{}", name.len());
        }
        let of = |service: &str, count: usize| -> Vec<String> {
            (0..count).map(|i| format!("\"{service}\" \"n {i}\"")).collect()
        };
        assert_eq!(spans, [of("cart", 100), of("shop", 3)].concat());
    }
}

#[test]
fn a_resource_behind_its_spans_keeps_them_in_one_record_up_to_the_bound() {
    let group: Value = serde_json::from_str(&long_group("cart", 50)).unwrap();
    let behind = json!({"scopeSpans": group["scopeSpans"], "resource": group["resource"]});
    let text = pretty(&json!({"resourceSpans": [behind, serde_json::from_str::<Value>(&long_group("a", 1)).unwrap()]}));
    let options = Options { piece: 1_000, ..small() };
    let (_, report) = names(&text, &decoder(), &options, 64);
    assert_eq!((report.records, report.spans), (2, 51));
    let (_, report) = names(&text, &decoder(), &Options { record: 2_000, ..options }, 64);
    assert_eq!((report.records, report.spans, report.damaged_total), (1, 1, 1));
    assert_eq!(
        report.damaged[0].to_string(),
        "line 3: expected a record of at most 2000 bytes, found a longer one: raise --memory"
    );
}

/// Texts of every layout, with the number of their spans.
fn texts() -> Vec<(&'static str, Vec<u8>, u64)> {
    texts_of(8)
}

/// The same with so many groups and requests.
fn texts_of(count: u8) -> Vec<(&'static str, Vec<u8>, u64)> {
    let in_groups = u64::from(count) * u64::from(count - 1) / 2;
    let in_requests = u64::from(count) * u64::from(count + 1) / 2;
    let groups = |n: usize| (0..n).map(|i| long_group("cart", i)).collect::<Vec<_>>().join(",\n  ");
    let document = format!("{{\n \"resourceSpans\": [{}]\n}}\n", groups(usize::from(count)));
    let lines: Vec<String> = (1..=count).map(|i| json_request(i, 0)).collect();
    let long_line = format!(r#"{{"resourceSpans":[{}]}}"#, groups(usize::from(count)).replace('\n', ""));
    let log: Vec<String> = lines.iter().map(|line| format!("started\n[otel] INFO - {line}\n")).collect();
    let messages: Vec<Vec<u8>> = (1..=count).map(|i| request(i, 0)).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    vec![
        ("document", document.clone().into_bytes(), in_groups),
        ("documents", document.repeat(2).into_bytes(), 2 * in_groups),
        ("marked", format!("\u{feff}{document}").into_bytes(), in_groups),
        ("lines", lines.join("\n").into_bytes(), in_requests),
        ("crlf", format!("\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes(), in_requests),
        ("long line", format!("{long_line}\n{}\n{long_line}", json_request(1, 0)).into_bytes(), 2 * in_groups + 1),
        ("log", log.concat().into_bytes(), in_requests),
        ("bare", messages.concat(), in_requests),
        ("delimited", delimited(&messages), in_requests),
    ]
}

#[test]
fn every_layout_gives_its_spans_however_it_is_cut() {
    for (name, text, spans) in texts() {
        let whole = names(&text, &decoder(), &Options::default(), usize::MAX);
        assert_eq!((whole.1.spans, whole.1.damaged_total, whole.1.truncated), (spans, 0, None), "{name}");
        for most in [1, 2, 3, 7, 63, 64, 199, 5_000] {
            let cut = names(&text, &decoder(), &small(), most);
            assert_eq!((&cut.0, cut.1.damaged_total, cut.1.truncated), (&whole.0, 0, None), "{name} by {most}");
        }
        for packed in
            [gzip(&text), zstd(&text), [zstd(&text[..text.len() / 2]), zstd(&text[text.len() / 2..])].concat()]
        {
            assert_eq!(names(&packed, &decoder(), &small(), 100).0, whole.0, "{name} packed");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sizes_move_no_record(
        most in 1_usize..400, window in 100_usize..2_000, job in 0_usize..2_000, threads in 1_usize..5, which in 0_usize..9,
    ) {
        let (_, text, _) = &texts()[which];
        let whole = names(text, &decoder(), &Options::default(), usize::MAX).0;
        let options = Options { threads, window, job, piece: window, ..Options::default() };
        prop_assert_eq!(names(text, &decoder(), &options, most).0, whole);
    }

    #[test]
    fn a_document_and_its_lines_are_alike(sizes in proptest::collection::vec(0_usize..40, 1..12), window in 100_usize..2_000) {
        let groups: Vec<String> = sizes.iter().map(|spans| long_group("cart", *spans)).chain([long_group("x", 1)]).collect();
        let lines: Vec<String> = groups.iter().map(|group| format!(r#"{{"resourceSpans":[{group}]}}"#)).collect();
        let document: Value = serde_json::from_str(&format!(r#"{{"resourceSpans":[{}]}}"#, groups.join(","))).unwrap();
        let options = Options { window, piece: window, threads: 2, ..Options::default() };
        let of = |text: &[u8]| names(text, &decoder(), &options, 1_000).0;
        let expected = of(lines.join("\n").as_bytes());
        prop_assert_eq!(&of(&pretty(&document)), &expected);
        prop_assert_eq!(&of(document.to_string().as_bytes()), &expected);
    }
}

#[test]
fn a_file_cut_anywhere_gives_what_came_before() {
    for (name, text, spans) in texts_of(3) {
        let mut before = 0;
        for end in 0..text.len() {
            let mut found = 0;
            let mut each = |batch: Batch| found += batch.spans.len() as u64;
            match read_with(&text[..end], "FILE", &decoder(), &Options { piece: 300, ..Options::default() }, &mut each)
            {
                Ok(report) => assert!(report.damaged_total == 0, "{name} at {end}: {:?}", report.damaged),
                Err(error) => assert_eq!(found, 0, "{name} at {end}: {error}"),
            }
            assert!((before..=spans).contains(&found), "{name} at {end}: {found} after {before}");
            before = found;
        }
    }
}

#[test]
fn samples_cut_or_bent_anywhere_do_no_harm() {
    let files: Vec<Vec<u8>> = ["aspire-trace.json", "jaeger-ui.json", "otel-gui-export.json", "zipkin-v2.json"]
        .iter()
        .map(|name| sample(name))
        .collect();
    for text in files {
        for at in 0..text.len() {
            let mut bent = text.clone();
            for byte in *b"\"{],\\\n" {
                bent[at] = byte;
                let mut spans = 0;
                let mut each = |batch: Batch| spans += batch.spans.len();
                drop(read_with(&*bent, "FILE", &Echo, &Options::default(), &mut each));
                assert!(spans <= 4, "{spans}");
            }
            drop(read_with(&text[..at], "FILE", &Echo, &Options::default(), &mut |_| {}));
        }
    }
}

#[test]
fn damage_within_a_document_is_named_by_line_and_the_rest_is_read() {
    let group = |name: &str| long_group(name, 1);
    let bad = group("b").replace("\"n 0\"", "{\"no\": oops}");
    let text = format!("{{\"resourceSpans\": [\n{},\n{bad},\n7,\n{}\n]}}\n", group("a"), group("c"));
    let (_, report) = names(text.as_bytes(), &decoder(), &Options::default(), usize::MAX);
    let places: Vec<Place> = report.damaged.iter().map(|damaged| damaged.place).collect();
    assert_eq!((report.format, report.spans, places), (Format::JsonDocument, 2, vec![Place::Line(3), Place::Line(4)]));
    let offset = text.find("oops").unwrap();
    assert!(report.damaged[0].why.starts_with(&format!("malformed JSON at byte {offset}: ")), "{}", report.damaged[0]);
    let broken = format!("{{\"resourceSpans\": [\n{} oops\n]}}\n{text}", group("a"));
    let (_, report) = names(broken.as_bytes(), &decoder(), &Options::default(), usize::MAX);
    assert_eq!((report.spans, report.damaged_total), (3, 3), "{report:?}");
    assert_eq!(report.damaged[0].place, Place::Line(2));
}

#[test]
fn a_document_that_is_cut_off_keeps_its_whole_spans() {
    let text = format!("{{\"resourceSpans\": [\n{}\n]}}", long_group("cart", 10));
    let cut = &text[..text.find("\"n 7\"").unwrap()];
    let (_, report) = names(cut.as_bytes(), &decoder(), &Options::default(), usize::MAX);
    assert_eq!((report.spans, report.damaged_total, report.truncated), (7, 0, Some(Place::Line(2))));
}

#[test]
fn nesting_without_end_costs_neither_stack_nor_time() {
    let good = long_group("cart", 1);
    for deep in ["[".repeat(1_000_000), "{\"a\":".repeat(300_000), "[{\"trace\":".repeat(200_000)] {
        let text = format!("{{\"resourceSpans\":[{good}],\"x\":{deep}");
        let (_, report) = names(text.as_bytes(), &decoder(), &small(), usize::MAX);
        assert_eq!((report.spans, report.truncated.is_some()), (1, true));
        let text = format!("{good}\n{deep}\n{good}\n");
        let (_, report) = names(text.as_bytes(), &decoder(), &small(), usize::MAX);
        assert_eq!((report.spans, report.damaged_total), (2, 1), "{:?}", report.damaged);
    }
    let closed = format!("{}{}\n{good}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let (_, report) = names(closed.as_bytes(), &decoder(), &small(), usize::MAX);
    assert_eq!((report.spans, report.damaged_total), (1, 1));
}

#[test]
fn what_is_read_is_counted_as_it_lies_on_the_disk() {
    let text = zstd(&texts()[3].1.repeat(100));
    let progress = Progress::default();
    progress.expect(text.len() as u64);
    let options = Options { progress: Some(&progress), ..small() };
    names(&text, &decoder(), &options, 50);
    assert_eq!((progress.read(), progress.total()), (text.len() as u64, Some(text.len() as u64)));
    assert_eq!(Progress::default().total(), None);
}

/// Fails as no decoder should.
struct Panics;

impl Decode for Panics {
    fn decode(&self, _: Signal, _: Encoding, _: &[u8]) -> Result<Batch, DecodeError> {
        panic!("a decoder that fails")
    }
}

#[test]
fn a_panic_ends_the_reading_and_no_thread_waits_for_it() {
    let text = texts()[3].1.repeat(400);
    let reading = |decoder: &dyn Decode, each: &mut dyn FnMut(Batch)| {
        drop(read_with(&*text, "FILE", decoder, &small(), each));
    };
    assert!(catch_unwind(AssertUnwindSafe(|| reading(&Panics, &mut |_| {}))).is_err());
    let caller = || reading(&decoder(), &mut |_| panic!("a caller that fails"));
    assert!(catch_unwind(AssertUnwindSafe(caller)).is_err());
}

/// What editors, other systems and writers that crash leave behind.
#[test]
fn damage_between_documents_costs_none_of_them() {
    let line = |spans| json_request(spans, 0);
    let sound = format!("{}\n{}\n{}\n", line(1), line(2), line(3));
    let whole = names(sound.as_bytes(), &decoder(), &Options::default(), usize::MAX);
    let blanks = "\n \n".repeat(1_000);
    for (what, text) in [
        ("line feeds that are lost", sound.replace('\n', "")),
        ("carriage returns in their place", sound.replace('\n', "\r")),
        ("more white space than a window takes", format!("{blanks}{sound}{blanks}")),
        ("empty lines", sound.replace('\n', &"\n".repeat(1_000))),
    ] {
        for options in [Options::default(), Options { window: 900, ..Options::default() }] {
            let (read, report) = names(text.as_bytes(), &decoder(), &options, usize::MAX);
            assert_eq!((read, report.damaged_total, report.truncated), (whole.0.clone(), 0, None), "{what}");
        }
    }
    let torn = format!("{}{}", line(1), line(2)).replacen("}{", "}x{", 1);
    let error = read_with(torn.as_bytes(), "FILE", &decoder(), &Options::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("expected the end of the document"), "{error}");
}

/// What is wrong is said, and what to do.
#[test]
fn what_cannot_be_unpacked_or_is_no_utf_8_is_named() {
    let told = |bytes: &[u8]| {
        read_with(bytes, "FILE", &decoder(), &Options::default(), &mut |_| {})
            .map_or_else(|error| error.to_string(), |report| report.damaged[0].to_string())
    };
    // A frame whose header asks for a window of 2 GiB (RFC 8878).
    let wide = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 0x03, 0, 0, b' '];
    assert!(told(&wide).contains("window of more than 128 MiB: unpack it first"), "{}", told(&wide));
    let behind = [zstd(json_request(1, 0).as_bytes()), wide.to_vec()].concat();
    assert!(told(&behind).contains("window of more than 128 MiB: unpack it first"), "{}", told(&behind));
    assert!(told(&gzip(b"{}")[..12]).contains("damaged or cut off"), "{}", told(&gzip(b"{}")[..12]));
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let text: Vec<u8> = json_request(1, 0).encode_utf16().flat_map(bytes).collect();
        assert!(told(&text).contains("UTF-16 text: save it as UTF-8"), "{}", told(&text));
    }
    assert!(told(&b"\n".repeat(1 << 21)).contains("nothing but white space"));
}
