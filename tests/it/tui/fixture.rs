//! Snapshots made by hand, in the words of the specification.

use std::sync::Arc;

use jwtrail::engine::{Snapshot, Totals};
use jwtrail::model::{
    Anomalies, Anomaly, Cause, Confidence, Finding, FindingHit, Fingerprint, Hop, Party, Presence, Reason, Segment,
    Severity, Side, SpanId, Token, TraceId, UnixNanos, Verdict, Verification, VerifyResult, VerifySource,
};
use jwtrail::trail::summary::{CheckGround, EdgeRow, NodeKind, ProblemRow, ServiceRow};

/// 2026-01-15 12:00:00 UTC.
pub const NOON: u64 = 1_768_478_400;

pub fn seconds(after: u64) -> UnixNanos {
    UnixNanos((NOON + after) * 1_000_000_000)
}

/// A user's token with this name.
pub fn token(name: &str) -> Arc<Token> {
    Arc::new(Token {
        s256: Some(Fingerprint::new(format!("s256:{name}{}", "A".repeat(39)))),
        alg: Some("RS256".into()),
        kid: Some("lab-2026".into()),
        iss: Some("https://auth.example.com".into()),
        sub_hash: Some(Fingerprint::new("h256.00c0ffee:q8F1aaaaaaaaaaaaaaaaaa")),
        exp: Some((NOON + 3_500).cast_signed()),
        ..Token::default()
    })
}

pub fn side(presence: Presence, token: Option<Arc<Token>>, ground: &str) -> Side {
    let carrier = if token.is_some() { "header:authorization" } else { "" };
    Side {
        presence,
        token,
        carrier: carrier.into(),
        anomalies: Anomalies::default(),
        span_id: None,
        ground: ground.to_owned(),
    }
}

pub fn present(name: &str) -> Side {
    side(Presence::Present, Some(token(name)), "captured on its span")
}

pub fn absent(ground: &str) -> Side {
    side(Presence::Absent, None, ground)
}

fn party(service: &str) -> Party {
    Party {
        service: service.into(),
        span_id: Some(SpanId([7; 8])),
        trace_id: None,
        language: "nodejs".into(),
        scope: "".into(),
    }
}

