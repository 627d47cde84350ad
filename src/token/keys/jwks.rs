//! Key sets (RFC 7517) and secrets into keys that verify. What a key is good for is decided here, never by a token.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::model::Fingerprint;

const SYMMETRIC: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

/// One key and what it may be used for.
pub(super) struct VerificationKey {
    pub(super) kid: Option<String>,
    /// A shared secret that was named as one: it has no `kid`, and serves tokens whatever theirs.
    pub(super) secret: bool,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
    pub(super) thumbprint: Option<Fingerprint>,
}

/// What one source holds at the moment.
#[derive(Default)]
pub(super) struct Held {
    pub(super) keys: Vec<VerificationKey>,
    /// `kid`s of keys that are there and cannot be used: fetching again does not help.
    pub(super) unusable: Vec<String>,
    /// Keys that were left out, each with the reason.
    pub(super) skipped: Vec<String>,
}

/// Who published a key set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    /// Somebody with access to this machine.
    OnDisk,
    /// Anyone can read it: a symmetric key in it is no secret.
    OnTheWeb,
}

/// Why a document is no key set.
pub(super) enum NoKeySet {
    /// It is not one, but this.
    Malformed(String),
    /// None of its keys can be used, for these reasons.
    NoUsableKey(String),
}

impl Held {
    /// Reads a JWKS, or a single JWK.
    pub(super) fn parse(bytes: &[u8], allowed: &[Algorithm], published: Published) -> Result<Self, NoKeySet> {
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|error| NoKeySet::Malformed(format!("text that is no JSON (line {})", error.line())))?;
        let keys = match (document.get("keys"), document.get("kty")) {
            (Some(Value::Array(keys)), _) => keys.clone(),
            (None, Some(_)) => vec![document],
            _ => return Err(NoKeySet::Malformed("JSON without it".to_owned())),
        };
        let mut held = Self::default();
        for (at, key) in keys.into_iter().enumerate() {
            let kid = key.get("kid").and_then(Value::as_str).map(str::to_owned);
            match VerificationKey::read(key, allowed, published) {
                Ok(key) => held.keys.push(key),
                Err(reason) => {
                    held.unusable.extend(kid);
                    held.skipped.push(format!("key {}: {reason}", at + 1));
                }
            }
        }
        if held.keys.is_empty() { Err(NoKeySet::NoUsableKey(held.skipped.join("; "))) } else { Ok(held) }
    }

    /// A shared secret. Where it can be read as base64 of 16 bytes or more it is taken in both ways: half of all
    /// libraries decode it first, and nothing in it says which.
    pub(super) fn secret(secret: &[u8], allowed: &[Algorithm]) -> Result<Self, String> {
        let mut algorithms = SYMMETRIC.to_vec();
        if !allowed.is_empty() {
            algorithms.retain(|algorithm| allowed.contains(algorithm));
        }
        if algorithms.is_empty() {
            return Err("`algorithms` without HS256, HS384 and HS512".to_owned());
        }
        let key = |decoding| VerificationKey {
            kid: None,
            secret: true,
            algorithms: algorithms.clone(),
            decoding,
            thumbprint: None,
        };
        let mut keys = vec![key(DecodingKey::from_secret(secret))];
        let text = std::str::from_utf8(secret).unwrap_or_default();
        if text.len() >= 22
            && let Ok(decoding) = DecodingKey::from_base64_secret(text)
        {
            keys.push(key(decoding));
        }
        Ok(Self { keys, ..Self::default() })
    }
}

impl VerificationKey {
    fn read(key: Value, allowed: &[Algorithm], published: Published) -> Result<Self, String> {
        let jwk: Jwk = serde_json::from_value(key).map_err(|_| "no JWK that can be read".to_owned())?;
        if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
            return Err("not for signatures (`use`)".to_owned());
        }
        let symmetric = matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_));
        if symmetric && published == Published::OnTheWeb {
            return Err("a symmetric key that anyone can fetch".to_owned());
        }
        let mut algorithms = algorithms_of(&jwk)?;
        if !allowed.is_empty() {
            algorithms.retain(|algorithm| allowed.contains(algorithm));
        }
        if algorithms.is_empty() {
            return Err("no algorithm left that is accepted".to_owned());
        }
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| "key parameters that cannot be read".to_owned())?;
        let digest = if symmetric { None } else { jwk.thumbprint(ThumbprintHash::SHA256).ok() };
        let thumbprint = digest.map(|digest| Fingerprint::new(format!("s256:{digest}")));
        Ok(Self { kid: jwk.common.key_id, secret: false, algorithms, decoding, thumbprint })
    }
}

/// Whether an algorithm signs with a shared secret.
pub(super) fn is_symmetric(algorithm: Algorithm) -> bool {
    SYMMETRIC.contains(&algorithm)
}

/// RFC 9864 gives `EdDSA` over Curve25519 a name of its own.
pub(super) fn algorithm_named(name: &str) -> Option<Algorithm> {
    if name == "Ed25519" { Some(Algorithm::EdDSA) } else { name.parse().ok() }
}

/// The algorithms that a key is good for: its own `alg`, else what its type and curve allow.
fn algorithms_of(jwk: &Jwk) -> Result<Vec<Algorithm>, String> {
    use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
    let by_type = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() * 3 / 4 < 256 => {
            return Err("an RSA modulus under 2,048 bits".to_owned());
        }
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => vec![ES256],
            EllipticCurve::P384 => vec![ES384],
            _ => return Err("a curve that is not supported (P-256 and P-384 are)".to_owned()),
        },
        AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        AlgorithmParameters::OctetKey(_) => vec![HS256, HS384, HS512],
        _ => return Err("a key type that is not supported".to_owned()),
    };
    match jwk.common.key_algorithm {
        None => Ok(by_type),
        Some(KeyAlgorithm::UNKNOWN_ALGORITHM) if by_type == [EdDSA] => Ok(by_type),
        Some(named) => match Algorithm::try_from(named) {
            Ok(named) if by_type.contains(&named) => Ok(vec![named]),
            _ => Err(format!("`alg` {named} does not fit its type")),
        },
    }
}
