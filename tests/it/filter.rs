//! The filter language: what each field asks, where mistakes are, and that what is printed parses back to the same.

mod command;
mod completion;
mod fields;
mod grammar;
mod rows;

use std::sync::Arc;

use jwtrail::filter::{Context, Filter};
use jwtrail::model::hop::{Reason, VerifySource};
use jwtrail::model::{
    Anomalies, Anomaly, Cause, Confidence, Finding, FindingHit, Fingerprint, Hop, Party, Presence, Segment, Severity,
    Side, SpanId, SubjectKind, Token, TraceId, UnixNanos, Verdict, Verification, VerifyResult,
};

/// 2026-11-23T14:00:00Z
const START: u64 = 1_795_442_400_000_000_000;

/// Six minutes after the hops began.
const NOW: Context = Context { now: UnixNanos(START + 360_000_000_000) };

fn party(service: &str, span: u8, language: &str) -> Party {
    Party {
        service: service.into(),
        span_id: Some(SpanId([span; 8])),
        trace_id: None,
        language: language.into(),
        scope: format!("@opentelemetry/{language}-http").into(),
    }
}

fn token() -> Arc<Token> {
    Arc::new(Token {
        s256: Some(Fingerprint::new("s256:k3-Va_xyzAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        alg: Some("RS256".into()),
        kid: Some("lab-2026".into()),
        typ: Some("at+jwt".into()),
        iss: Some("https://id.example.com".into()),
        aud: vec!["shop".into(), "billing".into()],
        scope: vec!["orders:read".into(), "orders:write".into()],
        sub_hash: Some(Fingerprint::new("h256.ab12cd34:q8f1AAAAAAAAAAAAAAAAAA")),
        subject_kind: Some(SubjectKind::User),
        ..Token::default()
    })
}

fn side(token: Option<Arc<Token>>) -> Side {
    let presence = if token.is_some() { Presence::Present } else { Presence::Absent };
    Side {
        presence,
        carrier: if token.is_some() { "header:authorization".into() } else { "".into() },
        token,
        anomalies: Anomalies::default(),
        span_id: None,
        ground: String::new(),
    }
}

/// orders → shipping: the token was not sent, and shipping refused.
fn dropped() -> Hop {
    let mut sent = side(None);
    sent.anomalies.insert(Anomaly::Placeholder);
    Hop {
        trace_id: TraceId([0x4e; 16]),
        caller: Some(party("orders", 0xa1, "nodejs")),
        callee: party("shipping", 0xb2, "python"),
        operation: "POST /parcels/{id}".into(),
        start: UnixNanos(START),
        status: Some(401),
        verdict: Verdict::Dropped,
        cause: Some(Cause::NotSent),
        segment: Some(Segment::Relay),
        severity: Severity::High,
        confidence: Confidence::Likely,
        gap: true,
        settled: false,
        inbound: side(Some(token())),
        sent,
        received: side(None),
        verification: Verification {
            result: VerifyResult::Failed,
            reason: Some(Reason::Missing),
            source: Some(VerifySource::Rejection),
            evidence: None,
            relayed_from: None,
        },
        blame: Some(SpanId([0xc3; 8])),
        findings: vec![FindingHit { finding: Finding::Leaked, severity: Severity::Critical, detail: String::new() }],
        waypoints: vec!["envoy-edge".into()],
        detail: None,
        hint: None,
    }
}

/// → gateway: the token enters here, and nothing more is known.
fn entry() -> Hop {
    let mut hop = dropped();
    hop.caller = None;
    hop.callee = party("gateway", 0xd4, "go");
    hop.trace_id = TraceId([0x77; 16]);
    hop.operation = "GET /health".into();
    hop.start = UnixNanos(START + 120_000_000_000);
    hop.status = None;
    hop.verdict = Verdict::Originated;
    (hop.cause, hop.segment, hop.blame) = (None, None, None);
    (hop.severity, hop.confidence) = (Severity::Info, Confidence::Proven);
    (hop.gap, hop.settled) = (false, true);
    hop.inbound = Side { presence: Presence::None, ..side(None) };
    hop.sent = hop.inbound.clone();
    hop.received = side(None);
    hop.verification.result = VerifyResult::Unknown;
    (hop.verification.reason, hop.verification.source) = (None, None);
    (hop.findings, hop.waypoints) = (Vec::new(), Vec::new());
    hop
}

fn matches(query: &str, hop: &Hop) -> bool {
    Filter::parse(query).unwrap_or_else(|error| panic!("{error:#}")).matches(hop, NOW)
}
