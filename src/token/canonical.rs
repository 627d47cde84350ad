//! From a carrier's value to the token in it, and how the value strays from `Scheme token` (tagging.md section 4).

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{REDACTED, RawToken};
use crate::model::{Anomalies, Anomaly};

/// Schemes whose credentials are tokens; every other scheme is another credential.
const TOKEN_SCHEMES: [&str; 4] = ["bearer", "dpop", "token", "jwt"];

const PLACEHOLDERS: [&str; 7] = ["undefined", "null", "none", "nil", "nan", "[object object]", "(null)"];

const REDACTIONS: [&str; 9] = [
    "redacted",
    "[redacted]",
    "<redacted>",
    "(redacted)",
    "sensitive",
    "filtered",
    "[filtered]",
    "masked",
    "‹redacted›",
];

/// What a carrier's value turned out to be.
pub enum Canonical<'a> {
    /// A token.
    Token {
        /// `bearer`, `dpop`, `token`, `jwt`, or empty.
        scheme: &'static str,
        /// The token, byte for byte.
        raw: RawToken<'a>,
        /// What had to be taken off.
        anomalies: Anomalies,
    },
    /// `undefined` and the like, or a scheme with nothing behind it.
    Placeholder {
        /// As in `Token`.
        scheme: &'static str,
        /// [`Anomaly::Placeholder`] and what had to be taken off.
        anomalies: Anomalies,
    },
    /// There, but hidden.
    Redacted {
        /// As in `Token`.
        scheme: &'static str,
    },
    /// Another credential, with its scheme in lower case.
    Other(String),
    /// Empty or a sentinel: proof of absence.
    Empty,
}

/// Whether a value says that there is nothing: `undefined`, `{{token}}`, `${TOKEN}`.
pub fn is_placeholder(value: &str) -> bool {
    PLACEHOLDERS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value == "<nil>"
        || (value.starts_with("{{") && value.ends_with("}}"))
        || (value.starts_with("${") && value.ends_with('}'))
}

/// Whether a value hides itself, in whole or in part. `*` and `…` stand in no token (RFC 6750 section 2.1).
pub fn is_redacted(value: &str) -> bool {
    REDACTIONS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || (!value.is_empty() && value.bytes().all(|b| b == b'*'))
        || (memchr::memchr(b'*', value.as_bytes()).is_some()
            && value.contains("**")
            && !signature_alone_is_hidden(value))
        || (memchr::memchr(0xE2, value.as_bytes()).is_some() && value.contains('…'))
        || (value.ends_with("...") && value.len() > 3)
}

/// `header.payload.****`: what is left can still be compared part by part.
fn signature_alone_is_hidden(value: &str) -> bool {
    let mut parts = value.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    header.starts_with("ey") && !payload.is_empty() && !payload.contains('*') && signature.bytes().all(|b| b == b'*')
}

/// Whether a captured value proves that the carrier was not there.
pub fn is_sentinel(value: &str, sentinels: &[String]) -> bool {
    value.is_empty() || value == "-" || sentinels.iter().any(|sentinel| sentinel == value)
}

/// Splits a header that was sent twice and joined with a comma (RFC 9110 section 5.3), if it holds tokens: in other
/// schemes commas separate parameters. What stands in a token's place after a redaction counts as one.
pub fn split_values(value: &str) -> impl Iterator<Item = &str> {
    let trimmed = value.trim_start();
    let joined = memchr::memchr(b',', value.as_bytes()).is_some()
        && (trimmed.starts_with("ey") || trimmed.starts_with(REDACTED) || token_scheme(trimmed).is_some());
    value.splitn(if joined { usize::MAX } else { 1 }, ',')
}

/// Reads one value. `scheme_expected` holds for `authorization`; elsewhere a bare token is normal.
pub fn canonical<'a>(value: &'a str, scheme_expected: bool, sentinels: &[String]) -> Canonical<'a> {
    let value = value.trim();
    if is_sentinel(value, sentinels) {
        return Canonical::Empty;
    }
    let mut anomalies = Anomalies::default();
    // Percent-encoding hides the blank between scheme and token, so it goes first; `%` stands in no token.
    if let Some(decoded) = percent_decoded(value) {
        anomalies.insert(Anomaly::PercentEncoded);
        return match read(decoded.trim(), scheme_expected, anomalies) {
            Read::Token { scheme, range, anomalies } => {
                let raw = RawToken::owned(Zeroizing::new(range.to_owned()));
                Canonical::Token { scheme, raw, anomalies }
            }
            Read::Rest(rest) => rest,
        };
    }
    match read(value, scheme_expected, anomalies) {
        Read::Token { scheme, range, anomalies } => {
            Canonical::Token { scheme, raw: RawToken::borrowed(range), anomalies }
        }
        Read::Rest(rest) => rest,
    }
}