/// A hop on which everything went well; callers change what they tell about.
pub fn hop(caller: Option<&str>, callee: &str, verdict: Verdict) -> Hop {
    let nothing = || absent("nothing captured it");
    let tokens = !matches!(verdict, Verdict::Absent | Verdict::Unknown);
    let shown = || if tokens { present("k3va") } else { nothing() };
    Hop {
        trace_id: TraceId([0x4e, 0xca, 0x9a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
        caller: caller.map(party),
        callee: party(callee),
        operation: "GET /".into(),
        start: seconds(0),
        status: Some(200),
        verdict,
        cause: None,
        segment: None,
        severity: Severity::Info,
        confidence: Confidence::Proven,
        gap: false,
        settled: true,
        inbound: shown(),
        sent: shown(),
        received: shown(),
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
        hint: None,
    }
}

/// Builds one snapshot.
#[derive(Default)]
pub struct Build {
    pub snapshot: Snapshot,
}

impl Build {
    pub fn new() -> Self {
        let mut build = Self::default();
        build.snapshot.revision = 1;
        build.snapshot.now = seconds(3);
        build.snapshot.totals = Totals {
            spans: 27_930,
            traces: 3_120,
            hops: 9_311,
            spans_per_second: 1_284.0,
            memory_used: 41 << 20,
            memory_limit: 256 << 20,
            ..Totals::default()
        };
        build
    }

    pub fn service(mut self, name: &str, kind: NodeKind) -> Self {
        self.snapshot.services.push(ServiceRow {
            name: name.into(),
            kind,
            language: if kind == NodeKind::Service { "nodejs" } else { "" }.into(),
            sdk: "opentelemetry".into(),
            spans: 1_200,
            captures_inbound: Some(true),
            captures_outbound: Some(true),
            witness: true,
            verifies: Some(name == "orders"),
            check: CheckGround::default(),
        });
        self
    }

    pub fn services(self, names: &[&str]) -> Self {
        names.iter().fold(self, |build, name| build.service(name, NodeKind::Service))
    }

    pub fn edge(self, caller: Option<&str>, callee: &str, verdict: Verdict) -> Self {
        self.edge_of(hop(caller, callee, verdict), 90)
    }

    /// An edge shown by this hop, with so many hops.
    pub fn edge_of(mut self, hop: Hop, hops: u64) -> Self {
        let mut verdicts = [0; 8];
        verdicts[hop.verdict as usize] = hops;
        self.snapshot.edges.push(EdgeRow {
            caller: hop.caller.as_ref().map(|party| party.service.clone()),
            callee: hop.callee.service.clone(),
            hops,
            verdicts,
            severity: hop.worst(),
            shown: hop.verdict,
            rate: 4.2,
            last_seen: hop.start,
            waypoints: hop.waypoints.clone(),
            sample: Arc::new(hop),
        });
        self
    }

    /// An accused edge and its problem.
    pub fn problem(mut self, hop: Hop, count: u64, of: u64) -> Self {
        let row = ProblemRow {
            caller: hop.caller.as_ref().map(|party| party.service.clone()),
            callee: hop.callee.service.clone(),
            verdict: Some(hop.verdict),
            cause: hop.cause,
            finding: None,
            segment: hop.segment,
            severity: hop.severity,
            confidence: hop.confidence,
            count,
            of,
            first_seen: hop.start.min(seconds(0)),
            last_seen: hop.start,
            traces: vec![hop.trace_id],
            spark: [0, 0, 2, 4, 1, 0, 0, 5, 7, 3, 6, 9],
            hint: hop.hint.clone(),
            sample: Arc::new(hop.clone()),
        };
        self.snapshot.totals.verdicts[hop.verdict as usize] += count;
        self.snapshot.problems.push(row);
        self.edge_of(hop, of)
    }

    /// A finding on an edge that is drawn already.
    pub fn finding(mut self, mut hop: Hop, finding: Finding, severity: Severity, detail: &str) -> Self {
        hop.findings.push(FindingHit { finding, severity, detail: detail.to_owned() });
        self = self.problem(hop, 3, 90);
        if let Some(row) = self.snapshot.problems.last_mut() {
            (row.verdict, row.cause, row.finding, row.severity) = (None, None, Some(finding), severity);
        }
        self.snapshot.edges.pop();
        self
    }

    pub fn done(self) -> Arc<Snapshot> {
        Arc::new(self.snapshot)
    }
}

pub fn dropped() -> Hop {
    Hop {
        cause: Some(Cause::NotSent),
        segment: Some(Segment::Relay),
        severity: Severity::High,
        status: Some(401),
        operation: "POST /shipments".into(),
        sent: absent("orders' client span captured its headers, authorization was not among them"),
        received: absent("shipping's server span captured traceparent and no authorization"),
        hint: Some(
            "the HTTP call in orders (Node.js, axios): an undefined header is left out silently; look for a call made without the \
             request's headers"
                .to_owned(),
        ),
        verification: Verification {
            result: VerifyResult::Failed,
            reason: Some(Reason::Missing),
            source: Some(VerifySource::Rejection),
            evidence: Some("Bearer".into()),
            relayed_from: None,
        },
        ..hop(Some("orders"), "shipping", Verdict::Dropped)
    }
}

pub fn failed() -> Hop {
    Hop {
        cause: Some(Cause::UnknownKey),
        severity: Severity::High,
        status: Some(401),
        operation: "POST /charge".into(),
        detail: Some("the same token was accepted by gateway and orders".to_owned()),
        hint: Some("payment's key set: a JWKS cached across a key rotation".to_owned()),
        verification: Verification {
            result: VerifyResult::Failed,
            reason: Some(Reason::UnknownKey),
            source: Some(VerifySource::Rejection),
            evidence: Some("JWKSNoMatchingKey: no applicable key found".into()),
            relayed_from: None,
        },
        ..hop(Some("orders"), "payment", Verdict::Failed)
    }
}

pub fn changed() -> Hop {
    let mut other = (*token("zz9q")).clone();
    other.sub_hash = Some(Fingerprint::new("h256.00c0ffee:m4x2bbbbbbbbbbbbbbbbbb"));
    let other = Arc::new(other);
    Hop {
        start: UnixNanos(seconds(0).0 - 75_000_000_000),
        cause: Some(Cause::SubjectSwitched),
        segment: Some(Segment::Relay),
        severity: Severity::Critical,
        sent: side(Presence::Present, Some(other.clone()), "captured"),
        received: side(Presence::Present, Some(other), "captured"),
        detail: Some("another user's token: the issuer is the same, the subject is not".to_owned()),
        hint: Some("under load: a shared client or thread-local carries another request's token".to_owned()),
        ..hop(Some("cart"), "pricing", Verdict::Changed)
    }
}

pub fn placeholder() -> Hop {
    let mut sent = side(Presence::Present, None, "authorization holds `Bearer undefined`");
    sent.anomalies.insert(Anomaly::Placeholder);
    Hop {
        cause: Some(Cause::Placeholder),
        segment: Some(Segment::Relay),
        severity: Severity::High,
        sent: sent.clone(),
        received: sent,
        ..hop(Some("orders"), "tracking", Verdict::Changed)
    }
}

/// The store of the screens' mock, with its three problems.
pub fn store() -> Build {
    Build::new()
        .services(&["gateway", "orders", "cart", "pricing", "payment", "shipping"])
        .service("stripe.example.com", NodeKind::External)
        .edge(None, "gateway", Verdict::Originated)
        .edge(Some("gateway"), "orders", Verdict::Intact)
        .edge(Some("gateway"), "cart", Verdict::Intact)
        .problem(changed(), 7, 90)
        .problem(dropped(), 42, 42)
        .problem(failed(), 13, 40)
        .edge(Some("payment"), "stripe.example.com", Verdict::Absent)
}
