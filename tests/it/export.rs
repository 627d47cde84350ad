//! What a screen saves: every recorded trace, written back and judged again, gives the same hops.

use std::path::{Path, PathBuf};

use jwtrail::app::profile;
use jwtrail::engine::Taken;
use jwtrail::model::policy::Policy;
use jwtrail::model::{Batch, Hop, TraceId, UnixNanos};
use jwtrail::otlp::{export, files};
use jwtrail::trail::Trail;

use crate::trail::support::{batch, decoder, policy_of, read, runs, trail};

/// What a report would tell apart: everything but the ids of processes that nothing shows.
fn judged(trail: &Trail, id: TraceId) -> Vec<Hop> {
    trail.hops_of(id)
}

/// Lines that a screen would save of one trace.
fn saved(trail: &Trail, id: TraceId) -> Vec<u8> {
    let taken = Taken::of(trail, &[id]);
    let mut lines = profile::line(&taken.profile).unwrap_or_default();
    for view in &taken.traces {
        lines.extend(export::lines(view.id, view.spans.iter().map(|(_, span)| span), &view.logs));
    }
    lines
}

/// Reads lines as `check` does, and judges them.
fn judge_again(policy: &Policy, lines: &[u8], folder: &Path) -> Trail {
    let file = folder.join("saved.jsonl");
    std::fs::write(&file, lines).unwrap();
    let mut again = trail(policy.clone());
    files::read_file(&file, decoder(policy, &[]).as_ref(), &mut |batch: Batch| {
        assert_eq!(batch.rejected, 0);
        assert!(profile::restore(&batch, |saved| again.restore_profile(saved)).is_empty());
        again.ingest(batch, UnixNanos(0));
    })
    .unwrap();
    again.settle_all();
    again
}

fn every_run() -> Vec<PathBuf> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let folders = [runs(""), runs("shapes"), scenarios.clone(), scenarios.join("recorded")];
    let mut found: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    found.sort();
    found
}

/// The first difference between two hops, by the names of their fields.
fn difference(before: &Hop, after: &Hop) -> Option<String> {
    let (before, after) = (serde_json::to_value(before).unwrap(), serde_json::to_value(after).unwrap());
    let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
    before
        .iter()
        .find_map(|(key, value)| (after[key] != *value).then(|| format!("{key}: {value} became {}", after[key])))
}

#[test]
fn every_trace_is_judged_the_same_after_it_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (mut traces, mut wrong) = (0, Vec::new());
    for run in every_run() {
        let policy = policy_of(&run);
        let (spans, logs) = read(&run);
        let mut before = trail(policy.clone());
        before.ingest(batch(spans, logs), UnixNanos(0));
        before.settle_all();
        let name = run.file_name().unwrap().to_string_lossy().into_owned();
        for id in before.trace_ids() {
            traces += 1;
            let after = judge_again(&policy, &saved(&before, id), folder.path());
            let (old, new) = (judged(&before, id), judged(&after, id));
            if old.len() != new.len() {
                wrong.push(format!("{name} {id}: {} hops became {}", old.len(), new.len()));
            }
            wrong.extend(
                old.iter().zip(&new).filter_map(|(old, new)| Some(format!("{name} {id}: {}", difference(old, new)?))),
            );
        }
    }
    assert!(traces > 300, "only {traces} traces");
    assert!(wrong.is_empty(), "{} of {traces}:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn what_is_saved_is_lines_of_otlp_json_without_a_token() {
    let run = runs("drop-in-fanout.jsonl");
    let (spans, logs) = read(&run);
    let mut trail = trail(policy_of(&run));
    trail.ingest(batch(spans, logs), UnixNanos(0));
    trail.settle_all();
    let text = String::from_utf8(saved(&trail, trail.trace_ids()[0])).unwrap();
    assert!(text.lines().count() >= 2 && text.ends_with('\n'));
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["resourceSpans"].is_array() || value["resourceLogs"].is_array());
    }
    assert!(text.contains("jwtrail.token.fp") && text.contains("‹redacted›"));
    assert!(!text.contains("eyJ"), "a token was written");
}
