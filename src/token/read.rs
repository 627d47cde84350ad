//! From a raw token to what is kept of it.

use super::claims::{read_claims, read_header};
use super::fingerprint::{FingerprintKey, Label, sha256_fingerprint};
use super::keys::KeySets;
use super::{RawToken, Shape};
use crate::model::{Anomalies, Anomaly, Check, Token, TokenFormat};

/// Shortest opaque bearer or `DPoP` value whose plain SHA-256 may be shown (tagging.md section 4).
const MIN_OPAQUE: usize = 32;

/// Checks a token once more, under newer keys.
pub(super) fn check(raw: &RawToken<'_>, keys: &KeySets) -> Check {
    let shape = Shape::of(raw);
    shape.claims().map_or(Check::NotChecked, |claims| keys.check(&shape, &claims))
}

/// Hashes, decodes and checks a token: once for each distinct one, never per span. `bound_scheme` is whether it came
/// with the scheme `bearer` or `dpop`.
pub(super) fn read(raw: &RawToken<'_>, bound_scheme: bool, key: &FingerprintKey, keys: &KeySets) -> (Token, Anomalies) {
    let text = raw.expose();
    let shape = Shape::of(raw);
    let plain = shape.is_unguessable()
        || (shape.format == TokenFormat::Opaque && bound_scheme && text.chars().count() >= MIN_OPAQUE);
    let mut token = Token {
        s256: plain.then(|| sha256_fingerprint(text.as_bytes())),
        h256: Some(key.fingerprint(Label::Token, text.as_bytes())),
        format: Some(shape.format),
        parts: Some(shape.parts.len() as u8),
        signature_removed: shape.signature_removed,
        length: Some(u32::try_from(text.len()).unwrap_or(u32::MAX)),
        ..Token::default()
    };
    let part = |label, at: usize| shape.parts.get(at).map(|part| key.fingerprint(label, part.as_bytes()));
    match shape.format {
        TokenFormat::Opaque => token.signature = Some(key.fingerprint(Label::Signature, text.as_bytes())),
        TokenFormat::Jwe => token.header = part(Label::Header, 0),
        // A header cut in the middle is nobody's header.
        TokenFormat::Jws if shape.header.is_none() => {}
        TokenFormat::Jws => {
            token.header = part(Label::Header, 0);
            token.payload = part(Label::Payload, 1);
            token.signature = part(Label::Signature, 2);
        }
    }
    if let Some(header) = &shape.header {
        read_header(&mut token, header);
    }
    if let Some(claims) = shape.claims() {
        read_claims(&mut token, &claims, key);
        token.check = keys.check(&shape, &claims);
    }
    let mut anomalies = Anomalies::default();
    if shape.truncated {
        anomalies.insert(Anomaly::MaybeTruncated);
    }
    (token, anomalies)
}
