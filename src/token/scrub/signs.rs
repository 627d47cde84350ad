//! By what credentials are known in a text: where they begin, what they are made of, where they end.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::canonical::is_redacted;

/// A URL's authority is looked at so far, in bytes.
const MAX_AUTHORITY: usize = 512;

/// Where a password stands behind the `://` at this position, if one does.
pub(super) fn password_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at + bytes.get(at..)?.strip_prefix(b"://").map(|_| 3)?;
    let ends =
        |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>') || byte.is_ascii_whitespace();
    let authority = bytes[from..].iter().take(MAX_AUTHORITY).take_while(|byte| !ends(byte)).count();
    let authority = &bytes[from..from + authority];
    let host = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', &authority[..host])?;
    (colon + 1 < host).then_some(from + colon + 1..from + host)
}

/// Length of `ey[JA][\w-]{8,}` with the dots and parts that follow, percent-encoded ones too.
pub(super) fn jwt_length(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < 11 || !bytes.starts_with(b"ey") || !matches!(bytes[2], b'J' | b'A') {
        return None;
    }
    let (mut at, mut dots, mut first) = (0, 0_usize, 0);
    while at < bytes.len() {
        let (sign, width) = sign_at(&bytes[at..]);
        match sign {
            b'.' if dots == 0 && first < 11 => return None,
            b'.' => dots += 1,
            b'-' | b'_' | b'~' => {}
            b'=' if at > 0 => {}
            sign if sign.is_ascii_alphanumeric() => {}
            _ => break,
        }
        if dots == 0 && sign != b'=' {
            first += 1;
        }
        at += width;
    }
    // A full stop behind a token ends a sentence, unless it is the empty signature of `alg: none`.
    if bytes[at - 1] == b'.' && dots != 2 {
        at -= 1;
    }
    (first >= 11).then_some(at)
}

/// The sign at the front, seen through up to two layers of percent-encoding, and how many bytes it takes.
pub(super) fn sign_at(bytes: &[u8]) -> (u8, usize) {
    if bytes[0] != b'%' {
        return (bytes[0], 1);
    }
    let skip = if bytes.starts_with(b"%25") { 3 } else { 1 };
    match bytes.get(skip..skip + 2).map(<[u8]>::to_ascii_uppercase).as_deref() {
        Some(b"2E") => (b'.', skip + 2),
        Some(b"2D") => (b'-', skip + 2),
        Some(b"5F") => (b'_', skip + 2),
        Some(b"7E") => (b'~', skip + 2),
        _ => (b'%', 1),
    }
}

/// Whether the first twelve digits decode to readable text, as `{"alg":"` does and `{ .º` does not.
pub(super) fn reads_as_json(run: &str) -> bool {
    let digits = run.bytes().take(12).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    let whole = &run[..digits / 4 * 4];
    URL_SAFE_NO_PAD
        .decode(whole)
        .is_ok_and(|bytes| bytes.iter().all(|b| (0x20..0x7f).contains(b) || matches!(b, b'\t' | b'\n' | b'\r')))
}

/// Blanks between scheme and value, percent-encoded or as `+` too.
pub(super) fn blank_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        length += match rest.chars().next() {
            Some(c) if c.is_whitespace() => c.len_utf8(),
            Some('+') => 1,
            Some('%') if rest.starts_with("%20") => 3,
            _ => return length,
        };
    }
}

/// `[REDACTED]`, `****`: nothing is left to cut out.
pub(super) fn hides_itself(value: &str) -> bool {
    value.len() <= 64 && is_redacted(value) && !value.contains(|c: char| c.is_ascii_digit())
}

/// Where a value behind a scheme word ends. Quotes and brackets stand in no token; commas may, before more of it.
pub(super) fn ends_credential(c: char, rest: &str) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '<' | '>' | '}')
        || (matches!(c, ',' | ';') && rest[1..].starts_with(char::is_whitespace))
}

/// `realm="…"`: a challenge's parameters, no credential.
pub(super) fn is_parameter(value: &str) -> bool {
    ["realm", "error", "error_description", "error_uri", "scope", "algs", "resource_metadata", "authorization_uri"]
        .iter()
        .any(|name| starts_with_folded(value, name) && value[name.len()..].starts_with('='))
}

pub(super) fn starts_with_folded(text: &str, word: &str) -> bool {
    text.as_bytes().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
}

pub(super) fn ends_with_folded(text: &str, word: &str) -> bool {
    ends_with_folded_bytes(text.as_bytes(), word.as_bytes())
}

pub(super) fn ends_with_folded_bytes(bytes: &[u8], word: &[u8]) -> bool {
    bytes.len() >= word.len() && bytes[bytes.len() - word.len()..].eq_ignore_ascii_case(word)
}
