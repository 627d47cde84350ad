//! Files of every format, from the bytes on the disk to spans: what each holds, packed and printed anyhow.

use std::path::{Path, PathBuf};
use std::process::Command;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch};
use jwtrail::otlp::Decode;
use jwtrail::otlp::files::{FileReport, Format, Options, Place, read_file, read_with};

use crate::otlp::gzip;
use crate::trail::support::{decoder, runs};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Each file with its format and the number of its spans.
const FILES: [(&str, Format, u64); 22] = [
    ("formats/aspire-trace.json", Format::JsonLines, 1),
    ("formats/collector-file.jsonl", Format::JsonLines, 1),
    ("formats/grafana-download.json", Format::JsonLines, 1),
    ("formats/java-logging-otlp.jsonl", Format::JsonLines, 1),
    ("formats/otel-gui-export.json", Format::JsonLines, 1),
    ("formats/tempo-v1.json", Format::JsonLines, 1),
    ("formats/tempo-v2.json", Format::JsonLines, 1),
    ("formats/jaeger-ui.json", Format::Jaeger, 1),
    ("formats/zipkin-v2.json", Format::Zipkin, 1),
    ("formats/drop-in-fanout.jaeger.json", Format::Jaeger, 37),
    ("formats/drop-in-fanout.zipkin.json", Format::Zipkin, 37),
    ("public/otlp-trace.json", Format::JsonDocument, 1),
    ("public/otel-demo-mixed.jsonl", Format::JsonLines, 11),
    ("public/jaeger-trace.json", Format::Jaeger, 11),
    ("public/zipkin-ascend.json", Format::Zipkin, 8),
    ("public/zipkin-envoy.json", Format::Zipkin, 1),
    ("public/zipkin-messaging-kafka.json", Format::Zipkin, 28),
    ("public/zipkin-messaging2.json", Format::Zipkin, 11),
    ("public/zipkin-simple-db-p6.json", Format::Zipkin, 5),
    ("public/zipkin-skew.json", Format::Zipkin, 4),
    ("public/zipkin-smartthings-mobile-web-install.json", Format::Zipkin, 12),
    ("public/zipkin-yelp.json", Format::Zipkin, 16),
];

fn spans(bytes: &[u8], decoder: &dyn Decode, options: &Options<'_>) -> (Vec<Arrived>, FileReport) {
    let mut spans = Vec::new();
    let mut each = |batch: Batch| spans.extend(batch.spans);
    let report = read_with(bytes, "FILE", decoder, options, &mut each).unwrap();
    (spans, report)
}

#[test]
fn every_file_gives_all_its_spans() {
    let decoder = decoder(&Policy::default(), &[]);
    for (name, format, count) in FILES {
        let bytes = std::fs::read(data(name)).unwrap();
        let (whole, report) = spans(&bytes, decoder.as_ref(), &Options::default());
        let found = (report.format, report.spans, report.rejected, report.damaged_total, report.truncated);
        assert_eq!(found, (format, count, 0, 0, None), "{name}");
        let small = Options { threads: 2, window: 1_000, piece: 1_000, job: 1_000, ..Options::default() };
        for (bytes, options) in [(gzip(&bytes), Options::default()), (bytes, small)] {
            assert_eq!(spans(&bytes, decoder.as_ref(), &options).0, whole, "{name}");
        }
    }
}

#[test]
fn a_file_over_many_lines_gives_the_same_spans() {
    let decoder = decoder(&Policy::default(), &[]);
    for (name, _, _) in FILES.iter().filter(|(_, format, _)| *format != Format::JsonLines) {
        let bytes = std::fs::read(data(name)).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let (whole, _) = spans(&bytes, decoder.as_ref(), &Options::default());
        for text in [serde_json::to_vec_pretty(&document).unwrap(), document.to_string().into_bytes()] {
            assert_eq!(spans(&text, decoder.as_ref(), &Options::default()).0, whole, "{name}");
        }
    }
}

#[test]
fn ids_of_no_known_kind_are_counted() {
    let decoder = decoder(&Policy::default(), &[]);
    let bytes = std::fs::read(data("public/jaeger-trace.json")).unwrap();
    let (_, report) = spans(&bytes, decoder.as_ref(), &Options::default());
    assert_eq!((report.spans, report.hashed_ids), (11, 11));
}

#[test]
fn recorded_runs_read_alike_on_one_thread_and_on_several() {
    let decoder = decoder(&Policy::default(), &[]);
    let run = runs("drop-in-fanout.jsonl");
    let report = read_file(&run, decoder.as_ref(), &mut |_| {}).unwrap();
    let bytes = std::fs::read(&run).unwrap().repeat(40);
    let one = Options { threads: 1, window: 32 << 20, ..Options::default() };
    let several = Options { threads: 4, window: 8 << 10, job: 8 << 10, piece: 4 << 10, ..Options::default() };
    let (whole, _) = spans(&bytes, decoder.as_ref(), &one);
    assert_eq!(whole.len() as u64, 40 * report.spans);
    assert_eq!(spans(&bytes, decoder.as_ref(), &several).0, whole);
}

#[test]
fn a_damaged_span_or_trace_costs_no_other() {
    let decoder = decoder(&Policy::default(), &[]);
    for (name, value, line, lost) in [
        ("public/zipkin-yelp.json", "1571896375322000", 8, 1),
        ("formats/drop-in-fanout.jaeger.json", "1795448790901518", 1, 13),
    ] {
        let text = String::from_utf8(std::fs::read(data(name)).unwrap()).unwrap();
        let (_, whole) = spans(text.as_bytes(), decoder.as_ref(), &Options::default());
        let bent = text.replacen(value, "oops", 1);
        let (_, found) = spans(bent.as_bytes(), decoder.as_ref(), &Options::default());
        assert_eq!((found.spans, found.damaged_total), (whole.spans - lost, 1), "{name}: {:?}", found.damaged);
        assert_eq!(found.damaged[0].place, Place::Line(line), "{name}");
    }
}

#[test]
fn a_folder_is_checked_with_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("more")).unwrap();
    for (name, from) in [("a.zipkin", "formats/drop-in-fanout.zipkin.json"), ("more/b", "public/zipkin-yelp.json")] {
        std::fs::copy(data(from), at(name)).unwrap();
    }
    std::fs::write(at("notes\u{1b}[31m.txt"), "no traces").unwrap();
    let run = |args: &[&std::ffi::OsStr]| {
        let mut check = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
        check.args(["check", "--format", "json"]).args(args).current_dir(folder.path()).output().unwrap()
    };
    let found = run(&[folder.path().as_os_str()]);
    let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(report["input"]["spans"], 37 + 16, "{}", report["input"]);
    let notes = String::from_utf8(found.stderr).unwrap();
    assert!(notes.contains("found text that is no JSON: left out") && !notes.contains('\u{1b}'), "{notes}");
    assert_eq!(run(&[at("notes\u{1b}[31m.txt").as_os_str()]).status.code(), Some(2));
    assert_eq!(run(&[at("missing").as_os_str(), at("a.zipkin").as_os_str()]).status.code(), Some(2));
}
