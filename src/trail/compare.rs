//! Two observations side by side: the same token, another one, or nothing that can be said (verdicts.md sections 3 and 5).

use crate::model::{Anomalies, Anomaly, Cause, SubjectKind, Token, TokenFormat};

use super::observe::{Observed, Seen, What};

/// How a later observation relates to an earlier one.
#[derive(Clone, Debug)]
pub enum Relation<'a> {
    /// At least one token of the earlier side is there, unharmed.
    Same,
    /// Another token, or the same one harmed; the pair that shows it.
    Other(Change<'a>),
    /// Both may hold a token, and they cannot be compared.
    Incomparable(Cause),
}

/// A change and what shows it.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Cause by section 5.
    pub cause: Cause,
    /// What the earlier side held.
    pub from: Option<Seen<'a>>,
    /// What the later side held; `None` for a placeholder.
    pub to: Option<Seen<'a>>,
    /// Why the subject could not be compared, or what the other one is.
    pub note: Option<&'static str>,
}

/// Relates two observations that both hold something.
pub fn relate<'a>(earlier: &Observed<'a>, later: &Observed<'a>) -> Relation<'a> {
    let mut harmed = None;
    let mut other = None;
    let mut unclear = earlier.hidden.or(later.hidden);
    for from in &earlier.tokens {
        for to in &later.tokens {
            match from.token.same_as(to.token) {
                Some(true) => match harm(from.carried.anomalies, to.carried.anomalies) {
                    None => return Relation::Same,
                    Some(cause) => harmed = harmed.or(Some((cause, *from, *to))),
                },
                Some(false) => {
                    let same_carrier = carrier_name(&from.carried.carrier) == carrier_name(&to.carried.carrier);
                    if other.is_none() || same_carrier {
                        other = other.filter(|(_, _, same)| *same).or(Some((*from, *to, same_carrier)));
                    }
                }
                None => unclear = unclear.or(Some(Cause::KeysDiffer)),
            }
        }
    }
    if let Some((cause, from, to)) = harmed {
        return Relation::Other(Change { cause, from: Some(from), to: Some(to), note: None });
    }
    if later.what == What::Placeholder {
        let from = earlier.tokens.first().copied();
        return Relation::Other(Change { cause: Cause::Placeholder, from, to: None, note: None });
    }
    match (unclear, other) {
        (None, Some((from, to, _))) => {
            let (cause, note) = classify(from.token, to.token);
            Relation::Other(Change { cause, from: Some(from), to: Some(to), note })
        }
        (cause, _) => Relation::Incomparable(cause.unwrap_or(Cause::NotCaptured)),
    }
}

/// The carrier without its kind: a header that goes on as gRPC metadata has not moved.
pub fn carrier_name(carrier: &str) -> &str {
    carrier.split_once(':').map_or(carrier, |(kind, name)| match kind {
        "header" | "metadata" | "message" => name,
        _ => carrier,
    })
}

/// The same token with an anomaly that the earlier side lacks.
fn harm(earlier: Anomalies, later: Anomalies) -> Option<Cause> {
    let new = later.new_since(earlier);
    if new.contains(Anomaly::PrefixDuplicated) || new.contains(Anomaly::PrefixMissing) {
        Some(Cause::Prefix)
    } else if new.contains(Anomaly::Quoted) || new.contains(Anomaly::PercentEncoded) {
        Some(Cause::Reencoded)
    } else {
        None
    }
}

