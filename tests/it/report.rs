//! The report is what CI reads: key order, names and byte-for-byte stability are promised (version 1).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use jwtrail::model::{
    Anomalies, Cause, Confidence, Finding, FindingHit, Fingerprint, Hop, Party, Presence, Segment, Severity, Side,
    SpanId, Token, TraceId, UnixNanos, Verdict, Verification, VerifyResult,
};
use jwtrail::report::{HopSource, Input, Report, Style, json, text};
use jwtrail::trail::summary::{Announcement, CheckGround, NodeKind, ProblemRow, ServiceRow, SetupNote, Summary};
use serde_json::Value;

#[derive(Default)]
pub struct Traces(pub BTreeMap<TraceId, Vec<Hop>>);

impl HopSource for Traces {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()> {
        self.0.values().try_for_each(|hops| each(hops))
    }
}

fn span(number: u8) -> SpanId {
    SpanId([number; 8])
}

fn party(service: &str, number: u8) -> Party {
    Party {
        service: service.into(),
        span_id: Some(span(number)),
        trace_id: None,
        language: "nodejs".into(),
        scope: "".into(),
    }
}

fn token() -> Arc<Token> {
    Arc::new(Token {
        s256: Some(Fingerprint::new("s256:k3vaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        alg: Some("RS256".into()),
        kid: Some("lab-2026".into()),
        ..Token::default()
    })
}

fn side(presence: Presence, entry: u8) -> Side {
    let present = presence == Presence::Present;
    Side {
        presence,
        token: present.then(token),
        carrier: if present { "header:authorization".into() } else { "".into() },
        anomalies: Anomalies::default(),
        span_id: Some(span(entry)),
        ground: if present { String::new() } else { "headers were captured, authorization not among them".into() },
    }
}

/// A hop of trace `trace` from the service with entry span `from` to the one with entry span `to`.
pub fn hop(trace: u8, caller: Option<(&str, u8)>, callee: (&str, u8), verdict: Verdict) -> Hop {
    let received = if verdict == Verdict::Dropped { Presence::Absent } else { Presence::Present };
    Hop {
        trace_id: TraceId([trace; 16]),
        caller: caller.map(|(name, entry)| party(name, entry + 100)),
        callee: party(callee.0, callee.1),
        operation: "GET /".into(),
        start: UnixNanos(1_790_000_000_000_000_000 + u64::from(trace) * 1_000_000_000 + u64::from(callee.1)),
        status: Some(if verdict == Verdict::Dropped { 401 } else { 200 }),
        verdict,
        cause: (verdict == Verdict::Dropped).then_some(Cause::NotSent),
        segment: (verdict == Verdict::Dropped).then_some(Segment::Relay),
        severity: if verdict == Verdict::Dropped { Severity::High } else { Severity::Info },
        confidence: Confidence::Proven,
        gap: false,
        settled: true,
        inbound: side(Presence::Present, caller.map_or(0, |(_, entry)| entry)),
        sent: side(received, callee.1),
        received: side(received, callee.1),
        verification: Verification {
            result: VerifyResult::Unknown,
            reason: None,
            source: None,
            evidence: None,
            relayed_from: None,
        },
        blame: None,
        findings: Vec::new(),
        waypoints: Vec::new(),
        detail: None,
        hint: (verdict == Verdict::Dropped).then(|| "an undefined header is left out silently".to_owned()),
    }
}

/// Three traces: gateway → orders is intact in all, orders → shipping drops in two, one token moved carrier.
fn shop() -> Traces {
    let mut traces = Traces::default();
    for trace in 1..=3 {
        let mut hops = vec![
            hop(trace, None, ("gateway", 1), Verdict::Originated),
            hop(trace, Some(("gateway", 1)), ("orders", 2), Verdict::Intact),
        ];
        let verdict = if trace == 2 { Verdict::Intact } else { Verdict::Dropped };
        hops.push(hop(trace, Some(("orders", 2)), ("shipping", 3), verdict));
        if trace == 3 {
            hops[1].findings.push(FindingHit {
                finding: Finding::Moved,
                severity: Severity::Low,
                detail: "from header:authorization to header:x-access-token".into(),
            });
        }
        traces.0.insert(TraceId([trace; 16]), hops);
    }
    traces
}

fn input() -> Input {
    Input { files: vec!["t.jsonl".into()], spans: 15, traces: 3, ..Input::default() }
}

fn summary() -> Summary {
    let row = |name: &str, kind| ServiceRow {
        name: name.into(),
        kind,
        language: "".into(),
        sdk: "".into(),
        spans: 5,
        captures_inbound: Some(true),
        captures_outbound: None,
        witness: false,
        verifies: None,
        check: CheckGround::default(),
    };
    let services = vec![
        row("shipping", NodeKind::Service),
        row("db.example", NodeKind::Database),
        row("gateway", NodeKind::Service),
    ];
    Summary { services, ..Summary::default() }
}

fn as_json(traces: &Traces, input: &Input) -> String {
    let mut out = Vec::new();
    json::write(&Report::new(input, summary(), traces).unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn as_text(traces: &Traces, summary: Summary) -> String {
    let input = input();
    let mut out = Vec::new();
    text::write(&Report::new(&input, summary, traces).unwrap(), Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_keys_stand_in_the_promised_order() {
    let report: Value = serde_json::from_str(&as_json(&shop(), &input())).unwrap();
    assert_eq!(keys(&report), ["version", "input", "summary", "issues", "services", "hops"]);
    assert_eq!(keys(&report["input"])[..6], ["files", "spans", "traces", "logs", "duplicates", "rejected"]);
    assert_eq!(keys(&report["summary"]), ["hops", "verdicts", "findings", "worst"]);
    assert_eq!(
        keys(&report["issues"][0]),
        [
            "caller",
            "callee",
            "verdict",
            "cause",
            "finding",
            "segment",
            "severity",
            "confidence",
            "count",
            "of",
            "first_seen",
            "last_seen",
            "traces",
            "hint"
        ]
    );
    assert_eq!(keys(&report["services"][0]), ["service", "spans", "captures", "verifies"]);
    let hop = &report["hops"][2];
    assert_eq!(
        keys(hop),
        [
            "trace_id",
            "caller",
            "callee",
            "operation",
            "start",
            "status",
            "verdict",
            "cause",
            "segment",
            "severity",
            "confidence",
            "gap",
            "settled",
            "tokens",
            "presence",
            "verification",
            "blame",
            "findings",
            "detail",
            "hint"
        ]
    );
    assert_eq!(keys(&hop["caller"]), ["service", "span_id"], "trace_id stands only where linked");
    assert_eq!(keys(&hop["tokens"]), ["inbound", "sent", "received"]);
    assert_eq!(keys(&hop["verification"]), ["result", "reason", "source", "relayed_from"]);
}

#[test]
fn json_says_what_the_hops_say() {
    let report: Value = serde_json::from_str(&as_json(&shop(), &input())).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["summary"]["hops"], 9);
    assert_eq!(report["summary"]["verdicts"]["dropped"], 2);
    assert_eq!(report["summary"]["verdicts"]["failed"], 0);
    assert_eq!(report["summary"]["findings"]["moved"], 1);
    assert_eq!(report["summary"]["worst"], "high");
    let names: Vec<_> = report["services"].as_array().unwrap().iter().map(|row| row["service"].clone()).collect();
    assert_eq!(names, ["gateway", "shipping"], "services by name; hosts and databases are none");

    let hop = &report["hops"][2];
    assert_eq!(report["hops"][0]["caller"], Value::Null);
    assert_eq!(hop["trace_id"], "01010101010101010101010101010101");
    assert_eq!(hop["callee"]["span_id"], "0303030303030303");
    assert_eq!(hop["start"], "2026-09-21T14:13:21.000000003Z");
    assert_eq!(hop["tokens"]["inbound"], "s256:k3vaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(hop["tokens"]["received"], Value::Null);
    assert_eq!(hop["presence"]["received"], "absent");
}

#[test]
fn issues_are_summed_up_worst_first() {
    let mut traces = shop();
    // A finding worse than the drop comes first, and one hop's findings of a kind count once.
    let leak = FindingHit { finding: Finding::Leaked, severity: Severity::Critical, detail: "to ads.example".into() };
    traces.0.get_mut(&TraceId([2; 16])).unwrap()[0].findings = vec![leak.clone(), leak];
    let report: Value = serde_json::from_str(&as_json(&traces, &input())).unwrap();
    let issues = report["issues"].as_array().unwrap();
    assert_eq!(issues.len(), 3);
    let leaked = (&issues[0]["finding"], &issues[0]["verdict"], &issues[0]["caller"], &issues[0]["count"]);
    assert_eq!(leaked, (&"leaked".into(), &Value::Null, &Value::Null, &1.into()));
    let dropped = &issues[1];
    assert_eq!((&dropped["verdict"], &dropped["cause"]), (&"dropped".into(), &"not_sent".into()));
    assert_eq!((&dropped["count"], &dropped["of"]), (&2.into(), &3.into()));
    assert_eq!(dropped["first_seen"], "2026-09-21T14:13:21.000000003Z");
    assert_eq!(dropped["last_seen"], "2026-09-21T14:13:23.000000003Z");
    assert_eq!(dropped["traces"].as_array().unwrap().len(), 2);
    assert_eq!(issues[2]["finding"], "moved");
    assert_eq!(report["summary"]["findings"]["leaked"], 1);
    assert_eq!(report["summary"]["worst"], "critical");
}

#[test]
fn at_most_five_traces_are_named_and_the_worst_hop_speaks() {
    let mut traces = Traces::default();
    for trace in 1..=9 {
        let mut hop = hop(trace, Some(("orders", 2)), ("shipping", 3), Verdict::Dropped);
        if trace == 7 {
            (hop.severity, hop.confidence) = (Severity::Critical, Confidence::Likely);
            hop.hint = Some("the worst one's".into());
        }
        traces.0.insert(TraceId([trace; 16]), vec![hop]);
    }
    let report: Value = serde_json::from_str(&as_json(&traces, &input())).unwrap();
    let issue = &report["issues"][0];
    assert_eq!(issue["traces"].as_array().unwrap().len(), 5);
    assert_eq!(issue["traces"][0], "01010101010101010101010101010101");
    assert_eq!((&issue["severity"], &issue["confidence"]), (&"critical".into(), &"likely".into()));
    assert_eq!(issue["hint"], "the worst one's");
    assert_eq!(issue["count"], 9);
}

#[test]
fn two_reports_of_the_same_hops_are_the_same_bytes() {
    let first = as_json(&shop(), &input());
    for _ in 0..20 {
        assert_eq!(as_json(&shop(), &input()), first);
    }
}

#[test]
fn exit_status_counts_verdicts_and_findings_alike() {
    let (input, traces) = (input(), shop());
    let report = Report::new(&input, summary(), &traces).unwrap();
    assert!(report.fails(Severity::High) && !report.fails(Severity::Critical));

    let mut calm = Traces::default();
    calm.0.insert(TraceId([1; 16]), vec![hop(1, None, ("gateway", 1), Verdict::Originated)]);
    let report = Report::new(&input, summary(), &calm).unwrap();
    assert!(!report.fails(Severity::Info), "a hop that is as it should be fails no build, however strict");

    let mut noted = calm;
    noted.0.get_mut(&TraceId([1; 16])).unwrap()[0].findings.push(FindingHit {
        finding: Finding::LongLived,
        severity: Severity::Low,
        detail: String::new(),
    });
    let report = Report::new(&input, summary(), &noted).unwrap();
    assert!(report.fails(Severity::Low) && !report.fails(Severity::Medium));
}

#[test]
fn text_shows_path_evidence_and_what_to_look_at() {
    insta::assert_snapshot!(as_text(&shop(), summary()));
}

#[test]
fn text_without_a_problem_says_so_and_is_true() {
    let mut calm = Traces::default();
    calm.0.insert(TraceId([1; 16]), vec![hop(1, None, ("gateway", 1), Verdict::Originated)]);
    let shown = |traces: &Traces| as_text(traces, summary());
    let calm = shown(&calm);
    assert!(calm.ends_with("nothing is wrong: 1 hop judged, no token was lost, changed or refused\n"), "{calm}");

    let mut dark = Traces::default();
    dark.0.insert(TraceId([1; 16]), vec![hop(1, Some(("gateway", 1)), ("orders", 2), Verdict::Unknown)]);
    let text = shown(&dark);
    assert!(text.contains("nothing can be said: no span shows whether it saw a token\n"), "{text}");
    assert!(text.contains("authorization,traceparent,user-agent"), "what to set: {text}");
    assert!(text.contains("goes to every backend"), "and where it then goes: {text}");

    dark.0.insert(TraceId([2; 16]), vec![hop(2, None, ("gateway", 1), Verdict::Originated)]);
    let text = shown(&dark);
    assert!(text.contains("nothing is accused, but 1 of 2 hops cannot be judged\n"), "{text}");
    if let Some(hop) = dark.0.get_mut(&TraceId([1; 16])).and_then(|hops| hops.first_mut()) {
        hop.cause = Some(Cause::CallerUnseen);
    }
    let text = shown(&dark);
    assert!(text.contains("gateway → orders: 1 of 1 hop cannot be judged: the caller's spans are missing"), "{text}");
    assert!(!text.contains("capture the request headers"), "capturing more would show no more: {text}");
    assert!(shown(&Traces::default()).ends_with("SERVER, CLIENT, PRODUCER or CONSUMER\n"));
}

#[test]
fn names_from_spans_cannot_drive_the_terminal() {
    let mut traces = Traces::default();
    let evil = "or\u{1b}]0;owned\u{7}ders\u{202e}\u{9b}31m";
    let mut hop = hop(1, Some((evil, 2)), (evil, 3), Verdict::Dropped);
    hop.operation = evil.into();
    (hop.detail, hop.hint) = (Some(evil.into()), Some(evil.into()));
    hop.sent.ground = evil.into();
    hop.received.carrier = evil.into();
    hop.waypoints = vec![evil.into()];
    hop.verification.evidence = Some(evil.into());
    hop.verification.result = VerifyResult::Failed;
    let row = ProblemRow {
        caller: Some(evil.into()),
        callee: evil.into(),
        verdict: Some(Verdict::Dropped),
        cause: Some(Cause::NotSent),
        finding: None,
        segment: None,
        severity: Severity::High,
        confidence: Confidence::Proven,
        count: 1,
        of: 1,
        first_seen: UnixNanos(1),
        last_seen: UnixNanos(1),
        traces: vec![TraceId([1; 16])],
        spark: [0; 12],
        sample: Arc::new(hop.clone()),
        hint: Some(evil.into()),
    };
    traces.0.insert(TraceId([1; 16]), vec![hop]);
    let setup = vec![SetupNote::Nameless { service: evil.into() }, SetupNote::Intake(evil.into())];
    let mut shown = as_text(&traces, Summary { setup, ..Summary::default() });
    shown.push_str(&text::announcement(&Announcement::New(Box::new(row.clone())), Style::default()));
    shown.push_str(&text::announcement(&Announcement::Withdrawn(Box::new(row)), Style::default()));
    let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!shown.contains(bad), "{shown:?}");
    assert!(shown.contains("ders"), "the rest of the name is shown");
}

#[test]
fn a_path_in_a_circle_ends() {
    let mut traces = Traces::default();
    let hops =
        vec![hop(1, Some(("a", 2)), ("b", 1), Verdict::Intact), hop(1, Some(("b", 1)), ("a", 2), Verdict::Dropped)];
    traces.0.insert(TraceId([1; 16]), hops);
    assert!(as_text(&traces, summary()).contains("a ─✓─▸ b ─✗─▸ a"));
}
