//! A judged hop: who called whom, what each of them saw of the token, and what that means.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::finding::names;
use super::{
    Anomalies, Cause, Confidence, FindingHit, Fingerprint, Segment, Severity, SpanId, Token, TraceId, UnixNanos,
    Verdict,
};

names! {
    /// Why a token was refused: the values of `jwtrail.verify.reason`.
    Reason {
        /// The signature does not verify.
        Signature = "signature",
        /// No key for the token's `kid`.
        UnknownKey = "unknown_key",
        /// An algorithm that is not allowed.
        Algorithm = "algorithm",
        /// Past its `exp`.
        Expired = "expired",
        /// Before its `nbf` or `iat`.
        NotYetValid = "not_yet_valid",
        /// Meant for another audience.
        Audience = "audience",
        /// From another issuer.
        Issuer = "issuer",
        /// Another claim is missing or wrong.
        Claim = "claim",
        /// Not a token that can be read.
        Malformed = "malformed",
        /// More than one token.
        Multiple = "multiple",
        /// The key set could not be fetched.
        JwksUnavailable = "jwks_unavailable",
        /// The callee says that it saw none.
        Missing = "missing",
        /// Known, but not allowed.
        Forbidden = "forbidden",
        /// Refused, and nobody says why.
        Rejected = "rejected",
    }
}

impl Reason {
    /// The cause of a `failed` verdict has the reason's own name.
    pub fn cause(self) -> Cause {
        Cause::from_name(self.name()).unwrap_or(Cause::Rejected)
    }
}

names! {
    /// What a service's own check said: the values of `jwtrail.verify.result`.
    VerifyResult {
        /// It verified.
        Ok = "ok",
        /// It did not.
        Failed = "failed",
        /// Nobody looked.
        Skipped = "skipped",
        /// Nobody said.
        Unknown = "unknown",
    }
}

names! {
    /// Who said so.
    VerifySource {
        /// The callee's own `jwtrail.verify.*`.
        Service = "service",
        /// An exception, a log record or a challenge that `rejections.tsv` knows.
        Rejection = "rejection",
        /// jwtrail's own check.
        Jwtrail = "jwtrail",
        /// A bare status.
        Status = "status",
    }
}

names! {
    /// What one observation says of a token's presence (tagging.md section 3).
    Presence {
        /// A token.
        Present = "present",
        /// No token.
        Absent = "absent",
        /// Not known.
        Unknown = "unknown",
        /// There, but hidden.
        Redacted = "redacted",
        /// There is no such observation: a caller that received no request.
        None = "none",
    }
}

/// One end of a hop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Party {
    /// The service's name as shown: bare unless ambiguous; a host or destination for one that never reports.
    pub service: Arc<str>,
    /// Its span: the call span of a caller, the entry span of a callee (`None` where it never reports).
    pub span_id: Option<SpanId>,
    /// The trace of that span where it is another one than the hop's (a link).
    pub trace_id: Option<TraceId>,
    /// `telemetry.sdk.language` of that service, empty where not known.
    pub language: Arc<str>,
    /// Instrumentation scope of that span, empty where not known.
    pub scope: Arc<str>,
}

/// One of the three observations of a hop, with the ground that it stands on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Side {
    /// Whether there was a token.
    pub presence: Presence,
    /// The token that the verdict speaks of, where one is known.
    pub token: Option<Arc<Token>>,
    /// The carrier it was in, empty where none.
    pub carrier: Arc<str>,
    /// How the value strayed from the canonical form.
    pub anomalies: Anomalies,
    /// The span that shows it.
    pub span_id: Option<SpanId>,
    /// Why this is known or not, one clause for people: "its client span captured headers, authorization not among them".
    pub ground: String,
}

/// What is known of the callee's check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verification {
    /// Result.
    pub result: VerifyResult,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// Who said so.
    pub source: Option<VerifySource>,
    /// The text or tag it was read from, scrubbed, for people.
    pub evidence: Option<Arc<str>>,
    /// The span that the refusal was relayed from.
    pub relayed_from: Option<SpanId>,
}

/// A hop and its judgement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Hop {
    /// Trace of the callee (of the caller where the callee never reports).
    pub trace_id: TraceId,
    /// `None` for an entry hop.
    pub caller: Option<Party>,
    /// Who was called.
    pub callee: Party,
    /// What was asked for, for people.
    pub operation: Arc<str>,
    /// Start of the callee's span, else of the call span.
    pub start: UnixNanos,
    /// HTTP status, else gRPC status.
    pub status: Option<u16>,
    /// Verdict.
    pub verdict: Verdict,
    /// Cause.
    pub cause: Option<Cause>,
    /// Segment.
    pub segment: Option<Segment>,
    /// Severity of the verdict (findings have their own).
    pub severity: Severity,
    /// Confidence.
    pub confidence: Confidence,
    /// Whether a part of the path was not seen.
    pub gap: bool,
    /// Whether the trace had been quiet for the settle window.
    pub settled: bool,
    /// What the caller itself received.
    pub inbound: Side,
    /// What the call span carried.
    pub sent: Side,
    /// What the entry span carried.
    pub received: Side,
    /// Callee's check.
    pub verification: Verification,
    /// The entry or call span of the hop that broke the token, where this one only passes it on.
    pub blame: Option<SpanId>,
    /// Findings.
    pub findings: Vec<FindingHit>,
    /// Waypoints passed in transit, by name.
    pub waypoints: Vec<Arc<str>>,
    /// What people should know beside the verdict.
    pub detail: Option<String>,
    /// What to look at.
    pub hint: Option<String>,
}

impl Hop {
    /// The fingerprint to print for a side.
    pub fn printed(side: &Side) -> Option<&Fingerprint> {
        side.token.as_deref().and_then(Token::fingerprint)
    }

    /// The worst of the verdict's severity and its findings'.
    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|hit| hit.severity).fold(self.severity, Severity::max)
    }
}