/// The cause of a change between two tokens that are provably different; first match wins.
fn classify(from: &Token, to: &Token) -> (Cause, Option<&'static str>) {
    let equal = |a: &Option<_>, b: &Option<_>| same(a.as_ref(), b.as_ref());
    let header = equal(&from.header, &to.header);
    let payload = equal(&from.payload, &to.payload);
    let signature = equal(&from.signature, &to.signature);
    let was_jws = from.format == Some(TokenFormat::Jws);
    if was_jws && truncated(from, to, header, payload) {
        return (Cause::Truncated, None);
    }
    if was_jws && signed(from) && !signed(to) && to.format == Some(TokenFormat::Jws) {
        return (Cause::SignatureStripped, None);
    }
    if was_jws && signed(from) && signature == Some(true) && (payload == Some(false) || header == Some(false)) {
        return (Cause::Tampered, None);
    }
    if header == Some(true) && payload == Some(true) && signature == Some(false) {
        return (Cause::Resigned, None);
    }
    match subject(from, to) {
        Subject::Switched => {
            let note = if to.subject_kind == Some(SubjectKind::Workload) {
                "the new subject is a workload"
            } else {
                "the new subject is no workload that can be told"
            };
            (Cause::SubjectSwitched, Some(note))
        }
        _ if !from.shows_claims() || !to.shows_claims() => (Cause::Replaced, Some("one side shows no claims")),
        Subject::Kept => (Cause::Reminted, Some("another token for the same subject")),
        Subject::OtherIssuer => (Cause::Reminted, Some("a token of another issuer")),
        Subject::NotKnown => (Cause::Reminted, Some("the subjects cannot be compared")),
    }
}

fn same(a: Option<&crate::model::Fingerprint>, b: Option<&crate::model::Fingerprint>) -> Option<bool> {
    a?.compare(b?)
}

fn truncated(from: &Token, to: &Token, header: Option<bool>, payload: Option<bool>) -> bool {
    let whole = from.parts.is_none_or(|parts| parts == 3);
    let shorter = to.length.zip(from.length).is_none_or(|(now, before)| now < before);
    let cut_parts = to.parts.is_some_and(|parts| parts < 3) && header != Some(false);
    let cut_signature = header == Some(true) && payload == Some(true) && shorter && !to.signature_removed && signed(to);
    whole && shorter && (cut_parts && header == Some(true) || cut_signature && length_differs(from, to))
}

fn length_differs(from: &Token, to: &Token) -> bool {
    from.length.zip(to.length).is_some_and(|(before, now)| now < before)
}

/// Whether a JWS carries a signature as far as can be seen.
pub fn signed(token: &Token) -> bool {
    !token.signature_removed && token.alg.as_deref().is_none_or(|alg| !alg.eq_ignore_ascii_case("none"))
}

/// How the subjects of two tokens relate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// Provably the same.
    Kept,
    /// The same issuer (Entra: tenant) and provably another subject.
    Switched,
    /// Issuers differ, so subjects cannot be compared.
    OtherIssuer,
    /// One side does not say.
    NotKnown,
}

/// Compares subjects: Entra's `tid` + `oid` before `iss` + `sub`, because `sub` is pairwise there.
pub fn subject(from: &Token, to: &Token) -> Subject {
    let same_issuer = same_issuer(from, to);
    if let Some(kept) = same(from.subject_id_hash.as_ref(), to.subject_id_hash.as_ref()) {
        return match (kept, same_issuer) {
            (true, _) => Subject::Kept,
            (false, Some(true)) => Subject::Switched,
            (false, Some(false)) => Subject::OtherIssuer,
            (false, None) => Subject::NotKnown,
        };
    }
    // One side names the person by `oid` and the other does not: their `sub` may be pairwise.
    let pairwise = from.subject_id_hash.is_some() != to.subject_id_hash.is_some();
    match (same(from.sub_hash.as_ref(), to.sub_hash.as_ref()), same_issuer) {
        (Some(true), _) => Subject::Kept,
        (Some(false), Some(true)) if !pairwise => Subject::Switched,
        (_, Some(false)) => Subject::OtherIssuer,
        _ => Subject::NotKnown,
    }
}

/// Whether two tokens come from one issuer; Entra's v1 and v2 issuers of one tenant are one.
pub fn same_issuer(from: &Token, to: &Token) -> Option<bool> {
    let (a, b) = (from.iss.as_deref()?, to.iss.as_deref()?);
    Some(a == b || tenant(a).is_some() && tenant(a) == tenant(b))
}

/// The tenant id in an issuer of Microsoft Entra, v1 or v2.
fn tenant(iss: &str) -> Option<&str> {
    let rest = iss
        .strip_prefix("https://login.microsoftonline.com/")
        .or_else(|| iss.strip_prefix("https://sts.windows.net/"))?;
    rest.split('/').next().filter(|tenant| !tenant.is_empty())
}
