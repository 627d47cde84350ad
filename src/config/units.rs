//! Values with a unit, written alike on the command line, in the environment and in the file.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use crate::model::Severity;
use crate::model::keys::{check_url, is_url};

/// Reads an address to listen on.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    // The name of a host is not looked up: it may have several addresses, and which one is open should be plain.
    let expected = "expected an IP address and a port, such as 127.0.0.1:4317, 0.0.0.0:4317 or [::1]:4317";
    text.parse().map_err(|_| format!("{expected}, found `{text}`"))
}

/// The same for a file's value.
pub(super) fn in_file_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    address(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

/// A size in bytes, written `256MiB`, `64MB`, `1GiB` or as a plain number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ByteSize(pub usize);

const SIZES: [(&str, usize); 10] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("b", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let unit = SIZES.iter().find(|(name, _)| lower.ends_with(name));
        let (digits, factor) =
            unit.map_or((lower.as_str(), 1), |(name, factor)| (lower[..lower.len() - name.len()].trim_end(), *factor));
        let number: f64 = digits.parse().map_err(|_| format!("expected a size such as 256MiB, found `{text}`"))?;
        if !number.is_finite() || number < 0.0 || number * factor as f64 > (1_u64 << 50) as f64 {
            return Err(format!("expected a size from 0 to 1024TiB, found `{text}`"));
        }
        #[expect(clippy::cast_sign_loss, reason = "checked just above")]
        Ok(Self((number * factor as f64) as usize))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        match whole.iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)) {
            Some((name, size)) => write!(f, "{}{name}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

const DURATIONS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)];

/// Reads `500ms`, `30s`, `2m`, `1h`; a unit is asked for, because a bare number is read in seconds by some and in
/// milliseconds by others.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a duration such as 500ms, 30s, 2m or 1h, found `{text}`");
    let text = text.trim();
    let (name, factor) = DURATIONS.iter().find(|(name, _)| text.ends_with(name)).ok_or_else(wrong)?;
    let number: f64 = text[..text.len() - name.len()].trim_end().parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * factor).map_err(|_| wrong())
}

/// Reads what `--jwks` names; whether a file is there is found out when it is read.
pub fn key_set(text: &str) -> Result<String, String> {
    if is_url(text) {
        check_url(text)?;
    }
    Ok(text.to_owned())
}

/// Reads an issuer's URL.
pub fn issuer(text: &str) -> Result<String, String> {
    check_url(text).map(|()| text.to_owned())
}

/// Reads a severity's name.
pub fn parse_severity(text: &str) -> Result<Severity, String> {
    Severity::from_name(&text.to_ascii_lowercase())
        .ok_or_else(|| format!("expected info, low, medium, high or critical, found `{text}`"))
}

pub(super) fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Severity>, D::Error> {
    parse_severity(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_read_with_their_units() {
        let size = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("1.5 gib"), Ok(3 << 29));
        assert_eq!(size("64MB"), Ok(64_000_000));
        assert_eq!(size("4096"), Ok(4096));
        assert!(size("lots").is_err() && size("-1MiB").is_err() && size("MiB").is_err() && size("1e30GiB").is_err());
        assert_eq!(ByteSize(256 << 20).to_string(), "256MiB");

        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("30").is_err() && duration("-1s").is_err() && duration("s").is_err());
    }
}
