//! The eight verdicts, their causes, and how sure and how bad (verdicts.md sections 2, 5, 7 and 9).

use super::finding::names;

names! {
    /// What became of the token on a hop.
    Verdict {
        /// The callee got what the caller had.
        Intact = "intact",
        /// The token enters here.
        Originated = "originated",
        /// It changed on purpose.
        Exchanged = "exchanged",
        /// There was one, the callee got none.
        Dropped = "dropped",
        /// The callee got another, and nothing says it was meant.
        Changed = "changed",
        /// It arrived as it should, and the callee refused it.
        Failed = "failed",
        /// None, and none was lost here.
        Absent = "absent",
        /// Not enough evidence.
        Unknown = "unknown",
    }
}

impl Verdict {
    /// Whether this verdict says that the hop broke something.
    pub fn accuses(self) -> bool {
        matches!(self, Self::Dropped | Self::Changed | Self::Failed)
    }
}

names! {
    /// Why. The reasons of `failed` are those of `jwtrail.verify.reason`.
    Cause {
        /// Behind a break that happened above.
        Inherited = "inherited",
        /// The token enters the trace here.
        Entry = "entry",
        /// The caller had none and sent one of its own.
        Minted = "minted",
        /// The caller sent none, something in transit added one.
        Injected = "injected",
        /// The policy says that this edge exchanges.
        Policy = "policy",
        /// The trace shows that it was meant.
        Evidence = "evidence",
        /// An opaque token went in and a JWS came out.
        OpaqueToJws = "opaque_to_jws",
        /// The caller did not send it.
        NotSent = "not_sent",
        /// Something between caller and callee took it off.
        Stripped = "stripped",
        /// Gone, and what the caller sent is not known.
        Lost = "lost",
        /// The carrier holds `undefined` or the like.
        Placeholder = "placeholder",
        /// The same token behind a broken scheme.
        Prefix = "prefix",
        /// The same token only after unquoting or percent-decoding.
        Reencoded = "reencoded",
        /// The token was cut.
        Truncated = "truncated",
        /// Signed before, unsigned now.
        SignatureStripped = "signature_stripped",
        /// Same signature, different header or payload.
        Tampered = "tampered",
        /// Same header and payload, different signature.
        Resigned = "resigned",
        /// Another subject of the same issuer.
        SubjectSwitched = "subject_switched",
        /// Another token for the same subject, or one that cannot be compared.
        Reminted = "reminted",
        /// Another token, and one side shows no claims.
        Replaced = "replaced",
        /// No token, and none was lost.
        Anonymous = "anonymous",
        /// No token is expected here.
        Exempt = "exempt",
        /// Nobody captured the header.
        NotCaptured = "not_captured",
        /// There, but hidden by the instrumentation.
        Redacted = "redacted",
        /// The captured value was cut by an attribute length limit.
        CaptureCut = "capture_cut",
        /// The callee never reported.
        CalleeUntraced = "callee_untraced",
        /// The caller never reported.
        CallerUnseen = "caller_unseen",
        /// Fingerprints under different keys.
        KeysDiffer = "keys_differ",
        /// Evidence may still come.
        Pending = "pending",
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

names! {
    /// How sure, weakest first: the weakest ground that a verdict stands on.
    Confidence {
        /// Could be otherwise.
        Possible = "possible",
        /// Hardly otherwise.
        Likely = "likely",
        /// Seen.
        Proven = "proven",
    }
}

names! {
    /// How bad, mildest first.
    Severity {
        /// Nothing to do.
        Info = "info",
        /// Worth knowing.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Broken.
        High = "high",
        /// A security matter.
        Critical = "critical",
    }
}

names! {
    /// Where on a hop it happened.
    Segment {
        /// Between what the caller received and what it sent: the caller's code.
        Relay = "relay",
        /// Between caller and callee: proxy, mesh, gateway.
        Transit = "transit",
        /// One of the two.
        Unknown = "unknown",
    }
}
