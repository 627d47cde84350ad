//! jwtrail's own check: issuers' public keys and the verification of signatures. No clock and no network in here:
//! time is judged per span, and key sets are handed in by whoever reads them.

use std::fs;
use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::Shape;
use crate::model::{Check, Fingerprint, Reason};

/// Largest JWKS that is read, in bytes.
const MAX_JWKS: u64 = 4 * 1024 * 1024;

/// Where a key set comes from. Only files so far; URLs and issuers will be further variants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// A JWKS (RFC 7517) on disk.
    File {
        /// Its path.
        path: PathBuf,
        /// The issuer that it belongs to: tokens of others are not checked with it. `None` checks any.
        issuer: Option<String>,
        /// Algorithms to accept, by JOSE name; empty for whatever each key is good for.
        algorithms: Vec<String>,
    },
}

impl KeySource {
    /// A file for any issuer, as named by `--jwks`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File { path: path.into(), issuer: None, algorithms: Vec::new() }
    }
}

/// Why a key set was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeySetsError {
    /// The file could not be read.
    #[error("expected a JWKS file at {path}, and it could not be read: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no JWKS.
    #[error("expected a JSON object with `keys` (RFC 7517) in {path}, found {found}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What was there.
        found: String,
    },
    /// No key in it verifies signatures.
    #[error("expected at least one RSA, EC or Ed25519 signature key in {path}, found none: {found}")]
    NoUsableKey {
        /// Which.
        path: PathBuf,
        /// What was wrong with the keys that are there.
        found: String,
    },
    /// An algorithm name that is not known.
    #[error("expected a JOSE signature algorithm such as RS256 or ES256 for {path}, found `{found}`")]
    UnknownAlgorithm {
        /// Which.
        path: PathBuf,
        /// The name.
        found: String,
    },
}

/// The keys that tokens are checked against.
#[derive(Default)]
pub struct KeySets {
    keys: Vec<VerificationKey>,
    skipped: Vec<String>,
}

struct VerificationKey {
    kid: Option<String>,
    issuer: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
    thumbprint: Option<Fingerprint>,
}

impl KeySets {
    /// Reads every source; the first that cannot be used is the error.
    pub fn load(sources: &[KeySource]) -> Result<Self, KeySetsError> {
        let mut sets = Self::default();
        for KeySource::File { path, issuer, algorithms } in sources {
            sets.add_file(path, issuer.as_deref(), algorithms)?;
        }
        Ok(sets)
    }

    /// Keys that were left out, each with the reason, for the log.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Whether there is any key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn add_file(&mut self, path: &Path, issuer: Option<&str>, allowed: &[String]) -> Result<(), KeySetsError> {
        let unreadable = |source| KeySetsError::Unreadable { path: path.to_owned(), source };
        let malformed = |found: String| KeySetsError::Malformed { path: path.to_owned(), found };
        let size = fs::metadata(path).map_err(unreadable)?.len();
        if size > MAX_JWKS {
            return Err(malformed(format!("{size} bytes")));
        }
        let allowed = allowed
            .iter()
            .map(|name| {
                name.parse::<Algorithm>()
                    .map_err(|_| KeySetsError::UnknownAlgorithm { path: path.to_owned(), found: name.clone() })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let bytes = fs::read(path).map_err(unreadable)?;
        let document: Value = serde_json::from_slice(&bytes)
            .map_err(|error| malformed(format!("text that is no JSON (line {})", error.line())))?;
        let keys = match (document.get("keys"), document.get("kty")) {
            (Some(Value::Array(keys)), _) => keys.clone(),
            (None, Some(_)) => vec![document],
            _ => return Err(malformed("JSON without it".to_owned())),
        };
        let (held, left_out) = (self.keys.len(), self.skipped.len());
        for (at, key) in keys.into_iter().enumerate() {
            match VerificationKey::read(key, issuer, &allowed) {
                Ok(key) => self.keys.push(key),
                Err(reason) => self.skipped.push(format!("{}: key {}: {reason}", path.display(), at + 1)),
            }
        }
        if self.keys.len() == held {
            let found = self.skipped[left_out..].join("; ");
            return Err(KeySetsError::NoUsableKey { path: path.to_owned(), found });
        }
        Ok(())
    }

    /// Verifies a signature. The algorithm must be one that the *key* allows; the token only picks among those.
    pub(super) fn check(&self, shape: &Shape<'_>, claims: &Value) -> Check {
        let [header_part, payload_part, signature] = shape.parts[..] else { return Check::NotChecked };
        let (Some(header), false) = (&shape.header, self.keys.is_empty()) else { return Check::NotChecked };
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let alg = text(header, "alg").unwrap_or_default();
        if alg.eq_ignore_ascii_case("none") {
            return Check::Failed(Reason::Algorithm);
        }
        // A gateway that replaced the signature had verified it: there is nothing left to check.
        if shape.signature_removed && !signature.is_empty() {
            return Check::NotChecked;
        }
        let issuer = text(claims, "iss");
        let kid = text(header, "kid");
        let matching: Vec<&VerificationKey> = self
            .keys
            .iter()
            .filter(|key| key.issuer.is_none() || key.issuer == issuer)
            .filter(|key| kid.is_none() || key.kid == kid)
            .collect();
        let Some(algorithm) = algorithm_named(&alg).filter(|_| !matching.is_empty()) else {
            let refused = kid.is_some() && !matching.is_empty();
            return if refused { Check::Failed(Reason::Algorithm) } else { Check::NotChecked };
        };
        // Some gateways write base64url with padding, which this decoder does not take.
        let signature = signature.trim_end_matches('=');
        let message = format!("{header_part}.{payload_part}");
        let message = zeroize::Zeroizing::new(message);
        let able: Vec<_> = matching.iter().filter(|key| key.algorithms.contains(&algorithm)).collect();
        for key in &able {
            if jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm).unwrap_or(false) {
                return Check::Valid(key.thumbprint.clone());
            }
        }
        match (kid, able.is_empty()) {
            // Without a `kid` nobody says that one of these keys should have fitted.
            (None, _) => Check::NotChecked,
            (Some(_), true) => Check::Failed(Reason::Algorithm),
            (Some(_), false) => Check::Failed(Reason::Signature),
        }
    }
}

impl VerificationKey {
    fn read(key: Value, issuer: Option<&str>, allowed: &[Algorithm]) -> Result<Self, String> {
        let jwk: Jwk = serde_json::from_value(key).map_err(|_| "no JWK that can be read".to_owned())?;
        if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
            return Err("not for signatures (`use`)".to_owned());
        }
        let mut algorithms = algorithms_of(&jwk)?;
        if !allowed.is_empty() {
            algorithms.retain(|algorithm| allowed.contains(algorithm));
        }
        if algorithms.is_empty() {
            return Err("no algorithm left that is accepted".to_owned());
        }
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| "key parameters that cannot be read".to_owned())?;
        let thumbprint = match jwk.algorithm {
            AlgorithmParameters::OctetKey(_) => None,
            _ => jwk.thumbprint(ThumbprintHash::SHA256).ok().map(|digest| Fingerprint::new(format!("s256:{digest}"))),
        };
        Ok(Self { kid: jwk.common.key_id, issuer: issuer.map(str::to_owned), algorithms, decoding, thumbprint })
    }
}

/// RFC 9864 gives `EdDSA` over Curve25519 a name of its own.
fn algorithm_named(name: &str) -> Option<Algorithm> {
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
