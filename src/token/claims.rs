//! Safe claims of a decoded JWS: plain where they name services and times, hashed where they name a person.

use std::sync::Arc;

use serde_json::Value;

use super::fingerprint::{FingerprintKey, Label};
use super::scrub;
use crate::model::{Confirmation, Fingerprint, SubjectKind, Token};

/// Longest text kept of a claim, in characters.
pub(super) const MAX_TEXT: usize = 256;
const MAX_AUDIENCES: usize = 32;
const MAX_SCOPES: usize = 128;
const MAX_ACTORS: usize = 16;

/// Fills in what a JOSE header says.
pub(super) fn read_header(token: &mut Token, header: &Value) {
    token.alg = text(header.get("alg"));
    token.kid = text(header.get("kid"));
    token.typ = text(header.get("typ"));
}

/// Fills in what a claims set says (RFC 7519 section 4, RFC 8693 section 4, RFC 9068).
pub(super) fn read_claims(token: &mut Token, claims: &Value, key: &FingerprintKey) {
    let claim = |name: &str| claims.get(name);
    let issuer = claim("iss").and_then(Value::as_str).unwrap_or("");
    token.iss = text(claim("iss"));
    token.aud = list(claim("aud"), MAX_AUDIENCES, false);
    token.scope = list(claim("scope").or_else(|| claim("scp")), MAX_SCOPES, true);
    token.exp = seconds(claim("exp"));
    token.iat = seconds(claim("iat"));
    token.nbf = seconds(claim("nbf"));
    let bound = |label, name: &str| -> Option<Fingerprint> {
        claim(name).and_then(Value::as_str).map(|value| key.claim(label, issuer, value))
    };
    token.sub_hash = bound(Label::Subject, "sub");
    token.jti_hash = bound(Label::JwtId, "jti");
    token.txn_hash = bound(Label::Transaction, "txn");
    if let (Some(tenant), Some(object)) = (claim("tid").and_then(Value::as_str), claim("oid").and_then(Value::as_str)) {
        token.subject_id_hash = Some(key.claim(Label::ObjectId, tenant, object));
    }
    token.subject_kind = subject_kind(claims);
    token.actors = actors(claims, issuer, key);
    token.cnf = confirmation(claim("cnf"));
}

fn subject_kind(claims: &Value) -> Option<SubjectKind> {
    let named = claims.get("sub").or_else(|| claims.get("oid")).is_some();
    if is_workload(claims) { Some(SubjectKind::Workload) } else { named.then_some(SubjectKind::User) }
}

/// The rules of verdicts.md section 5, "Workload". `client_id` alone says nothing.
fn is_workload(claims: &Value) -> bool {
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    if claim("idtyp") == Some("app") || claim("gty") == Some("client-credentials") {
        return true;
    }
    let Some(subject) = claim("sub") else { return false };
    claim("client_id") == Some(subject) || claim("azp") == Some(subject) || is_workload_name(subject)
}

fn is_workload_name(subject: &str) -> bool {
    subject.ends_with("@clients")
        || ["service-account-", "system:serviceaccount:", "spiffe://"].iter().any(|head| subject.starts_with(head))
}

/// The `act` chain, outermost first.
fn actors(claims: &Value, issuer: &str, key: &FingerprintKey) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    let mut next = claims.get("act");
    while let (Some(actor), true) = (next, found.len() < MAX_ACTORS) {
        let issuer = actor.get("iss").and_then(Value::as_str).unwrap_or(issuer);
        let client = actor.get("client_id").or_else(|| actor.get("azp"));
        match (actor.get("sub").and_then(Value::as_str), client.and_then(Value::as_str)) {
            (Some(subject), _) if is_workload(actor) => found.push(bounded(subject)),
            (Some(subject), _) => found.push(Arc::from(key.claim(Label::Subject, issuer, subject).as_str())),
            (None, Some(client)) => found.push(bounded(client)),
            (None, None) => {}
        }
        next = actor.get("act");
    }
    found
}

/// `None` where a binding is named that this version does not know.
fn confirmation(cnf: Option<&Value>) -> Option<Confirmation> {
    let Some(cnf) = cnf else { return Some(Confirmation::None) };
    if cnf.get("jkt").is_some() { Some(Confirmation::Jkt) } else { cnf.get("x5t#S256").map(|_| Confirmation::X5t) }
}

/// A `NumericDate`: seconds, maybe with a fraction (RFC 7519 section 2).
fn seconds(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    value.as_i64().or_else(|| value.as_f64().filter(|seconds| seconds.abs() < 1e15).map(|seconds| seconds as i64))
}

fn list(value: Option<&Value>, most: usize, split: bool) -> Vec<Arc<str>> {
    let texts: Vec<&str> = match value {
        Some(Value::String(text)) if split => text.split_ascii_whitespace().collect(),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().take(most).map(bounded).collect()
}

fn text(value: Option<&Value>) -> Option<Arc<str>> {
    value.and_then(Value::as_str).map(bounded)
}

/// A claim's text, without credentials that someone put there and without end.
pub(super) fn bounded(text: &str) -> Arc<str> {
    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(at, _)| at);
    Arc::from(scrub::blacken(&text[..end]))
}
