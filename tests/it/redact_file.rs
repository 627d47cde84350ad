//! What would break for somebody who hands traces on: a token left in them, or another judgement over what is left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use jwtrail::app::profile;
use jwtrail::model::policy::{Policy, RejectionPolicy};
use jwtrail::model::{Batch, Hop, Redacted, TraceId, UnixNanos};
use jwtrail::otlp::redact::{Redactor, Strict};
use jwtrail::otlp::{VisitorDecoder, files};
use jwtrail::token::{KeySets, KeySource, Shared};
use jwtrail::trail::Trail;
use memchr::memmem::find;
use serde_json::{Value, json};

use crate::token::signed;
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
        assert_eq!(profile::restore(&batch, |saved| trail.restore_profile(saved)), Vec::<String>::new());
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
pub(crate) fn tokens(bytes: &[u8]) -> Vec<&[u8]> {
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

/// Holds over every run that redacting loses no verdict and leaves no token, and that doing it twice changes nothing.
fn holds(strict: bool) {
    let mut wrong = Vec::new();
    for run in every_run() {
        let (bytes, policy) = (std::fs::read(&run).unwrap(), policy_of(&run));
        let before = read(&bytes, &policy, keys_of(&run).as_deref(), strict);
        // Without the keys: what the own check found stands in the file.
        let after = read(&before.clean, &policy, None, strict);
        let mut note = |what: String| wrong.push(format!("{}: {what}", run.display()));
        differences(&before.hops, &after.hops, !strict).into_iter().take(3).for_each(&mut note);
        if before.clean != after.clean {
            let (was, is) = (String::from_utf8_lossy(&before.clean), String::from_utf8_lossy(&after.clean));
            note(format!("twice gives other bytes: {:?}", was.lines().zip(is.lines()).find(|(was, is)| was != is)));
        }
        if after.sum.masked + after.sum.dropped > 0 {
            note(format!("the second time changes something: {:?}", (after.sum.masked, after.sum.dropped)));
        }
        let pieces: HashSet<&[u8]> = before.clean.windows(9).collect();
        for token in tokens(&bytes) {
            let left = token.split(|byte| *byte == b'.').flat_map(|part| part.windows(9));
            let left = left.filter(|piece| pieces.contains(piece)).count();
            if left > 0 {
                note(format!("{left} pieces of a token are left"));
            }
        }
    }
    let count = wrong.len();
    wrong.truncate(12);
    assert!(wrong.is_empty(), "{count} differences, the first:\n{}", wrong.join("\n"));
}

#[test]
fn a_redacted_file_is_judged_as_it_was_before() {
    holds(false);
}

#[test]
fn what_the_strict_list_leaves_is_enough_for_every_verdict() {
    holds(true);
}

/// One trace alone says less of who captures what than all of them together: the profile knows.
#[test]
fn a_trace_that_was_cut_out_is_judged_as_among_the_others() {
    let mut told = 0;
    for run in every_run() {
        let bytes = std::fs::read(&run).unwrap();
        if find(&bytes, b"\"links\"").is_some() {
            // Without the trace that it links to, a trace is another one.
            continue;
        }
        let whole = read(&bytes, &policy_of(&run), keys_of(&run).as_deref(), false);
        let mut traces: Vec<TraceId> = whole.hops.iter().map(|hop| hop.trace_id).collect();
        traces.dedup();
        for trace in traces.into_iter().take(3) {
            let cut = cut_out(&whole.clean, trace);
            let alone = read(&cut, &policy_of(&run), None, false);
            let among: Vec<Hop> = whole.hops.iter().filter(|hop| hop.trace_id == trace).cloned().collect();
            let verdicts =
                |hops: &[Hop]| hops.iter().map(|hop| (hop.verdict, hop.cause, hop.severity)).collect::<Vec<_>>();
            assert_eq!(verdicts(&among), verdicts(&alone.hops), "{} {trace}", run.display());
            let profile = cut.split(|byte| *byte == b'\n').filter(|line| find(line, b"jwtrail.profile").is_none());
            let without = profile.map(|line| [line, b"\n"].concat()).collect::<Vec<_>>().concat();
            told += usize::from(verdicts(&read(&without, &policy_of(&run), None, false).hops) != verdicts(&among));
        }
    }
    assert!(told > 0, "the profile made no difference, so nothing was tested");
}

fn cut_out(clean: &[u8], trace: TraceId) -> Vec<u8> {
    let mut out = Vec::new();
    for line in clean.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut document: Value = serde_json::from_slice(line).unwrap();
        for group in document["resourceSpans"].as_array_mut().into_iter().flatten() {
            for scope in group["scopeSpans"].as_array_mut().unwrap() {
                scope["spans"].as_array_mut().unwrap().retain(|span| span["traceId"] == trace.to_string().as_str());
            }
        }
        out.extend(serde_json::to_vec(&document).unwrap());
        out.push(b'\n');
    }
    out
}

