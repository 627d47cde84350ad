//! Inputs larger than memory: what goes through the disk is judged as what stays in memory, to the last byte.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch, Hop, LogRecord, UnixNanos};
use jwtrail::report::{self, HopSource, Input, Report};
use jwtrail::store::{Kept, Spool, SpoolOptions};
use jwtrail::trail::SavedProfile;
use jwtrail::trail::summary::Summary;
use serde_json::json;

use crate::trail::support::{policy_of, read, runs, trail};

struct Hops(Kept);

impl HopSource for Hops {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()> {
        match &self.0.sorted {
            Some(sorted) => sorted.walk(&mut |_, hops| each(&hops)),
            None => self.0.trail.walk(each),
        }
    }
}

/// Everything in memory.
fn roomy() -> SpoolOptions {
    SpoolOptions { keep: usize::MAX, ..SpoolOptions::within(1 << 30) }
}

/// Hardly anything in memory, and no bound at which something would be lost.
fn tight(keep: usize, load: usize) -> SpoolOptions {
    SpoolOptions {
        keep,
        load,
        most: usize::MAX,
        per_trace: usize::MAX,
        shelves: 3,
        block: 700,
        fan_in: 2,
        tokens: 1_000,
        threads: 2,
        folder: std::env::temp_dir(),
    }
}

/// A few spans at a time, those of one service after those of another.
fn batches(spans: &[Arrived], logs: &[LogRecord]) -> Vec<Batch> {
    let mut spans: Vec<&Arrived> = spans.iter().collect();
    spans.sort_by_key(|span| span.resource.service.clone());
    let spans = spans
        .chunks(7)
        .map(|some| Batch { spans: some.iter().map(|span| (*span).clone()).collect(), ..Batch::default() });
    let logs = logs.chunks(5).map(|some| Batch { logs: some.to_vec(), ..Batch::default() });
    logs.chain(spans).collect()
}

struct Outcome {
    report: String,
    summary: Summary,
    passes: usize,
    lost: u64,
}

fn outcome(policy: &Policy, options: SpoolOptions, batches: Vec<Batch>) -> Outcome {
    finished(Spool::new(trail(policy.clone()), options), batches)
}

fn finished(mut spool: Spool, batches: Vec<Batch>) -> Outcome {
    for batch in batches {
        spool.take(batch).unwrap();
    }
    let mut hops = Hops(spool.finish().unwrap());
    let stats = hops.0.trail.stats();
    let mut summary = hops.0.trail.summary(UnixNanos(1_800_000_000_000_000_000));
    summary.edges.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
    summary.services.sort_by(|a, b| a.name.cmp(&b.name));
    let input = Input {
        files: Vec::new(),
        spans: stats.spans,
        traces: stats.traces,
        logs: stats.logs,
        duplicates: stats.duplicates,
        rejected: 0,
        lost: stats.trace_overflow + stats.evicted_spans,
    };
    let mut report = Vec::new();
    report::json::write(&Report::new(&input, summary.clone(), &hops).unwrap(), &mut report).unwrap();
    Outcome { report: String::from_utf8(report).unwrap(), summary, passes: hops.0.passes, lost: input.lost }
}

/// Rows are long: only the first line that differs is shown.
fn assert_rows<T: std::fmt::Debug>(name: &str, expected: &[T], found: &[T]) {
    for (expected, found) in expected.iter().zip(found) {
        let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
        for (at, (expected_line, found_line)) in expected.lines().zip(found.lines()).enumerate() {
            let row: Vec<&str> =
                found.lines().skip(1).take(24).chain(found.lines().skip(at.max(4) - 4).take(4)).collect();
            assert_eq!(expected_line, found_line, "{name}: line {at} of {row:#?}");
        }
    }
    assert_eq!(expected.len(), found.len(), "{name}");
}

