//! The shape of a token: JWS, JWE, what is left of one, or opaque. Nothing here interprets claims.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use zeroize::Zeroizing;

use super::RawToken;
use crate::model::TokenFormat;

/// Largest JOSE header or claims set that is decoded, in base64url digits; larger ones are fingerprinted only.
const MAX_PART: usize = 64 * 1024;

/// base64url as senders write it: padded or not, with whatever stands in the last unused bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A token taken apart.
pub struct Shape<'t> {
    /// JWS, JWE or opaque.
    pub format: TokenFormat,
    /// Its dot-separated parts, at most six (more say nothing more).
    pub parts: Vec<&'t str>,
    /// The JOSE header, where it can be read.
    pub header: Option<Value>,
    /// The signature is empty, a known sentinel, or `alg` is `none`.
    pub signature_removed: bool,
    /// Fewer than three parts, or a signature too short for its algorithm.
    pub truncated: bool,
}

impl<'t> Shape<'t> {
    /// Takes a token apart.
    pub fn of(raw: &'t RawToken<'_>) -> Self {
        let text = raw.expose();
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let header = decode_json(parts[0]).filter(is_jose_header);
        let opaque =
            Self { format: TokenFormat::Opaque, parts, header: None, signature_removed: false, truncated: false };
        let Some(header) = header else {
            // `eyJhbGciOiJSUz` with nothing behind it: a JOSE header cut in the middle.
            let cut = looks_like_jwt(text) && opaque.parts.len() < 3;
            let format = if cut { TokenFormat::Jws } else { TokenFormat::Opaque };
            return Self { format, truncated: cut, ..opaque };
        };
        if opaque.parts.len() == 5 || header.get("enc").is_some_and(Value::is_string) {
            let truncated = opaque.parts.len() < 5;
            return Self { format: TokenFormat::Jwe, header: Some(header), truncated, ..opaque };
        }
        let alg = header.get("alg").and_then(Value::as_str).unwrap_or("");
        let unsigned = alg.eq_ignore_ascii_case("none");
        let signature = opaque.parts.get(2).copied();
        let signature_removed = unsigned || signature.is_some_and(is_sentinel_signature);
        let too_short = signature.is_some_and(|digits| digits.len() * 3 / 4 < shortest_signature(alg));
        let truncated = opaque.parts.len() < 3 || (too_short && !signature_removed);
        Self { format: TokenFormat::Jws, header: Some(header), signature_removed, truncated, ..opaque }
    }

    /// Whether nobody can guess the token from its fingerprint: it carries a signature or ciphertext.
    pub fn is_unguessable(&self) -> bool {
        match self.format {
            TokenFormat::Jws => {
                !self.signature_removed && self.parts.get(2).is_some_and(|signature| signature.len() >= 22)
            }
            TokenFormat::Jwe => self.parts.iter().map(|part| part.len()).sum::<usize>() >= 64,
            TokenFormat::Opaque => false,
        }
    }

    /// The claims of a JWS, where they can be read.
    pub fn claims(&self) -> Option<Value> {
        if self.format != TokenFormat::Jws {
            return None;
        }
        decode_json(self.parts.get(1)?)
    }
}

/// Whether a text begins like the base64url of a JSON object: `{"` or `{ `.
pub fn looks_like_jwt(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 11 && bytes.starts_with(b"ey") && matches!(bytes[2], b'J' | b'A')
}

/// Decodes one part, bounded in size; `serde_json` itself bounds the depth.
fn decode_json(part: &str) -> Option<Value> {
    if part.len() > MAX_PART || part.len() < 2 {
        return None;
    }
    let bytes = Zeroizing::new(LENIENT.decode(part).ok()?);
    if bytes.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(&bytes).ok()
}

fn is_jose_header(value: &Value) -> bool {
    ["alg", "enc", "typ", "kid", "cty"].iter().any(|name| value.get(name).is_some_and(Value::is_string))
}

/// Gateways that verify a token may forward it unusable: `SIGNATURE_REMOVED_BY_GOOGLE`.
fn is_sentinel_signature(signature: &str) -> bool {
    let signature = signature.to_ascii_uppercase();
    signature.is_empty()
        || signature.bytes().all(|b| b == b'*')
        || ["REMOVED", "REDACTED", "STRIPPED"].iter().any(|word| signature.contains(word))
}

/// Fewest bytes that a signature of this algorithm can have (RFC 7518 section 3, RFC 8037); RSA from 1024 bits on.
fn shortest_signature(alg: &str) -> usize {
    match alg {
        "HS256" => 32,
        "HS384" => 48,
        "HS512" | "ES256" | "ES256K" | "EdDSA" | "Ed25519" => 64,
        "ES384" => 96,
        "ES512" => 132,
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => 128,
        _ => 0,
    }
}
