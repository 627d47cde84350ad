//! Small readings of text: URLs, hosts, caps.

/// A URL taken apart, borrowed (RFC 3986, as far as spans need it).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Url<'u> {
    pub(super) scheme: &'u str,
    pub(super) host: &'u str,
    pub(super) port: Option<u16>,
    pub(super) path: &'u str,
}

impl<'u> Url<'u> {
    /// An absolute URL; user information is dropped, the port of the scheme is filled in.
    pub(super) fn parse(text: &'u str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = host_and_port(authority);
        let known = match scheme {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        };
        let path = without_query(behind);
        Some(Self { scheme, host, port: port.or(known), path: if path.is_empty() { "/" } else { path } })
    }
}

/// The part before query and fragment.
pub(super) fn without_query(target: &str) -> &str {
    let end = target.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    &target[..end.unwrap_or(target.len())]
}

/// `host:port`, `[::1]:port`, a bare IPv6 address, or a host alone.
pub(super) fn host_and_port(text: &str) -> (&str, Option<u16>) {
    let text = text.trim();
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') && !host.is_empty() => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// At most `most` characters.
pub(super) fn capped(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// The beginning and the end of a text, `most` characters in all.
pub(crate) fn both_ends(text: &str, most: usize) -> String {
    const GAP: &str = "\n…\n";
    if text.len() <= most || text.chars().count() <= most {
        return text.to_owned();
    }
    let half = most / 2;
    let head = capped(text, half);
    let rest = most - half - GAP.chars().count();
    let tail = text.char_indices().rev().nth(rest - 1).map_or(text, |(start, _)| &text[start..]);
    format!("{head}{GAP}{tail}")
}

/// gRPC status by number or name (`UNAUTHENTICATED`, Connect's `unauthenticated`).
pub(super) fn grpc_status(text: &str) -> Option<u16> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let text = text.trim();
    if let Ok(number) = text.parse::<u16>() {
        return (number <= 16).then_some(number);
    }
    NAMES.iter().position(|name| text.eq_ignore_ascii_case(name)).map(|number| number as u16)
}