enum Read<'v> {
    Token { scheme: &'static str, range: &'v str, anomalies: Anomalies },
    Rest(Canonical<'static>),
}

fn read(value: &str, scheme_expected: bool, mut anomalies: Anomalies) -> Read<'_> {
    let mut rest = unquoted(value, &mut anomalies);
    let mut scheme = "";
    if !is_placeholder(rest) {
        if let Some((word, after, glued)) = token_scheme(rest) {
            scheme = word;
            if glued {
                anomalies.insert(Anomaly::PrefixMissing);
            }
            rest = stripped(after, &mut anomalies);
        } else if let Some(other) = other_scheme(rest) {
            return Read::Rest(Canonical::Other(other));
        } else if scheme_expected {
            anomalies.insert(Anomaly::PrefixMissing);
        }
    }
    if rest.is_empty() || is_placeholder(rest) {
        let mut anomalies = Anomalies(anomalies.0 & !(Anomaly::PrefixMissing as u8));
        anomalies.insert(Anomaly::Placeholder);
        return Read::Rest(Canonical::Placeholder { scheme, anomalies });
    }
    if is_redacted(rest) {
        return Read::Rest(Canonical::Redacted { scheme });
    }
    Read::Token { scheme, range: rest, anomalies }
}

/// Takes off quotes and repeated scheme words behind the first one.
fn stripped<'v>(mut rest: &'v str, anomalies: &mut Anomalies) -> &'v str {
    loop {
        rest = unquoted(rest.trim(), anomalies);
        if is_placeholder(rest) {
            return rest;
        }
        let Some((_, after, _)) = token_scheme(rest) else { return rest };
        anomalies.insert(Anomaly::PrefixDuplicated);
        rest = after;
    }
}

fn unquoted<'v>(value: &'v str, anomalies: &mut Anomalies) -> &'v str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            anomalies.insert(Anomaly::Quoted);
            return inner.strip_suffix(quote).unwrap_or(inner).trim();
        }
    }
    value
}

/// The scheme word in front, what follows it, and whether it was glued to a JWT (`BearereyJ…`, `Bearer:eyJ…`).
fn token_scheme(value: &str) -> Option<(&'static str, &str, bool)> {
    TOKEN_SCHEMES.iter().find_map(|scheme| {
        let head = value.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme))?;
        let rest = &value[head.len()..];
        if rest.is_empty() || rest.starts_with(char::is_whitespace) {
            return Some((*scheme, rest.trim_start(), false));
        }
        let rest = rest.trim_start_matches([':', '=']).trim_start();
        rest.starts_with("ey").then_some((*scheme, rest, true))
    })
}

/// `Basic …`, `AWS4-HMAC-SHA256 …`: a word of letters, digits and `-` with something behind it.
fn other_scheme(value: &str) -> Option<String> {
    let (word, rest) = value.split_once(char::is_whitespace)?;
    let is_scheme = word.len() <= 32
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && !word.starts_with("ey")
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_scheme || rest.trim().is_empty() {
        return None;
    }
    // A longer word with digits may be a piece of something secret: it is not repeated unless it is a known name.
    let printable = word.len() <= 16 && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    let known = ["AWS4-HMAC-SHA256", "SCRAM-SHA-1", "SCRAM-SHA-256", "SharedAccessSignature", "GOOG4-RSA-SHA256"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    Some(if printable || known { word.to_ascii_lowercase() } else { "other".to_owned() })
}

/// One layer of percent-encoding taken off, or `None` where there is none.
pub(super) fn percent_decoded(value: &str) -> Option<Zeroizing<String>> {
    let bytes = value.as_bytes();
    let first = memchr::memchr(b'%', bytes)?;
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    out.extend_from_slice(&bytes[..first]);
    let mut at = first;
    let mut decoded = false;
    while at < bytes.len() {
        let pair = (bytes[at] == b'%').then(|| Some((hex(*bytes.get(at + 1)?)?, hex(*bytes.get(at + 2)?)?))).flatten();
        if let Some((high, low)) = pair {
            out.push(high << 4 | low);
            decoded = true;
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    if !decoded {
        return None;
    }
    match String::from_utf8_lossy(&out) {
        Cow::Borrowed(text) => Some(Zeroizing::new(text.to_owned())),
        Cow::Owned(text) => Some(Zeroizing::new(text)),
    }
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}