fn assert_same(name: &str, policy: &Policy, spans: &[Arrived], logs: &[LogRecord], options: SpoolOptions) {
    let expected = outcome(policy, roomy(), batches(spans, logs));
    assert_eq!(expected.passes, 0, "{name}: was to stay in memory");
    let found = outcome(policy, options, batches(spans, logs));
    assert!((2..=3).contains(&found.passes), "{name}: {} passes through the disk", found.passes);
    for (expected, found) in expected.report.lines().zip(found.report.lines()) {
        assert_eq!(expected, found, "{name}");
    }
    assert_eq!(expected.report.len(), found.report.len(), "{name}");
    let (expected, found) = (expected.summary, found.summary);
    assert_eq!(expected.services, found.services, "{name}");
    assert_eq!(expected.setup, found.setup, "{name}");
    assert_rows(name, &expected.edges, &found.edges);
    assert_rows(name, &expected.problems, &found.problems);
}

fn all_runs() -> Vec<std::path::PathBuf> {
    let scenarios = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut found = Vec::new();
    for folder in [runs(""), runs("shapes"), scenarios] {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.extend(files.filter(|path| path.extension().is_some_and(|ext| ext == "jsonl")));
    }
    found.sort();
    assert!(found.len() > 100, "the runs were not found");
    found
}

#[test]
fn every_run_is_judged_alike_through_the_disk() {
    for run in all_runs() {
        let (spans, logs) = read(&run);
        assert_same(&run.display().to_string(), &policy_of(&run), &spans, &logs, tight(0, 4_000));
    }
}

/// A trace alone, with what all of them had taught written beside it.
#[test]
fn a_written_profile_stays_known_through_the_disk() {
    let mut told_apart = 0;
    for run in all_runs() {
        let (spans, logs) = read(&run);
        let policy = policy_of(&run);
        let mut whole = trail(policy.clone());
        whole.ingest(Batch { spans: spans.clone(), logs: logs.clone(), ..Batch::default() }, UnixNanos::default());
        whole.settle_all();
        let profile = whole.profile();
        for trace in whole.trace_ids().into_iter().take(3) {
            let spans: Vec<Arrived> = spans.iter().filter(|span| span.trace_id == trace).cloned().collect();
            let logs: Vec<LogRecord> = logs.iter().filter(|log| log.trace_id == trace).cloned().collect();
            let judged = |options, known: Option<&SavedProfile>| {
                let mut spool = Spool::new(trail(policy.clone()), options);
                if let Some(saved) = known {
                    spool.restore_profile(saved);
                }
                finished(spool, batches(&spans, &logs)).report
            };
            let expected = judged(roomy(), Some(&profile));
            assert_eq!(judged(tight(0, 4_000), Some(&profile)), expected, "{} {trace}", run.display());
            told_apart += usize::from(judged(roomy(), None) != expected);
        }
    }
    assert!(told_apart > 0, "the profile made no difference anywhere");
}

#[test]
fn all_runs_as_one_set_are_judged_alike() {
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    for run in all_runs() {
        let (more_spans, more_logs) = read(&run);
        spans.extend(more_spans);
        logs.extend(more_logs);
    }
    assert_same("all, in parts of 20 kB", &Policy::default(), &spans, &logs, tight(10_000, 20_000));
    assert_same("all, in parts of 1 MB", &Policy::default(), &spans, &logs, tight(250_000, 1_000_000));
}

#[test]
fn what_one_trace_holds_beyond_its_bound_is_counted_as_lost() {
    let run = runs("intact.jsonl");
    let (spans, logs) = read(&run);
    let one = spans[0].trace_id;
    let more = (0..500_u32).map(|number| {
        let mut span = spans[0].clone();
        span.span_id.0[..4].copy_from_slice(&number.to_be_bytes());
        span
    });
    let spans: Vec<Arrived> = spans.iter().cloned().chain(more).collect();
    let bounded = SpoolOptions { per_trace: 20_000, ..tight(10_000, 200_000) };
    let found = outcome(&policy_of(&run), bounded, batches(&spans, &logs));
    assert!((200..500).contains(&found.lost), "{} lost", found.lost);
    assert!(found.report.contains(&format!("\"lost\":{}", found.lost)), "not said in the report");
    let others = |report: &str| -> Vec<String> {
        let of_one = format!("{{\"trace_id\":\"{one}\"");
        let hops = report.lines().filter(|line| line.starts_with("{\"trace_id\"") && !line.starts_with(&of_one));
        hops.map(|line| line.trim_end_matches([',', ']', '}']).to_owned()).collect()
    };
    let expected = outcome(&policy_of(&run), roomy(), batches(&spans, &logs));
    assert!(!others(&expected.report).is_empty());
    assert_eq!(others(&expected.report), others(&found.report), "other traces are none the worse");
}

