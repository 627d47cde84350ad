//! Ages and times, as people write them in a filter.

use std::fmt;

use crate::model::UnixNanos;

/// Units of an age with their length in nanoseconds, longest first.
const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 86_400_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

/// A moment, fixed or counted back from the context's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    /// So many nanoseconds ago.
    Ago(u64),
    /// Then.
    At(UnixNanos),
}

impl When {
    /// Reads `5m`, `1h30m`, a time with its offset (RFC 3339), or a day in UTC.
    pub(super) fn read(text: &str) -> Option<Self> {
        age(text).map(Self::Ago).or_else(|| time(text).map(Self::At))
    }

    /// The moment, seen from `now`.
    pub(super) fn seen_from(self, now: UnixNanos) -> UnixNanos {
        match self {
            Self::Ago(age) => UnixNanos(now.0.saturating_sub(age)),
            Self::At(time) => time,
        }
    }
}

fn age(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (_, unit) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&rest[..letters]))?;
        rest = &rest[letters..];
        sum = sum.checked_add(number.checked_mul(*unit)?)?;
    }
    (!text.is_empty()).then_some(sum)
}

fn time(text: &str) -> Option<UnixNanos> {
    let day = || {
        let day: jiff::civil::Date = text.parse().ok()?;
        jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
    };
    let is_day = text.len() == "2026-11-23".len();
    let stamp = if is_day { day()? } else { text.parse::<jiff::Timestamp>().ok()? };
    u64::try_from(stamp.as_nanosecond()).ok().map(UnixNanos)
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(0) => f.write_str("0s"),
            Self::Ago(age) => {
                let fits = UNITS.iter().find(|(_, unit)| age.is_multiple_of(*unit));
                let (name, unit) = fits.unwrap_or(&UNITS[UNITS.len() - 1]);
                write!(f, "{}{name}", age / unit)
            }
            Self::At(time) => f.write_str(&time.rfc3339()),
        }
    }
}
