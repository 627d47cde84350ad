//! Ids, told apart by their length: 32 hex digits are valid base64 too.
//!
//! What is neither hex nor base64 (`trace-123`) is known by the beginning of its SHA-256: the same text gives the same
//! id in every record, file and run.

use std::borrow::Cow;

use aws_lc_rs::digest;

use super::cursor::Cursor;
use super::scalar;
use crate::otlp::decode::DecodeError;

/// How ids are written in hex.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    /// In full; a trace id may have half of its digits.
    Full,
    /// As a number, without zeros on the left: Jaeger before 1.16, older Zipkin.
    Number,
}

/// The next id of `N` bytes, padded with zeros on the left where it was short; `hashed` is set where a hash stands
/// for it. Empty and `null` give no id.
pub(super) fn id<'a, const N: usize>(
    cursor: &mut Cursor<'a>,
    digits: Digits,
    hashed: &mut bool,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let text = scalar::text(cursor)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(Cow::Borrowed(&[]));
    }
    Ok(Cow::Owned(decoded::<N>(text, digits).unwrap_or_else(|| {
        *hashed = true;
        hash::<N>(text)
    })))
}

/// An id that only points at something: whether it was hashed is told by what it points at.
pub(super) fn reference<'a, const N: usize>(
    cursor: &mut Cursor<'a>,
    digits: Digits,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    id::<N>(cursor, digits, &mut false)
}

/// The bytes of an id in hex or base64.
pub(super) fn decoded<const N: usize>(text: &str, digits: Digits) -> Option<Vec<u8>> {
    let length = text.len();
    let in_full = length == 2 * N || N == 16 && length == 16;
    if (in_full || digits == Digits::Number && length < 2 * N)
        && let Some(id) = hex::<N>(text)
    {
        return Some(id);
    }
    if length != N.div_ceil(3) * 4 && !(N == 16 && length == 12) {
        return None;
    }
    let bytes = scalar::base64(text)?;
    let wanted = if length == 12 { 8 } else { N };
    let padding = N.checked_sub(bytes.len()).filter(|_| bytes.len() == wanted)?;
    let mut id = vec![0; padding];
    id.extend_from_slice(&bytes);
    Some(id)
}

fn hex<const N: usize>(text: &str) -> Option<Vec<u8>> {
    let mut id = vec![0; N];
    for (place, digit) in text.bytes().rev().enumerate() {
        let value = char::from(digit).to_digit(16)? as u8;
        *id.get_mut(N.checked_sub(1 + place / 2)?)? |= value << (4 * (place % 2));
    }
    Some(id)
}

fn hash<const N: usize>(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().iter().copied().take(N).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_tells_hex_from_base64() {
        let trace = |text| decoded::<16>(text, Digits::Full);
        let padded = [0, 0, 0, 0, 0, 0, 0, 0, 0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74];
        assert_eq!(trace("5B8EFFF798038103d269b633813fc60c"), trace("W47/95gDgQPSabYzgT/GDA=="));
        assert_eq!(trace("W47_95gDgQPSabYzgT_GDA=="), trace("W47/95gDgQPSabYzgT/GDA=="));
        assert_eq!(trace("eee19b7ec3c1b174").unwrap(), padded);
        assert_eq!(trace("7uGbfsPBsXQ=").unwrap(), padded);
        assert_eq!(decoded::<8>("7uGbfsPBsXQ=", Digits::Full).unwrap(), padded[8..]);
        for foreign in ["trace-123", "abc", "abcdefabcdef", "5b8efff798038103d269b633", "é", "zzzzzzzzzzzzzzzz"] {
            assert_eq!((trace(foreign), decoded::<8>(foreign, Digits::Full)), (None, None), "{foreign}");
        }
    }

    #[test]
    fn a_number_is_padded_on_the_left() {
        let span = |text| decoded::<8>(text, Digits::Number);
        assert_eq!(span("f").unwrap(), [0, 0, 0, 0, 0, 0, 0, 15]);
        assert_eq!(span("abc").unwrap(), [0, 0, 0, 0, 0, 0, 10, 188]);
        assert_eq!((span("span-1"), span("00000000000000001")), (None, None));
        assert_eq!(decoded::<16>("abc", Digits::Number).unwrap()[14..], [10, 188]);
    }

    #[test]
    fn a_hash_depends_on_nothing_but_the_text() {
        assert_eq!(hash::<8>("trace-123"), [0x05, 0x0b, 0x35, 0x27, 0x5f, 0xef, 0x8c, 0x7a]);
        assert_eq!(hash::<16>("trace-123")[..8], hash::<8>("trace-123"));
        assert_ne!(hash::<8>("trace-123"), hash::<8>("trace-124"));
    }
}
