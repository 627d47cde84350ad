//! Fingerprints: `s256:` for everyone, `h256.KEYID:` under a key of jwtrail's own (tagging.md section 4).

use std::fmt::Write;

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::Fingerprint;

/// Shortest key that `JWTRAIL_FP_KEY` may hold, in bytes.
const MIN_KEY_BYTES: usize = 32;

const CONTEXT: &[u8] = b"jwtrail/v1\0";

/// What a keyed fingerprint is taken of; the label keeps equal texts of different meaning apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    /// The whole token.
    Token,
    /// Its first part.
    Header,
    /// Its second part.
    Payload,
    /// Its third part, or the whole of an opaque token.
    Signature,
    /// `iss NUL sub`.
    Subject,
    /// `tid NUL oid` (Microsoft Entra).
    ObjectId,
    /// `iss NUL jti`.
    JwtId,
    /// `iss NUL txn`.
    Transaction,
}

impl Label {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Token => b"tok",
            Self::Header => b"hdr",
            Self::Payload => b"pay",
            Self::Signature => b"sig",
            Self::Subject => b"sub",
            Self::ObjectId => b"oid",
            Self::JwtId => b"jti",
            Self::Transaction => b"txn",
        }
    }
}

/// Why a fingerprint key was not taken. The key itself is never part of the message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Shorter than 32 bytes.
    #[error(
        "expected a fingerprint key of at least {MIN_KEY_BYTES} bytes, found {0}: make one with `openssl rand -base64 48`"
    )]
    Short(usize),
    /// The system gave no random bytes.
    #[error("expected random bytes for a fingerprint key, and the system gave none: set JWTRAIL_FP_KEY")]
    NoRandomness,
}

/// The key of `h256` fingerprints. It is never written beside the data and has no `Debug`.
pub struct FingerprintKey {
    key: hmac::Key,
    prefix: String,
}

impl FingerprintKey {
    /// Takes the UTF-8 text of `JWTRAIL_FP_KEY`, 32 bytes or more.
    pub fn from_env_text(text: &str) -> Result<Self, KeyError> {
        if text.len() < MIN_KEY_BYTES {
            return Err(KeyError::Short(text.len()));
        }
        Ok(Self::of_any_length(text.as_bytes()))
    }

    /// Draws a key for this run alone: its fingerprints compare with no other run's.
    pub fn random() -> Result<Self, KeyError> {
        let mut bytes = zeroize::Zeroizing::new([0_u8; MIN_KEY_BYTES]);
        rand::fill(bytes.as_mut()).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self::of_any_length(bytes.as_ref()))
    }

    /// Takes a key of any length: the published test vectors have a short one.
    #[doc(hidden)]
    pub fn of_any_length(bytes: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let mut context = hmac::Context::with_key(&key);
        context.update(CONTEXT);
        context.update(b"kid\0");
        let tag = context.sign();
        let mut prefix = String::from("h256.");
        for byte in &tag.as_ref()[..4] {
            // Writing to a string cannot fail.
            let _ = write!(prefix, "{byte:02x}");
        }
        prefix.push(':');
        Self { key, prefix }
    }

    /// Keyed fingerprint of a value under a label.
    pub fn fingerprint(&self, label: Label, value: &[u8]) -> Fingerprint {
        self.of_parts(label, &[value])
    }

    /// Keyed fingerprint of a claim, bound to its issuer: the value is `iss NUL claim`.
    pub fn claim(&self, label: Label, issuer: &str, claim: &str) -> Fingerprint {
        self.of_parts(label, &[issuer.as_bytes(), b"\0", claim.as_bytes()])
    }

    fn of_parts(&self, label: Label, parts: &[&[u8]]) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(CONTEXT);
        context.update(label.bytes());
        context.update(b"\0");
        for part in parts {
            context.update(part);
        }
        let tag = context.sign();
        let mut text = self.prefix.clone();
        URL_SAFE_NO_PAD.encode_string(&tag.as_ref()[..16], &mut text);
        Fingerprint::new(text)
    }
}

/// `s256:` and base64url of SHA-256, the `ath` of RFC 9449 section 4.2.
pub fn sha256_fingerprint(value: &[u8]) -> Fingerprint {
    let mut text = String::with_capacity(48);
    text.push_str("s256:");
    URL_SAFE_NO_PAD.encode_string(digest::digest(&digest::SHA256, value).as_ref(), &mut text);
    Fingerprint::new(text)
}

/// Whether a stranger's text is a fingerprint: `s256:` and 43 base64url digits, or `h256.`, 8 hex digits, `:` and 22.
pub fn valid_fingerprint(text: &str) -> bool {
    let base64url = |digits: &str, count: usize| {
        digits.len() == count && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if let Some(digits) = text.strip_prefix("s256:") {
        return base64url(digits, 43);
    }
    let Some((id, digits)) = text.strip_prefix("h256.").and_then(|rest| rest.split_once(':')) else { return false };
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    id.len() == 8 && id.bytes().all(hex) && base64url(digits, 22)
}
