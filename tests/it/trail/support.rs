//! Recorded spans into judged hops, through the real reader, extractor and trail.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch, Hop, LogRecord, UnixNanos};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode, VisitorDecoder, files};
use jwtrail::token::{FingerprintKey, KeySets, KeySource, Shared};
use jwtrail::trail::{Trail, TrailOptions};

/// A key for fingerprints that is the same in every test.
pub(crate) fn test_key() -> FingerprintKey {
    FingerprintKey::from_env_text("a key of tests alone, 32 bytes or more").unwrap()
}

/// A decoder under a policy and key sets.
pub(crate) fn decoder(policy: &Policy, jwks: &[PathBuf]) -> Arc<dyn Decode> {
    let sources: Vec<KeySource> = jwks.iter().map(KeySource::file).collect();
    let shared = Shared::new(policy, test_key(), KeySets::load(&sources).unwrap()).unwrap();
    Arc::new(VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared))))
}

/// A folder of recorded runs.
pub(crate) fn runs(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs").join(folder)
}

/// The policy beside a run, if it has one.
pub(crate) fn policy_of(run: &Path) -> Policy {
    let path = run.with_extension("policy.toml");
    std::fs::read_to_string(path).map(|text| toml::from_str(&text).unwrap()).unwrap_or_default()
}

/// All spans and log records of a run, raw tokens forgotten.
pub(crate) fn read(run: &Path) -> (Vec<Arrived>, Vec<LogRecord>) {
    let jwks = run.with_file_name("jwks.json");
    let keys = if jwks.exists() { vec![jwks] } else { Vec::new() };
    let decoder = decoder(&policy_of(run), &keys);
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    files::read_file(run, decoder.as_ref(), &mut |batch: Batch| {
        spans.extend(batch.spans);
        logs.extend(batch.logs);
    })
    .unwrap();
    (spans, logs)
}

/// An empty trail without bounds that a test would meet by chance.
pub(crate) fn trail(policy: Policy) -> Trail {
    let options = TrailOptions {
        assume_captured: false,
        settle: Duration::from_secs(15),
        memory: usize::MAX,
        spans_per_trace: usize::MAX,
    };
    Trail::new(policy, options)
}

/// Feeds batches and judges all as settled.
pub(crate) fn judge(policy: Policy, batches: impl IntoIterator<Item = Batch>) -> Vec<Hop> {
    let mut trail = trail(policy);
    for (i, batch) in batches.into_iter().enumerate() {
        let now = UnixNanos(i as u64 * 1_000_000);
        trail.ingest(batch, now);
        trail.tick(now);
    }
    trail.settle_all();
    hops(&trail)
}

/// All hops of a trail in the report's order.
pub(crate) fn hops(trail: &Trail) -> Vec<Hop> {
    trail.trace_ids().into_iter().flat_map(|id| trail.hops_of(id)).collect()
}

/// One batch of these spans and logs.
pub(crate) fn batch(spans: Vec<Arrived>, logs: Vec<LogRecord>) -> Batch {
    Batch { spans, logs, ..Batch::default() }
}
