//! The shop's signing keys, made afresh at each start, and the tokens signed with them.

use anyhow::Context as _;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Issuer of every token in the shop.
pub(super) const ISSUER: &str = "https://auth.shop.internal";
/// Audience of every token in the shop.
pub(super) const AUDIENCE: &str = "shop";
/// Lifetime of a token, in seconds.
pub(super) const LIFETIME: u64 = 900;

/// A private key with its `kid`.
pub(super) struct SigningKey {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl SigningKey {
    /// A new RSA key of 2048 bits for RS256.
    pub(super) fn rsa(kid: &'static str) -> anyhow::Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok().context("could not generate an RSA key for the demo")?;
        let der: Pkcs8V1Der = pair.as_der().ok().context("could not encode the demo's RSA key as PKCS #8")?;
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", wrapped(der.as_ref()));
        Ok(Self { kid, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_pem(pem.as_bytes())? })
    }

    /// A new P-256 key for ES256.
    pub(super) fn ec(kid: &'static str) -> anyhow::Result<Self> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .ok()
            .context("could not generate a P-256 key for the demo")?;
        Ok(Self { kid, algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(document.as_ref()) })
    }

    /// The public half (RFC 7517).
    pub(super) fn jwk(&self) -> anyhow::Result<Jwk> {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm)?;
        jwk.common.key_id = Some(self.kid.to_owned());
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        Ok(jwk)
    }

    /// A signed token (RFC 7519) with `iat`, `exp` and `jti` set afresh over those claims.
    pub(super) fn sign(&self, mut claims: Value) -> anyhow::Result<String> {
        let now = jsonwebtoken::get_current_timestamp();
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + LIFETIME);
        claims["jti"] = json!(random_id(12)?);
        let header = Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }
}

/// The public halves as the JWKS endpoint serves them.
pub(super) fn jwks(keys: &[&SigningKey]) -> anyhow::Result<JwkSet> {
    Ok(JwkSet { keys: keys.iter().map(|key| key.jwk()).collect::<anyhow::Result<_>>()? })
}

/// Random letters for a `jti`, a secret, an instance id.
pub(super) fn random_id(bytes: usize) -> anyhow::Result<String> {
    let mut buffer = vec![0; bytes];
    fill(&mut buffer).ok().context("the operating system gave no random bytes")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(buffer))
}

/// PEM wants lines of 64 characters (RFC 7468).
fn wrapped(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut lines = String::with_capacity(text.len() + text.len() / 64 + 1);
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines
}

/// The same token with one claim altered under the signature it had: what an attacker, or a helpful gateway, makes of it.
pub(super) fn tampered(token: &str) -> anyhow::Result<String> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        anyhow::bail!("expected a token of three parts to alter");
    };
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload)?)?;
    claims["plan"] = json!("gold");
    let payload = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims)?);
    Ok(format!("{header}.{payload}.{signature}"))
}