/// Every text by which the judge knows a refusal has to get through the strict list.
#[test]
fn the_strict_list_keeps_whatever_tells_a_refusal() {
    let strict = Strict::new(&[]);
    let rows = include_str!("../../src/trail/rejections.tsv").lines().filter(|line| !line.starts_with('#'));
    let texts = rows.filter_map(|row| {
        let mut columns = row.split('\t').skip(1);
        let (fields, _, text) = (columns.next()?, columns.next()?, columns.next()?);
        (fields != "challenge").then_some(text)
    });
    let lost: Vec<&str> = texts.filter(|text| !strict.speaks(text)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(!strict.speaks("duplicate value (email)=(bob@example.test) violates a constraint"));
    let own = RejectionPolicy { text: "Zutritt verweigert".to_owned(), ..rejection() };
    assert!(Strict::new(&[own]).speaks("zutritt verweigert, weil"));
}

fn rejection() -> RejectionPolicy {
    toml::from_str::<Policy>("[[rejection]]\ntext = \"x\"\nreason = \"expired\"").unwrap().rejection.remove(0)
}

/// What a span may hold of people, and a token in each place beside.
fn personal(token: &str) -> String {
    let text = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
    let bearer = format!("Bearer {token}");
    let span = |id: &str, parent: &str, kind: u8| {
        json!({
            "traceId": "0a".repeat(16), "spanId": id.repeat(8), "parentSpanId": parent.repeat(8), "kind": kind,
            "name": "GET /orders", "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000001000000000",
            "traceState": "canary-state=1", "status": {"code": 2, "message": "canary-status of alice"},
            "attributes": [
                text("http.request.method", "GET"), text("http.route", "/orders"),
                text("url.full", "http://canary-user:pass@orders.test/orders?q=canary-query#canary-fragment"),
                text("url.query", "q=canary-query"), text("http.target", "/orders?q=canary-query"),
                text("http.request.header.authorization", &bearer), text("http.request.header.x-custom", "canary-header"),
                text("http.response.header.set-cookie", "id=canary-cookie"), text("client.address", "203.0.113.77"),
                text("enduser.id", "canary-person"), text("user.email", "canary@example.test"),
                text("db.query.text", "select canary-statement"), text("http.request.body", "canary-body"),
                text("app.note", &format!("canary-note {token}")), text("baggage", "canary-baggage=1"),
                {"key": "app.map", "value": {"kvlistValue": {"values": [text("authorization", &bearer)]}}},
            ],
            "events": [
                {"name": "canary-event", "attributes": [text("app.note", "canary-note")]},
                {"name": "exception", "attributes": [
                    text("exception.type", "app.Failure"), text("exception.message", "canary-message of alice"),
                    text("exception.stacktrace", "app.Failure: canary-message\n    at canary.Frame(canary-arg)")]},
            ],
        })
    };
    let resource = json!({"attributes": [text("service.name", "orders"), text("process.command_args", "canary-args")]});
    let scope = json!({"name": "http", "attributes": [text("app.note", "canary-scope")]});
    let spans = json!([span("01", "", 2), span("02", "01", 3)]);
    let log = json!({"traceId": "0a".repeat(16), "spanId": "01".repeat(8), "severityNumber": 17,
        "body": {"stringValue": "canary-log of alice"}, "attributes": [text("app.note", "canary-note")]});
    let traces = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]});
    let logs = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [log]}]}]});
    format!("{traces}\n{logs}\n")
}

#[test]
fn strict_leaves_nothing_of_people_and_every_finding() {
    let token = signed(&json!({"sub": "canary-subject", "exp": 1_900_000_000}));
    let input = personal(&token);
    let policy = Policy::default();
    let (plain, strict) = (read(input.as_bytes(), &policy, None, false), read(input.as_bytes(), &policy, None, true));
    let text = String::from_utf8(strict.clean.clone()).unwrap();
    for gone in ["canary", "203.0.113.77", "alice", "pass@"] {
        assert!(!text.contains(gone), "{gone} is left: {text}");
    }
    for stays in ["orders.test/orders\"", "/orders", "app.Failure", "jwtrail.token.fp", "\"app.note\"", "\"app.map\""] {
        assert!(text.contains(stays), "{stays} is gone: {text}");
    }
    assert!(String::from_utf8(plain.clean).unwrap().contains("canary-note jwt:"), "only --strict goes that far");
    let after = read(&strict.clean, &policy, None, true);
    assert!(strict.hops.iter().any(|hop| !hop.findings.is_empty()), "no finding, so nothing was tested");
    assert_eq!(differences(&strict.hops, &after.hops, false), Vec::<String>::new());
    assert_eq!((plain.sum.dropped, strict.sum.spans), (0, 2));
    assert!(strict.sum.dropped > 20, "{:?}", strict.sum.dropped);
}