#[test]
fn what_came_twice_takes_no_room() {
    let run = runs("intact.jsonl");
    let (spans, logs) = read(&run);
    let many: Vec<Arrived> = std::iter::repeat_n(&spans, 60).flatten().cloned().collect();
    let bounded = SpoolOptions { per_trace: 60_000, ..tight(10_000, 200_000) };
    let found = outcome(&policy_of(&run), bounded, batches(&many, &logs));
    assert_eq!(found.lost, 0);
    assert_eq!(found.report, outcome(&policy_of(&run), roomy(), batches(&many, &logs)).report);
}

/// One trace of two services, as a line of a Collector's file.
fn line(number: u64) -> String {
    let id = |salt: u64| format!("{:016x}", (number * 4 + salt + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let span = |salt: u64, parent: Option<u64>, kind: u8| {
        json!({
            "traceId": format!("{}{}", id(3), id(3)),
            "spanId": id(salt),
            "parentSpanId": parent.map(&id).unwrap_or_default(),
            "name": "GET /orders",
            "kind": kind,
            "startTimeUnixNano": (1_790_000_000_000_000_000 + number * 1_000_000 + salt).to_string(),
            "endTimeUnixNano": (1_790_000_000_000_900_000 + number * 1_000_000).to_string(),
            "attributes": [
                {"key": "http.request.method", "value": {"stringValue": "GET"}},
                {"key": "http.response.status_code", "value": {"intValue": "200"}},
                {"key": "http.request.header.authorization",
                 "value": {"arrayValue": {"values": [{"stringValue": format!("Bearer opaque-{number}")}]}}},
            ],
        })
    };
    let of = |service: &str, spans: serde_json::Value| {
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"scope": {"name": "test.http"}, "spans": spans}],
        })
    };
    let spans =
        [of("gateway", json!([span(0, None, 2), span(1, Some(0), 3)])), of("orders", json!([span(2, Some(1), 2)]))];
    json!({"resourceSpans": spans}).to_string() + "\n"
}

fn jwtrail(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.current_dir(folder).env("TMPDIR", folder).env("JWTRAIL_FP_KEY", "a key of tests alone, 32 bytes or more");
    command
}

fn check(folder: &Path, file: &Path, memory: &str) -> Output {
    jwtrail(folder).args(["check", "--format", "json", "--memory", memory]).arg(file).output().unwrap()
}

#[test]
fn a_file_that_does_not_fit_gets_the_same_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("traces.jsonl");
    std::fs::write(&file, (0..2_000).map(line).collect::<String>()).unwrap();
    let (roomy, tight) = (check(folder.path(), &file, "1GiB"), check(folder.path(), &file, "1MiB"));
    assert_eq!(roomy.status.code(), Some(0), "{}", String::from_utf8_lossy(&roomy.stderr));
    assert_eq!(tight.stderr, roomy.stderr);
    assert!(tight.stdout == roomy.stdout, "the reports differ");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
#[cfg(unix)]
fn no_folder_for_traces_that_do_not_fit_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("traces.jsonl");
    std::fs::write(&file, (0..2_000).map(line).collect::<String>()).unwrap();
    let missing = folder.path().join("missing");
    let mut command = jwtrail(folder.path());
    command.env("TMPDIR", &missing).args(["check", "--memory", "1MiB"]).arg(&file);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(missing.to_str().unwrap()), "{said}");
    assert!(said.contains("TMPDIR") && said.contains("--memory"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn killed_it_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = jwtrail(folder.path());
    command.args(["check", "-", "--memory", "1MiB"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let open = format!("/proc/{}/fd", child.id());
    let on_disk = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        target.starts_with(folder.path()) && target.to_string_lossy().ends_with("(deleted)")
    };
    // The pipe holds back what is not read yet: after enough lines the disk must have come in.
    let mut stdin = child.stdin.take().unwrap();
    let spooled = (0..100_000).any(|number| {
        stdin.write_all(line(number).as_bytes()).unwrap();
        number % 500 == 0 && std::fs::read_dir(&open).unwrap().any(|entry| on_disk(entry.unwrap()))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(spooled, "nothing went to disk");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
}
