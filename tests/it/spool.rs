//! Inputs larger than memory: what goes through the disk is judged as what stays in memory, to the last byte.

use std::io;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Batch, Hop, LogRecord, Span, UnixNanos};
use jwtrail::report::{HopSource, Input, Report, json};
use jwtrail::store::{Kept, Spool, SpoolOptions};
use jwtrail::trail::summary::Summary;

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
fn batches(spans: &[Span], logs: &[LogRecord]) -> Vec<Batch> {
    let mut spans: Vec<&Span> = spans.iter().collect();
    spans.sort_by_key(|span| span.resource.service.clone());
    let spans = spans
        .chunks(7)
        .map(|some| Batch { spans: some.iter().map(|span| Box::new((*span).clone())).collect(), ..Batch::default() });
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
    let mut spool = Spool::new(trail(policy.clone()), options);
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
    json::write(&Report::new(&input, summary.clone(), &hops).unwrap(), &mut report).unwrap();
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

fn assert_same(name: &str, policy: &Policy, spans: &[Span], logs: &[LogRecord], options: SpoolOptions) {
    let expected = outcome(policy, roomy(), batches(spans, logs));
    assert_eq!(expected.passes, 0, "{name}: was to stay in memory");
    let found = outcome(policy, options, batches(spans, logs));
    assert!(found.passes >= 2, "{name}: was to go through the disk");
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

#[test]
fn all_runs_as_one_set_are_judged_alike() {
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    for run in all_runs() {
        let (more_spans, more_logs) = read(&run);
        spans.extend(more_spans);
        logs.extend(more_logs);
    }
    assert_same("all, in parts of 20 kB", &Policy::default(), &spans, &logs, tight(10_000, 20_000));
    assert_same("all, in parts of 1 MB", &Policy::default(), &spans, &logs, tight(500_000, 1_000_000));
}