/// What JSON has no word for, and what a terminal or a line reader could trip over.
#[test]
fn odd_values_survive_the_way_to_json_and_back() {
    let odd = json!([
        {"key": "nan", "value": {"doubleValue": "NaN"}}, {"key": "inf", "value": {"doubleValue": "-Infinity"}},
        {"key": "half", "value": {"doubleValue": 0.5}}, {"key": "large", "value": {"intValue": "9223372036854775807"}},
        {"key": "bytes", "value": {"bytesValue": "AAH/"}}, {"key": "empty", "value": {}},
        {"key": "list", "value": {"arrayValue": {"values": [{}, {"stringValue": "a\u{1b}[31m\u{2028}\"\n"}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "", "value": {"boolValue": false}}]}}},
    ]);
    let span = json!({"traceId": "0b".repeat(16), "spanId": "03".repeat(8), "flags": 257, "name": "", "kind": 5,
        "attributes": odd, "links": [{"traceId": "0c".repeat(16), "spanId": "04".repeat(8)}]});
    let bad = json!({"traceId": "", "spanId": "03".repeat(8)});
    let line = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span, bad]}]}]}).to_string();
    let pass = read(line.as_bytes(), &Policy::default(), None, false);
    let written: Value = serde_json::from_slice(pass.clean.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let spans = &written["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!((spans.as_array().unwrap().len(), pass.sum.left_out), (1, 1), "a span without ids is counted");
    assert_eq!(spans[0]["attributes"], odd);
    assert_eq!((&spans[0]["flags"], &spans[0]["links"][0]["spanId"]), (&json!(257), &json!("04".repeat(8))));
    assert_eq!(read(&pass.clean, &Policy::default(), None, false).clean, pass.clean);
}

fn jwtrail(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command.env("JWTRAIL_FP_KEY", "a fingerprint key of thirty-two bytes and more").output().unwrap()
}

#[test]
fn redact_writes_whole_files_and_none_that_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let run = runs("drop-in-fanout.jsonl");
    std::fs::copy(&run, folder.path().join("in.jsonl")).unwrap();
    std::fs::hard_link(folder.path().join("in.jsonl"), folder.path().join("same.jsonl")).unwrap();
    std::fs::write(folder.path().join("bad.jsonl"), "nothing").unwrap();
    let run = |args: &[&str]| jwtrail(folder.path(), args);
    let errors = |output: &Output| String::from_utf8(output.stderr.clone()).unwrap();
    for out in ["in.jsonl", "./in.jsonl", "same.jsonl"] {
        let output = run(&["redact", "in.jsonl", "-o", out]);
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        assert!(errors(&output).contains("in.jsonl is read and cannot be written"), "{}", errors(&output));
    }
    // The second file cannot be read: nothing is written, and what was there stays.
    std::fs::write(folder.path().join("out.jsonl"), "before").unwrap();
    assert_eq!(run(&["redact", "in.jsonl", "bad.jsonl", "-o", "out.jsonl"]).status.code(), Some(2));
    assert_eq!(std::fs::read(folder.path().join("out.jsonl")).unwrap(), b"before");
    let output = run(&["redact", "in.jsonl", "-o", "out.jsonl"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", errors(&output));
    assert!(errors(&output).starts_with("out.jsonl: ") && errors(&output).contains("values masked\n"));
    let plain = std::fs::read(folder.path().join("out.jsonl")).unwrap();
    assert_eq!(run(&["redact", "in.jsonl", "-o", "-"]).stdout, plain);
    assert_eq!(run(&["redact", "out.jsonl", "-o", "-"]).stdout, plain, "twice is once");
    for packed in ["out.jsonl.gz", "out.jsonl.zst"] {
        assert!(run(&["redact", "in.jsonl", "-o", packed]).status.success());
        assert!(std::fs::metadata(folder.path().join(packed)).unwrap().len() < plain.len() as u64 / 4);
        assert_eq!(run(&["redact", packed, "-o", "-"]).stdout, plain);
    }
    let strict = run(&["redact", "in.jsonl", "-o", "-", "--strict"]);
    assert!(errors(&strict).contains("attributes dropped"), "{}", errors(&strict));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 6, "no temporary file is left: {left:?}");
}
