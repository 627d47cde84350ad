//! Saved traces: what each kind of file gives, and what is said of those that give nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use jwtrail::otlp::files::{Damaged, FileReport, Format, Found, Place, ReadError, expand, read, read_file};

use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;

use super::server::{gzip, json_request, request, zstd};
use super::support::decoder;

pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats").join(name)).unwrap()
}

/// A file that somebody published; the long ones are cut to their first records.
pub(crate) fn public(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/public").join(name)).unwrap()
}

fn read_bytes(bytes: &[u8]) -> Result<FileReport, ReadError> {
    let mut spans = 0;
    let report = read(bytes, "FILE", &decoder(), &mut |batch| spans += batch.spans.len() as u64)?;
    assert_eq!(report.spans, spans, "what is reported was handed over");
    Ok(report)
}

fn report(bytes: &[u8]) -> FileReport {
    read_bytes(bytes).unwrap()
}

fn complaint(bytes: &[u8]) -> String {
    let error = read_bytes(bytes).unwrap_err().to_string();
    error.strip_prefix("no span in FILE: expected OTLP traces (JSON or protobuf), found ").unwrap_or(&error).to_owned()
}

pub(crate) fn delimited(records: &[&[u8]]) -> Vec<u8> {
    let prefixed = |record: &&[u8]| [&u32::try_from(record.len()).unwrap().to_be_bytes(), *record].concat();
    records.iter().flat_map(prefixed).collect()
}

#[test]
fn every_otlp_shaped_export_gives_its_span() {
    for name in [
        "aspire-trace.json",
        "collector-file.jsonl",
        "grafana-download.json",
        "java-logging-otlp.jsonl",
        "otel-gui-export.json",
        "tempo-v1.json",
        "tempo-v2.json",
    ] {
        let bytes = sample(name);
        let plain = report(&bytes);
        assert_eq!(
            (plain.format, plain.spans, plain.damaged_total, plain.truncated),
            (Format::JsonLines, 1, 0, None),
            "{name}"
        );
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let pretty = report(&serde_json::to_vec_pretty(&document).unwrap());
        assert_eq!((pretty.format, pretty.spans), (Format::JsonDocument, 1), "{name}");
        assert_eq!(report(&gzip(&bytes)), plain, "{name}");
        assert_eq!(report(&zstd(&gzip(&bytes))), plain, "{name}");
    }
}

#[test]
fn protobuf_is_read_bare_and_behind_lengths() {
    let bare = report(&request(7, 1));
    assert_eq!((bare.format, bare.records, bare.spans, bare.rejected), (Format::Protobuf, 1, 6, 1));
    let many =
        [request(3, 0), zstd(&request(2, 0)), json_request(1, 0).into_bytes(), zstd(json_request(1, 0).as_bytes())];
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let records = delimited(&many);
    let found = report(&records);
    assert_eq!((found.format, found.records, found.spans), (Format::DelimitedProtobuf, 4, 7));
    assert_eq!(report(&zstd(&records)), found);
}

#[test]
fn a_bare_request_of_any_size_is_not_taken_for_text() {
    // Its first bytes are a line feed and a length, which may be an opening brace or bracket.
    let mut data = TracesData::decode(&*request(1, 0)).unwrap();
    for length in 0..300 {
        data.resource_spans[0].schema_url = "s".repeat(length);
        assert_eq!(report(&data.encode_to_vec()).format, Format::Protobuf, "{length}");
    }
}

#[test]
fn lines_of_other_signals_are_no_damage() {
    let lines = [
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m"}]}]}]}"#,
        &json_request(2, 0),
        "",
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#,
    ];
    let found = report(lines.join("\r\n").as_bytes());
    assert_eq!((found.records, found.spans, found.damaged_total, found.truncated), (3, 2, 0, None));
}

