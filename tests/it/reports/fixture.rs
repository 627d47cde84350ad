//! One rich input whose names try to break each report, and what each form makes of it.

use jwtrail::model::{
    Cause, Confidence, Finding, FindingHit, Hop, Presence, Reason, Severity, TraceId, Verdict, VerifyResult,
    VerifySource,
};
use jwtrail::report::{Baseline, Input, Report, Style, github, json, junit, markdown, sarif, text};
use jwtrail::trail::summary::{SetupNote, Summary};
use serde_json::Value;

use crate::report::{Traces, hop};

/// Ends elements, attributes, cells, fences and commands, drives terminals, is no XML, calls people.
pub const EVIL: &str =
    "or<&>\"']]>\0\u{1}\u{1b}[31m\u{7f}\u{9b}\u{202e}d\u{ffff}e`r```s|@ops #1\r\n::error::x\n##[error]y";

pub fn long() -> String {
    format!("long-{}", "z".repeat(10_000))
}

pub fn bad(mut hop: Hop, verdict: Verdict, cause: Cause, severity: Severity) -> Hop {
    (hop.verdict, hop.cause, hop.severity, hop.hint) = (verdict, Some(cause), severity, None);
    hop
}

pub fn finding(mut hop: Hop, finding: Finding, severity: Severity, detail: &str) -> Hop {
    hop.findings.push(FindingHit { finding, severity, detail: detail.into() });
    hop
}

/// Three traces with nearly everything that can be wrong.
pub fn rich() -> Traces {
    let mut traces = Traces::default();
    let long = long();
    for trace in 1..=3 {
        let mut hops = vec![
            hop(trace, None, ("gateway", 1), Verdict::Originated),
            hop(trace, Some(("gateway", 1)), ("orders", 2), Verdict::Intact),
            hop(trace, Some(("orders", 2)), ("shipping", 3), Verdict::Dropped),
            hop(trace, Some(("orders", 2)), ("stock", 4), Verdict::Dropped),
        ];
        hops[2].verification.result = VerifyResult::Failed;
        hops[2].verification.reason = Some(Reason::Rejected);
        hops[2].verification.source = Some(VerifySource::Status);
        if trace > 1 {
            traces.0.insert(TraceId([trace; 16]), hops);
            continue;
        }
        hops[1] = finding(hops[1].clone(), Finding::Moved, Severity::Low, "from header:a to header:b");
        let mut failed = hop(1, Some(("orders", 2)), ("payment", 5), Verdict::Intact);
        failed = bad(failed, Verdict::Failed, Cause::Expired, Severity::High);
        failed.status = Some(16);
        failed.verification.result = VerifyResult::Failed;
        failed.verification.reason = Some(Reason::Expired);
        failed.verification.source = Some(VerifySource::Rejection);
        failed.verification.evidence = Some("jwt expired".into());
        hops.push(failed);
        let mut evil = hop(1, Some((EVIL, 6)), (&long, 7), Verdict::Intact);
        evil = bad(evil, Verdict::Changed, Cause::Tampered, Severity::Critical);
        (evil.operation, evil.detail, evil.hint) = (EVIL.into(), Some(EVIL.into()), Some(EVIL.into()));
        (evil.sent.ground, evil.received.carrier) = (EVIL.into(), EVIL.into());
        (evil.waypoints, evil.confidence) = (vec![EVIL.into(), "nginx".into()], Confidence::Likely);
        hops.push(evil);
        let leak = hop(1, Some(("orders", 2)), ("api.partner.test", 8), Verdict::Intact);
        let mut leak = finding(leak, Finding::Leaked, Severity::Critical, "the token goes to api.partner.test");
        leak.callee.span_id = None;
        hops.push(leak);
        let dark = hop(1, Some(("orders", 2)), ("ledger", 9), Verdict::Unknown);
        hops.push(bad(dark, Verdict::Unknown, Cause::NotCaptured, Severity::Info));
        let mut without = hop(1, Some(("cron", 10)), ("audit", 11), Verdict::Absent);
        without = bad(without, Verdict::Absent, Cause::Anonymous, Severity::Medium);
        without.inbound.presence = Presence::None;
        hops.push(without);
        let mild = hop(1, Some(("gateway", 1)), ("banner", 12), Verdict::Dropped);
        hops.push(bad(mild, Verdict::Dropped, Cause::Stripped, Severity::Low));
        traces.0.insert(TraceId([1; 16]), hops);
    }
    traces
}

pub fn input() -> Input {
    Input { files: vec!["./runs/a b.jsonl".into()], spans: 40, traces: 3, rejected: 2, ..Input::default() }
}

pub fn notes() -> Summary {
    let skew = SetupNote::SkewSuspected { caller: EVIL.into(), callee: "orders".into(), ms: 250 };
    Summary { setup: vec![skew, SetupNote::Nameless { service: "unknown_service:node".into() }], ..Summary::default() }
}

/// What one form makes of hops, held against a baseline if there is one.
pub fn shown(traces: &Traces, baseline: Option<&str>, write: impl Fn(&Report<'_>, &mut Vec<u8>)) -> String {
    let input = input();
    let mut report = Report::new(&input, notes(), traces).unwrap();
    if let Some(baseline) = baseline {
        report = report.against(&Baseline::read(baseline.as_bytes()).unwrap());
    }
    let mut out = Vec::new();
    write(&report, &mut out);
    String::from_utf8(out).unwrap()
}

pub fn as_text(traces: &Traces, style: Style, baseline: Option<&str>) -> String {
    shown(traces, baseline, |report, out| text::write(report, style, out).unwrap())
}

pub fn as_json(traces: &Traces, baseline: Option<&str>) -> String {
    shown(traces, baseline, |report, out| json::write(report, out).unwrap())
}

pub fn as_sarif(traces: &Traces, baseline: Option<&str>) -> Value {
    serde_json::from_str(&shown(traces, baseline, |report, out| sarif::write(report, Severity::High, out).unwrap()))
        .unwrap()
}

pub fn as_junit(traces: &Traces, fail_on: Severity, baseline: Option<&str>) -> String {
    shown(traces, baseline, |report, out| junit::write(report, fail_on, out).unwrap())
}

pub fn as_github(traces: &Traces, baseline: Option<&str>) -> String {
    shown(traces, baseline, |report, out| github::write(report, out).unwrap())
}

pub fn as_markdown(traces: &Traces, baseline: Option<&str>) -> String {
    shown(traces, baseline, |report, out| markdown::write(report, out).unwrap())
}

/// So many edges, each with a drop of this severity and a name that takes much room.
pub fn many(count: u32, severity: Severity) -> Traces {
    let hops = (0..count).map(|index| {
        let name = format!("{index:05} {EVIL}{}", "漢`e\u{301}".repeat(60));
        let mut hop = hop(1, Some((&name, 2)), ("b", 3), Verdict::Dropped);
        (hop.severity, hop.detail, hop.operation) = (severity, Some(name.clone()), name.clone().into());
        (hop.sent.ground, hop.received.ground, hop.hint) = (name.clone(), name.clone(), Some(name));
        hop
    });
    let mut traces = Traces::default();
    traces.0.insert(TraceId([1; 16]), hops.collect());
    traces
}
