//! What would break for somebody who hands traces on: a token left in them, or another judgement over what is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jwtrail::app::profile;
use jwtrail::model::policy::Policy;
use jwtrail::model::{Batch, Hop, Redacted, UnixNanos};
use jwtrail::otlp::redact::{Redactor, Strict};
use jwtrail::otlp::{VisitorDecoder, files};
use jwtrail::token::{KeySets, KeySource, Shared};
use jwtrail::trail::Trail;
use memchr::memmem::find;

use crate::trail::support::{hops, policy_of, runs, test_key, trail};

/// What one reading of a file gave: the judged hops, and the file without credentials.
struct Pass {
    hops: Vec<Hop>,
    clean: Vec<u8>,
    sum: Redacted,
}

fn read(bytes: &[u8], policy: &Policy, keys: Option<&Path>, strict: bool) -> Pass {
    let sources: Vec<KeySource> = keys.into_iter().map(KeySource::file).collect();
    let shared = Shared::new(policy, test_key(), KeySets::load(&sources).unwrap()).unwrap();
    let strict = strict.then(|| Arc::new(Strict::new(&policy.rejection)));
    let decoder = VisitorDecoder::new(move || Redactor::new(Arc::clone(&shared), strict.clone()));
    let mut trail: Trail = trail(policy.clone());
    let (mut clean, mut sum) = (Vec::new(), Redacted::default());
    files::read(bytes, "a run", &decoder, &mut |mut batch: Batch| {
        assert_eq!(profile::restore(&mut trail, &batch), Vec::<String>::new());
        let redacted = batch.redacted.take().unwrap();
        clean.extend_from_slice(&redacted.lines);
        sum.spans += redacted.spans;
        sum.masked += redacted.masked;
        sum.dropped += redacted.dropped;
        sum.left_out += redacted.left_out;
        trail.ingest(batch, UnixNanos(0));
    })
    .unwrap();
    trail.settle_all();
    clean.extend(profile::line(&trail.profile()).unwrap_or_default());
    Pass { hops: hops(&trail), clean, sum }
}

fn every_run() -> Vec<PathBuf> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let folders = [runs(""), runs("shapes"), scenarios.join("recorded"), scenarios];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut runs: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    runs.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
    assert!(runs.len() > 150, "only {} runs found", runs.len());
    runs.sort();
    runs
}

fn keys_of(run: &Path) -> Option<PathBuf> {
    Some(run.with_file_name("jwks.json")).filter(|path| path.exists())
}

/// Every JWT of a file, as it stands there.
fn tokens(bytes: &[u8]) -> Vec<&[u8]> {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let starts = memchr::memmem::find_iter(bytes, b"eyJ").map(|at| &bytes[at..]);
    let whole = starts.map(|rest| &rest[..rest.iter().position(|byte| !digit(byte)).unwrap_or(rest.len())]);
    let mut found: Vec<&[u8]> = whole.filter(|token| token.len() > 40).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn differences(before: &[Hop], after: &[Hop], whole: bool) -> Vec<String> {
    let mut found = Vec::new();
    if before.len() != after.len() {
        found.push(format!("{} hops, then {}", before.len(), after.len()));
    }
    for (was, is) in before.iter().zip(after) {
        if whole && was != is {
            let (was, is) = (format!("{was:#?}"), format!("{is:#?}"));
            let lines = was.lines().zip(is.lines()).filter(|(was, is)| was != is);
            found.push(lines.map(|(was, is)| format!("{} ≠ {}", was.trim(), is.trim())).collect::<Vec<_>>().join("; "));
        }
        let told = |hop: &Hop| {
            let findings: Vec<String> = hop.findings.iter().map(|hit| format!("{hit:?}")).collect();
            let party = |party: &jwtrail::model::Party| (party.service.to_string(), party.span_id);
            let parties = (hop.caller.as_ref().map(party), party(&hop.callee));
            (parties, hop.verdict, hop.cause, hop.severity, hop.confidence, findings)
        };
        if told(was) != told(is) {
            found.push(format!("was {:?}\nis  {:?}", told(was), told(is)));
        }
    }
    found
}

#[test]
fn a_redacted_file_is_judged_as_it_was_before() {
    let mut wrong = Vec::new();
    for run in every_run() {
        let (bytes, policy) = (std::fs::read(&run).unwrap(), policy_of(&run));
        for strict in [false, true] {
            let before = read(&bytes, &policy, keys_of(&run).as_deref(), strict);
            // Without the keys: what the own check found stands in the file.
            let after = read(&before.clean, &policy, None, strict);
            let differ = differences(&before.hops, &after.hops, !strict);
            wrong.extend(differ.iter().take(3).map(|line| format!("{} (strict: {strict}): {line}", run.display())));
            let name = run.display();
            if before.clean != after.clean {
                let (was, is) = (String::from_utf8_lossy(&before.clean), String::from_utf8_lossy(&after.clean));
                let line = was.lines().zip(is.lines()).find(|(was, is)| was != is);
                wrong.push(format!("{name} (strict: {strict}): redacting twice gives other bytes: {line:?}"));
            }
            if after.sum.masked > 0 {
                wrong.push(format!("{name} (strict: {strict}): {} values masked twice", after.sum.masked));
            }
            for token in tokens(&bytes) {
                let pieces = token.split(|byte| *byte == b'.').flat_map(|part| part.windows(9));
                let left = pieces.filter(|piece| find(&before.clean, piece).is_some()).count();
                if left > 0 {
                    wrong.push(format!("{name} (strict: {strict}): {left} pieces of a token are left"));
                }
            }
        }
    }
    let count = wrong.len();
    wrong.truncate(12);
    assert!(wrong.is_empty(), "{count} differences, the first:\n{}", wrong.join("\n"));
}