#[test]
fn a_damaged_line_is_named_and_the_rest_is_read() {
    let good = json_request(1, 0);
    let lines = [&good, "oops", &good[..40], r#"{"resourceSpans":7}"#, &good, &good[..60]].join("\n");
    let found = report(lines.as_bytes());
    assert_eq!((found.records, found.spans, found.damaged_total), (2, 2, 3));
    assert_eq!(found.truncated, Some(Place::Line(6)), "a file still being written ends anywhere");
    let why = "malformed JSON at byte 17: expected a list, found a number".to_owned();
    assert_eq!(found.damaged[2], Damaged { place: Place::Line(4), why });
    assert!(found.damaged[0].to_string().starts_with("line 2: malformed JSON at byte 0"), "{}", found.damaged[0]);
    let first_cut = format!("{}\n{good}", &good[..40]);
    let found = report(first_cut.as_bytes());
    assert_eq!((found.format, found.spans, found.damaged_total), (Format::JsonLines, 1, 1));
}

#[test]
fn named_damage_is_capped_and_counted() {
    let lines = format!("{}\n{}", json_request(1, 0), "oops\n".repeat(5_000));
    let found = report(lines.as_bytes());
    assert_eq!((found.damaged.len(), found.damaged_total), (20, 5_000));
}

#[test]
fn damaged_and_cut_off_records_of_a_binary_file_are_named_by_offset() {
    let (good, damaged) = (request(1, 0), [&b"\x0a\xff"[..], &[b'x'; 20]].concat());
    let mut bytes = delimited(&[&good, &damaged, &good]);
    let second = 4 + good.len() as u64;
    let found = report(&bytes);
    assert_eq!((found.records, found.damaged_total, found.damaged[0].place), (2, 1, Place::Byte(second)));
    bytes.truncate(bytes.len() - 3);
    let found = report(&bytes);
    assert_eq!((found.spans, found.truncated), (1, Some(Place::Byte(second + 4 + damaged.len() as u64))));
    let bogus = [delimited(&[&good]), vec![0xff; 50]].concat();
    assert!(report(&bogus).damaged[0].why.contains("the rest cannot be told apart"));
}

#[test]
fn a_packed_file_that_ends_early_keeps_what_came_before() {
    let mut lines = String::new();
    for id in 0..20_000_u32 {
        lines += &json_request(1, 0).replace("0101", &format!("{:04x}", id % 65_521));
        lines.push('\n');
    }
    let packed = gzip(lines.as_bytes());
    let found = report(&packed[..packed.len() / 2]);
    assert!(found.spans > 1_000, "{}", found.spans);
    assert!(found.damaged.iter().any(|damaged| damaged.why.contains("cut off")), "{:?}", found.damaged);
}

#[test]
fn lines_behind_a_log_prefix_are_found_among_others() {
    let log = format!(
        "Picked up JAVA_TOOL_OPTIONS\n[otel] INFO exporter - {}\nStarted in 2 s\n[otel] INFO - {}\n",
        String::from_utf8(sample("java-logging-otlp.jsonl")).unwrap().trim(),
        json_request(2, 0)
    );
    let found = report(log.as_bytes());
    assert_eq!((found.spans, found.damaged_total), (3, 0));
    let bracketed = log.split_once('\n').unwrap().1;
    assert!(bracketed.starts_with("[otel] INFO"));
    assert_eq!(report(bracketed.as_bytes()), found);
}

#[test]
fn a_file_without_a_span_is_an_error_that_says_what_it_seems_to_be() {
    for (bytes, seems) in [
        (Vec::new(), "an empty file".to_owned()),
        (b" \n\n".to_vec(), "nothing but white space".to_owned()),
        (b"hello, world\n".to_vec(), "text that is no JSON".to_owned()),
        (b"[section]\nkey = 1\n".to_vec(), "text that is no JSON".to_owned()),
        (b"\nhello, world\n".to_vec(), "text that is no JSON".to_owned()),
        (b"<html></html>".to_vec(), "HTML or XML".to_owned()),
        (b"PK\x03\x04zip".to_vec(), "a zip archive: unpack it first".to_owned()),
        (vec![0x89, 0xff, 0, 1, 2, 3], "binary data of an unknown format".to_owned()),
        (b"[]".to_vec(), "an empty JSON list".to_owned()),
        (b"[[]]".to_vec(), "an empty JSON list".to_owned()),
        (b"{\"resourceSpans\":[]}".to_vec(), "OTLP traces that are empty".to_owned()),
        (b"{\"resourceMetrics\":[]}\n{\"resourceMetrics\":[]}".to_vec(), "OTLP metrics without traces".to_owned()),
        (b"{\"name\":\"package.json\"}".to_vec(), "JSON of another shape".to_owned()),
        (
            br#"[{"parent":"a","child":"b","callCount":3}]"#.to_vec(),
            "a dependency list, which holds no spans: only `graph` reads it".to_owned(),
        ),
        (
            request(3, 3),
            "3 spans, none of which can be taken: their ids are missing or of a wrong length, or a value is of a wrong kind"
                .to_owned(),
        ),
    ] {
        assert_eq!(complaint(&bytes), seems);
    }
    let dependencies = complaint(&public("jaeger-dependencies.json"));
    assert_eq!(dependencies, "a dependency list, which holds no spans: only `graph` reads it");
    let cut = complaint(b"{\"resourceSpans\":[oops]}");
    assert!(cut.starts_with("OTLP traces that are empty; line 1: malformed JSON at byte 18"), "{cut}");
}

#[test]
fn a_single_record_that_is_cut_off_is_not_called_empty() {
    let line = json_request(1, 0);
    assert_eq!(complaint(&line.as_bytes()[..60]), "OTLP traces cut off before the first span (line 1)");
    let document = "{\n \"resourceSpans\": [\n  {\"resource\": {},";
    assert_eq!(complaint(document.as_bytes()), "OTLP traces cut off before the first span (line 3)");
    let jaeger = sample("jaeger-ui.json");
    assert_eq!(complaint(&jaeger[..200]), "Jaeger traces cut off before the first span (line 1)");
    assert_eq!(complaint(&request(2, 0)[..30]), "one protobuf message that is cut off (byte 0)");
    let cut = &delimited(&[&request(2, 0)])[..30];
    assert_eq!(complaint(cut), "length-delimited protobuf messages that are cut off before the first span (byte 0)");
}

#[test]
fn a_folder_stands_for_the_files_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("b/c")).unwrap();
    std::fs::create_dir(at(".git")).unwrap();
    for name in ["z.json", "a.json", "b/c/d.json", "b/a.json", ".hidden", ".git/x.json"] {
        std::fs::write(at(name), request(1, 0)).unwrap();
    }
    let (missing, one) = (at("missing"), at("z.json"));
    let found = expand(&[missing.clone(), folder.path().to_owned(), one.clone(), "-".into()]);
    let named = |path: PathBuf| Found { path, named: true };
    let inside = |name: &str| Found { path: at(name), named: false };
    let list = [inside("a.json"), inside("b/a.json"), inside("b/c/d.json"), inside("z.json")];
    assert_eq!(found.files, [&[named(missing)], &list[..], &[named(one), named("-".into())]].concat());
    assert!(found.passed_over.is_empty());
    let deep = (0..20).fold(at("deep"), |path, _| path.join("d"));
    std::fs::create_dir_all(&deep).unwrap();
    let passed_over = expand(&[folder.path().to_owned()]).passed_over;
    assert!(passed_over.len() == 1 && passed_over[0].ends_with(": more than 16 folders deep"), "{passed_over:?}");
}

#[test]
fn a_missing_file_is_named() {
    let error = read_file(Path::new("/nowhere/trace.json"), &decoder(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("cannot open /nowhere/trace.json: "), "{error}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&request(2, 0)).unwrap();
    assert_eq!(read_file(file.path(), &decoder(), &mut |_| {}).unwrap().spans, 2);
}
