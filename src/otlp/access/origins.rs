//! Origins of browser pages (RFC 6454, and CORS of the Fetch standard).

use std::str::FromStr;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// What exporters in browsers set, for a preflight that does not say it.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, baggage, content-encoding, content-type, traceparent, tracestate, x-api-key",
);

/// Asked and answered where a page of the network reaches for this machine (Private Network Access).
const REQUEST_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// How long a browser may remember a preflight, in seconds: what browsers take at most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// An origin that may send: `https://shop.example`, `http://10.0.0.5:3000`, or `*` for any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin(Option<String>);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self(None));
        }
        let wrong =
            || format!("expected an origin such as https://shop.example or http://10.0.0.5:3000, or *, found `{text}`");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let web = matches!(uri.scheme_str(), Some("http" | "https"));
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        let bare = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/") && !authority.as_str().contains('@');
        if !web || !bare {
            return Err(wrong());
        }
        // As a browser writes it: in lower case, without the scheme's own port.
        let host = authority.host().to_ascii_lowercase();
        let port =
            authority.port_u16().filter(|port| (scheme, *port) != ("http", 80) && (scheme, *port) != ("https", 443));
        Ok(Self(Some(port.map_or_else(|| format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}")))))
    }
}

/// Whether pages of this origin may send. Those of this machine always may.
pub(super) fn allowed(named: &[Origin], origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    is_local(origin) || named.iter().any(|named| named.0.as_deref().is_none_or(|named| named == origin))
}

fn is_local(origin: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).unwrap_or_default();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| match rest.strip_prefix(host) {
        Some("") => true,
        // A host that only begins like one of them is another's.
        Some(more) => more.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    })
}

/// What a page is told that may read the answer.
pub(in crate::otlp) struct Mark(pub(super) Option<HeaderValue>);

impl Mark {
    /// Adds it to an answer.
    pub(in crate::otlp) fn mark(self, headers: &mut HeaderMap) {
        let Some(origin) = self.0 else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        // `sendBeacon`, which exporters use while a page is closed, counts as one with credentials.
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}

/// What a preflight of an allowed page is answered with, besides its mark.
pub(super) fn preflight(asked: &HeaderMap, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    let wanted = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(HEADERS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.append(VARY, HeaderValue::from_static("access-control-request-headers"));
    if asked.contains_key(REQUEST_PRIVATE) {
        headers.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(named: &[&str], origin: &str) -> bool {
        let named: Vec<Origin> = named.iter().map(|text| text.parse().unwrap()).collect();
        allowed(&named, &HeaderValue::from_str(origin).unwrap())
    }

    #[test]
    fn pages_of_this_machine_may_and_others_must_be_named() {
        for local in ["http://localhost", "http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]:5173"] {
            assert!(may(&[], local), "{local}");
        }
        let foreign = [
            "http://localhost.evil.example",
            "http://localhost:3000.evil.example",
            "http://127.0.0.1.evil.example:80",
            "http://localhost:",
            "ftp://localhost",
            "https://shop.example",
            "null",
            "",
        ];
        for origin in foreign {
            assert!(!may(&[], origin), "{origin}");
            assert!(may(&["*"], origin), "{origin}");
        }
        assert!(may(&["https://a.example", "https://Shop.example:443/"], "https://shop.example"));
        assert!(!may(&["https://shop.example"], "http://shop.example"), "another scheme is another origin");
        assert!(!may(&["https://shop.example"], "https://shop.example:8443"), "another port too");
    }

    #[test]
    fn what_is_no_origin_is_said() {
        for text in
            ["shop.example", "https://", "https://shop.example/path", "https://a@shop.example", "ws://a", "", "null"]
        {
            let said = text.parse::<Origin>().unwrap_err();
            assert!(said.starts_with("expected an origin such as https://shop.example"), "{said}");
        }
    }
}
