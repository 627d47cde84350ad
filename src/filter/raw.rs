//! A whole token is no filter: what is typed here is shown again, in reports and on screens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// So many characters tell: nine bytes.
const SAMPLE: usize = 12;

/// Where a part of a JWT begins: base64url of `{"` or `{ ` and more that is readable (`eyJ…`, `eyA…`).
pub(super) fn find(text: &str) -> Option<usize> {
    text.match_indices("ey").map(|(at, _)| at).find(|&at| {
        let bytes = text.as_bytes().get(at..at + SAMPLE).and_then(|sample| URL_SAFE_NO_PAD.decode(sample).ok());
        bytes.is_some_and(|bytes| {
            let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
            bytes.starts_with(b"{") && matches!(bytes[1], b'"' | b' ') && bytes.iter().all(readable)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_names() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"lab-2026"}"#);
        let spaced = URL_SAFE_NO_PAD.encode(r#"{ "sub": "alice" }"#);
        assert_eq!(find(&format!("token:{header}")), Some(6));
        assert_eq!(find(&format!("Bearer{header}")), Some(6));
        assert_eq!(find(&format!("x {spaced}.AAAA")), Some(2));
        for name in [
            "kid:keyJanuary2026rotated",
            "monkeyJumpingService",
            "eyJhbGci",
            "s256:eyJ4_91kPq-aaXz01bbC",
            "eyé注文é注文é",
        ] {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
