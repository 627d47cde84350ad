//! Headers for the next collector, written as `OTEL_EXPORTER_OTLP_HEADERS` is: `name=value,other=value`, values
//! percent-encoded where they hold a comma or a blank.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers that are the forwarder's own.
const OWN: [&str; 7] =
    ["content-type", "content-length", "content-encoding", "host", "te", "transfer-encoding", "connection"];

/// What is wrong with a list of headers. It never quotes one: they are secrets.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    /// No pair.
    #[error("expected headers as name=value,other=value, found no such pair as item {0}")]
    NoPair(usize),
    /// A name that no header has.
    #[error("expected the name of an HTTP header in item {0}, found other characters")]
    Name(usize),
    /// A value that no header has.
    #[error("expected visible ASCII in the value of header `{0}`, found other characters")]
    Value(HeaderName),
    /// A header that says how the request is written.
    #[error("expected headers of your own, found `{0}`, which jwtrail writes itself")]
    Own(HeaderName),
}

/// Reads a list; each line of it is one too, and lines that begin with `#` are passed over.
pub fn parse_headers(text: &str) -> Result<HeaderMap, HeaderError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|pair| !pair.is_empty());
    let mut headers = HeaderMap::new();
    for (index, pair) in pairs.enumerate() {
        let (name, value) = pair.split_once('=').ok_or(HeaderError::NoPair(index + 1))?;
        let name: HeaderName = name.trim().parse().map_err(|_| HeaderError::Name(index + 1))?;
        if OWN.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
            return Err(HeaderError::Own(name));
        }
        let decoded = percent_decoded(value.trim());
        let Ok(mut value) = HeaderValue::from_bytes(&decoded) else { return Err(HeaderError::Value(name)) };
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// `%20` as a blank; a percent sign with no two digits behind it is one.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|two| *first == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = behind.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_exporters_read_them() {
        let headers =
            parse_headers("# ours\nx-api-key = a%2Cb%20c , X-Team=%zz\nauthorization=Basic%20eA==\n").unwrap();
        let pairs: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(pairs, [("x-api-key", &b"a,b c"[..]), ("x-team", b"%zz"), ("authorization", b"Basic eA==")]);
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(parse_headers("").unwrap().is_empty());
    }

    #[test]
    fn errors_hold_no_value() {
        for (text, number) in [("secret", "item 1"), ("a=b,se cret=x", "item 2"), ("a=%0Asecret", "`a`")] {
            let error = parse_headers(text).unwrap_err().to_string();
            assert!(error.contains(number) && !error.contains("cret"), "{error}");
        }
        assert!(parse_headers("Host=x").unwrap_err().to_string().contains("`host`"));
        assert!(parse_headers("grpc-timeout=1S").is_err());
    }
}
